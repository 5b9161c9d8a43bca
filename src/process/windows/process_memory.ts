/**
 * What a process of Windows keeps in its own memory: its command line and its environment.
 *
 * @module
 */

import { WINDOWS } from "../../../ffi/symbols/kernel32.ts";
import {
  PEB,
  PROCESS,
  PROCESS_BASIC,
  PROCESS_PARAMETERS,
  UNICODE_STRING,
} from "../../../ffi/symbols/windows_processes.ts";
import { windows } from "../../../ffi/windows.ts";
import { windowsProcessCalls } from "../../../ffi/windows_processes.ts";

/** What is read of an environment at once; it may end anywhere, and what follows may not be there. */
const PAGE = 4096;
/** No environment is larger than this. */
const MOST_PAGES = 512;

/**
 * The command line of a process, or undefined when there is none, it has ended, or this user may not read it.
 */
export function commandLineOf(pid: number): string | undefined {
  return withParameters(pid, (memory, parameters) => {
    const length = parameters.getUint16(PROCESS_PARAMETERS.commandLine + UNICODE_STRING.length, true);
    const at = parameters.getBigUint64(PROCESS_PARAMETERS.commandLine + UNICODE_STRING.buffer, true);
    const text = read(memory, at, length);
    return text && new TextDecoder("utf-16le").decode(text);
  });
}

/** The environment of a process, `NAME=value` with a NUL after each; undefined as for {@link commandLineOf}. */
export function environmentOf(pid: number): Uint8Array | undefined {
  return withParameters(pid, (memory, parameters) => {
    let at = parameters.getBigUint64(PROCESS_PARAMETERS.environment, true);
    const decoder = new TextDecoder("utf-16le");
    let text = "";
    for (let pages = 0; pages < MOST_PAGES; pages++) {
      // To the end of a page, and no further: the next one may not be there.
      const length = PAGE - Number(at % BigInt(PAGE));
      const part = read(memory, at, length);
      if (part === undefined) return undefined;
      text += decoder.decode(part, { stream: true });
      const end = text.indexOf("\0\0");
      if (end >= 0) return new TextEncoder().encode(text.slice(0, end + 1));
      at += BigInt(length);
    }
    return undefined;
  });
}

function withParameters<T>(pid: number, use: (memory: bigint, parameters: DataView) => T): T | undefined {
  const { OpenProcess, NtQueryInformationProcess } = windowsProcessCalls();
  const result = OpenProcess(PROCESS.PROCESS_QUERY_LIMITED_INFORMATION | PROCESS.PROCESS_VM_READ, 0, pid);
  if (result < 0) return undefined;
  const handle = BigInt(result);
  try {
    const basic = new DataView(new ArrayBuffer(PROCESS_BASIC.size));
    const bytes = new Uint8Array(basic.buffer);
    if (NtQueryInformationProcess(handle, PROCESS.ProcessBasicInformation, bytes, bytes.length, null) < 0) {
      return undefined;
    }
    const pointer = read(handle, basic.getBigUint64(PROCESS_BASIC.peb, true) + BigInt(PEB.parameters), 8);
    if (pointer === undefined) return undefined;
    const at = new DataView(pointer.buffer).getBigUint64(0, true);
    const parameters = read(handle, at, PROCESS_PARAMETERS.size);
    return parameters && use(handle, new DataView(parameters.buffer));
  } finally {
    windows().CloseHandle(handle);
  }
}

/** Memory of a process; undefined when it is not there. */
function read(memory: bigint, at: bigint, length: number): Uint8Array<ArrayBuffer> | undefined {
  if (at === 0n || at === WINDOWS.INVALID_HANDLE_VALUE) return undefined;
  const bytes = new Uint8Array(new ArrayBuffer(length));
  return windowsProcessCalls().ReadProcessMemory(memory, at, bytes, BigInt(length), null) < 0 ? undefined : bytes;
}
