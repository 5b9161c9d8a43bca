/**
 * Files of Linux by native calls, for a runtime that takes longer to load `node:fs` than all takes that is done with it
 * while a client waits. What fails is done again by `node:fs`, whose errors people know.
 *
 * @module
 */

import { checked, type CheckedFunction, errnoName } from "./errno.ts";
import type { Files, FileStatus, Host, NewFile } from "./host.ts";
import { node } from "./node.ts";
import { nodeFiles } from "./node_files.ts";
import {
  LINUX,
  LINUX_CALLS,
  LINUX_ERRNO,
  LINUX_FILES,
  LINUX_LIBC_PATH,
  LINUX_OPEN,
  LINUX_STATX,
  LINUX_STATX_LAYOUT,
} from "./symbols/linux_libc.ts";
import type { NativeRuntime, Pointer } from "./types.ts";

/** What is needed of a runtime. */
type Native = Pick<NativeRuntime, "open" | "readerOfInt32">;
type Table = typeof LINUX_FILES;
/** Each gives its result, or the negated error number. */
type Calls = { readonly [S in Exclude<keyof Table, "__errno_location">]: CheckedFunction<Table[S]> };

const INPUT = 0;
const OUTPUT = 1;
/** PATH_MAX of limits.h. */
const LONGEST_PATH = 4096;

/** What of a host is files: those with a name, and the standard streams. */
export type HostFiles = Pick<Host, "files" | "readInput" | "writeOutput">;

/** Files of Linux on an architecture; undefined on one that is not known. Nothing is opened before it is needed. */
export function linuxFiles(native: Native, arch: string): HostFiles | undefined {
  const numbers = LINUX_CALLS[arch];
  if (numbers === undefined) return undefined;
  let opened: Calls | undefined;
  const calls = (): Calls => opened ??= open(native);
  const look = (at: bigint, name: Uint8Array, flags: bigint, into: Uint8Array): number =>
    calls().syscall(numbers.SYS_statx, at, name, flags, LINUX_STATX.STATX_BASIC_STATS, into);
  const { AT_FDCWD, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH } = LINUX_STATX;

  const files: Files = {
    ...nodeFiles,
    status(path: string): FileStatus | undefined {
      const status = new Uint8Array(LINUX_STATX_LAYOUT.size);
      const result = look(AT_FDCWD, cString(path), AT_SYMLINK_NOFOLLOW, status);
      if (result === -LINUX_ERRNO.ENOENT) return undefined;
      return result < 0 ? nodeFiles.status(path) : fileStatus(status);
    },
    create(path: string, mode: number): NewFile {
      const { O_WRONLY, O_CREAT, O_EXCL } = LINUX_OPEN;
      const descriptor = calls().open(cString(path), O_WRONLY | O_CREAT | O_EXCL | LINUX.O_CLOEXEC, mode);
      return descriptor < 0 ? nodeFiles.create(path, mode) : new LinuxFile(calls(), descriptor);
    },
    head(path: string, size: number): Uint8Array | undefined {
      const descriptor = calls().open(cString(path), LINUX.O_RDONLY | LINUX_OPEN.O_NONBLOCK | LINUX.O_CLOEXEC, 0);
      if (descriptor < 0) return nodeFiles.head(path, size);
      try {
        const status = new Uint8Array(LINUX_STATX_LAYOUT.size);
        if (look(BigInt(descriptor), cString(""), AT_EMPTY_PATH, status) < 0) return nodeFiles.head(path, size);
        if (!fileStatus(status).isFile) return undefined;
        const bytes = new Uint8Array(size);
        const length = calls().read(descriptor, bytes, BigInt(size));
        return length < 0 ? nodeFiles.head(path, size) : bytes.subarray(0, length);
      } finally {
        calls().close(descriptor);
      }
    },
    rename(from: string, to: string): void {
      if (calls().rename(cString(from), cString(to)) < 0) nodeFiles.rename(from, to);
    },
    remove(path: string): void {
      const result = calls().unlink(cString(path));
      if (result < 0 && result !== -LINUX_ERRNO.ENOENT) nodeFiles.remove(path);
    },
    makeDirectory(path: string, mode: number): void {
      if (calls().mkdir(cString(path), mode) < 0 && !files.status(path)?.isDirectory) {
        nodeFiles.makeDirectory(path, mode);
      }
    },
    realPath(path: string): string {
      const descriptor = calls().open(cString(path), LINUX_OPEN.O_PATH | LINUX.O_CLOEXEC, 0);
      if (descriptor < 0) return nodeFiles.realPath(path);
      const name = new Uint8Array(LONGEST_PATH);
      const length = calls().readlink(cString(`/proc/self/fd/${descriptor}`), name, BigInt(LONGEST_PATH));
      calls().close(descriptor);
      return length < 0 ? nodeFiles.realPath(path) : new TextDecoder().decode(name.subarray(0, length));
    },
  };
  return {
    files,
    readInput(into: Uint8Array): number {
      const length = calls().read(INPUT, into, BigInt(into.length));
      return length < 0 ? node.fs.readSync(INPUT, into) : length;
    },
    writeOutput(bytes: Uint8Array): number {
      const length = calls().write(OUTPUT, bytes, BigInt(bytes.length));
      return length < 0 ? node.fs.writeSync(OUTPUT, bytes) : length;
    },
  };
}

