/**
 * The foreign function interface of Deno.
 *
 * @module
 */

import { ProcrefError } from "../src/errors.ts";
import type { NativeFunctions, NativeRuntime, Pointer, SymbolTable } from "./types.ts";

/** The part of Deno's global that is used, in our own words: no type package of a runtime is needed. */
interface DenoFfi {
  dlopen(path: string, symbols: Record<string, unknown>): { symbols: Record<string, unknown> };
  UnsafePointerView: { getArrayBuffer(pointer: unknown, bytes: number): ArrayBuffer };
}

/** Binds {@link NativeRuntime} to Deno's global. */
export function denoRuntime(global: unknown): NativeRuntime {
  const deno = global as DenoFfi;
  return {
    name: "deno",
    open<T extends SymbolTable>(path: string, symbols: T): NativeFunctions<T> {
      try {
        // Our type names are Deno's own; buffers, bigints and null need no translation.
        return deno.dlopen(path, symbols).symbols as NativeFunctions<T>;
      } catch (cause) {
        throw openError(path, cause);
      }
    },
    readerOfInt32(pointer: Pointer): () => number {
      const view = new Int32Array(deno.UnsafePointerView.getArrayBuffer(pointer, 4));
      return () => view[0];
    },
  };
}

function openError(path: string, cause: unknown): ProcrefError {
  const { name, message } = cause as Error;
  const refused = name === "NotCapable" || name === "PermissionDenied";
  // A scoped grant passes Deno's check and then looks for the library in the working directory.
  if (refused || message.includes(`/${path}: cannot open`)) {
    return new ProcrefError(
      "PERMISSION",
      `Cannot open the native library ${path}: Deno does not allow it; run with --allow-ffi ` +
        `(the plain flag: a list such as --allow-ffi=${path} is looked up in the working directory)`,
      { cause, details: { call: "dlopen", path } },
    );
  }
  return new ProcrefError(
    "LIBRARY",
    `Cannot open the native library ${path}: ${message}; it must be installed and offer that symbol`,
    { cause, details: { call: "dlopen", path } },
  );
}
