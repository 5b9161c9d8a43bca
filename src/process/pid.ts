/**
 * Which numbers may stand for a process.
 *
 * @module
 */

import { host } from "../../ffi/mod.ts";
import { ProcrefError } from "../errors.ts";

const GREATEST_PID = 2 ** 31 - 1;

/**
 * Checks that a number can be a process other than the first one: an integer from 2 to 2,147,483,647. To the kernel 0
 * and negative numbers mean whole groups, or everything.
 *
 * @param least 1 where the first process may be meant: to look at it does no harm, and in a container it may be us
 * @throws ProcrefError `INVALID_ARGUMENT`
 */
export function checkPid(pid: unknown, least: 1 | 2 = 2): asserts pid is number {
  if (isPid(pid, least)) return;
  throw new ProcrefError(
    "INVALID_ARGUMENT",
    `Cannot use ${String(pid)} as a process: a PID is an integer from ${least} to ${GREATEST_PID}`,
  );
}

/** Whether something can be a process, as {@link checkPid} sees it. */
export function isPid(pid: unknown, least: 1 | 2 = 2): pid is number {
  return typeof pid === "number" && Number.isInteger(pid) && pid >= least && pid <= GREATEST_PID;
}

/**
 * Checks that a number can be a process that may be signalled: as {@link checkPid}, and not this process.
 *
 * @throws ProcrefError `INVALID_ARGUMENT`
 */
export function checkSignalPid(pid: unknown): asserts pid is number {
  checkPid(pid);
  if (pid !== host().pid) return;
  throw new ProcrefError("INVALID_ARGUMENT", `Cannot signal process ${pid}: it is this process itself`);
}
