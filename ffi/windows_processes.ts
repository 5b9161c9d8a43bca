/**
 * What Windows knows of processes: its functions, opened once, with every failing one checked.
 *
 * @module
 */

import type { CheckedFunction } from "./errno.ts";
import { checkedByLastError } from "./last_error.ts";
import { nativeRuntime, openWindowsLibrary } from "./mod.ts";
import { KERNEL32, KERNEL32_PATH } from "./symbols/kernel32.ts";
import { NTDLL_PATH } from "./symbols/ntdll.ts";
import { PROCESSES32, PROCESSES_NT } from "./symbols/windows_processes.ts";
import type { NativeFunctions } from "./types.ts";

type Table = typeof PROCESSES32;

/** The functions of both tables: those of kernel32.dll give their result, or the negated error number. */
export type WindowsProcessCalls =
  & { readonly [K in keyof Table]: CheckedFunction<Table[K]> }
  & NativeFunctions<typeof PROCESSES_NT>;

let opened: WindowsProcessCalls | undefined;

/**
 * The functions of Windows for processes. The first call opens them; an attempt that failed is made again by the next.
 *
 * @throws ProcrefError `PERMISSION`, `LIBRARY`
 */
export function windowsProcessCalls(): WindowsProcessCalls {
  return opened ??= open();
}

function open(): WindowsProcessCalls {
  const lastError = nativeRuntime().open(KERNEL32_PATH, { GetLastError: KERNEL32.GetLastError }).GetLastError;
  const library = openWindowsLibrary(KERNEL32_PATH, PROCESSES32, lastError);
  const names = Object.keys(PROCESSES32) as (keyof Table)[];
  const calls = Object.fromEntries(names.map((name) => [name, checkedByLastError(library, name)]));
  const native = openWindowsLibrary(NTDLL_PATH, PROCESSES_NT, lastError).functions;
  return { ...calls, ...native } as WindowsProcessCalls;
}
