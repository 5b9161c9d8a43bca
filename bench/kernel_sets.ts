/** Whether names have left a semaphore set in the kernel. */

import { libc } from "../ffi/libc.ts";
import { objectName } from "../src/kernel/object_name.ts";
import { SysvRefCounter } from "../src/kernel/sysv_ref_counter.ts";
import { SysvSet } from "../src/kernel/sysv_set.ts";

/**
 * Whether the set of a name exists; to ask makes none.
 *
 * @param directory the state directory, where the name is that of a service
 */
export function setExists(name: string, directory?: string): boolean {
  const uid = libc().geteuid();
  return new SysvSet(libc(), objectName(name, uid, { directory }), uid).open(false) !== undefined;
}

/**
 * Removes what a program that was ended has left: the sets of a counter and of a service of this name, unless somebody
 * uses them.
 *
 * @param directory the service's state directory
 */
export function removeSets(name: string, directory: string): void {
  for (const place of [undefined, directory]) {
    using counter = new SysvRefCounter(objectName(name, libc().geteuid(), { directory: place }));
    // Only a counter that has found its set removes it.
    counter.count();
  }
}
