/**
 * An exclusive lock that a path stands for. The kernel gives it back when its owner dies.
 *
 * A lock belongs to an open file, not to a name: when the file is removed or replaced under its owner, the next one
 * locks another file, and both believe themselves alone. So whoever takes the lock looks whether the path still leads to
 * what was locked, and an owner can look again.
 *
 * | the owner dies | what is left |
 * | --- | --- |
 * | while it has the lock | the file, unlocked; the next one takes it |
 * | while it removes the file | the file, unlocked, or nothing |
 *
 * @module
 */

import { closeSync, constants, ftruncateSync, openSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { ProcrefError } from "../errors.ts";
import { until, type WaitOptions } from "../waiting.ts";
import { blockUntil } from "./blocking_wait.ts";
import { allowedLibc, currentUser } from "./effective_user.ts";
import { fileLocks, type OpenLockFile } from "./file_locks.ts";
import { type FileStamps, fileStamps } from "./file_stamp.ts";
import { checkFileSystem } from "./file_system.ts";
import type { LockFile } from "./lock_file.ts";
import type { User } from "./object_name.ts";
import { persistently } from "./persistently.ts";
import { attempting } from "./attempting.ts";
import { makeDirectory } from "./checked_directory.ts";

/** How often a file that vanishes between two calls is looked for again. */
const MOST_TRIES = 1000;
/** The longest pause of those who wait, in milliseconds. */
const LONGEST_PAUSE_MS = 5;

/**
 * An exclusive lock on a path, as one object sees it: others exclude it, also those of the same process. Nothing is
 * opened before it is taken.
 */
export class PathLock implements Disposable {
  /** The file that is locked. */
  readonly path: string;
  readonly #user: User;
  readonly #open: OpenLockFile;
  readonly #stamps: FileStamps;
  #file: LockFile | undefined;
  #held = false;
  #isChecked = false;

  /**
   * Opens nothing yet.
   *
   * @param path an absolute path; the file is made, owner-only, when it is missing, and so are its directories
   * @throws ProcrefError `PERMISSION`, `PLATFORM`, `LIBRARY`
   */
  constructor(path: string) {
    this.path = path;
    this.#user = currentUser();
    const native = allowedLibc();
    this.#open = fileLocks(native);
    this.#stamps = fileStamps(native);
  }

  /** Whether this object took the lock and has not given it back. A stranger may have removed the file; see `isOurs`. */
  get held(): boolean {
    return this.#held;
  }

  /** Whether this object has the lock in truth: the path still leads to the file that it has locked. */
  isOurs(): boolean {
    return this.#held && this.#file!.isAt(this.path);
  }

  /**
   * Takes the lock unless somebody has it.
   *
   * @returns whether it was taken; false also when this object has it already
   * @throws ProcrefError `PERMISSION`, `IO`, `LOCK`; `PLATFORM` on a file system whose locks cannot be trusted
   */
  tryLock(): boolean {
    if (this.#held) return false;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const file = this.#file ??= this.#openOrMake();
      if (file === undefined) continue;
      const locked = file.tryLock("exclusive");
      if (file.isAt(this.path)) return this.#held = locked;
      // It was removed or replaced: what is locked is another file than the one that others look for.
      this.#forget();
    }
    throw this.#unsteady();
  }

  /**
   * Whether somebody else has the lock, without taking it or making anything. For the moment of the question, others
   * cannot take it.
   *
   * @returns false also when there is no file, and when this object has the lock itself
   * @throws ProcrefError as `tryLock`
   */
  isLockedByOthers(): boolean {
    if (this.#held) return false;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const file = this.#tryOpen(false);
      if (file === undefined) return false;
      try {
        // Not the exclusive one: those who ask at the same time are not in each other's way.
        const isFree = file.tryLock("shared");
        if (file.isAt(this.path)) return !isFree;
      } finally {
        file.close();
      }
    }
    throw this.#unsteady();
  }

  /**
   * Waits for the lock without blocking the event loop, looking every 5 ms at the latest.
   *
   * @throws ProcrefError `TIMEOUT` and those of `tryLock`; the reason of an aborted signal
   */
  async lock(options: WaitOptions = {}): Promise<void> {
    const wait = { ...options, longestPauseMs: LONGEST_PAUSE_MS };
    await until(() => this.tryLock(), wait, () => `lock ${this.path}, because somebody has it locked`);
  }

  /**
   * Waits for the lock without giving way to anything else: for what is held for microseconds only.
   *
   * @param limitMs how long: whoever has it may have been stopped (SIGSTOP) in the middle
   * @throws ProcrefError `LOCK` when the time is over; those of `tryLock`
   */
  lockNow(limitMs: number): void {
    if (blockUntil(() => this.tryLock(), limitMs)) return;
    throw new ProcrefError(
      "LOCK",
      `Cannot lock ${this.path}: a process has it locked for ${limitMs} ms, as one that is stopped (SIGSTOP) does; ` +
        "continue it or end it",
      { details: { path: this.path } },
    );
  }

  /**
   * With the lock: replaces what the file says, in place, for people to read. Nothing may be concluded from it.
   *
   * @throws ProcrefError `IO`, `PERMISSION`; `LOCK` when the file is not the locked one any more
   */
  write(text: string): void {
    this.#require("write");
    attempting(`write ${this.path}`, this.path, () => {
      const descriptor = openSync(this.path, constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0));
      try {
        // On Windows the lock names the file otherwise, and nobody but the user can put another one there.
        const isChecked = typeof this.#user === "number";
        if (isChecked && this.#stamps.of(descriptor).inode !== this.#file!.inode) throw this.#lost("write");
        const bytes = new TextEncoder().encode(text);
        ftruncateSync(descriptor, 0);
        for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at, bytes.length - at, at);
      } finally {
        closeSync(descriptor);
      }
    });
  }

  /** Gives the lock back and keeps the file open for the next time. Does nothing without the lock. */
  unlock(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#file!.unlock();
  }

  /**
   * With the lock: removes the file, unless it is another one by now, and gives the lock back. Whoever waits for it goes
   * on with a new file.
   *
   * @throws ProcrefError `IO`, `PERMISSION`
   */
  remove(): void {
    this.#require("remove");
    try {
      if (this.isOurs()) {
        const remove = (): void => rmSync(this.path, { force: true });
        attempting(`remove ${this.path}`, this.path, () => persistently(this.#user, remove));
      }
    } finally {
      this.close();
    }
  }

  /** Gives the lock back and closes the file, which stays. Safe to call again; the object can be used again. */
  close(): void {
    this.#held = false;
    this.#forget();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #forget(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  /** Undefined when the file came or went between two calls. */
  #openOrMake(): LockFile | undefined {
    this.#checkPlace();
    return this.#tryOpen(false) ?? this.#tryOpen(true);
  }

  /** Makes the directory, and sees once that locks can be kept in it. */
  #checkPlace(): void {
    const directory = dirname(this.path);
    attempting(`make ${directory}`, directory, () => makeDirectory(directory));
    if (this.#isChecked) return;
    checkFileSystem(directory);
    this.#isChecked = true;
  }

  #tryOpen(create: boolean): LockFile | undefined {
    const open = (): LockFile | undefined => {
      try {
        return this.#open(this.path, create);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // Made or removed in between, perhaps with its directory.
        if (code === "ENOENT" || (create && code === "EEXIST")) return undefined;
        throw error;
      }
    };
    return attempting(`open ${this.path}`, this.path, () => persistently(this.#user, open));
  }

  #unsteady(): ProcrefError {
    return new ProcrefError("LOCK", `Cannot lock ${this.path}: it is removed as fast as it is made`, {
      details: { path: this.path },
    });
  }

  #require(doing: string): void {
    if (!this.#held) throw this.#lost(doing);
  }

  #lost(doing: string): ProcrefError {
    return new ProcrefError("LOCK", `Cannot ${doing} ${this.path}: it is not locked by this object`, {
      details: { path: this.path },
    });
  }
}
