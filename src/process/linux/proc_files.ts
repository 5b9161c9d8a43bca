/**
 * What Linux tells of processes in /proc, and what it means.
 *
 * @module
 */

import { host } from "../../../ffi/mod.ts";
import { linuxAccess } from "./linux_access.ts";

/** The fields of /proc/PID/stat that are used; see proc_pid_stat(5). */
export interface StatusFields {
  /** One letter; Z is a zombie, X a process that is just gone. */
  readonly state: string;
  /** The parent; 0 when it has none that can be seen from here. */
  readonly parent: number;
  /** The process group. */
  readonly group: number;
  /** How many threads there are; a process whose main thread alone has ended looks like a zombie with others left. */
  readonly threads: number;
  /** When it started, in clock ticks since boot. */
  readonly startTicks: string;
}

const decoder = new TextDecoder();

/**
 * Reads a file as a whole.
 *
 * @returns its bytes, or undefined when it does not exist, its process has ended, or this user may not read it
 * @throws ProcrefError `IO`, `PERMISSION`
 */
export function readProcBytes(path: string): Uint8Array | undefined {
  return linuxAccess().bytes(path);
}

/** Reads a text file as {@link readProcBytes} does. */
export function readProcFile(path: string): string | undefined {
  const bytes = readProcBytes(path);
  return bytes && decoder.decode(bytes);
}

/** The target of a symbolic link, or undefined when it does not exist or may not be read. */
export function readProcLink(path: string): string | undefined {
  return linuxAccess().link(path);
}

/**
 * The line of /proc/PID/stat, as {@link readProcFile}. An emulator of another architecture (qemu-user, which Docker uses
 * for images of one) makes up this file for the process that it runs: no group, and a start time that can be a tick off
 * what others read. So a process reads the file of its first thread, which has the same fields and is the kernel's own.
 */
export function readStatusLine(pid: number): string | undefined {
  return readProcFile(pid === host().pid ? `/proc/${pid}/task/${pid}/stat` : `/proc/${pid}/stat`);
}

/** Takes a line of /proc/PID/stat apart. The command name may hold anything, parentheses and spaces included. */
export function parseStatus(text: string): StatusFields | undefined {
  const fields = text.slice(text.lastIndexOf(")") + 2).trimEnd().split(" ");
  if (fields.length < 20) return undefined;
  // The first field here is the third of the line.
  return {
    state: fields[0],
    parent: Number(fields[1]),
    group: Number(fields[2]),
    threads: Number(fields[17]),
    startTicks: fields[19],
  };
}

/** Whether a process in this status runs no more code. */
export function hasEnded({ state, threads }: StatusFields): boolean {
  return state === "X" || state === "x" || (state === "Z" && threads <= 1);
}

/** PF_KTHREAD: a thread of the kernel, which has no program. */
const KERNEL_THREAD = 0x200000;

/** Whether a line of /proc/PID/stat is of a process that runs a program: no thread of the kernel, and not dead. */
function hasProgram(text: string): boolean {
  const status = parseStatus(text);
  // The seventh field here is the ninth of the line: flags.
  const flags = Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[6]);
  return status !== undefined && !hasEnded(status) && (flags & KERNEL_THREAD) === 0;
}

/**
 * Whether a line of /proc/PID/stat is of a process that has no environment at all. One that has given its old program up
 * and has not set the new one up yet has none only for the moment: the kernel notes where the code of the new program is
 * after it has noted where the environment begins and ends (load_elf_binary in fs/binfmt_elf.c).
 */
export function hasNoEnvironment(text: string): boolean {
  if (!hasProgram(text)) return true;
  const fields = text.slice(text.lastIndexOf(")") + 2).trimEnd().split(" ");
  // The 26th, 50th and 51st field of the line are three less here.
  const [startOfCode, start, end] = [fields[23], fields[47], fields[48]];
  return startOfCode !== "0" && start === end;
}

/**
 * The PIDs of all processes that this user may see, in no order.
 *
 * @throws ProcrefError `IO`, `PERMISSION`
 */
export function listProcesses(): number[] {
  return linuxAccess().processes();
}

/** How many fields a line has at least that is complete. A command name has at most 15 bytes, so it cannot seem so. */
const COMPLETE = 40;

/**
 * Takes the lines of many processes apart, as one after the other. A command name may hold a newline and whatever follows
 * it: what begins like a line and is too short to be one belongs to the next.
 *
 * @returns each process with its line
 */
export function splitStatusLines(text: string): (readonly [pid: number, line: string])[] {
  const lines: [number, string][] = [];
  let begun = "";
  for (const part of text.split("\n")) {
    begun = begun === "" ? part : `${begun}\n${part}`;
    if (begun.slice(begun.lastIndexOf(")") + 2).split(" ").length < COMPLETE) continue;
    lines.push([parseInt(begun, 10), begun]);
    begun = "";
  }
  return lines;
}
