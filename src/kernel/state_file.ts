/**
 * A small file that holds the state of something which several processes share, as one text that is replaced as a whole.
 * Reading needs no lock; whoever replaces it must have one, or two that do it at once lose what one of them has written.
 *
 * @module
 */

import { closeSync, rmSync } from "node:fs";
import { ProcrefError } from "../errors.ts";
import { allowedLibc, currentUser } from "./effective_user.ts";
import { type FileStamp, type FileStamps, fileStamps } from "./file_stamp.ts";
import type { User } from "./object_name.ts";
import { persistently } from "./persistently.ts";
import { replaceAndKeepOpen } from "./kept_file.ts";
import { replaceFile } from "./replaced_file.ts";
import { attempting } from "./attempting.ts";
import { openTrustedFile, textOf } from "./trusted_file.ts";

/** How a state becomes a text and a text a state. */
export interface StateFormat<T> {
  /** The text of a state. */
  format(state: T): string;
  /** The state of a text; throws an error that says what is wrong with it. */
  parse(text: string): T;
}

/** What a state file may be. */
export interface StateFileLimits {
  /** The greatest size in bytes: a million unless given. */
  readonly greatestSize?: number;
}

const GREATEST_SIZE = 1_000_000;

/** What was read or written last. */
interface Known<T> {
  readonly stamp: FileStamp;
  readonly state: T;
  /** Keeps the file open, where that is in nobody's way: as long as it is, no other file gets its inode. */
  readonly descriptor: number | undefined;
}

const closeLost = new FinalizationRegistry<number>((descriptor) => closeSync(descriptor));

/**
 * A state file of one user, as one object sees it. Close it; one that is forgotten is closed when it is collected.
 *
 * What was read last stays open. The time that a file was written says too little: clocks of file systems go by steps of
 * milliseconds, and a file that is replaced twice within one may get its old inode again.
 */
export class StateFile<T> implements Disposable {
  /** Where it is. */
  readonly path: string;
  readonly #format: StateFormat<T>;
  readonly #user: User;
  readonly #stamps: FileStamps;
  readonly #greatestSize: number;
  #known: Known<T> | undefined;

  /**
   * Reads nothing yet.
   *
   * @param path an absolute path, in a directory where nobody else can exchange it
   * @throws ProcrefError `PERMISSION`, `PLATFORM`, `LIBRARY`
   */
  constructor(path: string, format: StateFormat<T>, { greatestSize = GREATEST_SIZE }: StateFileLimits = {}) {
    this.path = path;
    this.#format = format;
    this.#user = currentUser();
    this.#stamps = fileStamps(allowedLibc());
    this.#greatestSize = greatestSize;
  }

  /**
   * The state, which callers must not change. A file that is the same as the last time is not opened.
   *
   * @returns undefined when there is no file
   * @throws ProcrefError `BROKEN_FILE` when it is empty, no state, somebody else's, a link or too large; `PERMISSION`, `IO`
   */
  read(): T | undefined {
    const stamp = attempting(`look at ${this.path}`, this.path, () => this.#stamps.at(this.path));
    if (stamp === undefined) return undefined;
    const known = this.#known;
    if (known !== undefined && stamp.inode === known.stamp.inode && stamp.version === known.stamp.version) {
      return known.state;
    }
    return attempting(`read ${this.path}`, this.path, () => this.#read());
  }

  /**
   * Replaces the state, durably; whoever calls it has the lock.
   *
   * @throws ProcrefError `PERMISSION`, `IO` (disk full, read-only): the old state stays
   */
  write(state: T): void {
    const text = this.#format.format(state);
    attempting(`write ${this.path}`, this.path, () => {
      if (typeof this.#user === "number") {
        const descriptor = replaceAndKeepOpen(this.path, text, { isDurable: true });
        return this.#keep(descriptor, state);
      }
      // Windows renames no file that is open.
      persistently(this.#user, () => replaceFile(this.path, text, { isDurable: true }));
      this.close();
      const stamp = this.#stamps.at(this.path);
      this.#known = stamp && { stamp, state, descriptor: undefined };
    });
  }

  /**
   * Removes the file, if there is one; whoever calls it has the lock.
   *
   * @throws ProcrefError `PERMISSION`, `IO`
   */
  remove(): void {
    this.close();
    const remove = (): void => rmSync(this.path, { force: true });
    attempting(`remove ${this.path}`, this.path, () => persistently(this.#user, remove));
  }

  /** Forgets what was read. Safe to call again; the object can be used again. */
  close(): void {
    const descriptor = this.#known?.descriptor;
    this.#known = undefined;
    if (descriptor === undefined) return;
    closeLost.unregister(this);
    closeSync(descriptor);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Undefined when the file has gone meanwhile. */
  #read(): T | undefined {
    const opened = this.#parsing(() =>
      openTrustedFile(this.path, { scope: "user", uid: this.#user, greatestSize: this.#greatestSize })
    );
    if (opened === undefined) return undefined;
    try {
      const state = this.#parsing(() => this.#format.parse(textOf(opened)));
      this.#keep(opened.descriptor, state);
      return state;
    } catch (error) {
      closeSync(opened.descriptor);
      throw error;
    }
  }

  #keep(descriptor: number, state: T): void {
    const stamp = this.#stamps.of(descriptor);
    this.close();
    if (typeof this.#user === "number") {
      closeLost.register(this, descriptor, this);
      this.#known = { stamp, state, descriptor };
    } else {
      // It would be in the way of whoever replaces it. The clock of Windows goes by a ten-millionth of a second.
      closeSync(descriptor);
      this.#known = { stamp, state, descriptor: undefined };
    }
  }

  #parsing<R>(work: () => R): R {
    try {
      return work();
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      // What the file system says is not about what the file says.
      if (code !== undefined && code !== "SERVICE_INFO" && code !== "ERR_ENCODING_INVALID_ENCODED_DATA") throw cause;
      throw new ProcrefError(
        "BROKEN_FILE",
        `Cannot use ${this.path}: ${message}; nothing is taken for free because of that: mend it, or remove it when ` +
          "nobody uses it",
        { cause, details: { path: this.path } },
      );
    }
  }
}
