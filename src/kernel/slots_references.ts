/**
 * The references of a counter of lock files: each holder keeps a file of its own locked, which says how many it holds.
 *
 * Others are tested by a shared lock, under the mutex: a holder excludes it, and no test excludes another one, not even
 * that of a process which died in the middle and has lost the mutex first. A holder that finds such a test on its own
 * file takes another file.
 *
 * On Windows what is open and locked is better not opened again and again (see windows_lock_file.ts), and waiting is
 * looking again: there the file of another holder stays open until a look finds that it is not held any more.
 *
 * @module
 */

import { isWindows } from "../../ffi/windows.ts";
import type { LockFile } from "./lock_file.ts";
import type { NamedLockFile, SlotFiles } from "./slot_files.ts";

/** How many files without a lock may lie about: those of the dead, and of objects that hold nothing at the moment. */
const MOST_UNUSED = 8;
/**
 * All are counted before one more is taken only when a holder has more than this, or when there are more holders than
 * this: with fewer of both the limit is far. A holder of more counts at each multiple of it, and always near the limit.
 */
const FEW = 128;
const NEAR = 32 * FEW;

/** The references of one object, and its view on those of others. All but `drop` is done under the mutex. */
export class SlotsReferences {
  readonly #files: SlotFiles;
  readonly #greatest: number;
  /** Files of others that were locked at the last look, where they stay open. */
  readonly #kept = new Map<string, LockFile>();
  #own: NamedLockFile | undefined;
  #crowded = false;
  #held = 0;
  /** How many others held when they were counted last. */
  #others = 0;

  constructor(files: SlotFiles, greatest: number) {
    this.#files = files;
    this.#greatest = greatest;
  }

  /** How many this object holds. */
  get held(): number {
    return this.#held;
  }

  /** Whether what this object holds is counted: the name still leads to the file that it has locked. */
  areCounted(): boolean {
    return this.#held === 0 || this.#files.leadsTo(this.#own!.name, this.#own!.file);
  }

  /** Takes one more; false when no more fit. */
  add(): boolean {
    const held = this.#held + 1;
    if (held === 1) this.#lockOwn(1);
    if (this.#isFull(held)) {
      if (held === 1) this.#own!.file.unlock();
      return false;
    }
    if (held > 1) this.#own!.file.write(held);
    this.#held = held;
    return true;
  }

  /** Counts again what this object holds, in files that took the place of those that vanished. */
  addAgain(): void {
    this.#lockOwn(this.#held);
  }

  /** Gives one back. The mutex is not needed: a file is unlocked at once, and a number is written at once. */
  drop(): void {
    if (this.#held === 1) this.#own!.file.unlock();
    else this.#own!.file.write(this.#held - 1);
    this.#held--;
  }

  /** Whether anybody else holds one. */
  heldByOthers(): boolean {
    return this.aHolder() !== undefined;
  }

  /** The name of the file of anybody else who holds one. */
  aHolder(): string | undefined {
    let found: string | undefined;
    this.#look((_, name) => {
      found = name;
      return false;
    });
    return found;
  }

  /** How many others hold. */
  countOthers(): number {
    let count = 0;
    this.#look((file) => {
      count += Math.max(1, file.read()[0]);
      return true;
    });
    return count;
  }

  /** Forgets the file, and gives its lock back. */
  close(): void {
    this.#held = 0;
    this.forgetFile();
    for (const name of [...this.#kept.keys()]) this.#forgetKept(name);
  }

  /** Removes the file that nothing is held by any more, if it is ours still. */
  removeOwn(): void {
    if (this.#own === undefined || this.#held > 0) return;
    if (this.#files.leadsTo(this.#own.name, this.#own.file)) this.#files.removeFile(this.#own.name);
    this.forgetFile();
  }

  /** Closes the file; what is held is to be counted again. */
  forgetFile(): void {
    this.#own?.file.close();
    this.#own = undefined;
  }

  #isFull(held: number): boolean {
    if (held <= FEW && !this.#crowded) return false;
    if (held % FEW > 1 && held + this.#others < this.#greatest - NEAR) return false;
    this.#others = this.countOthers();
    return held + this.#others > this.#greatest;
  }

  /** Locks a file of our own that says a number. */
  #lockOwn(held: number): void {
    const own = this.#own;
    const usable = own !== undefined && this.#files.leadsTo(own.name, own.file) && own.file.tryLock("exclusive");
    if (!usable) {
      this.forgetFile();
      this.#own = this.#files.openReference();
      this.#crowded = this.#files.references().length > FEW;
    }
    try {
      if (held > 1 || this.#own!.file.read()[0] > 1) this.#own!.file.write(held);
    } catch (error) {
      this.#own!.file.unlock();
      throw error;
    }
  }

  /** Tells of others that hold, until it is told to stop; removes what too many of the dead have left. */
  #look(see: (file: LockFile, name: string) => boolean): void {
    const unused: string[] = [];
    const own = this.#own;
    const names = this.#files.references();
    for (const name of this.#kept.keys()) if (!names.includes(name)) this.#forgetKept(name);
    for (const name of names) {
      // Another thread may have made a file of this name after ours was removed.
      if (name === own?.name && this.#files.leadsTo(name, own.file)) continue;
      const file = this.#heldStill(name) ?? this.#files.open(name, false);
      if (file === undefined) continue;
      try {
        if (!this.#isHeld(name, file)) unused.push(name);
        else if (!see(file, name)) break;
      } finally {
        if (!this.#kept.has(name)) file.close();
      }
    }
    if (unused.length > MOST_UNUSED) { for (const name of unused) this.#files.removeFile(name); }
  }

  /** A file that stayed open and is locked still; what is not may have been replaced, and is looked for anew. */
  #heldStill(name: string): LockFile | undefined {
    const file = this.#kept.get(name);
    if (file === undefined || !file.tryLock("shared")) return file;
    this.#forgetKept(name);
    return undefined;
  }

  /** Whether somebody has a file locked, which stays open then where it should. */
  #isHeld(name: string, file: LockFile): boolean {
    if (this.#kept.has(name)) return true;
    if (file.tryLock("shared")) return false;
    if (isWindows()) this.#kept.set(name, file);
    return true;
  }

  #forgetKept(name: string): void {
    this.#kept.get(name)?.close();
    this.#kept.delete(name);
  }
}
