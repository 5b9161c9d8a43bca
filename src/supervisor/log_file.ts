/**
 * The output of a service, in a file that does not grow without bound.
 *
 * @module
 */

import type { NewFile } from "../../ffi/host.ts";
import { host } from "../../ffi/mod.ts";
import { join } from "../paths.ts";
import { LOG_NAME, removeLog } from "../service/log_files.ts";

/** How much of the end is kept at hand for error messages, in characters. */
const TAIL_LENGTH = 4096;
/** How many lines of it are shown. */
const TAIL_LINES = 20;

/**
 * The log of one service. It is two files, of which each holds at most half of what is allowed: when the newer one is
 * full, it becomes the older one. A log that cannot be written (the disk is full) costs the service nothing.
 */
export class LogFile {
  readonly #directory: string;
  readonly #path: string;
  readonly #mode: number;
  readonly #half: number;
  #file: NewFile | undefined;
  #size = 0;
  #isRemoved = false;
  #tail = "";
  /** What has been written since the last line break. */
  #line = "";
  readonly #decoder = new TextDecoder();
  #onLine: ((line: string) => void) | undefined;

  /**
   * Describes a log; the first thing that is written makes it.
   *
   * @param directory the service's directory
   * @param mode of the files
   * @param maxBytes how much both files may hold together
   */
  constructor(directory: string, mode: number, maxBytes: number) {
    this.#directory = directory;
    this.#path = join(directory, LOG_NAME);
    this.#mode = mode;
    this.#half = Math.floor(maxBytes / 2);
  }

  /** The last lines since {@link LogFile.begin}. */
  get tail(): string {
    return this.#tail.trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
  }

  /** A process begins to write: the tail is its own from here on, and each line is told as soon as it is complete. */
  begin(onLine?: (line: string) => void): void {
    this.#tail = this.#line = "";
    this.#onLine = onLine;
  }

  /** Takes output. */
  write(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes, { stream: true });
    this.#tail = (this.#tail + text).slice(-TAIL_LENGTH);
    this.#tellLines(text);
    if (this.#isRemoved) return;
    try {
      for (let at = 0; at < bytes.length;) at += this.#writePart(bytes.subarray(at));
    } catch {
      // Better a service without a log than no service.
    }
  }

  /** Notes something about the service between its own lines. */
  note(text: string): void {
    if (this.#isRemoved) return;
    const line = new TextEncoder().encode(`procref: ${text}\n`);
    try {
      this.#writePart(line);
    } catch {
      // As above.
    }
  }

  /** Closes and removes the files. What comes later, of a process that has ended, makes them no more. */
  remove(): void {
    this.#isRemoved = true;
    this.#file?.close();
    this.#file = undefined;
    removeLog(this.#directory);
  }

  #writePart(bytes: Uint8Array): number {
    if (this.#file === undefined || this.#size >= this.#half) this.#rotate();
    const written = this.#file!.write(bytes.subarray(0, this.#half - this.#size));
    this.#size += written;
    return written;
  }

  #rotate(): void {
    const { files } = host();
    this.#file?.close();
    this.#file = undefined;
    files.remove(`${this.#path}.1`);
    try {
      files.rename(this.#path, `${this.#path}.1`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    // Made by this very call: nothing that somebody has put there is written to.
    this.#file = files.create(this.#path, this.#mode);
    this.#size = 0;
  }

  #tellLines(text: string): void {
    if (this.#onLine === undefined) return;
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop()!.slice(-TAIL_LENGTH);
    // Programs of Windows end lines with two characters.
    for (const line of lines) this.#onLine(line.replace(/\r$/, ""));
  }
}
