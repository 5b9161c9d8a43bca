/**
 * Starting a program on Windows that outlives whoever starts it, with its output in a log.
 *
 * @module
 */

import { toNamespacedPath } from "node:path";
import { windowsError } from "../../../ffi/last_error.ts";
import { WINDOWS } from "../../../ffi/symbols/kernel32.ts";
import { FILE } from "../../../ffi/symbols/windows_files.ts";
import { PROCESS } from "../../../ffi/symbols/windows_processes.ts";
import { wideText, windows } from "../../../ffi/windows.ts";
import { windowsFileCalls } from "../../../ffi/windows_files.ts";
import { windowsProcessCalls } from "../../../ffi/windows_processes.ts";
import { ProcrefError } from "../../errors.ts";
import type { LoggedProcess, LoggedStart } from "../logged_process.ts";
import { type ProgramStart, startProgram } from "./detached_start.ts";
import { ProcessHandle } from "./process_handle.ts";

const SHARE_ALL = FILE.FILE_SHARE_READ | FILE.FILE_SHARE_WRITE | FILE.FILE_SHARE_DELETE;

/**
 * Starts a program that is no matter of this process, its console and its job.
 *
 * @throws ProcrefError `SPAWN`, `IO`, `OTHER`
 */
export function startLoggedProgram({ command, env, cwd, log }: LoggedStart): LoggedProcess {
  // Behind the end alone: what the program and others write is never over each other.
  const output = openInheritable(log, FILE.FILE_APPEND_DATA | WINDOWS.SYNCHRONIZE);
  let input: bigint | undefined;
  try {
    input = openInheritable("NUL", FILE.GENERIC_READ >>> 0);
    const { handle, pid } = start({ command, env, cwd }, [input, output, output]);
    try {
      return watched(command[0], pid);
    } finally {
      windows().CloseHandle(handle);
    }
  } finally {
    for (const each of [output, input]) if (each !== undefined) windows().CloseHandle(each);
  }
}

function start(how: ProgramStart, streams: readonly bigint[]): ReturnType<typeof startProgram> {
  try {
    return startProgram(how, streams);
  } catch (cause) {
    const { message, details } = cause as ProcrefError;
    throw new ProcrefError("SPAWN", `Cannot start ${how.command[0]}: ${message}`, { cause, details });
  }
}

/** While its handle is open, the number is nobody else's. */
function watched(program: string, pid: number): LoggedProcess {
  const watch = ProcessHandle.open(pid);
  if (watch === "denied") throw new ProcrefError("SPAWN", `Cannot watch ${program}, process ${pid}: it is not allowed`);
  if (watch === "gone") return { pid, identity: undefined, isRunning: () => false, release: () => {} };
  return {
    pid,
    identity: { pid, start: String(watch.created()) },
    isRunning: () => watch.isRunning(),
    release: () => watch.close(),
  };
}

function openInheritable(path: string, access: number): bigint {
  const name = wideText(path === "NUL" ? path : toNamespacedPath(path));
  const attributes = FILE.FILE_ATTRIBUTE_NORMAL;
  const handle = windowsFileCalls().CreateFileW(name, access, SHARE_ALL, null, FILE.OPEN_EXISTING, attributes, 0n);
  if (handle < 0) throw windowsError("IO", `open ${path}`, "CreateFileW", handle, "", { path });
  const { SetHandleInformation } = windowsProcessCalls();
  const result = SetHandleInformation(BigInt(handle), PROCESS.HANDLE_FLAG_INHERIT, PROCESS.HANDLE_FLAG_INHERIT);
  if (result < 0) throw windowsError("OTHER", `pass on ${path}`, "SetHandleInformation", result, "", { path });
  return BigInt(handle);
}
