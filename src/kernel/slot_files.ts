/**
 * The files of a counter of lock files: a directory of the user's own for each name.
 *
 * | file | its lock | what it says |
 * | --- | --- | --- |
 * | `mutex` | whoever is in the middle of a step | the generation; how often somebody began to hold |
 * | `gate` | who has the gate | the process that had it last |
 * | `seat` | who has the seat | |
 * | `ref.PID.N` | a holder | how many references it holds; nothing for one |
 *
 * A file without a lock is a leftover, whoever made it: it says nothing, and the next one may use or remove it.
 *
 * Windows on its usual file systems removes a file at once when it is asked to. On others one that is removed is there,
 * under its name, until the last process that has it open closes it. So it is renamed first (`removed.*`), and there the
 * directory goes when the last of them has closed its files.
 *
 * @module
 */

import { lstatSync, readdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { isWindows } from "../../ffi/windows.ts";
import { ProcrefError } from "../errors.ts";
import type { OpenLockFile } from "./file_locks.ts";
import type { LockFile } from "./lock_file.ts";
import { checkFileSystem } from "./file_system.ts";
import type { ObjectName, User } from "./object_name.ts";
import { persistently } from "./persistently.ts";
import { MUTEX, slotsIn } from "./slots_path.ts";
import { attempting } from "./attempting.ts";
import { checkDirectory, makeDirectory } from "./checked_directory.ts";
import { stateDirectory, stateDirectoryPath } from "./state_directory.ts";
import { removeAtOnce } from "./windows_lock_file.ts";

const REFERENCE = /^ref\.\d+\.\d+$/;
/** What files that are removed are called meanwhile, where it needs a name. */
const REMOVED = "removed.";
/** How often a file that vanishes between two calls is looked for again. */
const MOST_TRIES = 1000;

let nextReference = 0;

/** A lock file and the name that it was opened by. */
export interface NamedLockFile {
  /** The name of the file in the directory. */
  readonly name: string;
  /** The file. */
  readonly file: LockFile;
}

/** Where lock files are kept. */
export interface SlotsPlace {
  /** The state directory, as for services; the default unless given. */
  readonly directory?: string;
  /** Whether another process of ours, which may see more, has checked the state directory and its file system. */
  readonly isChecked?: boolean;
}

/** The path of a name's lock files, which nothing of may exist. */
export function slotsPath(name: ObjectName, directory: string | undefined, uid: User): string {
  return slotsIn(stateDirectoryPath(directory, name.scope, uid), name);
}

/** The lock files of one name. */
export class SlotFiles {
  /** Their directory. */
  readonly path: string;
  readonly #directory: string | undefined;
  readonly #isChecked: boolean;
  readonly #uid: User;
  readonly #open: OpenLockFile;

  /**
   * Makes nothing yet.
   *
   * @throws ProcrefError `PERMISSION`, `INVALID_ARGUMENT`
   */
  constructor(name: ObjectName, { directory, isChecked = false }: SlotsPlace, uid: User, open: OpenLockFile) {
    this.path = slotsPath(name, directory, uid);
    this.#directory = directory;
    this.#isChecked = isChecked;
    this.#uid = uid;
    this.#open = open;
  }

  /**
   * Opens the mutex of the directory, and before it looks whether the directory can be trusted.
   *
   * @param create whether to make directory and file when they are missing
   * @returns undefined when there is none and none was to be made
   * @throws ProcrefError `STATE_DIRECTORY`, `PERMISSION`, `IO`, `REF_COUNTER_INIT`
   */
  openMutex(create: boolean): LockFile | undefined {
    if (create) this.#makeDirectory();
    // Before anything in it is opened.
    else if (!this.#check()) return undefined;
    return this.open(MUTEX, create);
  }

  /** Whether there is a directory. */
  exists(): boolean {
    return attempting(
      `look for ${this.path}`,
      this.path,
      () => lstatSync(this.path, { throwIfNoEntry: false }) !== undefined,
    );
  }

  /**
   * Opens a file.
   *
   * @param create whether to make it when it is missing
   * @returns undefined when it is missing
   * @throws ProcrefError `PERMISSION`, `IO`, `REF_COUNTER_INIT`
   */
  open(name: string, create: boolean): LockFile | undefined {
    const path = join(this.path, name);
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const file = this.#tryOpen(path, false);
      if (file !== undefined || !create) return file;
      const made = this.#tryOpen(path, true);
      if (made !== undefined) return made;
      // Somebody made it in between, or removed everything.
      this.#makeDirectory();
    }
    throw new ProcrefError("REF_COUNTER_INIT", `Cannot open ${path}: it is removed as fast as it is made`);
  }

  /** Whether a name still leads to the file that was opened by it. */
  leadsTo(name: string, file: LockFile): boolean {
    return file.isAt(join(this.path, name));
  }

  /** Whether what was opened as the mutex is the mutex still. */
  isMutex(file: LockFile): boolean {
    return this.leadsTo(MUTEX, file);
  }

  /** The names of all files of holders; the mutex must be held. */
  references(): string[] {
    return this.#names().filter((name) => REFERENCE.test(name));
  }

  /** Opens and locks a file for a holder, made or a leftover; the mutex must be held. */
  openReference(): NamedLockFile {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const name = `ref.${process.pid}.${nextReference++}`;
      const file = this.open(name, true)!;
      // Another thread of this process has one of this name, or a process of another PID namespace.
      if (file.tryLock("exclusive")) return { name, file };
      file.close();
    }
    throw new ProcrefError("REF_COUNTER_INIT", `Cannot open a file in ${this.path}: all names are taken`);
  }

  /** Removes a file if it is there; the mutex must be held. */
  removeFile(name: string): void {
    const path = join(this.path, name);
    if (isWindows()) persistently(this.#uid, () => this.#removeAside(path));
    else rmSync(path, { force: true });
  }

  /**
   * Removes the directory with all files of ours; the mutex must be held, with nobody left. The mutex goes last: until
   * then nobody comes in, and who comes after it starts anew.
   *
   * @throws ProcrefError `IO`, `PERMISSION`
   */
  remove(): void {
    attempting(`remove ${this.path}`, this.path, () => {
      for (const name of [...this.references(), "gate", "seat", MUTEX]) this.removeFile(name);
      if (!isWindows()) this.#removeDirectory();
    });
  }

  /** To be called when files were closed: where removed files stay until then, so does their directory. */
  sweep(): void {
    if (!isWindows()) return;
    try {
      const names = this.#names();
      if (!names.every((name) => name.startsWith(REMOVED))) return;
      // What one left that died in the middle of a removal.
      for (const name of names) removeEntry(join(this.path, name));
      rmdirSync(this.path);
    } catch {
      // It is gone, or somebody has one of them open still, and sweeps when it is closed.
    }
  }

  /** Frees the name at once, also when the file is there until others close it. */
  #removeAside(path: string): void {
    const aside = join(this.path, `${REMOVED}${process.pid}.${Math.random().toString(36).slice(2)}`);
    try {
      renameSync(path, aside);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      throw error;
    }
    removeEntry(aside);
  }

  #removeDirectory(): void {
    try {
      rmdirSync(this.path);
    } catch (error) {
      // Somebody has begun anew already, or has put something there.
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT" && code !== "ENOTEMPTY") throw error;
    }
  }

  #names(): string[] {
    try {
      // Whoever removes the directory keeps others of Windows out of it for a moment.
      return persistently(this.#uid, () => readdirSync(this.path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }

  #makeDirectory(): void {
    if (!this.#isChecked) stateDirectory(this.#directory, "user", this.#uid);
    attempting(`make ${this.path}`, this.path, () => persistently(this.#uid, () => makeDirectory(this.path)));
    this.#check();
  }

  /** Sees that the directory is ours, and on a file system with locks that hold; false when there is none. */
  #check(): boolean {
    try {
      if (!this.exists()) return false;
      checkDirectory(this.path, "user", this.#uid);
      if (!this.#isChecked) checkFileSystem(this.path);
      return true;
    } catch (error) {
      // It was removed in between.
      const cause = error instanceof ProcrefError ? error.cause : error;
      if ((cause as NodeJS.ErrnoException | undefined)?.code !== "ENOENT") throw error;
      return false;
    }
  }

  #tryOpen(path: string, create: boolean): LockFile | undefined {
    const open = (): LockFile | undefined => {
      try {
        return this.#open(path, create);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "ENOENT" || (create && code === "EEXIST")) return undefined;
        throw error;
      }
    };
    return attempting(`open ${path}`, path, () => persistently(this.#uid, open));
  }
}

/** Windows: removes a file at once, or where that cannot be, as soon as nobody has it open. */
function removeEntry(path: string): void {
  if (!removeAtOnce(path)) rmSync(path, { force: true });
}
