/**
 * The foreign function interface of Bun.
 *
 * @module
 */

import { ProcrefError } from "../src/errors.ts";
import { bunHost, type BunSystem } from "./bun_host.ts";
import { node } from "./node.ts";
import type {
  BlockingFunction,
  CFunction,
  CType,
  Grants,
  JsType,
  ModuleCommand,
  NativeFunctions,
  NativeRuntime,
  Pointer,
  SymbolTable,
} from "./types.ts";

/** The part of `bun:ffi` that is used, in our own words: no type package of a runtime is needed. */
interface BunFfi {
  dlopen(path: string, symbols: Record<string, unknown>): { symbols: Record<string, unknown> };
  read: { i32(pointer: unknown, offset: number): number };
  toArrayBuffer(pointer: unknown, offset: number, bytes: number): ArrayBuffer;
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

/** Binds {@link NativeRuntime} to the module `bun:ffi` and Bun's global. */
export function bunRuntime(module: unknown, global: unknown): NativeRuntime {
  const ffi = module as BunFfi;
  const native = {
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
  return {
    name: "bun",
    ...native,
    memoryAt: (pointer, bytes) => new DataView(ffi.toArrayBuffer(pointer, 0, bytes)),
    openBlocking,
    // The folder of the modules within a compiled program.
    isCompiled: /^file:\/\/\/(\$bunfs|\w:\/~BUN)\//.test(import.meta.url),
    variable: (name) => node.process.env[name],
    host: bunHost(global as BunSystem, native),
    moduleCommand,
  };
}

/** What the thread of {@link openBlocking} runs: it binds the function that it is told, and calls it when told so. */
const THREAD = `
const { dlopen } = process.getBuiltinModule("bun:ffi");
let call;
self.onmessage = ({ data: { path, symbol, prototype, args } }) => {
  call ??= dlopen(path, { [symbol]: prototype }).symbols[symbol];
  self.postMessage(call(...args));
};
`;

/** The part of a Web Worker that is used. */
interface Thread {
  postMessage(message: unknown): void;
  onmessage: (event: { data: unknown }) => void;
  onerror: (event: { message?: string }) => void;
}

/** bun:ffi has no calls that wait elsewhere, so workers are the threads, as many as there are calls at one time. */
function openBlocking<F extends CFunction>(path: string, symbol: string, prototype: F): BlockingFunction<F> {
  const idle: Thread[] = [];
  const translation = translated({ [symbol]: prototype })[symbol];
  return (...args) =>
    new Promise((resolve, reject) => {
      const thread = idle.pop() ?? newThread();
      thread.onmessage = ({ data }) => {
        idle.push(thread);
        resolve(data as JsType<F["result"]>);
      };
      thread.onerror = ({ message }) =>
        reject(new ProcrefError("LIBRARY", `Cannot call ${symbol} of ${path} on a thread: ${message}`));
      thread.postMessage({ path, symbol, prototype: translation, args });
    });
}

function newThread(): Thread {
  const { Worker } = globalThis as unknown as { Worker: new (url: string, options: unknown) => Thread };
  return new Worker(URL.createObjectURL(new Blob([THREAD], { type: "text/javascript" })), { smol: true });
}

/** The variables that say where Bun keeps the modules that it has translated. */
const CACHES = ["BUN_RUNTIME_TRANSPILER_CACHE_PATH", "XDG_CACHE_HOME", "HOME"];

/**
 * Bun asks for no permissions. `--smol` would make it collect garbage in its first moments, some 2 ms of them, and an idle
 * supervisor has as little memory without. Its timer for collecting garbage would wake a sleeping process. Its cache saves
 * time; but where the user has no place for it, it would be in a folder for temporary files that others may have made.
 */
function moduleCommand(module: URL, { compileCache }: Grants): ModuleCommand {
  const path = module.protocol === "file:" ? node.url.fileURLToPath(module) : module.href;
  return {
    command: [node.process.execPath, "run", "--no-install", path],
    env: {
      BUN_GC_TIMER_DISABLE: "1",
      NO_COLOR: "1",
      ...(CACHES.some((name) => node.process.env[name]) ? {} : { BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" }),
      ...cachesIn(node.process.env.NODE_DISABLE_COMPILE_CACHE ? undefined : compileCache?.()),
    },
  };
}

/** The variables for what Bun translates, and for what it compiles of that, which Node has under the same name. */
function cachesIn(directory: string | undefined): Record<string, string> {
  if (directory === undefined) return {};
  return { BUN_RUNTIME_TRANSPILER_CACHE_PATH: directory, NODE_COMPILE_CACHE: directory };
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
