/**
 * The mechanisms by their names.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";
import { HandlesRefCounter } from "./handles_ref_counter.ts";
import { MemoryRefCounter } from "./memory_ref_counter.ts";
import type { ObjectName } from "./object_name.ts";
import type { Mechanism, RefCounter } from "./ref_counter.ts";
import { refuseSlots, refuseSysv } from "./rivals.ts";
import { SlotsRefCounter } from "./slots_ref_counter.ts";
import { SysvRefCounter } from "./sysv_ref_counter.ts";

/**
 * The counter of an object by a mechanism.
 *
 * @param directory the state directory, for a mechanism that keeps files; the default unless given
 * @throws ProcrefError `INVALID_ARGUMENT`, `PLATFORM`, `PERMISSION`, `LIBRARY`
 */
export function counterOf(object: ObjectName, mechanism: Mechanism, directory?: string): RefCounter {
  switch (mechanism) {
    case "memory":
      return new MemoryRefCounter(object.name, object.digest.join());
    case "sysv":
      return new SysvRefCounter(object, () => refuseSlots(object, directory));
    case "slots":
      return new SlotsRefCounter(object, directory, () => refuseSysv(object));
    case "handles":
      return new HandlesRefCounter(object);
    default:
      throw new ProcrefError(
        "INVALID_ARGUMENT",
        `Cannot use ${String(mechanism)} as a mechanism: use "sysv", "slots", "handles" or "memory"`,
      );
  }
}
