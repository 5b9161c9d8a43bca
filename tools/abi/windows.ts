/**
 * The tables of Windows, as C knows them. They are found by what they export: functions with prototypes, layouts by
 * the names below, and all other numbers are constants.
 */

import { existsSync } from "node:fs";
import type { SymbolTable } from "../../ffi/types.ts";
import type { AbiTable, StructNames } from "./probe.ts";

const FILES: readonly (readonly [file: string, headers: readonly string[], libraries: readonly string[]])[] = [
  ["kernel32.ts", ["tlhelp32.h"], ["-lkernel32"]],
  ["ntdll.ts", ["winternl.h", "ntstatus.h"], ["-lntdll"]],
  ["advapi32.ts", ["sddl.h", "aclapi.h"], ["-ladvapi32"]],
  ["shell32.ts", ["shellapi.h"], ["-lshell32"]],
  ["user32.ts", ["winuser.h"], ["-luser32"]],
];

const HANDLE_FUNCTIONS = {
  CloseHandle: "BOOL CloseHandle(HANDLE)",
  DuplicateHandle: "BOOL DuplicateHandle(HANDLE, HANDLE, HANDLE, LPHANDLE, DWORD, BOOL, DWORD)",
  GetHandleInformation: "BOOL GetHandleInformation(HANDLE, LPDWORD)",
  SetHandleInformation: "BOOL SetHandleInformation(HANDLE, DWORD, DWORD)",
  WaitForSingleObject: "DWORD WaitForSingleObject(HANDLE, DWORD)",
  WaitForMultipleObjects: "DWORD WaitForMultipleObjects(DWORD, const HANDLE *, BOOL, DWORD)",
  CreateEventW: "HANDLE CreateEventW(LPSECURITY_ATTRIBUTES, BOOL, BOOL, LPCWSTR)",
  OpenEventW: "HANDLE OpenEventW(DWORD, BOOL, LPCWSTR)",
  SetEvent: "BOOL SetEvent(HANDLE)",
  ResetEvent: "BOOL ResetEvent(HANDLE)",
  CreateMutexW: "HANDLE CreateMutexW(LPSECURITY_ATTRIBUTES, BOOL, LPCWSTR)",
  OpenMutexW: "HANDLE OpenMutexW(DWORD, BOOL, LPCWSTR)",
  ReleaseMutex: "BOOL ReleaseMutex(HANDLE)",
  CreateSemaphoreW: "HANDLE CreateSemaphoreW(LPSECURITY_ATTRIBUTES, LONG, LONG, LPCWSTR)",
  OpenSemaphoreW: "HANDLE OpenSemaphoreW(DWORD, BOOL, LPCWSTR)",
  ReleaseSemaphore: "BOOL ReleaseSemaphore(HANDLE, LONG, LPLONG)",
  CreateFileMappingW: "HANDLE CreateFileMappingW(HANDLE, LPSECURITY_ATTRIBUTES, DWORD, DWORD, DWORD, LPCWSTR)",
  OpenFileMappingW: "HANDLE OpenFileMappingW(DWORD, BOOL, LPCWSTR)",
  MapViewOfFile: "LPVOID MapViewOfFile(HANDLE, DWORD, DWORD, DWORD, SIZE_T)",
  UnmapViewOfFile: "BOOL UnmapViewOfFile(LPCVOID)",
  CreateFileW: "HANDLE CreateFileW(LPCWSTR, DWORD, DWORD, LPSECURITY_ATTRIBUTES, DWORD, DWORD, HANDLE)",
  ReadFile: "BOOL ReadFile(HANDLE, LPVOID, DWORD, LPDWORD, LPOVERLAPPED)",
  WriteFile: "BOOL WriteFile(HANDLE, LPCVOID, DWORD, LPDWORD, LPOVERLAPPED)",
  LockFileEx: "BOOL LockFileEx(HANDLE, DWORD, DWORD, DWORD, DWORD, LPOVERLAPPED)",
  UnlockFileEx: "BOOL UnlockFileEx(HANDLE, DWORD, DWORD, DWORD, LPOVERLAPPED)",
  GetFileInformationByHandle: "BOOL GetFileInformationByHandle(HANDLE, LPBY_HANDLE_FILE_INFORMATION)",
} as const;

