/**
 * The interface of a reference counter that the kernel keeps, and what an implementation says of itself.
 *
 * @module
 */

import type { WaitOptions } from "../waiting.ts";

/**
 * How a counter is kept: System V semaphores, lock files, handles of kernel objects (Windows), or a variable of this
 * process (for tests only).
 */
export type Mechanism = "sysv" | "slots" | "handles" | "memory";

/** What a mechanism can do. The contract suite takes it as input, so that a weaker one cannot pretend. */
export interface RefCounterCapabilities {
  /** How the counter is kept. */
  readonly mechanism: Mechanism;
  /** Whether every process of the user that opens the name sees the same counter. */
  readonly crossProcess: boolean;
  /** Whether the kernel takes back references, gate and seat of a process that dies in any way. */
  readonly releasesOnCrash: boolean;
  /** Whether `count()` is exact at the moment of the call. */
  readonly exactCount: boolean;
  /** Whether a holder that replaces its program (`execve`) keeps its references. */
  readonly survivesExec: boolean;
  /** Whether a process can wait inside the kernel for the last reference to go, without polling. */
  readonly waitsInKernel: boolean;
  /** Whether processes of different users can share one counter (scope `system`). */
  readonly crossUser: boolean;
  /** The greatest number of references at one time. */
  readonly maxHolders: number;
}

/** All values of a counter at one moment. */
export interface CounterSnapshot {
  /** How many references are held, by all processes together. */
  readonly references: number;
  /** Whether somebody has the gate. */
  readonly locked: boolean;
  /** Whether somebody has the seat. */
  readonly seated: boolean;
  /** How often something was published or withdrawn: odd while something is published, 0 at first. */
  readonly generation: number;
}

/**
 * A reference counter shared by processes under one name. It is three things in one kernel object: the
 * **references** of live processes, the **gate** (a mutex that starting and stopping take) and the **seat** (held by
 * one supervisor in office), beside a **generation** number. All synchronous methods return without waiting; only
 * those that return a promise wait, without blocking the event loop.
 *
 * When the process dies, in whatever way, the kernel gives back what it held of all three (where
 * {@link RefCounterCapabilities.releasesOnCrash} says so). A reference that was taken in a worker thread belongs to
 * the process: it outlives the thread.
 *
 * @example Two counters of one name in one process
 * ```ts
 * import { openRefCounter } from "@procref/core";
 * import assert from "node:assert/strict";
 *
 * using first = await openRefCounter("example-counter");
 * using second = await openRefCounter("example-counter");
 * await first.acquire();
 * await second.acquire({ timeoutMs: 1000 });
 * assert.equal(first.count(), 2);
 * assert.equal(first.releaseUnlessLast(), true);
 * assert.equal(second.releaseUnlessLast(), false); // the last one is told so, and still holds
 * second.release();
 * ```
 */
export interface RefCounter extends Disposable {
  /** The name that it was opened by. */
  readonly name: string;
  /** What its mechanism can do. */
  readonly capabilities: RefCounterCapabilities;
  /** How often the kernel object vanished while references were held, and was made again with them. */
  readonly renewals: number;

  /**
   * Takes a reference unless the gate is closed: one atomic step, one system call.
   *
   * @param generation when given, the step is taken only if the generation is still this one
   * @returns whether the reference was taken
   * @throws ProcrefError `ACQUIRE`; `FULL` at {@link RefCounterCapabilities.maxHolders}; `REF_COUNTER_INIT`,
   * `KEY_COLLISION`, `FOREIGN_OBJECT` when the kernel object has to be made or opened first
   */
  tryAcquire(generation?: number): boolean;

  /**
   * Takes a reference, waiting while the gate is closed.
   *
   * @throws ProcrefError `TIMEOUT` and those of {@link RefCounter.tryAcquire}; the reason of an aborted signal
   */
  acquire(options?: WaitOptions): Promise<void>;

  /**
   * Gives one reference of this object back, whether or not it is the last; the same as what the kernel does when the
   * process dies.
   *
   * @throws ProcrefError `RELEASE`, also when this object holds none
   */
  release(): void;

  /**
   * Gives one reference back unless it is the last of all: one atomic step, so that of any number of leavers exactly
   * one is the last.
   *
   * @returns false when it is the last one, which is then still held
   * @throws ProcrefError `RELEASE`, also when this object holds none
   */
  releaseUnlessLast(): boolean;

  /**
   * Gives the last reference back and takes the gate, if it is the last one and the gate is free: one atomic step.
   *
   * @returns whether that was so; if not, nothing happened
   * @throws ProcrefError `RELEASE`, also when this object holds none
   */
  tryReleaseLastAndLock(): boolean;

  /**
   * How many references are held by live processes. Asking creates nothing.
   *
   * @throws ProcrefError `COUNT`
   */
  count(): number;

