/**
 * A small file that holds the state of something which several processes share, as one text that is replaced as a whole.
 * Reading needs no lock; whoever replaces it must have one, or two that do it at once lose what one of them has written.
 *
 * @module
 */

import { lstatSync } from "node:fs";
import { ProcrefError } from "../errors.ts";
import { currentUser } from "./effective_user.ts";
import type { User } from "./object_name.ts";
import { persistently } from "./persistently.ts";
import { replaceFile } from "./replaced_file.ts";
import { attempting } from "./state_directory.ts";
import { readTrustedFile } from "./trusted_file.ts";

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

/** A state file of one user, as one object sees it. */
export class StateFile<T> {
  /** Where it is. */
  readonly path: string;
  readonly #format: StateFormat<T>;
  readonly #user: User;
  readonly #greatestSize: number;
  /** What was read or written last, and which file that was. */
  #known: { readonly stamp: string; readonly state: T } | undefined;

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
    this.#greatestSize = greatestSize;
  }

  /**
   * The state, which callers must not change. A file that is the same as the last time is not opened.
   *
   * @returns undefined when there is no file
   * @throws ProcrefError `BROKEN_FILE` when it is empty, no state, somebody else's, a link or too large; `PERMISSION`, `IO`
   */
  read(): T | undefined {
    const stamp = this.#stamp();
    if (stamp === undefined) return undefined;
    if (stamp === this.#known?.stamp) return this.#known.state;
    const state = attempting(`read ${this.path}`, this.path, () => this.#parsed());
    if (state !== undefined) this.#known = { stamp, state };
    return state;
  }

  /**
   * Replaces the state, durably; whoever calls it has the lock.
   *
   * @throws ProcrefError `PERMISSION`, `IO` (disk full, read-only): the old state stays
   */
  write(state: T): void {
    const text = this.#format.format(state);
    const replace = (): void => replaceFile(this.path, text, { isDurable: true });
    attempting(`write ${this.path}`, this.path, () => persistently(this.#user, replace));
    const stamp = this.#stamp();
    this.#known = stamp === undefined ? undefined : { stamp, state };
  }

  /** What tells the file from all others that were or will be there: a replaced one is another file. */
  #stamp(): string | undefined {
    const status = lstatSync(this.path, { throwIfNoEntry: false, bigint: true });
    return status && `${status.ino} ${status.mtimeNs} ${status.ctimeNs} ${status.size}`;
  }

  /** Undefined when the file has gone meanwhile. */
  #parsed(): T | undefined {
    try {
      const trust = { scope: "user", uid: this.#user, greatestSize: this.#greatestSize } as const;
      const file = readTrustedFile(this.path, trust);
      return file && this.#format.parse(file.text);
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
