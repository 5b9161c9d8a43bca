/**
 * What is added to a file from one moment on.
 *
 * @module
 */

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { ProcrefError } from "../errors.ts";
import { attempting } from "../kernel/attempting.ts";

/** How much of the end is kept, in characters. */
const KEPT = 65536;
const PART_SIZE = 65536;
/** How many of the last lines are shown. */
const LINES = 20;

/** The end of a log that others write. The file is made, readable by the user alone, when it is missing. */
export class LogTail implements Disposable {
  readonly #descriptor: number;
  readonly #decoder = new TextDecoder();
  readonly #part = new Uint8Array(PART_SIZE);
  #at: number;
  #text = "";

  /**
   * Begins behind what is there.
   *
   * @throws ProcrefError `INVALID_ARGUMENT` when it is no file; `PERMISSION`, `IO`
   */
  constructor(path: string) {
    this.#descriptor = attempting(`open the log ${path}`, path, () => {
      closeSync(openSync(path, "a", 0o600));
      return openSync(path, constants.O_RDONLY);
    });
    const status = fstatSync(this.#descriptor);
    this.#at = status.size;
    if (status.isFile()) return;
    closeSync(this.#descriptor);
    throw new ProcrefError("INVALID_ARGUMENT", `Cannot keep a log in ${path}: it is no regular file`, {
      details: { path, field: "logFile" },
    });
  }

  /** Reads on; gives the end of what was added. */
  read(): string {
    for (let length; (length = readSync(this.#descriptor, this.#part, 0, PART_SIZE, this.#at)) > 0;) {
      this.#at += length;
      const text = this.#decoder.decode(this.#part.subarray(0, length), { stream: true });
      this.#text = (this.#text + text).slice(-KEPT);
    }
    return this.#text;
  }

  /** The last lines of what was read. */
  get lines(): string {
    return this.#text.trimEnd().split("\n").slice(-LINES).join("\n");
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}
