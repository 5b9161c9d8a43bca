/**
 * A permit that is held.
 *
 * @module
 */

import { isProcrefError } from "../errors.ts";

/** What a permit is to the semaphore that gave it. */
export interface PermitOrigin {
  /** Whether it is held in truth. */
  isHeld(): boolean;
  /**
   * Gives it back.
   *
   * @throws ProcrefError `NOT_HELD`
   */
  release(): void;
}

/**
 * A permit of a {@link FileSemaphore}: `using permit = ...` gives it back at the end of the block. It belongs to this
 * process: when the process ends without a word, others take it.
 */
export class Permit implements Disposable {
  /** What it is known by in the file. */
  readonly id: string;
  /** When it was given. */
  readonly acquiredAt: Date;
  /** When it ends by itself, by the clock of the machine; undefined without a `ttlMs`. */
  readonly expiresAt: Date | undefined;
  readonly #origin: PermitOrigin;
  #released = false;

  /** For the semaphore. */
  constructor(id: string, acquiredAt: Date, expiresAt: Date | undefined, origin: PermitOrigin) {
    this.id = id;
    this.acquiredAt = acquiredAt;
    this.expiresAt = expiresAt;
    this.#origin = origin;
  }

  /**
   * Whether it is held in truth: neither given back, nor over, nor taken away, as the file says now.
   *
   * @throws ProcrefError `BROKEN_FILE`, `CONFIG_MISMATCH`, `PERMISSION`, `IO`
   */
  isHeld(): boolean {
    return !this.#released && this.#origin.isHeld();
  }

  /**
   * Gives it back; the first one who waits has it then. Safe to call again, also after the semaphore was closed.
   *
   * @throws ProcrefError `NOT_HELD` when it was over, or was taken away: others may have held one as well; those of
   * {@link FileSemaphore.release}
   */
  release(): void {
    if (this.#released) return;
    this.#origin.release();
    this.#released = true;
  }

  /** Gives it back, as {@link Permit.release}; of one that is not held any more nothing is said. */
  [Symbol.dispose](): void {
    try {
      this.release();
    } catch (error) {
      if (!isProcrefError(error, "NOT_HELD")) throw error;
    }
  }
}
