/**
 * A debug wrapper around native libraries: list the calls, trace them, fail or halt the Nth one.
 * Nothing is wrapped unless {@link instrumentNative} was called before the library was opened.
 *
 * @module
 */

import type { NativeFunctions, NativeLibrary, SymbolTable } from "./types.ts";

/** One call of a native function, as a hook sees it. */
export interface NativeCall {
  /** The library's name. */
  readonly library: string;
  /** The function. */
  readonly symbol: string;
  /** The how-manieth call of this function this is, from 1. */
  readonly nth: number;
  /** The arguments; buffers are the caller's own memory. */
  readonly args: readonly unknown[];
}

/** What a debug wrapper does around each call; every hook is optional. */
export interface NativeHooks {
  /**
   * Runs before the call. Returning an error number makes the call fail with it: nothing is called, the result
   * is the one that says so (-1, or that of the prototype) and that number is read as errno. Returning nothing lets
   * the call through.
   */
  before?(call: NativeCall): number | void;
  /** Runs after a call that was let through. */
  after?(call: NativeCall, result: unknown): void;
}

let hooks: NativeHooks | undefined;

/**
 * Wraps every library that is opened from now on. For tests and for tracing; the hooks slow each call down.
 *
 * @param wanted the hooks, or undefined to wrap no further library
 */
export function instrumentNative(wanted: NativeHooks | undefined): void {
  hooks = wanted;
}

/** Wraps a library when hooks are wanted, else gives it back as it is. */
export function instrumented<T extends SymbolTable>(library: NativeLibrary<T>): NativeLibrary<T> {
  return hooks === undefined ? library : wrapped(library, hooks);
}

function wrapped<T extends SymbolTable>(library: NativeLibrary<T>, hooks: NativeHooks): NativeLibrary<T> {
  let injected: number | undefined;
  const counts = new Map<string, number>();
  const wrap = ([symbol, call]: [string, unknown]): [string, unknown] => [symbol, (...args: unknown[]) => {
    const nth = (counts.get(symbol) ?? 0) + 1;
    counts.set(symbol, nth);
    const seen: NativeCall = { library: library.path, symbol, nth, args };
    injected = hooks.before?.(seen) ?? undefined;
    const { result: type, failure = -1 } = library.symbols[symbol];
    if (injected !== undefined) return type.endsWith("32") ? failure : BigInt(failure);
    const result = (call as (...args: unknown[]) => unknown)(...args);
    // The hook may call C itself, so the error number is taken first.
    injected = result === failure || result === BigInt(failure) ? library.errno() : undefined;
    hooks.after?.(seen, result);
    return result;
  }];
  return {
    path: library.path,
    symbols: library.symbols,
    functions: Object.fromEntries(Object.entries(library.functions).map(wrap)) as NativeFunctions<T>,
    errno: () => injected ?? library.errno(),
  };
}
