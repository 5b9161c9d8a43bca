/**
 * advapi32.dll of Windows: prototypes, constants and struct layouts. Data only. The numbers are those of
 * `processthreadsapi.h`, `securitybaseapi.h` and `winnt.h`.
 *
 * @module
 */

import type { SymbolTable } from "../types.ts";

/** The name that the loader knows. */
export const ADVAPI32_PATH = "advapi32.dll";

/** The functions that are used, by name. */
export const ADVAPI32 = {
  // BOOL OpenProcessToken(HANDLE ProcessHandle, DWORD DesiredAccess, PHANDLE TokenHandle)
  OpenProcessToken: { parameters: ["usize", "u32", "buffer"], result: "i32", failure: 0 },
  // BOOL GetTokenInformation(HANDLE, TOKEN_INFORMATION_CLASS, LPVOID, DWORD length, PDWORD returned)
  GetTokenInformation: { parameters: ["usize", "u32", "buffer", "u32", "buffer"], result: "i32", failure: 0 },
  // BOOL CopySid(DWORD nDestinationSidLength, PSID pDestinationSid, PSID pSourceSid)
  CopySid: { parameters: ["u32", "buffer", "usize"], result: "i32", failure: 0 },
} as const satisfies SymbolTable;

/** Constants of the same headers. */
export const TOKEN = {
  TOKEN_QUERY: 8,
  /** TOKEN_INFORMATION_CLASS */
  TokenUser: 1,
} as const;

/** `TOKEN_USER { SID_AND_ATTRIBUTES { PSID Sid; DWORD Attributes; } }`, followed by the SID itself. */
export const TOKEN_USER = { sid: 0 } as const;

/**
 * `SID { BYTE Revision; BYTE SubAuthorityCount; BYTE IdentifierAuthority[6]; DWORD SubAuthority[]; }`, of at most
 * SECURITY_MAX_SID_SIZE bytes. The authority is a number with its highest byte first.
 */
export const SID = { longest: 68, revision: 0, count: 1, authority: 2, subAuthorities: 8 } as const;
