/**
 * What kernel32.dll and ntdll.dll of Windows know of processes: prototypes, constants and struct layouts of 64-bit
 * Windows. Data only. The numbers are those of `processthreadsapi.h`, `namedpipeapi.h`, `jobapi2.h`, `psapi.h`,
 * `winnt.h` and `winternl.h`, for x86-64 and arm64 alike.
 *
 * @module
 */

import type { SymbolTable } from "../types.ts";

/** The functions of kernel32.dll, by name. See {@link import("./kernel32.ts")} for how types are written. */
export const PROCESSES32 = {
  // HANDLE OpenProcess(DWORD dwDesiredAccess, BOOL bInheritHandle, DWORD dwProcessId)
  OpenProcess: { parameters: ["u32", "i32", "u32"], result: "usize", failure: 0 },
  // BOOL GetProcessTimes(HANDLE, LPFILETIME created, LPFILETIME ended, LPFILETIME kernel, LPFILETIME user)
  GetProcessTimes: { parameters: ["usize", "buffer", "buffer", "buffer", "buffer"], result: "i32", failure: 0 },
  // BOOL TerminateProcess(HANDLE hProcess, UINT uExitCode)
  TerminateProcess: { parameters: ["usize", "u32"], result: "i32", failure: 0 },
  // BOOL ReadProcessMemory(HANDLE, LPCVOID lpBaseAddress, LPVOID lpBuffer, SIZE_T nSize, SIZE_T *read)
  ReadProcessMemory: { parameters: ["usize", "usize", "buffer", "usize", "buffer"], result: "i32", failure: 0 },
  // BOOL GetExitCodeProcess(HANDLE hProcess, LPDWORD lpExitCode)
  GetExitCodeProcess: { parameters: ["usize", "buffer"], result: "i32", failure: 0 },
  // BOOL WriteProcessMemory(HANDLE, LPVOID lpBaseAddress, LPCVOID lpBuffer, SIZE_T nSize, SIZE_T *written)
  WriteProcessMemory: { parameters: ["usize", "usize", "buffer", "usize", "buffer"], result: "i32", failure: 0 },
  // BOOL CreateProcessW(LPCWSTR application, LPWSTR commandLine, LPSECURITY_ATTRIBUTES, LPSECURITY_ATTRIBUTES,
  //   BOOL bInheritHandles, DWORD dwCreationFlags, LPVOID environment, LPCWSTR directory, LPSTARTUPINFOW,
  //   LPPROCESS_INFORMATION)
  CreateProcessW: {
    parameters: ["buffer", "buffer", "buffer", "buffer", "i32", "u32", "buffer", "buffer", "buffer", "buffer"],
    result: "i32",
    failure: 0,
  },
  // BOOL DuplicateHandle(HANDLE from, HANDLE hHandle, HANDLE to, LPHANDLE, DWORD access, BOOL inherit, DWORD options)
  DuplicateHandle: {
    parameters: ["usize", "usize", "usize", "buffer", "u32", "i32", "u32"],
    result: "i32",
    failure: 0,
  },
  // BOOL InitializeProcThreadAttributeList(LPPROC_THREAD_ATTRIBUTE_LIST, DWORD count, DWORD flags, PSIZE_T size)
  InitializeProcThreadAttributeList: { parameters: ["usize", "u32", "u32", "buffer"], result: "i32", failure: 0 },
  // BOOL UpdateProcThreadAttribute(LPPROC_THREAD_ATTRIBUTE_LIST, DWORD flags, DWORD_PTR Attribute, PVOID lpValue,
  //   SIZE_T cbSize, PVOID previous, PSIZE_T returned)
  UpdateProcThreadAttribute: {
    parameters: ["usize", "u32", "usize", "usize", "usize", "buffer", "buffer"],
    result: "i32",
    failure: 0,
  },
  // HLOCAL LocalAlloc(UINT uFlags, SIZE_T uBytes)
  LocalAlloc: { parameters: ["u32", "usize"], result: "usize", failure: 0 },
  // HLOCAL LocalFree(HLOCAL hMem): the handle itself when it fails
  LocalFree: { parameters: ["usize"], result: "usize" },
  // BOOL CreatePipe(PHANDLE hReadPipe, PHANDLE hWritePipe, LPSECURITY_ATTRIBUTES, DWORD nSize)
  CreatePipe: { parameters: ["buffer", "buffer", "buffer", "u32"], result: "i32", failure: 0 },
  // BOOL SetHandleInformation(HANDLE hObject, DWORD dwMask, DWORD dwFlags)
  SetHandleInformation: { parameters: ["usize", "u32", "u32"], result: "i32", failure: 0 },
  // BOOL SetNamedPipeHandleState(HANDLE, LPDWORD lpMode, LPDWORD, LPDWORD)
  SetNamedPipeHandleState: { parameters: ["usize", "buffer", "buffer", "buffer"], result: "i32", failure: 0 },
  // BOOL PeekNamedPipe(HANDLE, LPVOID, DWORD size, LPDWORD read, LPDWORD available, LPDWORD left)
  PeekNamedPipe: { parameters: ["usize", "buffer", "u32", "buffer", "buffer", "buffer"], result: "i32", failure: 0 },
  // BOOL ReadFile(HANDLE, LPVOID, DWORD size, LPDWORD read, LPOVERLAPPED)
  ReadFile: { parameters: ["usize", "buffer", "u32", "buffer", "buffer"], result: "i32", failure: 0 },
  // BOOL WriteFile(HANDLE, LPCVOID, DWORD size, LPDWORD written, LPOVERLAPPED)
  WriteFile: { parameters: ["usize", "buffer", "u32", "buffer", "buffer"], result: "i32", failure: 0 },
  // HANDLE CreateJobObjectW(LPSECURITY_ATTRIBUTES, LPCWSTR lpName)
  CreateJobObjectW: { parameters: ["buffer", "buffer"], result: "usize", failure: 0 },
  // BOOL SetInformationJobObject(HANDLE hJob, JOBOBJECTINFOCLASS, LPVOID, DWORD size)
  SetInformationJobObject: { parameters: ["usize", "u32", "buffer", "u32"], result: "i32", failure: 0 },
  // BOOL QueryInformationJobObject(HANDLE hJob, JOBOBJECTINFOCLASS, LPVOID, DWORD size, LPDWORD returned)
  QueryInformationJobObject: { parameters: ["usize", "u32", "buffer", "u32", "buffer"], result: "i32", failure: 0 },
  // BOOL AssignProcessToJobObject(HANDLE hJob, HANDLE hProcess)
  AssignProcessToJobObject: { parameters: ["usize", "usize"], result: "i32", failure: 0 },
  // BOOL GenerateConsoleCtrlEvent(DWORD dwCtrlEvent, DWORD dwProcessGroupId)
  GenerateConsoleCtrlEvent: { parameters: ["u32", "u32"], result: "i32", failure: 0 },
  // DWORD GetConsoleProcessList(LPDWORD lpdwProcessList, DWORD dwProcessCount)
  GetConsoleProcessList: { parameters: ["buffer", "u32"], result: "u32", failure: 0 },
  // BOOL AttachConsole(DWORD dwProcessId)
  AttachConsole: { parameters: ["u32"], result: "i32", failure: 0 },
  // BOOL FreeConsole(void)
  FreeConsole: { parameters: [], result: "i32", failure: 0 },
  // BOOL SetConsoleCtrlHandler(PHANDLER_ROUTINE HandlerRoutine, BOOL Add); without a routine, whether to ignore Ctrl-C
  SetConsoleCtrlHandler: { parameters: ["usize", "i32"], result: "i32", failure: 0 },
  // DWORD GetFileAttributesW(LPCWSTR lpFileName)
  GetFileAttributesW: { parameters: ["buffer"], result: "u32", failure: 0xffffffff },
  // BOOL SetEvent(HANDLE hEvent)
  SetEvent: { parameters: ["usize"], result: "i32", failure: 0 },
} as const satisfies SymbolTable;

