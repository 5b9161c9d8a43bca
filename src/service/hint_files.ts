/**
 * Where the hints of who holds a service are, and removing them; see holders.ts.
 *
 * @module
 */

import { host } from "../../ffi/mod.ts";
import { node } from "../../ffi/node.ts";
import type { User } from "../kernel/object_name.ts";
import { persistently } from "../kernel/persistently.ts";
import { join } from "../paths.ts";

/** The name of a hint: the PID of its process. */
export const HINT_FILE: RegExp = /^(\d+)\.json(\.tmp)?$/;

/** The directory of the hints of a service. */
export function holdersOf(serviceDirectory: string): string {
  return join(serviceDirectory, "holders");
}

/** Whether there is a directory, and no link to one. */
export function isFolder(path: string): boolean {
  return host().files.status(path)?.isDirectory ?? false;
}

/** Removes all hints of a service, with their directory. What others have put there stays. */
export function removeHints(serviceDirectory: string, uid: User): void {
  const folder = holdersOf(serviceDirectory);
  quietly(() => {
    if (!isFolder(folder)) return;
    for (const name of persistently(uid, () => node.fs.readdirSync(folder))) {
      if (HINT_FILE.test(name)) persistently(uid, () => host().files.remove(join(folder, name)));
    }
    persistently(uid, () => node.fs.rmdirSync(folder));
  });
}

/** Whether it could be done. Nobody depends on a hint, so nobody is told. */
export function quietly(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}
