/**
 * Whether an instance runs, from its lock.
 *
 * @module
 */

import { resolve } from "node:path";
import { PathLock } from "../kernel/path_lock.ts";
import { readInstanceFile } from "./instance_file.ts";

/** What is known of an instance. */
export interface InstanceStatus {
  /** Whether one runs: somebody has the lock. */
  readonly running: boolean;
  /** The PID that the file names; of an instance that does not run, the one of the last. Never to be signalled blindly. */
  readonly pid?: number;
  /** When that one started. */
  readonly startedAt?: Date;
}

/**
 * Whether an instance runs: whether somebody has the file locked. A PID alone is never believed; a stale file, and one
 * whose number another process has by now, say that none runs. Nothing is made, changed or removed.
 *
 * @param path the file that was given to {@link ensureSingleInstance} or {@link daemonize}
 * @returns whether one runs, and what the file says of it
 * @throws ProcrefError `BROKEN_FILE` when the file is none of an instance; `PERMISSION`, `IO`, `LOCK`, `PLATFORM`,
 * `LIBRARY`
 *
 * @example
 * ```ts
 * import { status } from "@procref/core/lifecycle";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(status("never-started.pid"), { running: false });
 * ```
 */
export function status(path: string): InstanceStatus {
  using lock = new PathLock(resolve(path));
  const running = lock.isLockedByOthers();
  const info = readInstanceFile(lock.path);
  if (info === undefined) return { running };
  const { pid, startedAt } = info;
  return { running, pid, ...(startedAt === undefined ? {} : { startedAt }) };
}