/** The functions of ntdll.dll, by name. Every one gives its status itself; no last error is left. */
export const PROCESSES_NT = {
  // NTSTATUS NtQuerySystemInformation(SYSTEM_INFORMATION_CLASS, PVOID, ULONG length, PULONG returned)
  NtQuerySystemInformation: { parameters: ["u32", "buffer", "u32", "buffer"], result: "i32" },
  // NTSTATUS NtQueryInformationProcess(HANDLE, PROCESSINFOCLASS, PVOID, ULONG length, PULONG returned)
  NtQueryInformationProcess: { parameters: ["usize", "u32", "buffer", "u32", "buffer"], result: "i32" },
} as const satisfies SymbolTable;

/** Constants of the same headers. */
export const PROCESS = {
  PROCESS_TERMINATE: 0x0001,
  PROCESS_VM_READ: 0x0010,
  PROCESS_SET_QUOTA: 0x0100,
  PROCESS_QUERY_LIMITED_INFORMATION: 0x1000,
  CREATE_UNICODE_ENVIRONMENT: 0x0400,
  CREATE_NO_WINDOW: 0x0800_0000,
  CREATE_BREAKAWAY_FROM_JOB: 0x0100_0000,
  EXTENDED_STARTUPINFO_PRESENT: 0x0008_0000,
  STARTF_USESTDHANDLES: 0x0100,
  PROC_THREAD_ATTRIBUTE_HANDLE_LIST: 0x0002_0002,
  PROC_THREAD_ATTRIBUTE_JOB_LIST: 0x0002_000d,
  HANDLE_FLAG_INHERIT: 1,
  HANDLE_FLAG_PROTECT_FROM_CLOSE: 2,
  PIPE_NOWAIT: 1,
  CTRL_C_EVENT: 0,
  STILL_ACTIVE: 259,
  DUPLICATE_SAME_ACCESS: 2,
  EVENT_MODIFY_STATE: 2,
  FILE_ATTRIBUTE_DIRECTORY: 0x10,
  /** JOBOBJECTINFOCLASS */
  JobObjectBasicProcessIdList: 3,
  JobObjectExtendedLimitInformation: 9,
  JOB_OBJECT_LIMIT_BREAKAWAY_OK: 0x0800,
  JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK: 0x1000,
  JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE: 0x2000,
  /** SYSTEM_INFORMATION_CLASS */
  SystemProcessInformation: 5,
  /** PROCESSINFOCLASS */
  ProcessBasicInformation: 0,
  STATUS_INFO_LENGTH_MISMATCH: 0xc000_0004 | 0,
  /** GetCurrentProcess(): a handle that always means the process itself. */
  CURRENT: 0xffff_ffff_ffff_ffffn,
} as const;

