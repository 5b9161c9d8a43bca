/**
 * What Windows knows of files and their locks: its functions, opened once, with every failing one checked.
 *
 * @module
 */

import type { CheckedFunction } from "./errno.ts";
import { checkedByLastError } from "./last_error.ts";
import { nativeRuntime, openWindowsLibrary } from "./mod.ts";
import { KERNEL32, KERNEL32_PATH, WINDOWS_ERROR as E } from "./symbols/kernel32.ts";
import { NT, NTDLL, NTDLL_PATH } from "./symbols/ntdll.ts";
import { FILE_ERROR as F, FILES32, IO_STATUS_SIZE } from "./symbols/windows_files.ts";

type Table = typeof FILES32;

/** The functions of {@link FILES32}: each gives its result, or the negated error number. */
export type WindowsFileCalls = { readonly [K in keyof Table]: CheckedFunction<Table[K]> } & {
  /** The number of an open file on its volume; undefined when it cannot be asked. */
  fileIndex(file: bigint): bigint | undefined;
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

const NO_ROOM = [E.ERROR_NOT_ENOUGH_MEMORY, E.ERROR_NO_SYSTEM_RESOURCES, E.ERROR_COMMITMENT_LIMIT];
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

function open(): WindowsFileCalls {
  const lastError = nativeRuntime().open(KERNEL32_PATH, { GetLastError: KERNEL32.GetLastError }).GetLastError;
  const library = openWindowsLibrary(KERNEL32_PATH, FILES32, lastError);
  const names = Object.keys(FILES32) as (keyof Table)[];
  const calls = Object.fromEntries(names.map((name) => [name, checkedByLastError(library, name)]));
  const { NtQueryInformationFile } = openWindowsLibrary(NTDLL_PATH, NTDLL, lastError).functions;
  const status = new Uint8Array(IO_STATUS_SIZE);
  const index = new BigUint64Array(1);
  const indexBytes = new Uint8Array(index.buffer);
  return {
    ...calls,
    fileIndex(file: bigint): bigint | undefined {
      const result = NtQueryInformationFile(file, status, indexBytes, 8, NT.FileInternalInformation);
      return result < 0 ? undefined : index[0];
    },
    CreateFileW: checkedByLastError(library, "CreateFileW", OPENING_ERRORS),
    LockFileEx: checkedByLastError(library, "LockFileEx", LOCKING_ERRORS),
  } as WindowsFileCalls;
}
