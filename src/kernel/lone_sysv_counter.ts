/**
 * The counter of a name that is counted by semaphores, as most are, without what there is for other mechanisms: clients
 * wait while their supervisor loads this.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import { mismatch } from "./mismatch.ts";
import type { ObjectName } from "./object_name.ts";
import type { RefCounter } from "./ref_counter.ts";
import { isThere, slotsIn } from "./slots_path.ts";
import { SysvRefCounter } from "./sysv_ref_counter.ts";

/**
 * Whether no lock files of a name are there. In scope `system` there are none that would be looked at.
 *
 * @throws ProcrefError `PLATFORM`, `PERMISSION`, `LIBRARY`
 */
export function isAlone(object: ObjectName, directory: string): boolean {
  return object.scope !== "user" || !isThere(libc(), slotsIn(directory, object));
}

/**
 * The counter. That no lock files are there is looked at when the kernel object is made anew as well.
 *
 * @throws ProcrefError `MECHANISM_MISMATCH` when there are some; those of opening
 */
export function loneSysvCounter(object: ObjectName, directory: string): RefCounter {
  const check = (): void => {
    if (!isAlone(object, directory)) {
      throw mismatch(object, "sysv", "slots", `lock files in ${slotsIn(directory, object)}`);
    }
  };
  check();
  return new SysvRefCounter(object, libc(), check);
}