/**
 * `SYSTEM_PROCESS_INFORMATION`, one behind the other, each as far from the one before as that one says. Behind each lie
 * its threads (`SYSTEM_THREAD_INFORMATION`), and behind them its name.
 */
export const SYSTEM_PROCESS = {
  size: 0x100,
  threadSize: 80,
  next: 0,
  threads: 4,
  created: 32,
  nameLength: 56,
  pid: 80,
  parent: 88,
  session: 100,
} as const;
/** `PROCESS_BASIC_INFORMATION { NTSTATUS; PPEB; ULONG_PTR affinity; KPRIORITY; ULONG_PTR pid, parent; }` */
export const PROCESS_BASIC = { size: 48, peb: 8 } as const;
/** `PEB`: where its process parameters are. */
export const PEB = { parameters: 0x20 } as const;
/** `RTL_USER_PROCESS_PARAMETERS`: `UNICODE_STRING CommandLine`, `PVOID Environment`; as far as they are read. */
export const PROCESS_PARAMETERS = { size: 0x88, commandLine: 0x70, environment: 0x80 } as const;
/** `UNICODE_STRING { USHORT Length, MaximumLength; PWSTR Buffer; }`, the length in bytes. */
export const UNICODE_STRING = { length: 0, buffer: 8 } as const;
/** `STARTUPINFOEXW { STARTUPINFOW StartupInfo; LPPROC_THREAD_ATTRIBUTE_LIST lpAttributeList; }` */
export const STARTUP_INFO = { size: 112, cb: 0, flags: 60, input: 80, output: 88, error: 96, attributes: 104 } as const;
/** `PROCESS_INFORMATION { HANDLE hProcess, hThread; DWORD dwProcessId, dwThreadId; }` */
export const PROCESS_INFORMATION = { size: 24, process: 0, thread: 8, pid: 16 } as const;
/** `JOBOBJECT_EXTENDED_LIMIT_INFORMATION`: what its basic part limits. */
export const JOB_LIMITS = { size: 144, flags: 16 } as const;
/** `JOBOBJECT_BASIC_PROCESS_ID_LIST { DWORD assigned, listed; ULONG_PTR pids[]; }` */
export const JOB_PROCESSES = { listed: 4, pids: 8 } as const;
