/**
 * A process by name, that one has started or found: asked, ended and waited for by its identity.
 *
 * @module
 */

import type { ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import type { Readable, Writable } from "node:stream";
import { ProcrefError } from "../errors.ts";
import { LONGEST_TIMER_MS } from "../waiting.ts";
import { commandOf } from "./command.ts";
import { type ExitStatus, exitStatus, RUNNING, UNKNOWN_END } from "./exit_status.ts";
import { killGroup, stopGroup } from "./group.ts";
import type { ProcessIdentity } from "./identity.ts";
import { checkPid, checkSignalPid } from "./pid.ts";
import { ProcessWatch } from "./process_watch.ts";
import { SIGKILL, SIGTERM } from "./signals.ts";
import { checkGrace, escalate, happens } from "./stop.ts";

/** How long the runtime may take to tell the status of a child that the kernel says has ended, in milliseconds. */
const TAKE_NOTE_MS = 5000;
const WAIT_MS = 5000;
const GRACE_MS = 3000;

/** Whom a request or force is for. */
export interface GroupOptions {
  /**
   * Whether all that it has started is meant as well: its process group, if it leads one (see `detached` of `spawn`),
   * on Windows the tree of what it has started. False unless given.
   */
  readonly group?: boolean;
}

/**
 * A process with a name. It holds no process alive and ends none when it is forgotten. Everything is done by identity: a
 * later process of the same number is never taken for it, and an ended one is never alive, though nobody has taken note
 * of its end yet (a zombie).
 *
 * When the process that has it dies, nothing happens to the other one (but see `endWithParent` of `spawn`).
 */
export class ManagedProcess {
  /** What it is called, for people and registries. */
  readonly name: string;
  /** Its program as it was given; of an attached process, the first word of its command line, or nothing. */
  readonly executable: string;
  /** Who it is. */
  readonly identity: ProcessIdentity;
  /** Its standard input, where that is a pipe to this process. */
  readonly stdin: Writable | null;
  /** Its standard output, where that is a pipe to this process. Read it: a full pipe stops the process. */
  readonly stdout: Readable | null;
  /** Its standard error, where that is a pipe to this process. Read it: a full pipe stops the process. */
  readonly stderr: Readable | null;
  /** Undefined when it had ended before it could be watched. */
  readonly #watch: ProcessWatch | undefined;
  /** What the runtime tells of a child; undefined for a process that is none. */
  readonly #told: Promise<ExitStatus> | undefined;
  readonly #child: ChildProcess | undefined;
  #status: ExitStatus = RUNNING;

  /**
   * Made by `spawn()` and `attach()`.
   *
   * @param name what it is called
   * @param executable its program
   * @param identity who it is
   * @param child what the runtime has of it, when this process has started it just now
   * @throws ProcrefError `OTHER` when the system gives no hold on it (too many are open)
   */
  constructor(name: string, executable: string, identity: ProcessIdentity, child?: ChildProcess) {
    this.name = name;
    this.executable = executable;
    this.identity = identity;
    this.stdin = child?.stdin ?? null;
    this.stdout = child?.stdout ?? null;
    this.stderr = child?.stderr ?? null;
    this.#child = child;
    this.#told = child && new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve(this.#ended(exitStatus(code, signal))));
    });
    this.#watch = ProcessWatch.open(identity);
  }

  /** Its PID, which may be another process's once this one has ended. */
  get pid(): number {
    return this.identity.pid;
  }

  /**
   * Whether it runs: what the kernel says at this moment, for nothing has to be told by anybody first.
   *
   * @throws ProcrefError `PLATFORM`, `PERMISSION`, `LIBRARY`
   */
  isAlive(): boolean {
    return !this.#status.exited && this.#watch?.isAlive() === true;
  }

  /**
   * Asks it to end: SIGTERM. Windows has no signals: there, a process that listens for requests to end by this library
   * is asked, and any other one is ended at once with exit status 143, which is not graceful.
   *
   * @returns false when it did not run
   * @throws ProcrefError `INVALID_ARGUMENT` for this process itself and the first one; `PERMISSION` when it belongs to
   * somebody else
   */
  requestShutdown(): boolean {
    return this.#signal(SIGTERM);
  }

  /**
   * Ends it by force: SIGKILL, on Windows exit status 137. It may take a moment until it is gone.
   *
   * @returns false when it did not run, or with `group` when it leads none
   * @throws ProcrefError as {@link ManagedProcess.requestShutdown}
   */
  forceKill({ group = false }: GroupOptions = {}): boolean {
    return group ? killGroup(this.identity) : this.#signal(SIGKILL);
  }

  /**
   * Waits until it has ended, and tells how. A child has been reaped then; of another process the system tells that it
   * has ended and not how.
   *
   * @param timeoutMs how long to wait, in milliseconds: 5,000 unless given, `Infinity` for no limit. With 0 it is looked
   * once, and a process that has ended by then is found so
   * @returns `exited` is false when the time was over first
   * @throws ProcrefError `INVALID_ARGUMENT` for a time that is not one
   */
  async waitForExit(timeoutMs: number = WAIT_MS): Promise<ExitStatus> {
    checkGrace(timeoutMs);
    if (this.#told === undefined) {
      return await happens(() => !this.isAlive(), timeoutMs) ? this.#ended(UNKNOWN_END) : RUNNING;
    }
    if (this.isAlive() && await within(this.#told, timeoutMs) === undefined && this.isAlive()) return RUNNING;
    // The kernel says so at once, and how it ended when the runtime has taken note.
    return await within(this.#told, TAKE_NOTE_MS) ?? this.#ended(UNKNOWN_END);
  }

  /**
   * Shuts it down: asks it to end, waits, and ends it by force when the time is over, whether it is a child of this
   * process or not. When the caller dies in the middle, the request has been made and force is not used.
   *
   * @param graceMs how long it may take to end by itself, in milliseconds: 3,000 unless given
   * @returns how it ended; `exited` is false when it is there 5 seconds after force was used (stuck inside the kernel)
   * @throws ProcrefError as {@link ManagedProcess.requestShutdown}; `INVALID_ARGUMENT` for a time that is not one
   */
  async shutdown(graceMs: number = GRACE_MS, { group = false }: GroupOptions = {}): Promise<ExitStatus> {
    checkGrace(graceMs);
    const stopped = group && await stopGroup(this.identity, graceMs) !== "not-running";
    if (!stopped && this.requestShutdown()) {
      await escalate(() => !this.isAlive(), () => this.#signal(SIGKILL), graceMs);
    }
    return await this.waitForExit(0);
  }

  /** Lets this process end while that one runs: a child keeps the event loop alive otherwise. */
  unref(): void {
    this.#child?.unref();
  }

  #signal(number: number): boolean {
    checkSignalPid(this.pid);
    return this.isAlive() && this.#watch!.signal(number);
  }

  #ended(status: ExitStatus): ExitStatus {
    if (!this.#status.exited) this.#status = status;
    this.#watch?.close();
    return this.#status;
  }
}

/**
 * Takes charge of a process that this one has not started, by its identity. Whatever can be known of it is the same as of
 * a child, but for how it ended.
 *
 * @param identity who it is; it may have ended
 * @param name what it is called: its PID unless given
 * @returns a handle
 * @throws ProcrefError `INVALID_ARGUMENT` for a number that cannot be a PID; `OTHER` when the system gives no hold on it
 * (too many are open); `PLATFORM`, `PERMISSION`, `LIBRARY`
 *
 * @example
 * ```ts
 * import { attach, identityOf } from "@procref/core/process";
 * import { spawn } from "node:child_process";
 * import assert from "node:assert/strict";
 *
 * const child = spawn("sleep", ["60"]);
 * const handle = attach(identityOf(child.pid!)!, "sleeper");
 * const end = await handle.shutdown(5000);
 * assert.ok(end.exited && end.exitCode === undefined);
 * ```
 */
export function attach(identity: ProcessIdentity, name: string = String(identity.pid)): ManagedProcess {
  checkPid(identity.pid, 1);
  checkProcessName(name);
  return new ManagedProcess(name, commandOf(identity.pid)?.[0] ?? "", identity);
}

/** Checks what a process is to be called. */
export function checkProcessName(name: unknown): asserts name is string {
  if (typeof name === "string" && name !== "") return;
  throw new ProcrefError("INVALID_ARGUMENT", `Cannot call a process ${JSON.stringify(name)}: give a text`, {
    details: { field: "name" },
  });
}

/** What a promise gives within the time, or undefined. */
async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  if (timeoutMs > LONGEST_TIMER_MS) return await promise;
  const over = new AbortController();
  const limit = delay(timeoutMs, undefined, { signal: over.signal }).catch(() => undefined);
  try {
    return await Promise.race([promise, limit]);
  } finally {
    over.abort();
  }
}
