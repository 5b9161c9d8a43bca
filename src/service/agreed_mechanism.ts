/**
 * All clients of a service must count their references in one way. Which, the first of them writes down beside the
 * record; whoever finds another one there than its own has come to the wrong place.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";
import type { RefCounter } from "../kernel/ref_counter.ts";
import { mismatch } from "../kernel/mismatch.ts";
import type { WaitOptions } from "../waiting.ts";
import type { RecordStore } from "./record_store.ts";

/** The counter of a service, and where its mechanism is on record. */
interface Counted {
  readonly counter: RefCounter;
  readonly store: RecordStore;
}

/**
 * Takes a reference, waiting while the gate is closed, and sees that others count as this client does; where nobody has
 * written that down yet, it does. It holds a reference while it writes: what is written is removed only when nobody
 * holds one. Who must not stay gives the reference back and touches nothing else, which belongs to the others.
 *
 * @throws ProcrefError `MECHANISM_MISMATCH`, and those of the counter and of the state directory; the reason of an
 * aborted signal
 */
export async function enter(counted: Counted, wait: WaitOptions): Promise<void> {
  const { counter } = counted;
  await counter.acquire(wait);
  try {
    agree(counted);
  } catch (error) {
    counter.release();
    if (counter.tryLockIfUnused()) counter.remove();
    throw error;
  }
}

/**
 * Sees that what this client holds is still counted, and still said to be counted in this way: a stranger may have
 * removed the one or the other. To be called before anything else asks the counter, which would count again without a
 * word.
 *
 * @returns whether it had to be counted again
 * @throws ProcrefError as {@link enter}
 */
export function verify(counted: Counted): boolean {
  const again = counted.counter.verify();
  // Not opened: a supervisor watches over its directory.
  if (!counted.store.hasMechanism()) agree(counted);
  return again;
}

function agree({ counter, store }: Counted): void {
  const { mechanism, crossProcess } = counter.capabilities;
  if (!crossProcess) return;
  const agreed = store.agreeOn(mechanism);
  if (agreed !== mechanism) throw mismatch(counter, mechanism, agreed, `as ${store.directory} says`);
}

/** What a holder is told whose kernel object a stranger has removed. */
export function removedObject(name: string): ProcrefError {
  return new ProcrefError(
    "ACQUIRE",
    `The kernel object of "${name}" was removed while it was held (ipcrm, or the user's last logout where logind has ` +
      `RemoveIPC=yes); it was made again with the references of this process`,
    { details: { name } },
  );
}
