/**
 * What the result of sending a signal means.
 *
 * @module
 */

import { systemError } from "../../../ffi/errno.ts";
import { LINUX_ERRNO as E } from "../../../ffi/symbols/linux_libc.ts";

/**
 * Whether the signal was sent.
 *
 * @param result of the call: minus the error number when it failed
 * @param pid the process, or minus the number of the process group
 * @throws ProcrefError `PERMISSION` when it belongs to somebody else; `OTHER`
 */
export function signalled(result: number, call: string, pid: number, number: number): boolean {
  if (result === -E.ESRCH) return false;
  if (result >= 0) return true;
  const whom = pid < 0 ? `process group ${-pid}` : `process ${pid}`;
  const code = result === -E.EPERM ? "PERMISSION" : "OTHER";
  throw systemError(code, `send signal ${number} to ${whom}`, call, result, "", { pid: Math.abs(pid) });
}
