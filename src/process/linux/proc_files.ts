/**
 * What Linux tells of processes in /proc. It is read through the C library: Deno lets nobody read there by its own
 * means who does not run with all permissions.
 *
 * @module
 */

import { systemError } from "../../../ffi/errno.ts";
import { linuxLibc } from "../../../ffi/libc.ts";
import { LINUX, LINUX_ERRNO as E } from "../../../ffi/symbols/linux_libc.ts";

/** The fields of /proc/PID/stat that are used; see proc_pid_stat(5). */
export interface StatusFields {
  /** One letter; Z is a zombie, X a process that is just gone. */
  readonly state: string;
  /** The process group. */
  readonly group: number;
  /** How many threads there are; a process whose main thread alone has ended looks like a zombie with others left. */
  readonly threads: number;
  /** When it started, in clock ticks since boot. */
  readonly startTicks: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function cString(text: string): Uint8Array {
  return encoder.encode(`${text}\0`);
}

/**
 * Reads a file as a whole.
 *
 * @returns its bytes, or undefined when it does not exist, its process has ended, or this user may not read it
 * @throws ProcrefError `IO`
 */
export function readProcBytes(path: string): Uint8Array | undefined {
  const { open, read, close } = linuxLibc();
  const descriptor = open(cString(path), LINUX.O_RDONLY | LINUX.O_CLOEXEC);
  if (descriptor < 0) return absent(path, "open", descriptor);
  try {
    let buffer = new Uint8Array(4096);
    for (let filled = 0;;) {
      const length = read(descriptor, buffer.subarray(filled), BigInt(buffer.length - filled));
      if (length < 0) return absent(path, "read", length);
      if (length === 0) return buffer.subarray(0, filled);
      filled += length;
      if (filled === buffer.length) buffer = grown(buffer);
    }
  } finally {
    close(descriptor);
  }
}

function grown(buffer: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(2 * buffer.length);
  larger.set(buffer);
  return larger;
}

/** Reads a text file as {@link readProcBytes} does. */
export function readProcFile(path: string): string | undefined {
  const bytes = readProcBytes(path);
  return bytes && decoder.decode(bytes);
}

/** The target of a symbolic link, or undefined when it does not exist or may not be read. */
export function readProcLink(path: string): string | undefined {
  const buffer = new Uint8Array(256);
  const length = linuxLibc().readlink(cString(path), buffer, BigInt(buffer.length));
  return length < 0 ? undefined : decoder.decode(buffer.subarray(0, length));
}

function absent(path: string, call: string, result: number): undefined {
  if (result === -E.ENOENT || result === -E.ESRCH || result === -E.EACCES) return undefined;
  throw systemError("IO", `read ${path}`, call, result, "", { path });
}

/** Takes a line of /proc/PID/stat apart. The command name may hold anything, parentheses and spaces included. */
export function parseStatus(text: string): StatusFields | undefined {
  const fields = text.slice(text.lastIndexOf(")") + 2).trimEnd().split(" ");
  if (fields.length < 20) return undefined;
  // The first field here is the third of the line.
  return {
    state: fields[0],
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

/**
 * Whether a line of /proc/PID/stat is of a process that has no environment at all. One that has given its old program up
 * and has not set the new one up yet has none only for the moment: it begins and ends at 0.
 */
export function hasNoEnvironment(text: string): boolean {
  const status = parseStatus(text);
  if (status === undefined || hasEnded(status)) return true;
  const fields = text.slice(text.lastIndexOf(")") + 2).trimEnd().split(" ");
  // The 7th, 48th and 49th field here are the 9th, 50th and 51st of the line: flags, env_start, env_end.
  if ((Number(fields[6]) & KERNEL_THREAD) !== 0) return true;
  return fields[47] === fields[48] && fields[48] !== "0";
}

/**
 * The PIDs of all processes that this user may see, in no order.
 *
 * @throws ProcrefError `IO`
 */
export function listProcesses(): number[] {
  const { open, getdents64, close, layouts } = linuxLibc();
  const descriptor = open(cString("/proc"), LINUX.O_RDONLY | LINUX.O_CLOEXEC);
  if (descriptor < 0) throw systemError("IO", "list /proc", "open", descriptor, "", { path: "/proc" });
  try {
    const pids: number[] = [];
    const buffer = new Uint8Array(32768);
    const view = new DataView(buffer.buffer);
    for (;;) {
      const length = getdents64(descriptor, buffer, BigInt(buffer.length));
      if (length < 0) throw systemError("IO", "list /proc", "getdents64", length, "", { path: "/proc" });
      if (length === 0) return pids;
      for (let at = 0; at < length; at += view.getUint16(at + layouts.dirent.length, true)) {
        const name = buffer.subarray(at + layouts.dirent.name, buffer.indexOf(0, at + layouts.dirent.name));
        const pid = Number(decoder.decode(name));
        if (Number.isInteger(pid)) pids.push(pid);
      }
    }
  } finally {
    close(descriptor);
  }
}
