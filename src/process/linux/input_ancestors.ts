/**
 * Who stands between this process and the one that writes to its standard input.
 *
 * @module
 */

import { node } from "../../../ffi/node.ts";
import { host } from "../../../ffi/mod.ts";
import { parseStatus, readProcLink, readStatusLine } from "./proc_files.ts";

/** More wrappers than anybody starts. */
const MOST = 32;

/** As `inputAncestors` of the system of processes. */
export function inputAncestors(): number[] {
  const input = isPipe(0) ? readProcLink(`/proc/${host().pid}/fd/0`) : undefined;
  const found: number[] = [];
  // Who was handed the same pipe only passes it on. Who was not has the other end.
  for (let pid = host().pid; found.length < MOST;) {
    const parent = parseStatus(readStatusLine(pid) ?? "")?.parent ?? 0;
    if (parent < 1) break;
    found.push(parent);
    if (input === undefined || readProcLink(`/proc/${parent}/fd/0`) !== input) break;
    pid = parent;
  }
  return found;
}

/** Whether a descriptor is a pipe or a socket: a terminal or /dev/null is shared with processes that are no wrappers. */
function isPipe(descriptor: number): boolean {
  try {
    const status = node.fs.fstatSync(descriptor);
    return status.isFIFO() || status.isSocket();
  } catch {
    return false;
  }
}
