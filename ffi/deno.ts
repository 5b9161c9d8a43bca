/**
 * The foreign function interface of Deno.
 *
 * @module
 */

import { ProcrefError } from "../src/errors.ts";
import { denoHost, type DenoSystem } from "./deno_host.ts";
import { node } from "./node.ts";
import type {
  BlockingFunction,
  CFunction,
  Grants,
  ModuleCommand,
  NativeFunctions,
  NativeRuntime,
  Pointer,
  RuntimeLockFile,
  SymbolTable,
} from "./types.ts";

/** The part of Deno's global that is used, in our own words: no type package of a runtime is needed. */
interface DenoFfi extends DenoSystem {
  dlopen(path: string, symbols: Record<string, unknown>): { symbols: Record<string, unknown> };
  build: DenoSystem["build"] & { standalone?: boolean };
  permissions: { querySync(permission: { name: string; variable?: string }): { state: string } };
  UnsafePointerView: { getArrayBuffer(pointer: unknown, bytes: number): ArrayBuffer };
  openSync(path: string, options: Record<string, unknown>): DenoFile & ReturnType<DenoSystem["openSync"]>;
}

/** The part of an open file that is used. */
interface DenoFile {
  statSync(): { dev: number; ino: number };
  tryLockSync(exclusive: boolean): boolean;
  lock(exclusive: boolean): Promise<void>;
  unlockSync(): void;
  seekSync(offset: number, whence: number): number;
  readSync(into: Uint8Array): number | null;
  writeSync(bytes: Uint8Array): number;
  close(): void;
}

/**
 * What Deno's console asks an object for before anything else, with what shows values and its options. It asks event
 * targets for nothing that Node knows.
 */
export const CONSOLE_HOOK: symbol = Symbol.for("Deno.customInspect");

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
        throw openError(deno, path, cause);
      }
    },
    readerOfInt32(pointer: Pointer): () => number {
      const view = new Int32Array(deno.UnsafePointerView.getArrayBuffer(pointer, 4));
      return () => view[0];
    },
    memoryAt: (pointer, bytes) => new DataView(deno.UnsafePointerView.getArrayBuffer(pointer, bytes)),
    openBlocking<F extends CFunction>(path: string, symbol: string, prototype: F): BlockingFunction<F> {
      try {
        return deno.dlopen(path, { [symbol]: { ...prototype, nonblocking: true } }).symbols[symbol] as BlockingFunction<
          F
        >;
      } catch (cause) {
        throw openError(deno, path, cause);
      }
    },
    variable(name: string): string | undefined {
      const granted = deno.permissions.querySync({ name: "env", variable: name }).state === "granted";
      return granted ? node.process.env[name] : undefined;
    },
    openLockFile: (path, create) =>
      lockFile(deno.openSync(path, { read: true, write: true, createNew: create, mode: 0o600 })),
    host: denoHost(deno),
    isCompiled: deno.build.standalone === true,
    moduleCommand,
  };
}

/** The locks of Deno's own files are flock(2) as well, and need no permission but to read and write the file. */
function lockFile(file: DenoFile): RuntimeLockFile {
  const { dev, ino } = file.statSync();
  return {
    inode: `${BigInt(dev)}:${BigInt(ino)}`,
    tryLock: (exclusive) => file.tryLockSync(exclusive),
    lockShared: () => file.lock(false),
    unlock: () => file.unlockSync(),
    read(into: Uint8Array): number {
      file.seekSync(0, 0);
      return file.readSync(into) ?? 0;
    },
    write(bytes: Uint8Array): void {
      file.seekSync(0, 0);
      file.writeSync(bytes);
    },
    close: () => file.close(),
  };
}

/** The permissions whose flags have a short form. */
const SHORT: { readonly [flag: string]: string } = { read: "-R", write: "-W", env: "-E", net: "-N" };

/** Deno with the given permissions and no others, and nothing of the project that it happens to be started in. */
function moduleCommand(module: URL, { files, read = [], run, net, native, more = [] }: Grants): ModuleCommand {
  const allow = (flag: string, values: readonly string[]): string[] => {
    // Beside a list, Deno takes no notice of the plain flag, which is wider.
    const plain = more.includes(`--allow-${flag}`) || more.includes(SHORT[flag]);
    if (plain || values.length === 0) return [];
    return [`--allow-${flag}=${values.map((value) => value.replaceAll(",", ",,")).join(",")}`];
  };
  const all = more.includes("-A") || more.includes("--allow-all");
  const own = all ? [] : [
    ...(native && !more.includes("--allow-ffi") ? ["--allow-ffi"] : []),
    ...allow("sys", native ? [] : ["uid"]),
    // The child processes of node:child_process ask for it.
    ...allow("env", ["NODE_V8_COVERAGE"]),
    ...allow("read", [...files, ...read]),
    ...allow("write", files),
    ...allow("run", run),
    ...allow("net", net.map((host) => host.includes(":") ? `[${host}]` : host)),
  ];
  return {
    command: [
      node.process.execPath,
      "run",
      "--quiet",
      "--no-prompt",
      "--no-config",
      "--no-lock",
      "--no-check",
      "--cached-only",
      ...own,
      ...more,
      module.protocol === "file:" ? node.url.fileURLToPath(module) : module.href,
    ],
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
  };
}

function openError(deno: DenoFfi, path: string, cause: unknown): ProcrefError {
  const { name, message } = cause as Error;
  const refused = name === "NotCapable" || name === "PermissionDenied";
  // A scoped grant passes Deno's check and then looks for the library in the working directory.
  if (refused || deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
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
