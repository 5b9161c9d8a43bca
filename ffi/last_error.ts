/**
 * What {@link import("./errno.ts")} is for C libraries, for the functions of Windows: a result that says "failed", and
 * a last error that says why.
 *
 * @module
 */

import { type ErrorCode, type ErrorDetails, ProcrefError } from "../src/errors.ts";
import type { CheckedFunction } from "./errno.ts";
import { WINDOWS_ERROR } from "./symbols/kernel32.ts";
import type { NativeLibrary, SymbolTable } from "./types.ts";

const NAMES = new Map<number, string>(Object.entries(WINDOWS_ERROR).map(([name, number]) => [number, name]));
/** What may come of every call that makes something. */
export const NO_ROOM: readonly number[] = [
  WINDOWS_ERROR.ERROR_NOT_ENOUGH_MEMORY,
  WINDOWS_ERROR.ERROR_NO_SYSTEM_RESOURCES,
  WINDOWS_ERROR.ERROR_COMMITMENT_LIMIT,
];
/** How often a call is repeated whose error number cannot be its own, before the number is believed. */
const DOUBTS = 3;

/**
 * Wraps a function of Windows. The last error is read in the statement after the call. What the runtime does in between
 * may leave another one in its place: a number outside `possible` means that the call is made again, so the list may
 * be given only for calls that change nothing when they fail. The last error of a call that succeeded is never read.
 *
 * @param library the library
 * @param symbol the function, whose prototype says what a failure looks like
 * @param possible the error numbers that this function can really leave
 * @returns a function that gives the result as a number, or the negated error number
 */
export function checkedByLastError<T extends SymbolTable, K extends keyof T & string>(
  library: NativeLibrary<T>,
  symbol: K,
  possible?: readonly number[],
): CheckedFunction<T[K]> {
  const call = library.functions[symbol] as unknown as (...args: unknown[]) => number | bigint;
  const { errno } = library;
  const failed = library.symbols[symbol].failure;
  const known = possible && new Set<number>(possible);
  return ((...args: unknown[]): number => {
    for (let doubts = 0;; doubts++) {
      const result = Number(call(...args));
      if (result !== failed) return result;
      // A failure without a number, which none should be: 0 would mean success.
      const error = errno() || WINDOWS_ERROR.ERROR_GEN_FAILURE;
      if (known === undefined || known.has(error) || doubts >= DOUBTS) return -error;
    }
  }) as CheckedFunction<T[K]>;
}

/**
 * The error of a call of Windows that failed.
 *
 * @param code the kind of failure for the caller
 * @param doing what was tried and on what, as it follows "Cannot"
 * @param call the function
 * @param failure the negated error number, as {@link checkedByLastError} functions give it
 * @param remedy what to do, as the end of a sentence
 */
export function windowsError(
  code: ErrorCode,
  doing: string,
  call: string,
  failure: number,
  remedy = "",
  details: ErrorDetails = {},
): ProcrefError {
  const errno = -failure;
  const name = NAMES.get(errno) ?? `error ${errno}`;
  return new ProcrefError(
    code,
    `Cannot ${doing}: ${call} failed with ${name} (${errno})${remedy === "" ? "" : `; ${remedy}`}`,
    { details: { ...details, call, errno, errnoName: name } },
  );
}
