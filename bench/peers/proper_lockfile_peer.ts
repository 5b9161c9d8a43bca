/** The npm package proper-lockfile as a peer. Arguments: a path, and where the package is. */

import { createRequire } from "node:module";
import process from "node:process";
import { followOrders } from "./peer_protocol.ts";

interface ProperLockfile {
  lock(path: string, options: unknown): Promise<() => Promise<void>>;
}

const [path, packages] = process.argv.slice(2);
const { lock }: ProperLockfile = createRequire(packages)("proper-lockfile");
// The least that it takes as the age of a lock that nobody has any more is 2 s; it is 10 s unless given.
const options = { realpath: false, retries: { forever: true, minTimeout: 5, maxTimeout: 5 } };
await followOrders({
  async pair(): Promise<void> {
    await (await lock(path, options))();
  },
  lock: () => lock(path, options),
});
