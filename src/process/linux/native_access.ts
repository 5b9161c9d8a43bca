/**
 * Access to the processes of Linux through the C library.
 *
 * @module
 */

import { systemError } from "../../../ffi/errno.ts";
import { linuxLibc } from "../../../ffi/libc.ts";
import { LINUX, LINUX_ERRNO as E } from "../../../ffi/symbols/linux_libc.ts";
import type { LinuxAccess } from "./linux_access.ts";
import { PidDescriptor } from "./pid_descriptor.ts";
import { canRun } from "../unix/can_run.ts";
import { signalled } from "../unix/signalled.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function cString(text: string): Uint8Array {
  return encoder.encode(`${text}\0`);
}

/** What the system calls tell. */
export class NativeAccess implements LinuxAccess {
  bytes(path: string): Uint8Array | undefined {
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

  link(path: string): string | undefined {
    const buffer = new Uint8Array(256);
    const length = linuxLibc().readlink(cString(path), buffer, BigInt(buffer.length));
    return length < 0 ? undefined : decoder.decode(buffer.subarray(0, length));
  }

  processes(): number[] {
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

  signal(pid: number, number: number): boolean {
    return signalled(linuxLibc().kill(pid, number), "kill", pid, number);
  }

  isForeign(pid: number): boolean {
    return linuxLibc().kill(pid, 0) === -E.EPERM;
  }

  canRun(path: string): boolean | "denied" {
    return canRun(path);
  }

  hold(pid: number): PidDescriptor | "gone" | "not-offered" {
    return PidDescriptor.open(pid);
  }
}

function grown(buffer: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(2 * buffer.length);
  larger.set(buffer);
  return larger;
}

function absent(path: string, call: string, result: number): undefined {
  if (result === -E.ENOENT || result === -E.ESRCH || result === -E.EACCES) return undefined;
  throw systemError("IO", `read ${path}`, call, result, "", { path });
}
