/**
 * A job of Windows that a process is in itself, with everything that it starts: when it is gone, however it ended, the
 * kernel ends all of them.
 *
 * @module
 */

import process from "node:process";
import { JOB_PROCESSES, PROCESS } from "../../../ffi/symbols/windows_processes.ts";
import { windowsProcessCalls } from "../../../ffi/windows_processes.ts";
import type { Containment } from "../process_system.ts";
import { demand, makeEndingJob } from "./ending_job.ts";

/** How many members are listed at first. */
const FIRST_LENGTH = 64;
const GREATEST_LENGTH = 65536;

/** The job of this process. Only this process has a handle of it, and nobody inherits one. */
export class ServiceJob implements Containment {
  readonly #job: bigint;

  private constructor(job: bigint) {
    this.#job = job;
  }

  /**
   * Puts this process into a job. What it starts from here on is in the job from its first moment, unless it is started
   * with the wish to be in none.
   *
   * @throws ProcrefError `PLATFORM`
   */
  static enter(): ServiceJob {
    const job = makeEndingJob();
    const { AssignProcessToJobObject } = windowsProcessCalls();
    demand("AssignProcessToJobObject", AssignProcessToJobObject(job, PROCESS.CURRENT));
    return new ServiceJob(job);
  }

  prepare(): void {
    this.leave();
    // What is ignored here, children would ignore as well.
    windowsProcessCalls().SetConsoleCtrlHandler(0n, 0);
  }

  /** The end of a console is the end of all that share it, and its host is in the job as well. */
  leave(): void {
    windowsProcessCalls().FreeConsole();
  }

  /** Ctrl-C for all that share the console of a process, which was started with one of its own. */
  request(pid: number): boolean {
    const { FreeConsole, AttachConsole, SetConsoleCtrlHandler, GenerateConsoleCtrlEvent } = windowsProcessCalls();
    FreeConsole();
    if (AttachConsole(pid) < 0) return false;
    SetConsoleCtrlHandler(0n, 1);
    // It arrives at this process as well, in its time.
    return GenerateConsoleCtrlEvent(PROCESS.CTRL_C_EVENT, 0) > 0;
  }

  isFollowed(): boolean {
    // It gives how many there are, also when there is no room for them; and none when there is no console any more.
    return windowsProcessCalls().GetConsoleProcessList(new Uint8Array(4), 1) <= 1;
  }

  members(): number[] {
    const { QueryInformationJobObject } = windowsProcessCalls();
    for (let length = FIRST_LENGTH; length <= GREATEST_LENGTH; length *= 2) {
      const view = new DataView(new ArrayBuffer(JOB_PROCESSES.pids + 8 * length));
      const bytes = new Uint8Array(view.buffer);
      const result = QueryInformationJobObject(
        this.#job,
        PROCESS.JobObjectBasicProcessIdList,
        bytes,
        bytes.length,
        null,
      );
      const listed = view.getUint32(JOB_PROCESSES.listed, true);
      // It lists as many as there is room for.
      if (listed >= length) continue;
      demand("QueryInformationJobObject", result);
      const pids = Array.from(
        { length: listed },
        (_, at) => Number(view.getBigUint64(JOB_PROCESSES.pids + 8 * at, true)),
      );
      return pids.filter((pid) => pid !== process.pid);
    }
    return [];
  }
}
