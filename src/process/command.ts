/**
 * What a process is for people: its command line, and for how long it has run.
 *
 * @module
 */

import { processStatus, readProcFile } from "./proc_files.ts";

/** How long a command line is kept, in characters. */
const LONGEST_COMMAND = 2000;
/** Clock ticks in a second, as /proc counts them for programs: 100 on every architecture that is supported. */
const TICKS_PER_SECOND = 100;

/**
 * The command line of a process, cut off where it is very long.
 *
 * @returns undefined when there is no such process, it has ended, or this user may not see it
 * @throws ProcrefError `IO`, `PLATFORM`, `PERMISSION`, `LIBRARY`
 */
export function commandOf(pid: number): string[] | undefined {
  const text = readProcFile(`/proc/${pid}/cmdline`);
  if (text === undefined || text === "") return undefined;
  return text.slice(0, LONGEST_COMMAND).replace(/\0$/, "").split("\0");
}

/**
 * How long a process has run, in milliseconds.
 *
 * @returns undefined when there is no such process, or this user may not see it
 * @throws ProcrefError `IO`, `PLATFORM`, `PERMISSION`, `LIBRARY`
 */
export function ageMsOf(pid: number): number | undefined {
  const status = processStatus(pid);
  const uptime = Number(readProcFile("/proc/uptime")?.split(" ")[0]);
  if (status === undefined || Number.isNaN(uptime)) return undefined;
  return Math.max(0, Math.round(1000 * (uptime - Number(status.startTicks) / TICKS_PER_SECOND)));
}
