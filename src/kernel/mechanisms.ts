/**
 * The mechanisms by their names.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import { isWindows } from "../../ffi/windows.ts";
import { ProcrefError } from "../errors.ts";
import { HandlesRefCounter } from "./handles_ref_counter.ts";
import { MemoryRefCounter } from "./memory_ref_counter.ts";
import type { ObjectName } from "./object_name.ts";
import type { Mechanism, RefCounter } from "./ref_counter.ts";
import { refuseHandles, refuseSlots, refuseSysv } from "./rivals.ts";
import type { SlotsPlace } from "./slot_files.ts";
import { SlotsRefCounter } from "./slots_ref_counter.ts";
import { SysvRefCounter } from "./sysv_ref_counter.ts";

/**
 * The counter of an object by a mechanism.
 *
 * @param place where a mechanism that keeps files keeps them
 * @throws ProcrefError `INVALID_ARGUMENT`, `PLATFORM`, `PERMISSION`, `LIBRARY`
 */
export function counterOf(object: ObjectName, mechanism: Mechanism, place: SlotsPlace = {}): RefCounter {
  switch (mechanism) {
    case "memory":
      return new MemoryRefCounter(object.name, object.digest.join());
    case "sysv":
      return new SysvRefCounter(object, libc(), () => refuseSlots(object, place.directory));
    case "slots":
      return new SlotsRefCounter(object, place, () => isWindows() ? refuseHandles(object) : refuseSysv(object));
    case "handles":
      return new HandlesRefCounter(object, () => refuseSlots(object, place.directory));
    default:
      throw new ProcrefError(
        "INVALID_ARGUMENT",
        `Cannot use ${String(mechanism)} as a mechanism: use "sysv", "slots", "handles" or "memory"`,
      );
  }
}
