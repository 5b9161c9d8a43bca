/**
 * Which file a path leads to, and in which state it is: asked for so often that a native call is worth it where those are
 * allowed. In Deno it takes a fifth of the time of the runtime's own.
 *
 * @module
 */

import { type BigIntStats, fstatSync, lstatSync } from "node:fs";
import type { Libc, LinuxLibc } from "../../ffi/libc.ts";
import { LINUX, LINUX_STATX, LINUX_STATX_LAYOUT } from "../../ffi/symbols/linux_libc.ts";

/** What tells a file from others, and one state of it from others. */
export interface FileStamp {
  /** Device and inode: no other file has them as long as this one is open or has a name. */
  readonly inode: string;
  /** When it was written last and how long it is. */
  readonly version: string;
  /** Whether it is a plain file, no link or directory. */
  readonly isFile: boolean;
}

/** Who gives stamps. */
export interface FileStamps {
  /** The stamp of what a path names, of a link itself; undefined when there is nothing. */
  at(path: string): FileStamp | undefined;
  /** The stamp of an open file. */
  of(descriptor: number): FileStamp;
}

/**
 * How stamps are got here.
 *
 * @param libc the C library, where native calls are allowed
 */
export function fileStamps(libc: Libc | undefined): FileStamps {
  return libc?.system === "linux" ? new NativeStamps(libc as LinuxLibc) : RUNTIME_STAMPS;
}

const RUNTIME_STAMPS: FileStamps = {
  at(path: string): FileStamp | undefined {
    const status = lstatSync(path, { throwIfNoEntry: false, bigint: true });
    return status && stampOf(status);
  },
  of: (descriptor: number): FileStamp => stampOf(fstatSync(descriptor, { bigint: true })),
};

function stampOf(status: BigIntStats): FileStamp {
  const { dev, ino, mtimeNs, size } = status;
  return { inode: `${dev}:${ino}`, version: `${mtimeNs} ${size}`, isFile: status.isFile() };
}

const { AT_FDCWD, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH } = LINUX_STATX;
const NO_NAME = new Uint8Array(1);

/** By statx, for which the runtime is asked where the kernel, or a filter of system calls, does not have it. */
class NativeStamps implements FileStamps {
  readonly #libc: LinuxLibc;
  readonly #bytes = new Uint8Array(LINUX_STATX_LAYOUT.size);
  readonly #view = new DataView(this.#bytes.buffer);
  #path = "";
  #name = NO_NAME;

  constructor(libc: LinuxLibc) {
    this.#libc = libc;
  }

  at(path: string): FileStamp | undefined {
    if (path !== this.#path) {
      this.#name = new TextEncoder().encode(`${path}\0`);
      this.#path = path;
    }
    const result = this.#libc.statx(AT_FDCWD, this.#name, AT_SYMLINK_NOFOLLOW, this.#bytes);
    if (result === -this.#libc.errors.ENOENT) return undefined;
    // Any other error shall be worded by the runtime.
    return result < 0 ? RUNTIME_STAMPS.at(path) : this.#stamp();
  }

  of(descriptor: number): FileStamp {
    const result = this.#libc.statx(BigInt(descriptor), NO_NAME, AT_EMPTY_PATH, this.#bytes);
    return result < 0 ? RUNTIME_STAMPS.of(descriptor) : this.#stamp();
  }

  #stamp(): FileStamp {
    const view = this.#view;
    const { mode, ino, length, mtimeSeconds, mtimeNanoseconds, devMajor, devMinor } = LINUX_STATX_LAYOUT;
    const device = deviceNumber(view.getUint32(devMajor, true), view.getUint32(devMinor, true));
    const nanoseconds = view.getUint32(mtimeNanoseconds, true).toString().padStart(9, "0");
    return {
      inode: `${device}:${view.getBigUint64(ino, true)}`,
      version: `${view.getBigInt64(mtimeSeconds, true)}${nanoseconds} ${view.getBigUint64(length, true)}`,
      isFile: (view.getUint16(mode, true) & LINUX.S_IFMT) === LINUX.S_IFREG,
    };
  }
}

/** As the C library's `makedev`, whose numbers the runtimes give. */
function deviceNumber(major: number, minor: number): number {
  return (minor & 0xff) + (major & 0xfff) * 0x100 + (minor >>> 8) * 0x10_0000 + (major >>> 12) * 2 ** 44;
}