  /**
   * All values at one moment. Asking creates nothing.
   *
   * @throws ProcrefError `COUNT`
   */
  snapshot(): CounterSnapshot;

  /**
   * Takes the gate if it is free. While it is held, nobody can take a reference.
   *
   * @returns whether it was taken; false also when this object has it already
   * @throws ProcrefError `LOCK` and those of opening
   */
  tryLock(): boolean;

  /**
   * Takes the gate, waiting until it is free.
   *
   * @throws ProcrefError `TIMEOUT` and those of {@link RefCounter.tryLock}; the reason of an aborted signal
   */
  lock(options?: WaitOptions): Promise<void>;

  /**
   * Takes the gate if nobody holds a reference: one atomic step.
   *
   * @returns whether it was taken
   * @throws ProcrefError `LOCK` and those of opening
   */
  tryLockIfUnused(): boolean;

  /**
   * Takes the gate at a moment when nobody holds a reference, waiting for it.
   *
   * @throws ProcrefError `TIMEOUT` and those of {@link RefCounter.tryLock}; the reason of an aborted signal
   */
  lockWhenUnused(options?: WaitOptions): Promise<void>;

  /**
   * Whether this object has the gate in truth: it took it and the kernel object has not been removed since by a
   * stranger.
   *
   * @throws ProcrefError `LOCK`
   */
  holdsLock(): boolean;

  /**
   * Opens the gate that this object has.
   *
   * @throws ProcrefError `LOCK`, also when this object does not have it
   */
  unlock(): void;

  /**
   * Takes the supervisor's seat if it is free. The gate is not needed for it.
   *
   * @returns whether it was taken
   * @throws ProcrefError `LOCK` and those of opening
   */
  trySeat(): boolean;

  /**
   * Whether this object has the seat in truth: it took it and the kernel object has not been removed since by a
   * stranger.
   *
   * @throws ProcrefError `LOCK`
   */
  holdsSeat(): boolean;

  /**
   * Leaves the seat that this object has.
   *
   * @throws ProcrefError `LOCK`, also when this object does not have it
   */
  leaveSeat(): void;

  /**
   * Moves the generation on, to an odd number for something published, to an even one for something withdrawn. It
   * never returns to an earlier number until 16,383 publications have passed. The gate or the seat must be held.
   *
   * @returns the new generation
   * @throws ProcrefError `LOCK`, also when this object has neither gate nor seat
   */
  advanceGeneration(published: boolean): number;

  /**
   * What {@link RefCounter.advanceGeneration} would give now, for what has to be written down before.
   *
   * @throws ProcrefError `COUNT`
   */
  nextGeneration(published: boolean): number;

  /**
   * Waits inside the kernel, on another thread and without polling where {@link RefCounterCapabilities.waitsInKernel}
   * says so, until nobody holds a reference and the gate is free, and takes the gate in the same step. The wait keeps
   * the event loop alive and cannot be given up; one process should have one at a time.
   *
   * @returns true with the gate; false when a stranger removed the kernel object meanwhile
   * @throws ProcrefError `LOCK` and those of opening
   */
  blockUntilUnused(): Promise<boolean>;

  /**
   * Waits like {@link RefCounter.blockUntilUnused}, but only until nobody holds a reference, and takes nothing.
   *
   * @returns true when nobody held one; false when a stranger removed the kernel object meanwhile
   * @throws ProcrefError `LOCK` and those of opening
   */
  blockUntilReleased(): Promise<boolean>;

  /**
   * Waits like {@link RefCounter.blockUntilUnused}, but until somebody takes a reference, however briefly.
   *
   * @returns true when somebody did; false when the kernel object was removed meanwhile
   * @throws ProcrefError `LOCK` and those of opening
   */
  blockUntilHeld(): Promise<boolean>;

  /**
   * Makes sure that the references of this object are counted: where a stranger has removed the kernel object
   * (`ipcrm`, or systemd-logind at the user's last logout), it is made again with them.
   *
   * @returns whether they had to be counted again
   * @throws ProcrefError `ACQUIRE` and those of opening
   */
  verify(): boolean;

  /**
   * Removes the kernel object if nobody holds a reference or the seat; opens the gate in any case. The gate must be
   * held. Who waits for the gate meanwhile finds the object gone and starts over with a new one.
   *
   * @param evict whether to remove it also when somebody else has the seat, who then finds the object gone
   * @returns whether the object was removed
   * @throws ProcrefError `LOCK`, also when this object does not have the gate
   */
  remove(evict?: boolean): boolean;

  /**
   * Gives back all that this object holds, and removes the kernel object when nobody uses it any more. Safe to call
   * again.
   *
   * @throws ProcrefError `RELEASE`, `LOCK`
   */
  close(): void;
}
