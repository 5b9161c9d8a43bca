/**
 * What kernel32.dll of Windows knows of files and their locks: prototypes, constants and struct layouts. Data only. The
 * numbers are those of `fileapi.h`, `minwinbase.h`, `winbase.h`, `winnt.h` and `winerror.h`, for x86-64 and arm64 alike.
 *
 * @module
 */

import type { SymbolTable } from "../types.ts";

/** The functions of kernel32.dll, by name. See {@link import("./kernel32.ts")} for how types are written. */
export const FILES32 = {
  // HANDLE CreateFileW(LPCWSTR, DWORD access, DWORD share, LPSECURITY_ATTRIBUTES, DWORD how, DWORD flags, HANDLE)
  CreateFileW: {
    parameters: ["buffer", "u32", "u32", "buffer", "u32", "u32", "usize"],
    result: "usize",
    // INVALID_HANDLE_VALUE, as a number that JavaScript has.
    failure: 2 ** 64,
  },
  // BOOL LockFileEx(HANDLE, DWORD dwFlags, DWORD reserved, DWORD bytesLow, DWORD bytesHigh, LPOVERLAPPED)
  LockFileEx: { parameters: ["usize", "u32", "u32", "u32", "u32", "buffer"], result: "i32", failure: 0 },
  // BOOL UnlockFileEx(HANDLE, DWORD reserved, DWORD bytesLow, DWORD bytesHigh, LPOVERLAPPED)
  UnlockFileEx: { parameters: ["usize", "u32", "u32", "u32", "buffer"], result: "i32", failure: 0 },
  // BOOL ReadFile(HANDLE, LPVOID, DWORD size, LPDWORD read, LPOVERLAPPED)
  ReadFile: { parameters: ["usize", "buffer", "u32", "buffer", "buffer"], result: "i32", failure: 0 },
  // BOOL WriteFile(HANDLE, LPCVOID, DWORD size, LPDWORD written, LPOVERLAPPED)
  WriteFile: { parameters: ["usize", "buffer", "u32", "buffer", "buffer"], result: "i32", failure: 0 },
  // BOOL GetFileInformationByHandle(HANDLE, LPBY_HANDLE_FILE_INFORMATION)
  GetFileInformationByHandle: { parameters: ["usize", "buffer"], result: "i32", failure: 0 },
  // BOOL GetFileInformationByHandleEx(HANDLE, FILE_INFO_BY_HANDLE_CLASS, LPVOID, DWORD size)
  GetFileInformationByHandleEx: { parameters: ["usize", "u32", "buffer", "u32"], result: "i32", failure: 0 },
  // BOOL SetFileInformationByHandle(HANDLE, FILE_INFO_BY_HANDLE_CLASS, LPVOID, DWORD size)
  SetFileInformationByHandle: { parameters: ["usize", "u32", "buffer", "u32"], result: "i32", failure: 0 },
  // UINT GetDriveTypeW(LPCWSTR lpRootPathName)
  GetDriveTypeW: { parameters: ["buffer"], result: "u32" },
  // DWORD GetFileAttributesW(LPCWSTR lpFileName)
  GetFileAttributesW: { parameters: ["buffer"], result: "u32", failure: 0xffffffff },
  // BOOL CloseHandle(HANDLE hObject)
  CloseHandle: { parameters: ["usize"], result: "i32", failure: 0 },
} as const satisfies SymbolTable;

/** Constants of the same headers. */
export const FILE = {
  GENERIC_READ: 0x8000_0000,
  GENERIC_WRITE: 0x4000_0000,
  DELETE: 0x1_0000,
  FILE_LIST_DIRECTORY: 1,
  FILE_READ_ATTRIBUTES: 0x80,
  FILE_APPEND_DATA: 0x4,
  FILE_SHARE_READ: 1,
  FILE_SHARE_WRITE: 2,
  FILE_SHARE_DELETE: 4,
  CREATE_NEW: 1,
  OPEN_EXISTING: 3,
  FILE_ATTRIBUTE_NORMAL: 0x80,
  FILE_ATTRIBUTE_DIRECTORY: 0x10,
  FILE_ATTRIBUTE_REPARSE_POINT: 0x400,
  FILE_FLAG_OPEN_REPARSE_POINT: 0x0020_0000,
  FILE_FLAG_BACKUP_SEMANTICS: 0x0200_0000,
  LOCKFILE_FAIL_IMMEDIATELY: 1,
  LOCKFILE_EXCLUSIVE_LOCK: 2,
  DRIVE_REMOTE: 4,
  /** FILE_INFO_BY_HANDLE_CLASS: the next entries of a directory, with the numbers of files. */
  FileIdBothDirectoryInfo: 10,
  /** FILE_INFO_BY_HANDLE_CLASS: whether a file is to be removed, and how. */
  FileDispositionInfoEx: 21,
  FILE_DISPOSITION_FLAG_DELETE: 1,
  FILE_DISPOSITION_FLAG_POSIX_SEMANTICS: 2,
} as const;

/** Error numbers (`winerror.h`) that these functions are known to leave, beside those of the other tables. */
export const FILE_ERROR = {
  ERROR_TOO_MANY_OPEN_FILES: 4,
  ERROR_NO_MORE_FILES: 18,
  ERROR_SHARING_VIOLATION: 32,
  ERROR_LOCK_VIOLATION: 33,
  ERROR_HANDLE_EOF: 38,
  ERROR_FILE_EXISTS: 80,
  ERROR_DISK_FULL: 112,
  ERROR_DELETE_PENDING: 303,
  ERROR_IO_PENDING: 997,
} as const;

/** The size of `IO_STATUS_BLOCK`. */
export const IO_STATUS_SIZE = 16;
/** `OVERLAPPED`: where in the file something is done. */
export const OVERLAPPED = { size: 32, offset: 16, offsetHigh: 20 } as const;
/** `BY_HANDLE_FILE_INFORMATION`: what tells a file from all others of this machine, as long as it is open. */
export const FILE_INFORMATION = { size: 52, attributes: 0, volume: 28, indexHigh: 44, indexLow: 48 } as const;
/** `FILE_ID_BOTH_DIR_INFO`: an entry of a directory; its name follows, and it says where the next one is. */
export const DIRECTORY_ENTRY = { next: 0, nameLength: 60, file: 96, name: 104 } as const;
