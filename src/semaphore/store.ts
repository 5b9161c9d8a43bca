/**
 * The file of a semaphore and its lock: reading without the lock, changing with it, and being told of changes.
 *
 * @module
 */

import { isProcrefError, ProcrefError } from "../errors.ts";
import { FileWatch } from "../kernel/file_watch.ts";
import { PathLock } from "../kernel/path_lock.ts";
import { StateFile } from "../kernel/state_file.ts";
import { until, type WaitOptions } from "../waiting.ts";
import { differs, draftOf, isUnused } from "./queue.ts";
import { type Draft, SEMAPHORE_FORMAT, type SemaphoreState } from "./state.ts";

/** How often a lock file is taken again that a stranger removes in the middle of a step. */
const MOST_TRIES = 100;
/** The longest pause between two looks at a lock that somebody has, in milliseconds. */
const LONGEST_PAUSE_MS = 5;

/** What a step came to; undefined when the lock was lost in the middle, and nothing was written. */
type Step<T> = { readonly result: T } | undefined;

/** The state of one semaphore, as one object sees it. */
export class SemaphoreStore {
  /** The file. */
  readonly path: string;
  readonly #capacity: number;
  readonly #removesUnused: boolean;
  readonly #lockTimeoutMs: number;
  readonly #file: StateFile<SemaphoreState>;
  readonly #lock: PathLock;
  readonly #listeners = new Set<() => void>();
  #watch: FileWatch | undefined;
  /** Whom nobody waits for any more, but who could not be taken out of the queue. */
  readonly #abandoned = new Set<string>();

  constructor(path: string, capacity: number, removesUnused: boolean, lockTimeoutMs: number) {
    this.path = path;
    this.#capacity = capacity;
    this.#removesUnused = removesUnused;
    this.#lockTimeoutMs = lockTimeoutMs;
    this.#file = new StateFile(path, SEMAPHORE_FORMAT);
    this.#lock = new PathLock(`${path}.lock`);
  }

  /** What the file says now, without the lock. No file is made. */
  look(): SemaphoreState {
    const state = this.#file.read();
    if (state?.capacity === this.#capacity) return state;
    // What the dead have left would have been removed.
    if (state === undefined || (this.#removesUnused && isUnused(state, Date.now()))) {
      return { capacity: this.#capacity, holders: [], waiting: [] };
    }
    throw new ProcrefError(
      "CONFIG_MISMATCH",
      `Cannot use ${this.path} with a capacity of ${this.#capacity}: it has ${state.capacity}; give the same to all who ` +
        "share it, or remove the file when nobody uses it",
      { details: { path: this.path, field: "capacity" } },
    );
  }

  /** Makes one step with the lock, waiting for those of others without giving way to anything else. */
  change<T>(work: (draft: Draft) => T): T {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      this.#lock.lockNow(this.#lockTimeoutMs);
      const step = this.#stepAndUnlock(work);
      if (step !== undefined) return step.result;
    }
    throw this.#vanishing();
  }

  /** As {@link SemaphoreStore.change}, giving way while others have the lock. Nothing is done once it has rejected. */
  async changeSoon<T>(work: (draft: Draft) => T, { signal, timeoutMs = Infinity }: WaitOptions): Promise<T> {
    let step: Step<T>;
    let losses = 0;
    const attempt = (): boolean => {
      if (!this.#lock.tryLock()) return false;
      step = this.#stepAndUnlock(work);
      if (step === undefined && ++losses > MOST_TRIES) throw this.#vanishing();
      return step !== undefined;
    };
    const limitMs = Math.min(timeoutMs, this.#lockTimeoutMs);
    try {
      await until(attempt, { signal, timeoutMs: limitMs, longestPauseMs: LONGEST_PAUSE_MS }, () => this.#stuck());
    } catch (error) {
      if (limitMs === timeoutMs || !isProcrefError(error, "TIMEOUT")) throw error;
      throw new ProcrefError("LOCK", error.message, { cause: error, details: { path: this.path } });
    }
    return step!.result;
  }

  /** From now on, whoever it is, they are no part of the queue in what this object writes. */
  abandon(id: string): void {
    this.#abandoned.add(id);
  }

  /** Calls somebody after every change of the file, as far as the kernel tells of them, until the result is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#watch ??= new FileWatch(this.path, () => this.#tell());
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#watch?.close();
      this.#watch = undefined;
    };
  }

  /** Whether changes are told. */
  get isTold(): boolean {
    return this.#watch?.works ?? false;
  }

  /** Closes all files; it can be used again. */
  close(): void {
    this.#file.close();
    this.#lock.close();
  }

  #stepAndUnlock<T>(work: (draft: Draft) => T): Step<T> {
    try {
      return this.#step(work);
    } finally {
      this.#lock.unlock();
    }
  }

  #step<T>(work: (draft: Draft) => T): Step<T> {
    const before = this.look();
    const draft = draftOf(before);
    if (this.#abandoned.size > 0) {
      draft.waiting = draft.waiting.filter(({ id }) => !this.#abandoned.has(id));
      draft.holders = draft.holders.filter(({ id }) => !this.#abandoned.has(id));
    }
    const result = work(draft);
    if (!differs(draft, before)) return { result };
    // A stranger who removes the lock file would let somebody else in at this moment.
    if (!this.#lock.isOurs()) return undefined;
    if (this.#removesUnused && draft.holders.length === 0 && draft.waiting.length === 0) {
      this.#file.remove();
      this.#lock.remove();
    } else {
      this.#file.write(draft);
    }
    this.#abandoned.clear();
    this.#tell();
    return { result };
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #stuck(): string {
    return `change ${this.path}, because a process has ${this.path}.lock, as one that is stopped (SIGSTOP) does`;
  }

  #vanishing(): ProcrefError {
    return new ProcrefError("LOCK", `Cannot change ${this.path}: its lock is removed again and again`, {
      details: { path: this.path },
    });
  }
}