const PROCESS_FUNCTIONS = {
  GetLastError: "DWORD GetLastError(void)",
  GetTickCount64: "ULONGLONG GetTickCount64(void)",
  GetCurrentProcess: "HANDLE GetCurrentProcess(void)",
  GetCurrentProcessId: "DWORD GetCurrentProcessId(void)",
  OpenProcess: "HANDLE OpenProcess(DWORD, BOOL, DWORD)",
  TerminateProcess: "BOOL TerminateProcess(HANDLE, UINT)",
  GetExitCodeProcess: "BOOL GetExitCodeProcess(HANDLE, LPDWORD)",
  GetProcessId: "DWORD GetProcessId(HANDLE)",
  GetProcessTimes: "BOOL GetProcessTimes(HANDLE, LPFILETIME, LPFILETIME, LPFILETIME, LPFILETIME)",
  QueryFullProcessImageNameW: "BOOL QueryFullProcessImageNameW(HANDLE, DWORD, LPWSTR, PDWORD)",
  ReadProcessMemory: "BOOL ReadProcessMemory(HANDLE, LPCVOID, LPVOID, SIZE_T, SIZE_T *)",
  ProcessIdToSessionId: "BOOL ProcessIdToSessionId(DWORD, DWORD *)",
  CreateToolhelp32Snapshot: "HANDLE CreateToolhelp32Snapshot(DWORD, DWORD)",
  Process32FirstW: "BOOL Process32FirstW(HANDLE, LPPROCESSENTRY32W)",
  Process32NextW: "BOOL Process32NextW(HANDLE, LPPROCESSENTRY32W)",
  K32EnumProcesses: "BOOL K32EnumProcesses(DWORD *, DWORD, DWORD *)",
  CreateProcessW:
    "BOOL CreateProcessW(LPCWSTR, LPWSTR, LPSECURITY_ATTRIBUTES, LPSECURITY_ATTRIBUTES, BOOL, DWORD, LPVOID, LPCWSTR, LPSTARTUPINFOW, LPPROCESS_INFORMATION)",
  GenerateConsoleCtrlEvent: "BOOL GenerateConsoleCtrlEvent(DWORD, DWORD)",
  AttachConsole: "BOOL AttachConsole(DWORD)",
  FreeConsole: "BOOL FreeConsole(void)",
  GetConsoleProcessList: "DWORD GetConsoleProcessList(LPDWORD, DWORD)",
  CreateJobObjectW: "HANDLE CreateJobObjectW(LPSECURITY_ATTRIBUTES, LPCWSTR)",
  OpenJobObjectW: "HANDLE OpenJobObjectW(DWORD, BOOL, LPCWSTR)",
  AssignProcessToJobObject: "BOOL AssignProcessToJobObject(HANDLE, HANDLE)",
  SetInformationJobObject: "BOOL SetInformationJobObject(HANDLE, JOBOBJECTINFOCLASS, LPVOID, DWORD)",
  QueryInformationJobObject: "BOOL QueryInformationJobObject(HANDLE, JOBOBJECTINFOCLASS, LPVOID, DWORD, LPDWORD)",
  TerminateJobObject: "BOOL TerminateJobObject(HANDLE, UINT)",
  IsProcessInJob: "BOOL IsProcessInJob(HANDLE, HANDLE, PBOOL)",
  ResumeThread: "DWORD ResumeThread(HANDLE)",
  LocalFree: "HLOCAL LocalFree(HLOCAL)",
  NtQueryObject: "NTSTATUS NtQueryObject(HANDLE, OBJECT_INFORMATION_CLASS, PVOID, ULONG, PULONG)",
  NtQueryInformationProcess: "NTSTATUS NtQueryInformationProcess(HANDLE, PROCESSINFOCLASS, PVOID, ULONG, PULONG)",
  NtQuerySystemInformation: "NTSTATUS NtQuerySystemInformation(SYSTEM_INFORMATION_CLASS, PVOID, ULONG, PULONG)",
  OpenProcessToken: "BOOL OpenProcessToken(HANDLE, DWORD, PHANDLE)",
  GetTokenInformation: "BOOL GetTokenInformation(HANDLE, TOKEN_INFORMATION_CLASS, LPVOID, DWORD, PDWORD)",
  CopySid: "BOOL CopySid(DWORD, PSID, PSID)",
  EqualSid: "BOOL EqualSid(PSID, PSID)",
  GetLengthSid: "DWORD GetLengthSid(PSID)",
  ConvertSidToStringSidW: "BOOL ConvertSidToStringSidW(PSID, LPWSTR *)",
} as const;

const STRUCTS: { readonly [exported: string]: StructNames } = {
  OBJECT_BASIC_INFORMATION: {
    type: "PUBLIC_OBJECT_BASIC_INFORMATION",
    members: { handleCount: "HandleCount", grantedAccess: "GrantedAccess" },
  },
  TOKEN_USER: { type: "TOKEN_USER", members: { sid: "User.Sid" } },
  SID: {
    type: "SID",
    members: {
      revision: "Revision",
      count: "SubAuthorityCount",
      authority: "IdentifierAuthority",
      subAuthorities: "SubAuthority",
    },
    expressions: { longest: "SECURITY_MAX_SID_SIZE" },
  },
};

/** The tables of those files that are there. */
export async function windowsTables(): Promise<AbiTable[]> {
  const tables: AbiTable[] = [];
  for (const [file, headers, libraries] of FILES) {
    const url = new URL(`../../ffi/symbols/${file}`, import.meta.url);
    if (existsSync(url)) tables.push(tableOf(file, headers, libraries, await import(url.href)));
  }
  return tables;
}

function tableOf(
  file: string,
  headers: readonly string[],
  libraries: readonly string[],
  exported: Record<string, unknown>,
): AbiTable {
  const objects = Object.entries(exported).filter((entry): entry is [string, Record<string, unknown>] =>
    typeof entry[1] === "object" && entry[1] !== null
  );
  const isFunctions = (value: Record<string, unknown>): boolean =>
    Object.values(value).every((each) => typeof each === "object" && each !== null && "parameters" in each);
  const functions = objects.filter(([, value]) => isFunctions(value));
  const layouts = objects.filter(([name]) => name in STRUCTS);
  const constants = objects.filter(([name, value]) => !isFunctions(value) && !(name in STRUCTS));
  return {
    file: `ffi/symbols/${file}`,
    headers: ["#define WIN32_LEAN_AND_MEAN", ...["windows.h", ...headers].map((name) => `#include <${name}>`)].join(
      "\n",
    ),
    libraries,
    symbols: Object.assign({}, ...functions.map(([, value]) => value)) as SymbolTable,
    declarations: { ...HANDLE_FUNCTIONS, ...PROCESS_FUNCTIONS },
    constants: Object.assign({}, ...constants.map(([, value]) => value)),
    layouts: Object.fromEntries(layouts),
    structs: STRUCTS,
  };
}
