/**
 * What the file of an instance says: for people, for `status`, and for programs that read PID files. Nobody decides by
 * it who runs; the lock on it does that.
 *
 * The first line is the PID alone, as in every PID file. The second one says whose file it is, and when the program
 * started:
 *
 * ```text
 * 4711
 * procref instance, locked while it runs; started 2026-01-31T12:00:00.000Z; identity 123456 4026531836 0f1e...
 * ```
 *
 * @module
 */

import { closeSync, openSync, readSync } from "node:fs";
import process from "node:process";
import { isProcrefError, ProcrefError } from "../errors.ts";
import { attempting } from "../kernel/attempting.ts";
import { identityOf, isAlive } from "../process/identity.ts";

/** What a file says about the instance that wrote it. */
export interface InstanceInfo {
  /** Its PID. */
  readonly pid: number;
  /** When it started; unknown of a file that another program wrote. */
  readonly startedAt?: Date;
  /** What tells it from other processes of its number, where it could find that out. */
  readonly start?: string;
}

const MARK = "procref instance";
/** Longer files are none of ours. */
const GREATEST_SIZE = 1000;
/** Nothing: a writer died, a disk was full, or power failed (which leaves NULs). */
const NOTHING = /^[\s\0]*$/;
/** A plain PID file, or one of ours, maybe cut short. */
const PID_FILE = /^\s*(\d{1,10})\s*?(?:\n([^\n]*))?\s*$/;
const STARTED = /; started ([^;]+)(?:; identity (.+))?$/;

/** What this process writes. */
export function ownInstanceText(): string {
  const started = new Date(performance.timeOrigin).toISOString();
  const start = knownStart();
  const identity = start === undefined ? "" : `; identity ${start}`;
  return `${process.pid}\n${MARK}, locked while it runs; started ${started}${identity}\n`;
}

/**
 * Reads such a file.
 *
 * @returns what it says; undefined when it says nothing, or is not there
 * @throws ProcrefError `BROKEN_FILE` when it is something else than a PID file; `PERMISSION`, `IO`
 */
export function readInstanceFile(path: string): InstanceInfo | undefined {
  const text = attempting(`read ${path}`, path, () => textOf(path));
  if (text === undefined || NOTHING.test(text)) return undefined;
  const [, pid, mark = ""] = PID_FILE.exec(text) ?? [];
  if (pid === undefined || !(mark.startsWith(MARK) || MARK.startsWith(mark))) {
    throw new ProcrefError(
      "BROKEN_FILE",
      `Cannot use ${path} as the file of an instance: it holds something else than a PID, and is left as it is; name ` +
        "another file, or remove this one",
      { details: { path } },
    );
  }
  const [, started, start] = STARTED.exec(mark) ?? [];
  const startedAt = started === undefined ? undefined : new Date(started);
  const isDated = startedAt !== undefined && !Number.isNaN(startedAt.getTime());
  return { pid: Number(pid), ...(isDated ? { startedAt } : {}), ...(start === undefined ? {} : { start }) };
}

/** Whether the process of a file's text runs, as far as it can be told: `"unknown"` of a bare number. */
export function isInstanceAlive({ pid, start }: InstanceInfo): boolean | "unknown" {
  if (start === undefined) return "unknown";
  try {
    return isAlive({ pid, start });
  } catch (error) {
    if (isProcrefError(error)) return "unknown";
    throw error;
  }
}

/** Undefined where the runtime does not let us find it out: it is information only. */
function knownStart(): string | undefined {
  try {
    return identityOf(process.pid)?.start;
  } catch (error) {
    if (isProcrefError(error)) return undefined;
    throw error;
  }
}

function textOf(path: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const bytes = new Uint8Array(GREATEST_SIZE + 1);
    const length = readSync(descriptor, bytes, 0, bytes.length, 0);
    // What is too long for us is a text that cannot be ours.
    return length > GREATEST_SIZE ? "too long" : new TextDecoder().decode(bytes.subarray(0, length));
  } finally {
    closeSync(descriptor);
  }
}