/** A file by its descriptor. */
class LinuxFile implements NewFile {
  readonly #calls: Calls;
  readonly #descriptor: number;

  constructor(calls: Calls, descriptor: number) {
    this.#calls = calls;
    this.#descriptor = descriptor;
  }

  write(bytes: Uint8Array): number {
    const length = this.#calls.write(this.#descriptor, bytes, BigInt(bytes.length));
    return length < 0 ? node.fs.writeSync(this.#descriptor, bytes) : length;
  }

  /** The kernel tells of a write that failed later only once, so there is one way to ask. */
  sync(): void {
    node.fs.fsyncSync(this.#descriptor);
  }

  close(): void {
    const result = this.#calls.close(this.#descriptor);
    if (result === 0) return;
    const code = errnoName(-result, "linux");
    throw Object.assign(new Error(`${code}: close`), { code });
  }
}

function open({ open, readerOfInt32 }: Native): Calls {
  const functions = open(LINUX_LIBC_PATH, LINUX_FILES);
  const location = functions.__errno_location() as Pointer;
  const library = { path: LINUX_LIBC_PATH, symbols: LINUX_FILES, functions, errno: readerOfInt32(location) };
  return {
    open: checked(library, "open"),
    read: checked(library, "read"),
    write: checked(library, "write"),
    close: checked(library, "close"),
    rename: checked(library, "rename"),
    unlink: checked(library, "unlink"),
    mkdir: checked(library, "mkdir"),
    readlink: checked(library, "readlink"),
    syscall: checked(library, "syscall"),
  };
}

/** A path as C has it. There is nothing at one with a NUL in it, as there is nothing at the empty one. */
function cString(path: string): Uint8Array {
  return new TextEncoder().encode(path.includes("\0") ? "\0" : `${path}\0`);
}

function fileStatus(bytes: Uint8Array): FileStatus {
  const view = new DataView(bytes.buffer);
  const { uid, mode, ino, length, mtimeSeconds, mtimeNanoseconds } = LINUX_STATX_LAYOUT;
  const all = view.getUint16(mode, true);
  const type = all & LINUX.S_IFMT;
  return {
    isFile: type === LINUX.S_IFREG,
    isDirectory: type === LINUX_OPEN.S_IFDIR,
    isLink: type === LINUX_OPEN.S_IFLNK,
    ino: Number(view.getBigUint64(ino, true)),
    uid: view.getUint32(uid, true),
    mode: all,
    size: Number(view.getBigUint64(length, true)),
    mtimeMs: Number(view.getBigInt64(mtimeSeconds, true)) * 1000 + view.getUint32(mtimeNanoseconds, true) / 1e6,
  };
}
