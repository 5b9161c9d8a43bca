/**
 * kernel32.dll of Windows: prototypes, constants and struct layouts. Data only. The numbers are those of the Windows
 * headers (`synchapi.h`, `handleapi.h`, `memoryapi.h`, `winnt.h`, `winerror.h`) for x86-64 and arm64 alike.
 *
 * @module
 */

import type { SymbolTable } from "../types.ts";

/** The name that the loader knows. */
export const KERNEL32_PATH = "kernel32.dll";

/**
 * The functions that are used, by name. A HANDLE is a number of 64 bits, not a pointer: INVALID_HANDLE_VALUE is -1.
 * BOOL is i32, DWORD is u32, and a text is UTF-16LE with NUL.
 */
export const KERNEL32 = {
  // DWORD GetLastError(void)
  GetLastError: { parameters: [], result: "u32" },
  // BOOL CloseHandle(HANDLE hObject)
  CloseHandle: { parameters: ["usize"], result: "i32", failure: 0 },
  // HANDLE CreateEventW(LPSECURITY_ATTRIBUTES, BOOL bManualReset, BOOL bInitialState, LPCWSTR lpName)
  CreateEventW: { parameters: ["buffer", "i32", "i32", "buffer"], result: "usize", failure: 0 },
  // HANDLE OpenEventW(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCWSTR lpName)
  OpenEventW: { parameters: ["u32", "i32", "buffer"], result: "usize", failure: 0 },
  // HANDLE CreateMutexW(LPSECURITY_ATTRIBUTES, BOOL bInitialOwner, LPCWSTR lpName)
  CreateMutexW: { parameters: ["buffer", "i32", "buffer"], result: "usize", failure: 0 },
  // BOOL ReleaseMutex(HANDLE hMutex)
  ReleaseMutex: { parameters: ["usize"], result: "i32", failure: 0 },
  // DWORD WaitForSingleObject(HANDLE hHandle, DWORD dwMilliseconds)
  WaitForSingleObject: { parameters: ["usize", "u32"], result: "u32", failure: 0xffffffff },
  // HANDLE CreateFileMappingW(HANDLE hFile, LPSECURITY_ATTRIBUTES, DWORD flProtect, DWORD dwMaximumSizeHigh,
  //   DWORD dwMaximumSizeLow, LPCWSTR lpName)
  CreateFileMappingW: {
    parameters: ["usize", "buffer", "u32", "u32", "u32", "buffer"],
    result: "usize",
    failure: 0,
  },
  // HANDLE OpenFileMappingW(DWORD dwDesiredAccess, BOOL bInheritHandle, LPCWSTR lpName)
  OpenFileMappingW: { parameters: ["u32", "i32", "buffer"], result: "usize", failure: 0 },
  // LPVOID MapViewOfFile(HANDLE, DWORD dwDesiredAccess, DWORD dwFileOffsetHigh, DWORD dwFileOffsetLow, SIZE_T)
  MapViewOfFile: { parameters: ["usize", "u32", "u32", "u32", "usize"], result: "pointer" },
  // BOOL UnmapViewOfFile(LPCVOID lpBaseAddress)
  UnmapViewOfFile: { parameters: ["pointer"], result: "i32", failure: 0 },
  // HANDLE GetCurrentProcess(void)
  GetCurrentProcess: { parameters: [], result: "usize" },
  // BOOL ProcessIdToSessionId(DWORD dwProcessId, DWORD *pSessionId)
  ProcessIdToSessionId: { parameters: ["u32", "buffer"], result: "i32", failure: 0 },
} as const satisfies SymbolTable;

/** Constants of the same headers. */
export const WINDOWS = {
  INVALID_HANDLE_VALUE: 0xffff_ffff_ffff_ffffn,
  SYNCHRONIZE: 0x100000,
  WAIT_OBJECT_0: 0,
  WAIT_ABANDONED: 0x80,
  WAIT_TIMEOUT: 0x102,
  PAGE_READWRITE: 4,
  FILE_MAP_READ: 4,
  FILE_MAP_WRITE: 2,
} as const;

/** Error numbers (`winerror.h`) by name: those that the bound functions are known to leave. */
export const WINDOWS_ERROR = {
  ERROR_FILE_NOT_FOUND: 2,
  ERROR_PATH_NOT_FOUND: 3,
  ERROR_ACCESS_DENIED: 5,
  ERROR_INVALID_HANDLE: 6,
  ERROR_NOT_ENOUGH_MEMORY: 8,
  ERROR_GEN_FAILURE: 31,
  ERROR_INVALID_PARAMETER: 87,
  ERROR_INSUFFICIENT_BUFFER: 122,
  ERROR_INVALID_NAME: 123,
  ERROR_ALREADY_EXISTS: 183,
  ERROR_NOT_OWNER: 288,
  ERROR_TOO_MANY_POSTS: 298,
  ERROR_NO_SYSTEM_RESOURCES: 1450,
  ERROR_COMMITMENT_LIMIT: 1455,
} as const;
