/**
 * Ending a process: by request, by force, or by request with force at the end of a grace period.
 *
 * @module
 */

import { isProcrefError, ProcrefError } from "../errors.ts";
import { until } from "../waiting.ts";
import type { ProcessTarget } from "./identity.ts";
import { checkSignalPid } from "./pid.ts";
import { pace } from "./pace.ts";
import { ProcessWatch } from "./process_watch.ts";
import { SIGKILL, SIGTERM } from "./signals.ts";

/** How long a process may take to be gone after SIGKILL, in milliseconds. */
const KILL_MS = 5000;

/**
 * What became of a process that was to be stopped: it was `"not-running"` at all, ended by itself after the request
 * (`"terminated"`), had to be `"killed"`, or is `"still-running"` even so (stuck inside the kernel).
 */
export type StopOutcome = "not-running" | "terminated" | "killed" | "still-running";

/** Begins to watch a process that may be signalled: not the first one, not this one. */
export function watchTarget(target: ProcessTarget): ProcessWatch | undefined {
  checkSignalPid(typeof target === "number" ? target : target.pid);
  return typeof target === "number" ? ProcessWatch.ofPid(target) : ProcessWatch.open(target);
}

function signal(target: ProcessTarget, number: number): boolean {
  using watch = watchTarget(target);
  return watch?.signal(number) ?? false;
}

/**
 * Asks a process to end (SIGTERM).
 *
 * @param target its PID or identity; an identity never reaches a later process of the same number
 * @returns false when it did not run
 * @throws ProcrefError `INVALID_ARGUMENT` for 0, 1, negative and fractional numbers and this process itself;
 * `PERMISSION` when the process belongs to somebody else
 *
 * @example
 * ```ts
 * import { process as processes } from "@procref/core";
 * import { spawn } from "node:child_process";
 * import assert from "node:assert/strict";
 *
 * const child = spawn("sleep", ["60"]);
 * assert.equal(processes.terminate(child.pid!), true);
 * ```
 */
export function terminate(target: ProcessTarget): boolean {
  return signal(target, SIGTERM);
}

/**
 * Ends a process by force (SIGKILL). It may take a moment until it is gone.
 *
 * @param target its PID or identity; an identity never reaches a later process of the same number
 * @returns false when it did not run
 * @throws ProcrefError as {@link terminate}
 *
 * @example
 * ```ts
 * import { process as processes } from "@procref/core";
 * import { spawn } from "node:child_process";
 * import assert from "node:assert/strict";
 *
 * const child = spawn("sleep", ["60"]);
 * assert.equal(processes.kill(child.pid!), true);
 * ```
 */
export function kill(target: ProcessTarget): boolean {
  return signal(target, SIGKILL);
}

/**
 * Stops a process: asks it to end (SIGTERM), waits, and ends it by force (SIGKILL) when the time is over. It resolves
 * once the process is gone, or has ended and waits for its parent to notice. When the caller dies in the middle, the
 * request has been made and force is not used.
 *
 * @param target its PID or identity; an identity never reaches a later process of the same number
 * @param timeoutMs how long it may take to end by itself, in milliseconds
 * @returns what became of it
 * @throws ProcrefError as {@link terminate}; `INVALID_ARGUMENT` for a time that is not one
 *
 * @example
 * ```ts
 * import { process as processes } from "@procref/core";
 * import { spawn } from "node:child_process";
 * import assert from "node:assert/strict";
 *
 * const child = spawn("sleep", ["60"]);
 * assert.equal(await processes.stop(child.pid!, 5000), "terminated");
 * assert.equal(await processes.stop(child.pid!, 5000), "not-running");
 * ```
 */
export async function stop(target: ProcessTarget, timeoutMs: number): Promise<StopOutcome> {
  checkGrace(timeoutMs);
  using watch = watchTarget(target);
  if (!watch?.signal(SIGTERM)) return "not-running";
  return await escalate(() => !watch.isAlive(), () => watch.signal(SIGKILL), timeoutMs);
}

/**
 * Waits for a request to be followed, then uses force and waits again.
 *
 * @param gone whether all is done
 * @param force what ends it
 * @param timeoutMs how long to wait before force is used
 */
export async function escalate(
  gone: () => boolean,
  force: () => unknown,
  timeoutMs: number,
): Promise<Exclude<StopOutcome, "not-running">> {
  if (await happens(gone, timeoutMs)) return "terminated";
  force();
  return await happens(gone, KILL_MS) ? "killed" : "still-running";
}

/** Checks a grace period in milliseconds. */
export function checkGrace(timeoutMs: unknown): asserts timeoutMs is number {
  if (typeof timeoutMs === "number" && timeoutMs >= 0) return;
  throw new ProcrefError(
    "INVALID_ARGUMENT",
    `Cannot wait ${String(timeoutMs)} ms for a process to end: use 0 or more milliseconds`,
  );
}

/** Whether a condition comes true within the time. */
export async function happens(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  try {
    await until(condition, { timeoutMs, ...pace() }, () => "see the process end");
    return true;
  } catch (error) {
    if (isProcrefError(error, "TIMEOUT")) return false;
    throw error;
  }
}
