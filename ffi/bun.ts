/**
 * The foreign function interface of Bun.
 *
 * @module
 */

import { ProcrefError } from "../src/errors.ts";
import type { CType, NativeFunctions, NativeRuntime, Pointer, SymbolTable } from "./types.ts";

/** The part of `bun:ffi` that is used, in our own words: no type package of a runtime is needed. */
interface BunFfi {
  dlopen(path: string, symbols: Record<string, unknown>): { symbols: Record<string, unknown> };
  read: { i32(pointer: unknown, offset: number): number };
}

const BUN_TYPES: { readonly [T in CType]: string } = {
  i32: "i32",
  u32: "u32",
  i64: "i64",
  u64: "u64",
  isize: "i64",
  usize: "usize",
  pointer: "ptr",
  buffer: "ptr",
};

/** Binds {@link NativeRuntime} to the module `bun:ffi`. */
export function bunRuntime(module: unknown): NativeRuntime {
  const ffi = module as BunFfi;
  return {
    name: "bun",
    open<T extends SymbolTable>(path: string, symbols: T): NativeFunctions<T> {
      try {
        return normalised(symbols, ffi.dlopen(path, translated(symbols)).symbols) as NativeFunctions<T>;
      } catch (cause) {
        throw new ProcrefError(
          "LIBRARY",
          `Cannot open the native library ${path}: ${(cause as Error).message}; ` +
            `it must be installed and offer that symbol`,
          { cause, details: { call: "dlopen", path } },
        );
      }
    },
    readerOfInt32(pointer: Pointer): () => number {
      const { read } = ffi;
      return () => read.i32(pointer, 0);
    },
  };
}

function translated(symbols: SymbolTable): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(symbols).map(([name, { parameters, result }]) => [
      name,
      { args: parameters.map((type) => BUN_TYPES[type]), returns: BUN_TYPES[result] },
    ]),
  );
}

/** Bun gives pointers as numbers with 0 for NULL; the neutral form says null. */
function normalised(symbols: SymbolTable, raw: Record<string, unknown>): Record<string, unknown> {
  const functions = { ...raw };
  for (const [name, { result }] of Object.entries(symbols)) {
    if (result !== "pointer") continue;
    const call = raw[name] as (...args: unknown[]) => number;
    functions[name] = (...args: unknown[]) => call(...args) || null;
  }
  return functions;
}
