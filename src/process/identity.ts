/**
 * Who a process is: its PID and when it started. A PID alone is used again by the system.
 *
 * @module
 */

import { host } from "../../ffi/mod.ts";
import { checkPid } from "./pid.ts";
import { processSystem } from "./platform.ts";

/** A process that cannot be mistaken for a later one of the same number. */
export interface ProcessIdentity {
  /** The PID. */
  readonly pid: number;
  /** When and where it started, as an opaque word: equal only for the same process of the same boot. */
  readonly start: string;
}

/** A process by its PID, or by its identity. */
export type ProcessTarget = number | ProcessIdentity;

/**
 * The identity of a running process.
 *
 * @param pid its PID
 * @returns the identity, or undefined when no such process runs (a zombie does not) or this user may not see it
 * @throws ProcrefError `INVALID_ARGUMENT` for a number that cannot be a PID; `PLATFORM`, `PERMISSION`, `LIBRARY`
 *
 * @example
 * ```ts
 * import { process as processes } from "@procref/core";
 * import assert from "node:assert/strict";
 * import process from "node:process";
 *
 * const self = processes.identityOf(process.pid)!;
 * assert.ok(processes.isAlive(self));
 * assert.ok(!processes.isAlive({ ...self, start: "another time" }));
 * ```
 */
export function identityOf(pid: number): ProcessIdentity | undefined {
  checkPid(pid, 1);
  const status = processSystem().status(pid);
  return status === undefined || status.ended ? undefined : { pid, start: status.start };
}

/** The identity of this process. */
export function ownIdentity(): ProcessIdentity {
  return identityOf(host().pid)!;
}

/** An identity as one line of text. */
export function formatIdentity({ pid, start }: ProcessIdentity): string {
  return `${pid} ${start}`;
}

/** The identity of a line that {@link formatIdentity} made. */
export function parseIdentity(text: string): ProcessIdentity {
  const end = text.indexOf(" ");
  return { pid: Number(text.slice(0, end)), start: text.slice(end + 1) };
}

/** Whether two identities are of one process. */
export function isSameProcess(one: ProcessIdentity | undefined, other: ProcessIdentity | undefined): boolean {
  return one?.pid === other?.pid && one?.start === other?.start;
}

/**
 * Whether a process runs. A zombie does not; one that belongs to another user does. With an identity, the process must
 * be that very one; where the system hides its start time, it is believed to be.
 *
 * @param target the PID or identity
 * @throws ProcrefError `INVALID_ARGUMENT` for a number that cannot be a PID; `PLATFORM`, `PERMISSION`, `LIBRARY`
 *
 * @example
 * ```ts
 * import { process as processes } from "@procref/core";
 * import assert from "node:assert/strict";
 * import process from "node:process";
 *
 * assert.ok(processes.isAlive(process.pid));
 * ```
 */
export function isAlive(target: ProcessTarget): boolean {
  const pid = typeof target === "number" ? target : target.pid;
  checkPid(pid, 1);
  const system = processSystem();
  const status = system.status(pid);
  if (status === undefined) return system.isHidden(pid);
  if (status.ended) return false;
  return typeof target === "number" || target.start === status.start;
}
