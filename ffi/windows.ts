/**
 * The libraries of Windows, opened once, with every failing function checked.
 *
 * @module
 */

import { ProcrefError } from "../src/errors.ts";
import type { CheckedFunction } from "./errno.ts";
import { checkedByLastError, NO_ROOM, windowsError } from "./last_error.ts";
import { host, nativeRuntime, openWindowsLibrary } from "./mod.ts";
import { ADVAPI32, ADVAPI32_PATH, SID, TOKEN, TOKEN_USER } from "./symbols/advapi32.ts";
import { KERNEL32, KERNEL32_PATH, WINDOWS_ERROR } from "./symbols/kernel32.ts";
import { NT, NTDLL, NTDLL_PATH, OBJECT_BASIC_INFORMATION } from "./symbols/ntdll.ts";
import type { Pointer } from "./types.ts";

type Kernel32 = typeof KERNEL32;
type Fallible = Exclude<keyof Kernel32, "GetLastError" | "GetCurrentProcess" | "MapViewOfFile" | "UnmapViewOfFile">;

/** Memory that is shared with other processes, as long as it is not given back. */
export interface SharedMemory {
  /** The bytes. Using them after they were given back ends the process. */
  readonly view: DataView;
  /** Where they are. */
  readonly pointer: Pointer;
}

/** The functions of {@link KERNEL32}: each gives its result, or the negated error number. */
export type Windows =
  & { readonly [K in Fallible]: CheckedFunction<Kernel32[K]> }
  & {
    /** Maps bytes of a section into this process; the negated error number when that fails. */
    mapView(section: bigint, access: number, bytes: number): SharedMemory | number;
    /** Gives mapped memory back. */
    unmapView(memory: SharedMemory): void;
    /** How many handles of an object all processes have open, that one included; the status when it cannot be asked. */
    handleCount(handle: bigint): number;
    /** The user as a text (`S-1-5-21-...`) and the session. */
    user(): string;
  };

let opened: Windows | undefined;

/** Whether this is Windows. */
export function isWindows(): boolean {
  return host().platform === "win32";
}

/**
 * The libraries of Windows. The first call opens them; an attempt that failed is made again by the next call.
 *
 * @throws ProcrefError `PLATFORM`, `PERMISSION`, `LIBRARY`
 */
export function windows(): Windows {
  return opened ??= open();
}

/** A text as Windows takes it: UTF-16LE, which is how this machine keeps it, with NUL. */
export function wideText(text: string): Uint8Array {
  const units = new DataView(new ArrayBuffer(2 * text.length + 2));
  for (let index = 0; index < text.length; index++) units.setUint16(2 * index, text.charCodeAt(index), true);
  return new Uint8Array(units.buffer);
}

const E = WINDOWS_ERROR;
// What may come of making and opening an object by its name, all of which leaves nothing behind.
const NAMING_ERRORS = [
  E.ERROR_FILE_NOT_FOUND,
  E.ERROR_PATH_NOT_FOUND,
  E.ERROR_ACCESS_DENIED,
  E.ERROR_INVALID_HANDLE,
  E.ERROR_INVALID_NAME,
  ...NO_ROOM,
];

