/**
 * The runtime seam: the one place that asks which runtime this is.
 *
 * @module
 */

import { ProcrefError } from "../src/errors.ts";
import { bunRuntime } from "./bun.ts";
import { denoRuntime } from "./deno.ts";
import { instrumented } from "./instrument.ts";
import type { Host } from "./host.ts";
import type { NativeLibrary, NativeRuntime, Pointer, SymbolTable } from "./types.ts";

export { CONSOLE_HOOK } from "./deno.ts";

let chosen: NativeRuntime | undefined;

/**
 * The foreign function interface of this runtime. Asking costs nothing and loads nothing.
 *
 * @throws ProcrefError `PLATFORM` in a runtime other than Deno and Bun
 */
export function nativeRuntime(): NativeRuntime {
  return chosen ??= chooseRuntime();
}

/**
 * What this runtime does of what programs need of their system.
 *
 * @throws ProcrefError `PLATFORM` as {@link nativeRuntime}
 */
export function host(): Host {
  return nativeRuntime().host;
}

function chooseRuntime(): NativeRuntime {
  const global = globalThis as {
    Bun?: unknown;
    Deno?: unknown;
    process?: { getBuiltinModule?(name: string): unknown };
  };
  if (global.Bun !== undefined) {
    // Not an import: the specifier exists in no other runtime, and this way opening stays synchronous.
    const module = global.process?.getBuiltinModule?.("bun:ffi");
    if (module !== undefined) return bunRuntime(module, global.Bun);
  } else if (global.Deno !== undefined) {
    return denoRuntime(global.Deno);
  }
  throw new ProcrefError(
    "PLATFORM",
    "Cannot call native code: this runtime has no foreign function interface that is known here; " +
      "use Deno 2.9 or Bun 1.4, or newer",
  );
}

/**
 * Opens a library, binds every symbol of the table and prepares the reading of its error number.
 *
 * @param path the library's name for the loader
 * @param symbols its prototypes
 * @param errnoSymbol the function of the table that gives this thread's errno pointer
 * @throws ProcrefError `LIBRARY`, `PERMISSION`, `PLATFORM`
 */
export function openLibrary<T extends SymbolTable>(
  path: string,
  symbols: T,
  errnoSymbol: keyof T & string,
): NativeLibrary<T> {
  const runtime = nativeRuntime();
  const functions = runtime.open(path, symbols);
  const location = functions[errnoSymbol] as unknown as () => Pointer;
  return instrumented({ path, symbols, functions, errno: runtime.readerOfInt32(location()) });
}

/**
 * Opens a library of Windows and binds every symbol of the table.
 *
 * @param path the library's name for the loader
 * @param symbols its prototypes
 * @param lastError gives the last error of this thread
 * @throws ProcrefError `LIBRARY`, `PERMISSION`, `PLATFORM`
 */
export function openWindowsLibrary<T extends SymbolTable>(
  path: string,
  symbols: T,
  lastError: () => number,
): NativeLibrary<T> {
  return instrumented({ path, symbols, functions: nativeRuntime().open(path, symbols), errno: lastError });
}
