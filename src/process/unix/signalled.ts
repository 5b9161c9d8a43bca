/**
 * What the result of sending a signal means.
 *
 * @module
 */

import { systemError } from "../../../ffi/errno.ts";
import { libc } from "../../../ffi/libc.ts";

/**
 * Whether the signal was sent.
 *
 * @param result of the call: minus the error number when it failed
 * @param pid the process, or minus the number of the process group
 * @throws ProcrefError `PERMISSION` when it belongs to somebody else; `OTHER`
 */
export function signalled(result: number, call: string, pid: number, number: number): boolean {
  if (result >= 0) return true;
  const { errors } = libc();
  if (result === -errors.ESRCH) return false;
  const whom = pid < 0 ? `process group ${-pid}` : `process ${pid}`;
  const code = result === -errors.EPERM ? "PERMISSION" : "OTHER";
  throw systemError(code, `send signal ${number} to ${whom}`, call, result, "", { pid: Math.abs(pid) });
}
