/**
 * Gate and seat of a counter of lock files: a file that whoever has it keeps locked.
 *
 * @module
 */

import type { LockFile } from "./lock_file.ts";
import type { SlotFiles } from "./slot_files.ts";

/** How often a lock that nobody living has is tried again. */
const MOST_TRIES = 1000;

/**
 * The gate or the seat, as one object sees it. What looks at others must be done under the mutex: all who take the lock
 * and all who test it are there one at a time.
 */
export class SlotsDoor {
  readonly #files: SlotFiles;
  readonly #name: string;
  #file: LockFile | undefined;
  #held = false;

  constructor(files: SlotFiles, name: string) {
    this.#files = files;
    this.#name = name;
  }

  /** Whether this object took it and has not left it. A stranger may have removed the file. */
  get held(): boolean {
    return this.#held;
  }

  /** Whether this object has it in truth: the name still leads to the file that it has locked. */
  isOurs(): boolean {
    return this.#held && this.#files.leadsTo(this.#name, this.#file!);
  }

  /** Takes it if nobody has it; the mutex must be held. */
  take(): boolean {
    if (this.#held) return false;
    const file = this.#opened(true)!;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      if (file.tryLock("exclusive")) return this.#held = true;
      // One who holds it shares with nobody. What shares is the test of a process that died in the middle of it.
      if (!file.tryLock("shared")) return false;
      file.unlock();
    }
    return false;
  }

  /** Whether anybody has it; the mutex must be held. Asking makes nothing. */
  isTaken(): boolean {
    if (this.#held) return true;
    const file = this.#opened(false);
    if (file === undefined) return false;
    // A shared lock: whoever takes this test for a holder would have to be in the middle of a step as we are.
    if (!file.tryLock("shared")) return true;
    file.unlock();
    return false;
  }

  /** Leaves it; the mutex is not needed. */
  leave(): void {
    this.#held = false;
    this.#file?.unlock();
  }

  /** Writes down who has it; what cannot be written is not missed. */
  sign(pid: number): void {
    try {
      this.#file?.write(pid);
    } catch {
      // The disk is full.
    }
  }

  /** What whoever had it last wrote down: a process, or 0. */
  signature(): number {
    return this.#opened(false)?.read()[0] ?? 0;
  }

  /** Forgets the file, and gives its lock back. */
  close(): void {
    this.#held = false;
    this.#file?.close();
    this.#file = undefined;
  }

  #opened(create: boolean): LockFile | undefined {
    if (this.#file !== undefined && this.#files.leadsTo(this.#name, this.#file)) return this.#file;
    this.close();
    return this.#file = this.#files.open(this.#name, create);
  }
}
