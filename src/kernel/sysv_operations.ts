/**
 * The steps of the protocol as arrays of semaphore operations. The kernel carries out an array as a whole or not at
 * all, and records with it what to undo when the process dies.
 *
 * References, gate and seat always move with SEM_UNDO and are never set (SETVAL), so that at any moment their
 * values are the sums of what live processes did. Generation and fingerprint belong to the object and not to a
 * process, so they move without it.
 *
 * No array is longer than 5 operations, which is what macOS takes in one call. There an array that names a semaphore
 * which the set does not have is carried out up to that one; ours name none, because a set is used only after its
 * size was seen, and no set changes its size.
 *
 * @module
 */

import type { UnixConstants, UnixLayouts } from "../../ffi/symbols/unix_libc.ts";

// The same on every system, as the types of its table say.
const NOWAIT: UnixConstants["IPC_NOWAIT"] = 0o4000;
const UNDO: UnixConstants["SEM_UNDO"] = 0x1000;

/** The semaphores of a set by their number. */
export const SEMAPHORE = { references: 0, gate: 1, seat: 2, generation: 3, fingerprint: 4 } as const;
/** How many semaphores the fingerprint takes. */
export const FINGERPRINT_SIZE = 4;
/** How many semaphores a set has. */
export const SET_SIZE = 8;

/** An array of operations in the form that `semop` takes. */
export interface Operations {
  /** The `struct sembuf` array. */
  readonly bytes: Uint8Array;
  /** How many there are. */
  readonly count: bigint;
}

type Operation = readonly [semaphore: number, change: number, flags: number];

const SEMBUF_SIZE: UnixLayouts["sembuf"]["size"] = 6;

/** Packs operations; every number in them is 16 bits wide. */
export function operations(...list: Operation[]): Operations {
  const fields = new Int16Array(list.flat());
  return { bytes: new Uint8Array(fields.buffer, 0, list.length * SEMBUF_SIZE), count: BigInt(list.length) };
}

const { references, gate, seat, generation, fingerprint } = SEMAPHORE;
const GATE_IS_FREE: Operation = [gate, 0, NOWAIT];
const TAKE_GATE: Operation = [gate, 1, UNDO];
const NOBODY_LEFT: Operation = [references, 0, NOWAIT];

/** A reference, unless the gate is closed. */
export const ENTER: Operations = operations(GATE_IS_FREE, [references, 1, UNDO]);
/** A reference back. */
export const LEAVE: Operations = operations([references, -1, UNDO | NOWAIT]);
/** A reference back, unless it is the last: two must be there to take away, and one comes back. */
export const LEAVE_UNLESS_LAST: Operations = operations([references, -2, UNDO | NOWAIT], [references, 1, UNDO]);
/** The last reference back and the gate taken, if it is the last and the gate is free. */
export const LEAVE_LAST_AND_LOCK: Operations = operations(
  GATE_IS_FREE,
  [references, -1, UNDO | NOWAIT],
  NOBODY_LEFT,
  TAKE_GATE,
);
/** The gate, if it is free. */
export const LOCK: Operations = operations(GATE_IS_FREE, TAKE_GATE);
/** The gate, if it is free and nobody holds a reference. */
export const LOCK_IF_UNUSED: Operations = operations(NOBODY_LEFT, GATE_IS_FREE, TAKE_GATE);
/** As {@link LOCK_IF_UNUSED}, waiting inside the kernel. */
export const LOCK_WHEN_UNUSED: Operations = operations([references, 0, 0], [gate, 0, 0], TAKE_GATE);
/** Nobody holds a reference. */
export const SEE_UNUSED: Operations = operations(NOBODY_LEFT);
/** As {@link SEE_UNUSED}, waiting inside the kernel. */
export const WAIT_UNTIL_UNUSED: Operations = operations([references, 0, 0]);
/** Somebody holds a reference: one can be taken away, and is put back at once. */
export const SEE_HELD: Operations = operations([references, -1, NOWAIT], [references, 1, 0]);
/** As {@link SEE_HELD}, waiting inside the kernel. */
export const WAIT_UNTIL_HELD: Operations = operations([references, -1, 0], [references, 1, 0]);
/** The gate back. */
export const UNLOCK: Operations = operations([gate, -1, UNDO | NOWAIT]);
/** The seat, if it is free. */
export const SIT: Operations = operations([seat, 0, NOWAIT], [seat, 1, UNDO]);
/** The seat back. */
export const STAND: Operations = operations([seat, -1, UNDO | NOWAIT]);

/** References that this process had in a set that a stranger removed: they exist, whatever the gate says. */
export function enterAgain(held: number): Operations {
  return operations([references, held, UNDO]);
}

/**
 * A reference, unless the gate is closed or the generation is another one. An array cannot compare, but it can take
 * the number away, see that nothing is left, and put it back: the whole is one step that nobody sees the inside of.
 */
export function enterGeneration(number: number): Operations {
  return operations(
    GATE_IS_FREE,
    [generation, -number, NOWAIT],
    [generation, 0, NOWAIT],
    [generation, number, 0],
    [references, 1, UNDO],
  );
}

/** Moves the generation by a number of steps. */
export function moveGeneration(steps: number): Operations {
  return operations([generation, steps, NOWAIT]);
}

/** Writes the fingerprint into a new set, unless somebody has written one: of several creators one succeeds. */
export function writeFingerprint(numbers: readonly number[]): Operations {
  return operations(
    [fingerprint, 0, NOWAIT],
    ...numbers.map((number, index): Operation => [fingerprint + index, number, 0]),
  );
}
