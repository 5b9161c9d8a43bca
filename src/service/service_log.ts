/**
 * Reading what a supervised service wrote: the log and the older part of it, by people and while it grows.
 *
 * @module
 */

import { closeSync, fstatSync, lstatSync, readSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { persistently } from "../kernel/persistently.ts";
import { attempting } from "../kernel/attempting.ts";
import { openTrustedFile, type Trust } from "../kernel/trusted_file.ts";
import { LOG_NAME } from "./log_files.ts";

const NEWLINE = 10;
const LOOK_MS = 100;
const CHUNK = 65536;

/** The log of one service. Dispose it. */
export class ServiceLog implements Disposable {
  readonly #path: string;
  readonly #trust: Trust;
  /** The log that is read, and how far. */
  #open: { descriptor: number; ino: number; offset: number } | undefined;
  /** The one that was closed before it had been replaced, and how far it was read. */
  #closed: { readonly ino: number; readonly offset: number } | undefined;

  /**
   * Names the log.
   *
   * @param serviceDirectory the service's directory
   * @param trust whose files are believed
   */
  constructor(serviceDirectory: string, trust: Trust) {
    this.#path = join(serviceDirectory, LOG_NAME);
    this.#trust = { ...trust, greatestSize: Infinity };
  }

  /** Whether there is a log. */
  exists(): boolean {
    return lstatSync(this.#path, { throwIfNoEntry: false }) !== undefined;
  }

  /**
   * The last lines.
   *
   * @param lines how many; `Infinity` for all that is kept
   * @throws ProcrefError `IO`, `SERVICE_INFO`, `PERMISSION`
   */
  tail(lines: number): Uint8Array {
    return attempting(`read ${this.#path}`, this.#path, () => {
      const older = this.#readOlder();
      const newer = this.#readOn();
      const all = new Uint8Array(older.length + newer.length);
      all.set(older);
      all.set(newer, older.length);
      return all.subarray(startOfLast(all, lines));
    });
  }

  /**
   * Gives what is written from here on.
   *
   * @param take takes what came
   * @param gone whether nothing more will come, once the file is gone
   * @throws ProcrefError as {@link ServiceLog.tail}
   */
  async follow(take: (bytes: Uint8Array) => void, gone: () => boolean): Promise<void> {
    for (;;) {
      // Asked first: what was written before the end is read after it.
      const ended = !this.exists() && gone();
      const bytes = attempting(`read ${this.#path}`, this.#path, () => this.#look());
      if (bytes.length > 0) take(bytes);
      else if (ended) return;
      else await delay(LOOK_MS);
    }
  }

  /** Closes the log. */
  [Symbol.dispose](): void {
    this.#close();
  }

  #close(): void {
    if (this.#open !== undefined) closeSync(this.#open.descriptor);
    this.#open = undefined;
  }

  /**
   * What came since the last look. On Windows a file that is removed is there until everybody has closed it, and so is
   * its directory: there nothing stays open between two looks.
   */
  #look(): Uint8Array {
    const { uid } = this.#trust;
    if (typeof uid === "number") return this.#readOn();
    const bytes = persistently(uid, () => this.#readOn());
    this.#closed = this.#open;
    this.#close();
    return bytes;
  }

  #readOlder(): Uint8Array {
    const opened = openTrustedFile(`${this.#path}.1`, this.#trust);
    if (opened === undefined) return new Uint8Array();
    try {
      return readFrom(opened.descriptor, 0);
    } finally {
      closeSync(opened.descriptor);
    }
  }

  /** What came since the last reading: the rest of the file that is open, then the file that took its place. */
  #readOn(): Uint8Array {
    this.#open ??= this.#openNow();
    if (this.#open === undefined) return new Uint8Array();
    const replaced = lstatSync(this.#path, { throwIfNoEntry: false })?.ino !== this.#open.ino;
    // Emptied in place.
    if (fstatSync(this.#open.descriptor).size < this.#open.offset) this.#open.offset = 0;
    const bytes = readFrom(this.#open.descriptor, this.#open.offset);
    this.#open.offset += bytes.length;
    if (bytes.length > 0 || !replaced) return bytes;
    this.#close();
    this.#closed = undefined;
    this.#open = this.#openNow();
    return this.#open === undefined ? bytes : this.#readOn();
  }

  #openNow(): { descriptor: number; ino: number; offset: number } | undefined {
    // What was read may be the older part by now.
    const older = this.#closed && this.#opened(`${this.#path}.1`);
    if (older !== undefined && older.ino === this.#closed!.ino) return older;
    if (older !== undefined) closeSync(older.descriptor);
    return this.#opened(this.#path);
  }

  #opened(path: string): { descriptor: number; ino: number; offset: number } | undefined {
    const opened = openTrustedFile(path, this.#trust);
    if (opened === undefined) return undefined;
    const { descriptor, status: { ino } } = opened;
    return { descriptor, ino, offset: this.#closed?.ino === ino ? this.#closed.offset : 0 };
  }
}

/** The rest of a file. */
function readFrom(descriptor: number, offset: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const part = new Uint8Array(CHUNK);
    const length = readSync(descriptor, part, 0, CHUNK, offset + total);
    if (length === 0) break;
    parts.push(part.subarray(0, length));
    total += length;
  }
  const all = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Where the last lines begin. */
function startOfLast(bytes: Uint8Array, lines: number): number {
  if (lines === 0) return bytes.length;
  let found = 0;
  for (let at = bytes.length - 1; at > 0; at--) {
    if (bytes[at - 1] === NEWLINE && ++found === lines) return at;
  }
  return 0;
}
