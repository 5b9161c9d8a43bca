/**
 * Error numbers: their names, the one place where a failing call becomes an error, and the one wrapper that
 * repeats an interrupted call.
 *
 * @module
 */

import { type ErrorCode, type ErrorDetails, ProcrefError } from "../src/errors.ts";
import { errnosOf } from "./symbols/errno_names.ts";
import type { CFunction, JsTypes, NativeLibrary, SymbolTable } from "./types.ts";

/** EINTR and EIO of every Unix. */
const EINTR = 4;
const EIO = 5;

/**
 * The name of an error number, or `errno N` for one that none of our calls is documented to give.
 *
 * @param platform the system that it is of; this one unless given
 */
export function errnoName(errno: number, platform?: string): string {
  return Object.entries(errnosOf(platform)).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;
}

/** A function whose failure is in its result: what C returned, or minus the error number, as the kernel does it. */
export type CheckedFunction<F extends CFunction> = (...args: JsTypes<F["parameters"]>) => number;

/** How often a call is repeated whose error number cannot be its own, before the number is believed. */
const DOUBTS = 3;

/**
 * Wraps a function that says "failed" by -1 and errno. The error number is read in the statement after the call; a
 * call that a signal interrupted (EINTR) is made again, except `close`, which has closed its descriptor all the same;
 * nowhere else is either done.
 *
 * `possible` guards against an error number that another thread's work left in our place: Deno was measured to read a
 * foreign ENOENT once in the first milliseconds of a hot loop. A number outside the list means that the call is
 * repeated, so the list may be given only for calls that change nothing when they fail.
 *
 * @param library the library
 * @param symbol the function
 * @param possible the error numbers that this function can really give
 * @returns a function that gives the result, or the negated error number
 */
export function checked<T extends SymbolTable, K extends keyof T & string>(
  library: NativeLibrary<T>,
  symbol: K,
  possible?: readonly number[],
): CheckedFunction<T[K]> {
  type Call = (...args: unknown[]) => number | bigint;
  const call = library.functions[symbol] as unknown as Call;
  const { errno } = library;
  const known = possible && new Set<number>(possible);

  /** The negated error number of the call that just failed, or 0 when the call must be made again. */
  function failure(doubts: number): number {
    // A failure without a number, which none should be: 0 would mean "once more", for ever.
    const error = errno() || EIO;
    if (error === EINTR && symbol !== "close") return 0;
    return known === undefined || known.has(error) || doubts >= DOUBTS ? -error : 0;
  }

  // Without rest parameters for the three-argument calls: on the hot path they cost as much as the call itself.
  const three = (a: unknown, b: unknown, c: unknown): number => {
    for (let doubts = 0;; doubts++) {
      const result = Number(call(a, b, c));
      if (result !== -1) return result;
      const error = failure(doubts);
      if (error !== 0) return error;
    }
  };
  const any = (...args: unknown[]): number => {
    for (let doubts = 0;; doubts++) {
      const result = Number(call(...args));
      if (result !== -1) return result;
      const error = failure(doubts);
      if (error !== 0) return error;
    }
  };
  return (library.symbols[symbol].parameters.length === 3 ? three : any) as CheckedFunction<T[K]>;
}

/**
 * The error of a call that failed.
 *
 * @param code the kind of failure for the caller
 * @param doing what was tried and on what, as it follows "Cannot"
 * @param call the C function, with its arguments if they help
 * @param failure the negated error number, as {@link checked} functions give it
 * @param remedy what to do, as the end of a sentence
 */
export function systemError(
  code: ErrorCode,
  doing: string,
  call: string,
  failure: number,
  remedy = "",
  details: ErrorDetails = {},
): ProcrefError {
  const errno = -failure;
  const name = errnoName(errno);
  return new ProcrefError(
    code,
    `Cannot ${doing}: ${call} failed with ${name} (${errno})${remedy === "" ? "" : `; ${remedy}`}`,
    { details: { ...details, call, errno, errnoName: name } },
  );
}
