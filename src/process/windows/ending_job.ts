/**
 * Jobs of Windows whose processes the kernel ends when this process is gone, however it ended.
 *
 * @module
 */

import { windowsError } from "../../../ffi/last_error.ts";
import { JOB_LIMITS, PROCESS } from "../../../ffi/symbols/windows_processes.ts";
import { windowsProcessCalls } from "../../../ffi/windows_processes.ts";
import { ProcessHandle } from "./process_handle.ts";

/** Nothing that a process of a job with this limit starts is in that job. */
const LETS_GO = PROCESS.JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK;

/** The job in which children begin that are to end with this process; this process is in it as well. */
let birthJob: bigint | undefined;
/** The job of those children and of all that they start. */
let childJob: bigint | undefined;

/**
 * Makes such a job. What starts in it is in it as well, from its first moment, unless it is started with the wish to be
 * in none. Only this process has a handle of it, and nobody inherits one.
 *
 * @throws ProcrefError `PLATFORM`
 */
export function makeEndingJob(): bigint {
  const { CreateJobObjectW, SetHandleInformation } = windowsProcessCalls();
  const job = BigInt(demand("CreateJobObjectW", CreateJobObjectW(null, null)));
  // To close it would end all in it: nobody who mistakes a number of a handle for theirs can do it.
  const keep = PROCESS.HANDLE_FLAG_PROTECT_FROM_CLOSE;
  demand("SetHandleInformation", SetHandleInformation(job, keep, keep));
  limit(job);
  return job;
}

/**
 * Starts a child that ends when this process does, and all that it starts as well.
 *
 * Windows makes a process first and lets it run then. If this process were killed between, nobody would ever let it run
 * or end it, and nobody can put a process into a job that the runtime is about to start. So it is this process that is in
 * a job, of which it lets go whatever it starts, but for the moment of this call. What another thread starts at the same
 * moment is kept as well.
 *
 * @param start starts it before it returns
 * @throws ProcrefError `PLATFORM`; those of `start` and of {@link ProcessHandle.open}
 */
export function startEnding<T extends { readonly pid?: number }>(start: () => T): T {
  const job = birthJob ??= enterBirthJob();
  limit(job);
  try {
    const child = start();
    if (child.pid !== undefined) putInChildJob(child.pid);
    return child;
  } finally {
    limit(job, LETS_GO);
  }
}

function enterBirthJob(): bigint {
  const job = makeEndingJob();
  limit(job, LETS_GO);
  const { AssignProcessToJobObject } = windowsProcessCalls();
  demand("AssignProcessToJobObject", AssignProcessToJobObject(job, PROCESS.CURRENT));
  return job;
}

/** The job that it begins in would let go what it starts, as it does of what this process starts. */
function putInChildJob(pid: number): void {
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

function limit(job: bigint, more = 0): void {
  const limits = new DataView(new ArrayBuffer(JOB_LIMITS.size));
  // A service that starts the supervisor of another one takes it out, for that one outlives this.
  const flags = PROCESS.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | PROCESS.JOB_OBJECT_LIMIT_BREAKAWAY_OK;
  limits.setUint32(JOB_LIMITS.flags, flags | more, true);
  const bytes = new Uint8Array(limits.buffer);
  const { SetInformationJobObject } = windowsProcessCalls();
  const result = SetInformationJobObject(job, PROCESS.JobObjectExtendedLimitInformation, bytes, bytes.length);
  demand("SetInformationJobObject", result);
}

/** The result of a call, if it did what it was to do. */
export function demand(call: string, result: number): number {
  if (result >= 0) return result;
  throw windowsError("PLATFORM", "keep all that this process starts together in a job", call, result);
}
