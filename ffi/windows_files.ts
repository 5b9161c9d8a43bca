/**
 * What Windows knows of files and their locks: its functions, opened once, with every failing one checked.
 *
 * @module
 */

import type { CheckedFunction } from "./errno.ts";
import { checkedByLastError, NO_ROOM } from "./last_error.ts";
import { nativeRuntime, openWindowsLibrary } from "./mod.ts";
import { KERNEL32, KERNEL32_PATH, WINDOWS_ERROR as E } from "./symbols/kernel32.ts";
import { NT, NTDLL, NTDLL_PATH } from "./symbols/ntdll.ts";
import { DIRECTORY_ENTRY as ENTRY, FILE, FILE_ERROR as F, FILES32, IO_STATUS_SIZE } from "./symbols/windows_files.ts";

type Table = typeof FILES32;

/** The functions of {@link FILES32}: each gives its result, or the negated error number. */
export type WindowsFileCalls = { readonly [K in keyof Table]: CheckedFunction<Table[K]> } & {
  /** The number of an open file on its volume; undefined when it cannot be asked. */
  fileIndex(file: bigint): bigint | undefined;
  /** The same of a file that an open directory has under a name; undefined when it has none, or it cannot be asked. */
  fileIndexIn(directory: bigint, name: string): bigint | undefined;
};

let opened: WindowsFileCalls | undefined;

/**
 * The functions of Windows for files. The first call opens them; an attempt that failed is made again by the next.
 *
 * @throws ProcrefError `PERMISSION`, `LIBRARY`
 */
export function windowsFileCalls(): WindowsFileCalls {
  return opened ??= open();
}

// What may come of opening and locking a file, all of which leaves nothing behind.
const OPENING_ERRORS = [
  E.ERROR_FILE_NOT_FOUND,
  E.ERROR_PATH_NOT_FOUND,
  E.ERROR_ACCESS_DENIED,
  E.ERROR_INVALID_NAME,
  E.ERROR_ALREADY_EXISTS,
  F.ERROR_TOO_MANY_OPEN_FILES,
  F.ERROR_SHARING_VIOLATION,
  F.ERROR_FILE_EXISTS,
  F.ERROR_DISK_FULL,
  F.ERROR_DELETE_PENDING,
  ...NO_ROOM,
];
const LOCKING_ERRORS = [
  E.ERROR_ACCESS_DENIED,
  E.ERROR_INVALID_HANDLE,
  E.ERROR_INVALID_PARAMETER,
  F.ERROR_LOCK_VIOLATION,
  F.ERROR_IO_PENDING,
  ...NO_ROOM,
];

const LISTING_ERRORS = [F.ERROR_NO_MORE_FILES, E.ERROR_ACCESS_DENIED, E.ERROR_INVALID_PARAMETER, ...NO_ROOM];
/** Room for some hundred entries of a directory. */
const ENTRIES_SIZE = 16_384;

function open(): WindowsFileCalls {
  const lastError = nativeRuntime().open(KERNEL32_PATH, { GetLastError: KERNEL32.GetLastError }).GetLastError;
  const library = openWindowsLibrary(KERNEL32_PATH, FILES32, lastError);
  const names = Object.keys(FILES32) as (keyof Table)[];
  const calls = Object.fromEntries(names.map((name) => [name, checkedByLastError(library, name)]));
  const GetFileInformationByHandleEx = checkedByLastError(library, "GetFileInformationByHandleEx", LISTING_ERRORS);
  const { NtQueryInformationFile } = openWindowsLibrary(NTDLL_PATH, NTDLL, lastError).functions;
  const status = new Uint8Array(IO_STATUS_SIZE);
  const entriesView = new DataView(new ArrayBuffer(ENTRIES_SIZE));
  const entries = new Uint8Array(entriesView.buffer);
  const index = new BigUint64Array(1);
  const indexBytes = new Uint8Array(index.buffer);
  return {
    ...calls,
    fileIndex(file: bigint): bigint | undefined {
      const result = NtQueryInformationFile(file, status, indexBytes, 8, NT.FileInternalInformation);
      return result < 0 ? undefined : index[0];
    },
    fileIndexIn(directory: bigint, name: string): bigint | undefined {
      while (GetFileInformationByHandleEx(directory, FILE.FileIdBothDirectoryInfo, entries, entries.length) >= 0) {
        const index = indexAmong(entriesView, name);
        if (index !== undefined) return index;
      }
      return undefined;
    },
    CreateFileW: checkedByLastError(library, "CreateFileW", OPENING_ERRORS),
    LockFileEx: checkedByLastError(library, "LockFileEx", LOCKING_ERRORS),
    GetFileInformationByHandleEx,
  } as WindowsFileCalls;
}

/** The number of the file that has a name, among entries of a directory that were read. */
function indexAmong(entries: DataView, name: string): bigint | undefined {
  for (let at = 0;;) {
    if (isNamed(entries, at, name)) return entries.getBigUint64(at + ENTRY.file, true);
    const next = entries.getUint32(at + ENTRY.next, true);
    if (next === 0) return undefined;
    at += next;
  }
}

function isNamed(entries: DataView, at: number, name: string): boolean {
  if (entries.getUint32(at + ENTRY.nameLength, true) !== 2 * name.length) return false;
  for (let index = 0; index < name.length; index++) {
    if (entries.getUint16(at + ENTRY.name + 2 * index, true) !== name.charCodeAt(index)) return false;
  }
  return true;
}
