/** Deno's own locks on files as a peer. Argument: a path. */

import process from "node:process";
import { followOrders } from "./peer_protocol.ts";

interface LockableFile {
  lockSync(exclusive: boolean): void;
  unlockSync(): void;
  lock(exclusive: boolean): Promise<void>;
}

const { Deno } = globalThis as unknown as {
  Deno: { openSync(path: string, options: Record<string, boolean>): LockableFile };
};
const file = Deno.openSync(process.argv[2], { read: true, write: true, create: true });
await followOrders({
  pair(): void {
    file.lockSync(true);
    file.unlockSync();
  },
  lock: () => file.lock(true),
});
