/**
 * Ending a process with all that it has started: its process group, by the identity of the group's leader.
 *
 * @module
 */

import { systemError } from "../../ffi/errno.ts";
import { libc } from "../../ffi/libc.ts";
import { LINUX, LINUX_ERRNO as E } from "../../ffi/symbols/linux_libc.ts";
import { type ProcessIdentity, startOf } from "./identity.ts";
import { checkSignalPid } from "./pid.ts";
import { hasEnded, listProcesses, processStatus } from "./proc_files.ts";
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
  return leads(leader) && signalGroup(leader.pid, LINUX.SIGKILL);
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
  request: number = LINUX.SIGTERM,
): Promise<StopOutcome> {
  checkGrace(timeoutMs);
  if (!leads(leader) || !signalGroup(leader.pid, request)) return "not-running";
  const gone = () => !isGroupAlive(leader);
  return await escalate(gone, () => gone() || signalGroup(leader.pid, LINUX.SIGKILL), timeoutMs);
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
  const status = processStatus(leader.pid);
  return status !== undefined && status.group === leader.pid && startOf(status) === leader.start;
}

/** Whether any process of the group runs. While one does, the kernel gives the group's number to nobody else. */
function isGroupAlive(leader: ProcessIdentity): boolean {
  const now = processStatus(leader.pid);
  if (now !== undefined && startOf(now) !== leader.start) return false;
  return listProcesses().some((pid) => {
    const status = processStatus(pid);
    return status !== undefined && status.group === leader.pid && !hasEnded(status);
  });
}

function signalGroup(group: number, number: number): boolean {
  const result = libc().kill(-group, number);
  if (result === -E.ESRCH) return false;
  if (result < 0) {
    const code = result === -E.EPERM ? "PERMISSION" : "OTHER";
    throw systemError(code, `send signal ${number} to process group ${group}`, "kill", result, "", { pid: group });
  }
  return true;
}
