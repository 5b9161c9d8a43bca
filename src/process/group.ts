/**
 * Ending a process with all that it has started: its process group, by the identity of the group's leader. On Windows,
 * which has no such groups, it is the tree of what the leader has started.
 *
 * @module
 */

import type { ProcessIdentity } from "./identity.ts";
import { checkSignalPid } from "./pid.ts";
import { processSystem } from "./platform.ts";
import { SIGKILL, SIGTERM } from "./signals.ts";
import { checkGrace, escalate, stop, type StopOutcome } from "./stop.ts";

/**
 * Ends a whole process group by force (SIGKILL).
 *
 * @param leader the identity of the group's leader. It must still be there, if only as a zombie: once it is gone, its
 * number may be another group's, and nothing is signalled
 * @returns false when the leader is gone or leads no group
 * @throws ProcrefError `INVALID_ARGUMENT` as `kill`; `PERMISSION` when the group belongs to somebody else
 *
 * @example
 * ```ts
 * import { process as processes } from "@procref/core";
 * import { spawn } from "node:child_process";
 * import assert from "node:assert/strict";
 *
 * const shell = spawn("sh", ["-c", "sleep 60 & sleep 60"], { detached: true });
 * assert.equal(processes.killGroup(processes.identityOf(shell.pid!)!), true);
 * ```
 */
export function killGroup(leader: ProcessIdentity): boolean {
  return leads(leader) && processSystem().signal(-leader.pid, SIGKILL);
}

/**
 * Stops a whole process group: asks all its processes to end (SIGTERM), waits until none runs any more, and ends those
 * that are left by force (SIGKILL) when the time is over.
 *
 * @param leader the identity of the group's leader, which must still be there when the call begins
 * @param timeoutMs how long it may take to end by itself, in milliseconds
 * @param request the number of the signal that asks it to end; SIGTERM unless given
 * @returns what became of the group
 * @throws ProcrefError as {@link killGroup}
 *
 * @example
 * ```ts
 * import { process as processes } from "@procref/core";
 * import { spawn } from "node:child_process";
 * import assert from "node:assert/strict";
 *
 * const shell = spawn("sh", ["-c", "sleep 60 & sleep 60"], { detached: true });
 * const leader = processes.identityOf(shell.pid!)!;
 * assert.equal(await processes.stopGroup(leader, 5000), "terminated");
 * ```
 */
export async function stopGroup(
  leader: ProcessIdentity,
  timeoutMs: number,
  request: number = SIGTERM,
): Promise<StopOutcome> {
  checkGrace(timeoutMs);
  if (!leads(leader) || !processSystem().signal(-leader.pid, request)) return "not-running";
  const gone = () => !processSystem().isGroupAlive(leader);
  return await escalate(gone, () => gone() || processSystem().signal(-leader.pid, SIGKILL), timeoutMs);
}

/**
 * Stops a process with its group, if it leads one, and alone if it does not.
 *
 * @throws ProcrefError as {@link killGroup}
 */
export async function stopWithGroup(identity: ProcessIdentity, timeoutMs: number): Promise<StopOutcome> {
  const outcome = await stopGroup(identity, timeoutMs);
  return outcome === "not-running" ? await stop(identity, timeoutMs) : outcome;
}

/** Whether the leader is there, zombie or not, and leads a group. */
function leads(leader: ProcessIdentity): boolean {
  checkSignalPid(leader.pid);
  const status = processSystem().status(leader.pid);
  return status !== undefined && status.group === leader.pid && status.start === leader.start;
}
