/**
 * Locks on files, which the kernel gives back when their owner dies: the one primitive that the counter of lock files is
 * made of, and its bindings. Those of Unix take flock(2), so that processes with and without native calls exclude each
 * other; that of Windows is {@link WindowsLockFile}.
 *
 * @module
 */

import { closeSync, constants, openSync } from "node:fs";
import { systemError } from "../../ffi/errno.ts";
import type { Libc } from "../../ffi/libc.ts";
import { nativeRuntime } from "../../ffi/mod.ts";
import type { RuntimeLockFile } from "../../ffi/types.ts";
import { isWindows } from "../../ffi/windows.ts";
import { ProcrefError } from "../errors.ts";
import { type FileStamps, fileStamps } from "./file_stamp.ts";
import { bytesOf, type LockFile, type Words, WORDS_SIZE, wordsOf } from "./lock_file.ts";
import { WindowsLockFile } from "./windows_lock_file.ts";

/**
 * Opens a file that is there, or makes one for this user alone. No link is followed.
 *
 * @throws what the file system throws: `ENOENT` when there is none, `EEXIST` when there is one already
 */
export type OpenLockFile = (path: string, create: boolean) => LockFile;

/**
 * How files are locked here: by native calls, or where those are not allowed by the runtime itself.
 *
 * @param libc the C library of a Unix, where native calls are allowed
 * @throws ProcrefError `PERMISSION` when neither is possible
 */
export function fileLocks(libc: Libc | undefined): OpenLockFile {
  // The runtime's own locks would keep others from reading; and without native calls Windows does not say who we are.
  if (isWindows()) return (path, create) => new WindowsLockFile(path, create);
  const stamps = fileStamps(libc);
  if (libc !== undefined) return (path, create) => new NativeLockFile(libc, stamps, path, create);
  const { openLockFile, name } = nativeRuntime();
  if (openLockFile === undefined) {
    throw new ProcrefError("PERMISSION", `Cannot lock files in ${name} without native calls: allow them`);
  }
  return (path, create) => new ManagedLockFile(openLockFile(path, create), stamps);
}

/** The lock of a file by flock. Its descriptor is the process's own: it outlives the thread that opened it. */
class NativeLockFile implements LockFile {
  readonly inode: string;
  readonly #libc: Libc;
  readonly #stamps: FileStamps;
  readonly #path: string;
  readonly #descriptor: number;
  readonly #bytes = new Uint8Array(WORDS_SIZE);

  constructor(libc: Libc, stamps: FileStamps, path: string, create: boolean) {
    this.#libc = libc;
    this.#stamps = stamps;
    this.#path = path;
    const flags = constants.O_RDWR | constants.O_NOFOLLOW | (create ? constants.O_CREAT | constants.O_EXCL : 0);
    const opened = openSync(path, flags, 0o600);
    try {
      this.inode = stamps.of(opened).inode;
      // What a runtime opens it may close with the thread that opened it. The copy is the same opening of the file.
      this.#descriptor = libc.fcntl(opened, libc.constants.F_DUPFD_CLOEXEC, 0);
    } finally {
      closeSync(opened);
    }
    if (this.#descriptor < 0) {
      throw systemError("REF_COUNTER_INIT", `keep ${path} open`, "fcntl", this.#descriptor, "", { path });
    }
  }

  isAt(path: string): boolean {
    return isFileAt(this.#stamps, path, this.inode);
  }

  tryLock(kind: "shared" | "exclusive"): boolean {
    const { LOCK_SH, LOCK_EX, LOCK_NB } = this.#libc.constants;
    const result = this.#libc.flock(this.#descriptor, (kind === "shared" ? LOCK_SH : LOCK_EX) | LOCK_NB);
    if (result === 0) return true;
    // EWOULDBLOCK is the same number.
    if (result === -this.#libc.errors.EAGAIN) return false;
    throw systemError("LOCK", `lock ${this.#path}`, "flock", result, "", { path: this.#path });
  }

  async awaitShared(): Promise<void> {
    await this.#libc.blockInFlock(this.#descriptor, this.#libc.constants.LOCK_SH);
  }

  unlock(): void {
    this.#libc.flock(this.#descriptor, this.#libc.constants.LOCK_UN);
  }

  read(): Words {
    const length = this.#libc.pread(this.#descriptor, this.#bytes, BigInt(WORDS_SIZE), 0n);
    if (length < 0) throw systemError("IO", `read ${this.#path}`, "pread", length, "", { path: this.#path });
    return wordsOf(this.#bytes, length);
  }

  write(first: number, second = 0): void {
    const result = this.#libc.pwrite(this.#descriptor, bytesOf(first, second), BigInt(WORDS_SIZE), 0n);
    if (result < 0) throw systemError("IO", `write ${this.#path}`, "pwrite", result, "", { path: this.#path });
  }

  close(): void {
    this.#libc.close(this.#descriptor);
  }
}

/** The lock of a file by the runtime. */
class ManagedLockFile implements LockFile {
  readonly inode: string;
  readonly #file: RuntimeLockFile;
  readonly #stamps: FileStamps;
  readonly #bytes = new Uint8Array(WORDS_SIZE);

  constructor(file: RuntimeLockFile, stamps: FileStamps) {
    this.inode = file.inode;
    this.#file = file;
    this.#stamps = stamps;
  }

  isAt(path: string): boolean {
    return isFileAt(this.#stamps, path, this.inode);
  }

  tryLock(kind: "shared" | "exclusive"): boolean {
    return attempt("LOCK", "lock", () => this.#file.tryLock(kind === "exclusive"));
  }

  async awaitShared(): Promise<void> {
    await this.#file.lockShared();
  }

  unlock(): void {
    this.#file.unlock();
  }

  read(): Words {
    return attempt("IO", "read", () => wordsOf(this.#bytes, this.#file.read(this.#bytes)));
  }

  write(first: number, second = 0): void {
    attempt("IO", "write", () => this.#file.write(bytesOf(first, second)));
  }

  close(): void {
    this.#file.close();
  }
}

/** Whether a path leads to a file. */
function isFileAt(stamps: FileStamps, path: string, inode: string): boolean {
  const stamp = stamps.at(path);
  return stamp !== undefined && stamp.isFile && stamp.inode === inode;
}

function attempt<T>(code: "LOCK" | "IO", doing: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new ProcrefError(code, `Cannot ${doing} a lock file: ${(cause as Error).message}`, { cause });
  }
}
