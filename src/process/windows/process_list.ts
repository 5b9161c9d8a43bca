/**
 * The list of all processes of Windows, and the trees that they form.
 *
 * @module
 */

import { ProcrefError } from "../../errors.ts";
import { PROCESS, SYSTEM_PROCESS } from "../../../ffi/symbols/windows_processes.ts";
import { windowsProcessCalls } from "../../../ffi/windows_processes.ts";

/** A process at one moment. */
export interface ListedProcess {
  readonly pid: number;
  /** The process that started it, which may be gone, and its number another's. */
  readonly parent: number;
  /** When it was started: units of 100 ns since 1601. */
  readonly created: bigint;
  readonly session: number;
  /** The name of its program's file. */
  readonly name: string;
}

const FIRST_SIZE = 65536;
const GREATEST_SIZE = 2 ** 26;

/**
 * All processes.
 *
 * @throws ProcrefError `OTHER`
 */
export function listedProcesses(): ListedProcess[] {
  const { NtQuerySystemInformation } = windowsProcessCalls();
  for (let size = FIRST_SIZE; size <= GREATEST_SIZE; size *= 2) {
    const view = new DataView(new ArrayBuffer(size));
    const bytes = new Uint8Array(view.buffer);
    const status = NtQuerySystemInformation(PROCESS.SystemProcessInformation, bytes, size, null);
    if (status === PROCESS.STATUS_INFO_LENGTH_MISMATCH) continue;
    if (status >= 0) return entries(view);
    throw failed(`status 0x${(status >>> 0).toString(16)}`);
  }
  throw failed("there are too many");
}

function entries(view: DataView): ListedProcess[] {
  const found: ListedProcess[] = [];
  for (let at = 0;;) {
    const pid = Number(view.getBigUint64(at + SYSTEM_PROCESS.pid, true));
    // Number 0 stands for what runs when nothing does.
    if (pid > 0) {
      found.push({
        pid,
        parent: Number(view.getBigUint64(at + SYSTEM_PROCESS.parent, true)),
        created: view.getBigInt64(at + SYSTEM_PROCESS.created, true),
        session: view.getUint32(at + SYSTEM_PROCESS.session, true),
        name: nameAt(view, at),
      });
    }
    const next = view.getUint32(at + SYSTEM_PROCESS.next, true);
    if (next === 0) return found;
    at += next;
  }
}

function nameAt(view: DataView, at: number): string {
  const threads = view.getUint32(at + SYSTEM_PROCESS.threads, true);
  const length = view.getUint16(at + SYSTEM_PROCESS.nameLength, true);
  const begin = at + SYSTEM_PROCESS.size + threads * SYSTEM_PROCESS.threadSize;
  if (begin + length > view.byteLength) return "";
  return new TextDecoder("utf-16le").decode(new Uint8Array(view.buffer, begin, length));
}

/**
 * Those of a list that a process has started, and that they have started in turn. Whose parent ended before it was
 * looked belongs to nobody's tree any more, unless that parent is the root itself.
 *
 * @param pid the root
 * @param created when the root was started; no process is taken for its child that is older
 * @param isRoot says of a process that it belongs to nobody's tree, with all that it has started
 */
export function descendants(
  list: readonly ListedProcess[],
  pid: number,
  created: bigint,
  isRoot: (process: ListedProcess) => boolean,
): ListedProcess[] {
  const found: ListedProcess[] = [];
  // The number of a root that is gone may be another's by now, whose children are younger than it.
  const later = list.find((each) => each.pid === pid && each.created !== created);
  const open = [{ pid, created }];
  for (let parent; (parent = open.pop()) !== undefined;) {
    for (const each of list) {
      if (each.parent !== parent.pid || each.created < parent.created || each.pid === parent.pid) continue;
      if (parent.pid === pid && later !== undefined && each.created >= later.created) continue;
      if (found.includes(each) || isRoot(each)) continue;
      found.push(each);
      open.push(each);
    }
  }
  return found;
}

function failed(why: string): ProcrefError {
  return new ProcrefError("OTHER", `Cannot list the processes: ${why}`, {
    details: { call: "NtQuerySystemInformation" },
  });
}
