/**
 * What every mechanism has in common: the waits, which ask the mechanism again until it says yes.
 *
 * @module
 */

import { checkWait, until, type WaitOptions } from "../waiting.ts";
import type { CounterSnapshot, RefCounter, RefCounterCapabilities } from "./ref_counter.ts";

/** A counter whose mechanism answers at once, made to wait. */
export abstract class BaseRefCounter implements RefCounter {
  abstract readonly name: string;
  abstract readonly capabilities: RefCounterCapabilities;
  abstract readonly renewals: number;
  abstract tryAcquire(generation?: number): boolean;
  abstract release(): void;
  abstract releaseUnlessLast(): boolean;
  abstract tryReleaseLastAndLock(): boolean;
  abstract count(): number;
  abstract snapshot(): CounterSnapshot;
  abstract tryLock(): boolean;
  abstract tryLockIfUnused(): boolean;
  abstract holdsLock(): boolean;
  abstract unlock(): void;
  abstract trySeat(): boolean;
  abstract holdsSeat(): boolean;
  abstract leaveSeat(): void;
  abstract advanceGeneration(published: boolean): number;
  abstract blockUntilUnused(): Promise<boolean>;
  abstract blockUntilReleased(): Promise<boolean>;
  abstract blockUntilHeld(): Promise<boolean>;
  abstract verify(): boolean;
  abstract remove(evict?: boolean): boolean;
  abstract close(): void;

  nextGeneration(published: boolean): number {
    return generationAfter(this.snapshot().generation, published);
  }

  /** Who had the gate last, for the message of a wait that failed. */
  protected describeGate(): string {
    return "";
  }

  async acquire(options?: WaitOptions): Promise<void> {
    // Nothing is made or called on the way that is taken thousands of times.
    if (options?.timeoutMs !== undefined) checkWait(options);
    if (!options?.signal?.aborted && this.tryAcquire()) return;
    await this.#wait(() => this.tryAcquire(), options ?? {}, "acquire", "the gate is closed");
  }

  lock(options: WaitOptions = {}): Promise<void> {
    return this.#wait(() => this.tryLock(), options, "lock", "somebody has the gate");
  }

  lockWhenUnused(options: WaitOptions = {}): Promise<void> {
    return this.#wait(() => this.tryLockIfUnused(), options, "lock", "references are held or the gate is closed");
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #wait(attempt: () => boolean, options: WaitOptions, step: string, reason: string): Promise<void> {
    return until(attempt, options, () => `${step} "${this.name}", because ${reason}${this.describeGate()}`);
  }
}

/** The greatest generation: what a semaphore holds. */
export const GREATEST_GENERATION = 32767;

/** The generation that follows, odd for something published; after the greatest one it is 2 or 3. */
export function generationAfter(generation: number, published: boolean): number {
  const next = generation + (generation % 2 === (published ? 1 : 0) ? 2 : 1);
  return next > GREATEST_GENERATION ? next - (GREATEST_GENERATION - 1) : next;
}