function open(): Windows {
  if (!isWindows()) {
    throw new ProcrefError("PLATFORM", `Cannot use the kernel of Windows: this is ${host().platform}`);
  }
  const runtime = nativeRuntime();
  const lastError = runtime.open(KERNEL32_PATH, { GetLastError: KERNEL32.GetLastError }).GetLastError;
  const kernel = openWindowsLibrary(KERNEL32_PATH, KERNEL32, lastError);
  const { NtQueryObject } = openWindowsLibrary(NTDLL_PATH, NTDLL, lastError).functions;
  const { MapViewOfFile, UnmapViewOfFile } = kernel.functions;
  const information = new DataView(new ArrayBuffer(OBJECT_BASIC_INFORMATION.size));
  const informationBytes = new Uint8Array(information.buffer);
  const windows: Windows = {
    CloseHandle: checkedByLastError(kernel, "CloseHandle"),
    CreateEventW: checkedByLastError(kernel, "CreateEventW", NAMING_ERRORS),
    OpenEventW: checkedByLastError(kernel, "OpenEventW", NAMING_ERRORS),
    CreateMutexW: checkedByLastError(kernel, "CreateMutexW", NAMING_ERRORS),
    ReleaseMutex: checkedByLastError(kernel, "ReleaseMutex"),
    WaitForSingleObject: checkedByLastError(kernel, "WaitForSingleObject"),
    CreateFileMappingW: checkedByLastError(kernel, "CreateFileMappingW", NAMING_ERRORS),
    OpenFileMappingW: checkedByLastError(kernel, "OpenFileMappingW", NAMING_ERRORS),
    ProcessIdToSessionId: checkedByLastError(kernel, "ProcessIdToSessionId"),
    mapView(section, access, bytes): SharedMemory | number {
      const pointer = MapViewOfFile(section, access, 0, 0, BigInt(bytes));
      if (pointer === null) return -(lastError() || E.ERROR_GEN_FAILURE);
      return { pointer, view: runtime.memoryAt(pointer, bytes) };
    },
    unmapView: ({ pointer }) => void UnmapViewOfFile(pointer),
    handleCount(handle): number {
      const status = NtQueryObject(handle, NT.ObjectBasicInformation, informationBytes, informationBytes.length, null);
      return status < 0 ? status : information.getUint32(OBJECT_BASIC_INFORMATION.handleCount, true);
    },
    user: () => user ??= askForUser(windows, kernel.functions.GetCurrentProcess(), lastError),
  };
  let user: string | undefined;
  return windows;
}

function askForUser(windows: Windows, thisProcess: bigint, lastError: () => number): string {
  const library = openWindowsLibrary(ADVAPI32_PATH, ADVAPI32, lastError);
  const [openToken, getInformation, copySid] = (["OpenProcessToken", "GetTokenInformation", "CopySid"] as const).map(
    (symbol) => [symbol, checkedByLastError(library, symbol) as (...args: unknown[]) => number] as const,
  );
  const demand = ([symbol, call]: typeof openToken, ...args: unknown[]): void => {
    const result = call(...args);
    if (result < 0) throw windowsError("OTHER", "ask who the user is", symbol, result);
  };
  const words = new DataView(new ArrayBuffer(8));
  const bytes = new Uint8Array(words.buffer);
  demand(openToken, thisProcess, TOKEN.TOKEN_QUERY, bytes);
  const token = words.getBigUint64(0, true);
  // The user's SID lies behind the struct, in the same memory, which stays where it is: it is no small typed array.
  const information = new DataView(new ArrayBuffer(4096));
  const sid = new DataView(new ArrayBuffer(SID.longest));
  try {
    demand(getInformation, token, TOKEN.TokenUser, new Uint8Array(information.buffer), 4096, bytes);
    demand(copySid, SID.longest, new Uint8Array(sid.buffer), information.getBigUint64(TOKEN_USER.sid, true));
  } finally {
    windows.CloseHandle(token);
  }
  const result = windows.ProcessIdToSessionId(process.pid, bytes);
  if (result < 0) throw windowsError("OTHER", "ask for the session of this process", "ProcessIdToSessionId", result);
  return `${sidText(sid)} session ${words.getUint32(0, true)}`;
}

/** A SID as it is written: `S-1-5-21-...`. */
function sidText(sid: DataView): string {
  const authority = 2 ** 32 * sid.getUint16(SID.authority) + sid.getUint32(SID.authority + 2);
  const parts = Array.from(
    { length: sid.getUint8(SID.count) },
    (_, index) => sid.getUint32(SID.subAuthorities + 4 * index, true),
  );
  return ["S", sid.getUint8(SID.revision), authority, ...parts].join("-");
}
