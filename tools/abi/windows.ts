/**
 * The tables of Windows, as C knows them. They are found by what they export: functions with prototypes, layouts by
 * the names below, and all other numbers are constants.
 */

import { existsSync } from "node:fs";
import type { SymbolTable } from "../../ffi/types.ts";
import type { AbiTable, StructNames } from "./probe.ts";
import { WINDOWS_DECLARATIONS } from "./windows_declarations.ts";

const FILES: readonly (readonly [file: string, headers: readonly string[], libraries: readonly string[]])[] = [
  ["kernel32.ts", [], ["-lkernel32"]],
  ["ntdll.ts", ["winternl.h"], ["-lntdll"]],
  ["advapi32.ts", [], ["-ladvapi32"]],
  ["windows_files.ts", [], ["-lkernel32"]],
  ["windows_processes.ts", ["winternl.h", "ntstatus.h"], ["-lkernel32", "-lntdll"]],
];

/** What no header has: the value of a function, and members that Windows does not document. */
const UNKNOWN: { readonly [exported: string]: readonly string[] } = {
  PROCESS: ["CURRENT"],
  PROCESS_PARAMETERS: ["size", "environment"],
};

/** What cannot be checked, and why. */
export const WINDOWS_UNCHECKED = "where RTL_USER_PROCESS_PARAMETERS has the environment: it is not documented";

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
  OVERLAPPED: { type: "OVERLAPPED", members: { offset: "Offset", offsetHigh: "OffsetHigh" } },
  FILE_INFORMATION: {
    type: "BY_HANDLE_FILE_INFORMATION",
    members: {
      attributes: "dwFileAttributes",
      volume: "dwVolumeSerialNumber",
      indexHigh: "nFileIndexHigh",
      indexLow: "nFileIndexLow",
    },
  },
  DIRECTORY_ENTRY: {
    type: "FILE_ID_BOTH_DIR_INFO",
    members: { next: "NextEntryOffset", nameLength: "FileNameLength", file: "FileId", name: "FileName" },
  },
  SYSTEM_PROCESS: {
    type: "SYSTEM_PROCESS_INFORMATION",
    members: {
      next: "NextEntryOffset",
      threads: "NumberOfThreads",
      created: "CreateTime",
      nameLength: "ImageName.Length",
      pid: "UniqueProcessId",
      parent: "InheritedFromUniqueProcessId",
      session: "SessionId",
    },
    expressions: { threadSize: "sizeof(SYSTEM_THREAD_INFORMATION)" },
  },
  PROCESS_BASIC: { type: "PROCESS_BASIC_INFORMATION", members: { peb: "PebBaseAddress" } },
  PEB: { type: "PEB", members: { parameters: "ProcessParameters" } },
  PROCESS_PARAMETERS: { type: "RTL_USER_PROCESS_PARAMETERS", members: { commandLine: "CommandLine" } },
  UNICODE_STRING: { type: "UNICODE_STRING", members: { length: "Length", buffer: "Buffer" } },
  STARTUP_INFO: {
    type: "STARTUPINFOEXW",
    members: {
      cb: "StartupInfo.cb",
      flags: "StartupInfo.dwFlags",
      input: "StartupInfo.hStdInput",
      output: "StartupInfo.hStdOutput",
      error: "StartupInfo.hStdError",
      attributes: "lpAttributeList",
    },
  },
  PROCESS_INFORMATION: {
    type: "PROCESS_INFORMATION",
    members: { process: "hProcess", thread: "hThread", pid: "dwProcessId" },
  },
  JOB_LIMITS: {
    type: "JOBOBJECT_EXTENDED_LIMIT_INFORMATION",
    members: { flags: "BasicLimitInformation.LimitFlags" },
  },
  JOB_PROCESSES: {
    type: "JOBOBJECT_BASIC_PROCESS_ID_LIST",
    members: { listed: "NumberOfProcessIdsInList", pids: "ProcessIdList" },
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
  const objects = Object.entries(exported).filter(([, value]) => typeof value === "object").map(([name, value]) =>
    [name, withoutUnknown(name, value as Record<string, unknown>)] as const
  );
  const isFunctions = (value: Record<string, unknown>): boolean =>
    Object.values(value).every((each) => typeof each === "object" && each !== null && "parameters" in each);
  const functions = objects.filter(([, value]) => isFunctions(value));
  const layouts = objects.filter(([name]) => name in STRUCTS);
  const constants = objects.filter(([name, value]) => !isFunctions(value) && !(name in STRUCTS));
  return {
    file: `ffi/symbols/${file}`,
    headers: ["#define _WIN32_WINNT 0x0A00", ...["windows.h", ...headers].map((name) => `#include <${name}>`)].join(
      "\n",
    ),
    libraries,
    symbols: Object.assign({}, ...functions.map(([, value]) => value)) as SymbolTable,
    declarations: WINDOWS_DECLARATIONS,
    constants: Object.assign({}, ...constants.map(([, value]) => value)),
    layouts: Object.fromEntries(layouts),
    structs: STRUCTS,
  };
}

function withoutUnknown(exported: string, values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !UNKNOWN[exported]?.includes(name)));
}
