/**
 * All clients of a service must count their references in one way. Which, the first of them writes down beside the
 * record; whoever finds another one there than its own has come to the wrong place.
 *
 * @module
 */

import type { RefCounter } from "../kernel/ref_counter.ts";
import { mismatch } from "../kernel/rivals.ts";
import type { RecordStore } from "./record_store.ts";

/** The counter of a service, and where its mechanism is on record. */
interface Counted {
  readonly counter: RefCounter;
  readonly store: RecordStore;
}

/**
 * Sees that others count as this client does, and writes it down where nobody has. The client must hold a reference:
 * what it writes is removed only when nobody holds one.
 *
 * @throws ProcrefError `MECHANISM_MISMATCH`, and those of the state directory
 */
export function agreeOnMechanism({ counter, store }: Counted): void {
  const { mechanism, crossProcess } = counter.capabilities;
  if (!crossProcess) return;
  const agreed = store.agreeOn(mechanism);
  if (agreed !== mechanism) throw mismatch(counter, mechanism, agreed, `as ${store.directory} says`);
}

/**
 * Does so for a client that has just entered, and gives its reference back if it must not stay. Nothing else is touched
 * then: it belongs to the others.
 *
 * @throws ProcrefError as {@link agreeOnMechanism}
 */
export function agreeOrLeave(counted: Counted): void {
  const { counter } = counted;
  try {
    agreeOnMechanism(counted);
  } catch (error) {
    counter.release();
    if (counter.tryLockIfUnused()) counter.remove();
    throw error;
  }
}
