/**
 * ntdll.dll of Windows: prototypes, constants and struct layouts. Data only. The numbers are those of `winternl.h` and
 * `ntstatus.h`. Every function gives its status itself; no last error is left.
 *
 * @module
 */

import type { SymbolTable } from "../types.ts";

/** The name that the loader knows. */
export const NTDLL_PATH = "ntdll.dll";

/** The functions that are used, by name. */
export const NTDLL = {
  // NTSTATUS NtQueryObject(HANDLE, OBJECT_INFORMATION_CLASS, PVOID, ULONG length, PULONG returned)
  NtQueryObject: { parameters: ["usize", "u32", "buffer", "u32", "buffer"], result: "i32" },
  // NTSTATUS NtQueryInformationFile(HANDLE, PIO_STATUS_BLOCK, PVOID, ULONG length, FILE_INFORMATION_CLASS)
  NtQueryInformationFile: { parameters: ["usize", "buffer", "buffer", "u32", "u32"], result: "i32" },
} as const satisfies SymbolTable;

/** Constants of the same headers. */
export const NT = {
  /** OBJECT_INFORMATION_CLASS */
  ObjectBasicInformation: 0,
  /** FILE_INFORMATION_CLASS: the number of the file on its volume, 64 bits */
  FileInternalInformation: 6,
} as const;

/**
 * `PUBLIC_OBJECT_BASIC_INFORMATION`: u32 Attributes, GrantedAccess, HandleCount, PointerCount, Reserved[10]. Windows
 * takes no other length than this one.
 */
export const OBJECT_BASIC_INFORMATION = { size: 56, handleCount: 8 } as const;
