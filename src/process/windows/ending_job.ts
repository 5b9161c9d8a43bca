/**
 * Jobs of Windows whose processes the kernel ends when this process is gone, however it ended.
 *
 * @module
 */

import { windowsError } from "../../../ffi/last_error.ts";
import { JOB_LIMITS, PROCESS } from "../../../ffi/symbols/windows_processes.ts";
import { windowsProcessCalls } from "../../../ffi/windows_processes.ts";
import { ProcessHandle } from "./process_handle.ts";

/** The job of the children that are to end with this process. */
let childJob: bigint | undefined;

/**
 * Makes such a job. What starts in it is in it as well, from its first moment, unless it is started with the wish to be
 * in none. Only this process has a handle of it, and nobody inherits one.
 *
 * @throws ProcrefError `PLATFORM`
 */
export function makeEndingJob(): bigint {
  const { CreateJobObjectW, SetHandleInformation, SetInformationJobObject } = windowsProcessCalls();
  const job = BigInt(demand("CreateJobObjectW", CreateJobObjectW(null, null)));
  // To close it would end all in it: nobody who mistakes a number of a handle for theirs can do it.
  const keep = PROCESS.HANDLE_FLAG_PROTECT_FROM_CLOSE;
  demand("SetHandleInformation", SetHandleInformation(job, keep, keep));
  const limits = new DataView(new ArrayBuffer(JOB_LIMITS.size));
  // A service that starts the supervisor of another one takes it out, for that one outlives this.
  const flags = PROCESS.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | PROCESS.JOB_OBJECT_LIMIT_BREAKAWAY_OK;
  limits.setUint32(JOB_LIMITS.flags, flags, true);
  const bytes = new Uint8Array(limits.buffer);
  const set = SetInformationJobObject(job, PROCESS.JobObjectExtendedLimitInformation, bytes, bytes.length);
  demand("SetInformationJobObject", set);
  return job;
}

/**
 * Puts a child that was just started into a job that ends with this process. What it has started before is not in it.
 *
 * @throws ProcrefError `PLATFORM`; those of {@link ProcessHandle.open}
 */
export function endWithThisProcess(pid: number): void {
  const job = childJob ??= makeEndingJob();
  const child = ProcessHandle.open(pid, PROCESS.PROCESS_SET_QUOTA | PROCESS.PROCESS_TERMINATE);
  // It has ended already.
  if (typeof child === "string") return;
  try {
    const result = child.enter(job);
    if (child.isRunning()) demand("AssignProcessToJobObject", result);
  } finally {
    child.close();
  }
}

/** The result of a call, if it did what it was to do. */
export function demand(call: string, result: number): number {
  if (result >= 0) return result;
  throw windowsError("PLATFORM", "keep all that this process starts together in a job", call, result);
}
