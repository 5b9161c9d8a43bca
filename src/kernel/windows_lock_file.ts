/**
 * Locks on files by LockFileEx of Windows.
 *
 * Windows lets nobody else read or write what is locked, so the locked byte is one that no file ever has: far behind the
 * data, which all may read. Files are opened so that others may rename and remove them meanwhile.
 *
 * @module
 */

import { basename, dirname, toNamespacedPath } from "node:path";
import { windowsError } from "../../ffi/last_error.ts";
import { WINDOWS_ERROR as E } from "../../ffi/symbols/kernel32.ts";
import { FILE, FILE_ERROR as F, FILE_INFORMATION, OVERLAPPED } from "../../ffi/symbols/windows_files.ts";
import { wideText } from "../../ffi/windows.ts";
import { type WindowsFileCalls, windowsFileCalls } from "../../ffi/windows_files.ts";
import { bytesOf, type LockFile, type Words, WORDS_SIZE, wordsOf } from "./lock_file.ts";

/** The upper half of where the locked byte is: 2 to the power of 62. */
const LOCKED_HIGH = 0x4000_0000;
const ONE_BYTE = 1;
const SHARE_ALL = FILE.FILE_SHARE_READ | FILE.FILE_SHARE_WRITE | FILE.FILE_SHARE_DELETE;
/** What is no file to be locked: a directory, a link or another thing that leads elsewhere. */
const OTHER_THINGS = FILE.FILE_ATTRIBUTE_DIRECTORY | FILE.FILE_ATTRIBUTE_REPARSE_POINT;

/** `FILE_DISPOSITION_INFO_EX`: its flags. */
const AT_ONCE = new Uint8Array([
  FILE.FILE_DISPOSITION_FLAG_DELETE | FILE.FILE_DISPOSITION_FLAG_POSIX_SEMANTICS,
  0,
  0,
  0,
]);

/** What the file system of the runtimes would say. One that is about to vanish is as one that is in use. */
const CODES: { readonly [error: number]: string } = {
  [E.ERROR_FILE_NOT_FOUND]: "ENOENT",
  [E.ERROR_PATH_NOT_FOUND]: "ENOENT",
  [E.ERROR_ALREADY_EXISTS]: "EEXIST",
  [F.ERROR_FILE_EXISTS]: "EEXIST",
  [E.ERROR_ACCESS_DENIED]: "EACCES",
  [F.ERROR_DELETE_PENDING]: "EACCES",
  [F.ERROR_SHARING_VIOLATION]: "EBUSY",
  [F.ERROR_DISK_FULL]: "ENOSPC",
  [F.ERROR_TOO_MANY_OPEN_FILES]: "EMFILE",
};

/** The lock of a file by LockFileEx. Its handle is the process's own, and no child inherits it. */
export class WindowsLockFile implements LockFile {
  readonly inode: string;
  readonly #calls: WindowsFileCalls = windowsFileCalls();
  readonly #path: string;
  readonly #handle: bigint;
  readonly #index: bigint | undefined;
  readonly #bytes = new Uint8Array(WORDS_SIZE);
  readonly #length = new Uint32Array(1);
  readonly #lengthBytes = new Uint8Array(this.#length.buffer);
  readonly #beginning = new Uint8Array(OVERLAPPED.size);
  readonly #lockedByte = lockedByte();
  #locked = false;

