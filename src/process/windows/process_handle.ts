/**
 * A hold on a process of Windows by an open handle: as long as it is open, the process's number is given to no other.
 *
 * @module
 */

import { windowsError } from "../../../ffi/last_error.ts";
import { WINDOWS, WINDOWS_ERROR as E } from "../../../ffi/symbols/kernel32.ts";
import { PROCESS } from "../../../ffi/symbols/windows_processes.ts";
import { wideText, windows } from "../../../ffi/windows.ts";
import { windowsProcessCalls } from "../../../ffi/windows_processes.ts";
import { ProcrefError } from "../../errors.ts";
import type { ProcessHold } from "../process_system.ts";

const SIGHUP = 1;
const SIGINT = 2;
const SIGQUIT = 3;
const SIGKILL = 9;
const SIGTERM = 15;
const SIGBREAK = 21;
/** The signals that end a process that has not learned otherwise. */
const ENDING: readonly number[] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGBREAK];
const LOOK = WINDOWS.SYNCHRONIZE | PROCESS.PROCESS_QUERY_LIMITED_INFORMATION;

/** An open handle of a process. */
export class ProcessHandle implements ProcessHold {
  readonly #pid: number;
  readonly #handle: bigint;

  private constructor(pid: number, handle: bigint) {
    this.#pid = pid;
    this.#handle = handle;
  }

  /**
   * Opens a handle.
   *
   * @param more rights beside those to look at it and to wait for it
   * @returns `"denied"` when there is such a process and this user may not have that
   * @throws ProcrefError `OTHER`
   */
  static open(pid: number, more = 0): ProcessHandle | "gone" | "denied" {
    // Windows takes no notice of the lowest two bits: 5 would mean process 4.
    if (pid % 4 !== 0) return "gone";
    const result = windowsProcessCalls().OpenProcess(LOOK | more, 0, pid);
    if (result > 0) return new ProcessHandle(pid, BigInt(result));
    if (result === -E.ERROR_INVALID_PARAMETER) return "gone";
    if (result === -E.ERROR_ACCESS_DENIED) return "denied";
    throw windowsError("OTHER", `watch process ${pid}`, "OpenProcess", result, "", { pid });
  }

  /** When the process was started: units of 100 ns since 1601. */
  created(): bigint {
    const times = Array.from({ length: 4 }, () => new DataView(new ArrayBuffer(8)));
    const [created, ended, kernel, user] = times.map(({ buffer }) => new Uint8Array(buffer));
    const result = windowsProcessCalls().GetProcessTimes(this.#handle, created, ended, kernel, user);
    if (result >= 0) return times[0].getBigInt64(0, true);
    throw windowsError("OTHER", `ask when process ${this.#pid} was started`, "GetProcessTimes", result, "", {
      pid: this.#pid,
    });
  }

  isRunning(): boolean {
    const result = windows().WaitForSingleObject(this.#handle, 0);
    if (result >= 0) return result === WINDOWS.WAIT_TIMEOUT;
    throw windowsError("OTHER", `watch process ${this.#pid}`, "WaitForSingleObject", result, "", { pid: this.#pid });
  }

  /**
   * There are no signals. A process that listens for requests to end gets those that ask for it; any other one is ended
   * by the system, with an exit status as of a shell: nothing else that is known to the system reaches one process and
   * no other, for the keys of a console are for all that share it.
   */
  signal(number: number): boolean {
    if (!this.isRunning()) return false;
    if (number === 0) return true;
    if (number !== SIGKILL && !ENDING.includes(number)) {
      throw new ProcrefError("PLATFORM", `Cannot send signal ${number} to process ${this.#pid}: Windows has none`);
    }
    return number !== SIGKILL && askToEnd(this.#pid, this.created()) || this.#end(128 + number);
  }

  #end(status: number): boolean {
    const ender = ProcessHandle.open(this.#pid, PROCESS.PROCESS_TERMINATE);
    if (ender === "gone") return false;
    if (ender === "denied") throw this.#refused(-E.ERROR_ACCESS_DENIED);
    try {
      const result = windowsProcessCalls().TerminateProcess(ender.#handle, status);
      if (result >= 0) return true;
      // So says Windows also of one that is about to be gone.
      if (result === -E.ERROR_ACCESS_DENIED && ender.#isEnding()) return false;
      throw this.#refused(result);
    } finally {
      ender.close();
    }
  }

  #isEnding(): boolean {
    const status = new DataView(new ArrayBuffer(4));
    const result = windowsProcessCalls().GetExitCodeProcess(this.#handle, new Uint8Array(status.buffer));
    return result >= 0 && status.getUint32(0, true) !== PROCESS.STILL_ACTIVE;
  }

  #refused(result: number): ProcrefError {
    const code = result === -E.ERROR_ACCESS_DENIED ? "PERMISSION" : "OTHER";
    return windowsError(code, `end process ${this.#pid}`, "TerminateProcess", result, "", { pid: this.#pid });
  }

  /** Puts it into a job; gives the result of the call. It must be open with the rights for that. */
  enter(job: bigint): number {
    return windowsProcessCalls().AssignProcessToJobObject(job, this.#handle);
  }

  close(): void {
    windows().CloseHandle(this.#handle);
  }
}

/** The name of the event that asks a process to end, in its session and for its user. */
function requestName(pid: number, created: bigint): Uint8Array {
  return wideText(`Local\\procref-end-${pid}-${created}`);
}

/** Asks a process to end that listens for it; false when it does not. */
function askToEnd(pid: number, created: bigint): boolean {
  const result = windows().OpenEventW(PROCESS.EVENT_MODIFY_STATE, 0, requestName(pid, created));
  if (result <= 0) return false;
  const event = BigInt(result);
  try {
    return windowsProcessCalls().SetEvent(event) > 0;
  } finally {
    windows().CloseHandle(event);
  }
}

/** Whether a process listens for requests to end, as supervisors do. */
export function listens(pid: number, created: bigint): boolean {
  const result = windows().OpenEventW(WINDOWS.SYNCHRONIZE, 0, requestName(pid, created));
  if (result > 0) windows().CloseHandle(BigInt(result));
  return result > 0;
}

/**
 * Gives a process that was just started the event by which it will be asked to end, so that it counts as one that
 * listens before it does.
 */
export function giveRequestEvent(pid: number, handle: bigint): void {
  const started = ProcessHandle.open(pid);
  if (typeof started === "string") return;
  const result = windows().CreateEventW(null, 1, 0, requestName(pid, started.created()));
  started.close();
  if (result <= 0) return;
  const theirs = new Uint8Array(new ArrayBuffer(8));
  const { DuplicateHandle } = windowsProcessCalls();
  DuplicateHandle(PROCESS.CURRENT, BigInt(result), handle, theirs, 0, 0, PROCESS.DUPLICATE_SAME_ACCESS);
  windows().CloseHandle(BigInt(result));
}

/**
 * Makes the event by which this process is asked to end; it goes when this process does.
 *
 * @throws ProcrefError `OTHER`
 */
export function listenForRequests(pid: number): () => boolean {
  const self = ProcessHandle.open(pid);
  if (typeof self === "string") throw new ProcrefError("OTHER", `Cannot open process ${pid}, which is this one`);
  const created = self.created();
  self.close();
  const result = windows().CreateEventW(null, 1, 0, requestName(pid, created));
  if (result < 0) throw windowsError("OTHER", "listen for requests to end", "CreateEventW", result);
  const event = BigInt(result);
  return () => windows().WaitForSingleObject(event, 0) === WINDOWS.WAIT_OBJECT_0;
}