  constructor(path: string, create: boolean) {
    this.#path = path;
    const access = (FILE.GENERIC_READ | FILE.GENERIC_WRITE) >>> 0;
    const how = create ? FILE.CREATE_NEW : FILE.OPEN_EXISTING;
    const handle = open(this.#calls, path, access, how);
    if (handle < 0) throw fileError(path, handle);
    this.#handle = BigInt(handle);
    const identity = identityOf(this.#calls, this.#handle);
    if (identity === undefined) {
      this.close();
      throw Object.assign(new Error(`${path} is a link or a directory, no file`), { code: "ELOOP" });
    }
    this.inode = identity;
    this.#index = this.#calls.fileIndex(this.#handle);
  }

  /**
   * The directory is asked first. What is open and locked is better not opened to look at it: those who look for viruses
   * look on, and Wine keeps a descriptor for each time until the lock is given back, of which it has no more than 20,000.
   */
  isAt(path: string): boolean {
    return this.#isListed(path) || this.#isFoundAt(path);
  }

  /** Whether the directory says so; not all file systems can say it. */
  #isListed(path: string): boolean {
    if (!this.#index) return false;
    const flags = FILE.FILE_FLAG_BACKUP_SEMANTICS;
    const directory = open(this.#calls, dirname(path), FILE.FILE_LIST_DIRECTORY, FILE.OPEN_EXISTING, flags);
    if (directory < 0) return false;
    const index = this.#calls.fileIndexIn(BigInt(directory), basename(path));
    this.#calls.CloseHandle(BigInt(directory));
    return index === this.#index;
  }

  #isFoundAt(path: string): boolean {
    const handle = open(this.#calls, path, FILE.FILE_READ_ATTRIBUTES, FILE.OPEN_EXISTING);
    // Nothing is there, or what vanishes when the last one closes it.
    if (handle < 0) return false;
    // The volume is not asked for, which takes long: within one directory it is the same.
    const index = this.#calls.fileIndex(BigInt(handle));
    this.#calls.CloseHandle(BigInt(handle));
    return index !== undefined && index === this.#index;
  }

  tryLock(kind: "shared" | "exclusive"): boolean {
    // Windows changes no lock: a second one of the same handle would come on top of the first, or be excluded by it.
    this.unlock();
    const flags = FILE.LOCKFILE_FAIL_IMMEDIATELY | (kind === "exclusive" ? FILE.LOCKFILE_EXCLUSIVE_LOCK : 0);
    const result = this.#calls.LockFileEx(this.#handle, flags, 0, ONE_BYTE, 0, this.#lockedByte);
    if (result === -F.ERROR_LOCK_VIOLATION || result === -F.ERROR_IO_PENDING) return false;
    if (result < 0) throw windowsError("LOCK", `lock ${this.#path}`, "LockFileEx", result, "", { path: this.#path });
    return this.#locked = true;
  }

  /** Does not wait: whoever has to looks again and again. */
  awaitShared(): Promise<void> {
    return Promise.resolve();
  }

  unlock(): void {
    if (!this.#locked) return;
    this.#locked = false;
    this.#calls.UnlockFileEx(this.#handle, 0, ONE_BYTE, 0, this.#lockedByte);
  }

  read(): Words {
    const result = this.#calls.ReadFile(this.#handle, this.#bytes, WORDS_SIZE, this.#lengthBytes, this.#beginning);
    if (result === -F.ERROR_HANDLE_EOF) return wordsOf(this.#bytes, 0);
    if (result < 0) throw windowsError("IO", `read ${this.#path}`, "ReadFile", result, "", { path: this.#path });
    return wordsOf(this.#bytes, this.#length[0]);
  }

  write(first: number, second = 0): void {
    const bytes = bytesOf(first, second);
    const result = this.#calls.WriteFile(this.#handle, bytes, WORDS_SIZE, this.#lengthBytes, this.#beginning);
    if (result < 0) throw windowsError("IO", `write ${this.#path}`, "WriteFile", result, "", { path: this.#path });
  }

  close(): void {
    // Closing gives the lock back too, but "the time depends on available system resources".
    this.unlock();
    this.#calls.CloseHandle(this.#handle);
  }
}

/**
 * Removes a file at once, also while others have it open: without this one they would keep it in its directory, and the
 * directory with it, until the last of them closes it.
 *
 * @returns false when there is none, or the file system cannot do it
 */
export function removeAtOnce(path: string): boolean {
  const calls = windowsFileCalls();
  const handle = open(calls, path, FILE.DELETE, FILE.OPEN_EXISTING);
  if (handle < 0) return false;
  const result = calls.SetFileInformationByHandle(BigInt(handle), FILE.FileDispositionInfoEx, AT_ONCE, AT_ONCE.length);
  calls.CloseHandle(BigInt(handle));
  return result >= 0;
}

/** A handle of what is at a path, of a link itself; the negated error number when there is none. */
function open(
  { CreateFileW }: WindowsFileCalls,
  path: string,
  access: number,
  how: number,
  flags: number = FILE.FILE_ATTRIBUTE_NORMAL,
): number {
  // The form in which a path may be longer than 260 characters.
  return CreateFileW(
    wideText(toNamespacedPath(path)),
    access,
    SHARE_ALL,
    null,
    how,
    flags | FILE.FILE_FLAG_OPEN_REPARSE_POINT,
    0n,
  );
}

/** What tells an open file from all others; undefined for other things than files. */
function identityOf({ GetFileInformationByHandle }: WindowsFileCalls, handle: bigint): string | undefined {
  const information = new DataView(new ArrayBuffer(FILE_INFORMATION.size));
  if (GetFileInformationByHandle(handle, new Uint8Array(information.buffer)) < 0) return undefined;
  const word = (at: number): number => information.getUint32(at, true);
  if ((word(FILE_INFORMATION.attributes) & OTHER_THINGS) !== 0) return undefined;
  return `${word(FILE_INFORMATION.volume)}:${word(FILE_INFORMATION.indexHigh)}:${word(FILE_INFORMATION.indexLow)}`;
}

function lockedByte(): Uint8Array {
  const overlapped = new DataView(new ArrayBuffer(OVERLAPPED.size));
  overlapped.setUint32(OVERLAPPED.offsetHigh, LOCKED_HIGH, true);
  return new Uint8Array(overlapped.buffer);
}

function fileError(path: string, failure: number): Error {
  const error = windowsError("IO", `open ${path}`, "CreateFileW", failure);
  return Object.assign(new Error(error.message, { cause: error }), { code: CODES[-failure] ?? "EIO" });
}
