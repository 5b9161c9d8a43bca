/**
 * Neutral C types: what a symbol table says and what a loaded library offers. No runtime has a name here.
 *
 * @module
 */

import type { Host } from "./host.ts";

/**
 * A C type. Integers of up to 32 bits are numbers in JavaScript, 64-bit and size types are bigints,
 * `pointer` is opaque with `null` for NULL, `buffer` is memory of ours that is lent for the call.
 */
export type CType = "i32" | "u32" | "i64" | "u64" | "isize" | "usize" | "pointer" | "buffer";

/** A pointer that came from C. Only the adapter that made it can look through it. */
export type Pointer = { readonly pointer: unique symbol };

/** The prototype of one C function. */
export interface CFunction {
  /** The types of the parameters, in order. */
  readonly parameters: readonly CType[];
  /** The type of the result. */
  readonly result: CType;
  /** The result that says that the call failed; -1 unless given. */
  readonly failure?: number;
}

/** The prototypes of one library's functions by name. */
export type SymbolTable = { readonly [symbol: string]: CFunction };

/** The JavaScript side of a C type. */
export type JsType<T extends CType> = T extends "i32" | "u32" ? number
  : T extends "pointer" ? Pointer | null
  : T extends "buffer" ? Uint8Array | null
  : bigint;

/** The JavaScript sides of a list of C types. */
export type JsTypes<P extends readonly CType[]> = { -readonly [I in keyof P]: JsType<P[I]> };

/** The JavaScript function of one C function. */
export type NativeFunction<F extends CFunction> = (
  ...args: JsTypes<F["parameters"]>
) => JsType<F["result"]>;

/** The functions of a loaded library by name. */
export type NativeFunctions<T extends SymbolTable> = { readonly [K in keyof T]: NativeFunction<T[K]> };

/** A loaded library. */
export interface NativeLibrary<T extends SymbolTable> {
  /** The name that it was opened by. */
  readonly path: string;
  /** Its prototypes. */
  readonly symbols: T;
  /** Its functions. */
  readonly functions: NativeFunctions<T>;
  /** The error number that the last failing call of this thread left; read it in the very next statement. */
  readonly errno: () => number;
}

/** A function that runs on a thread of its own, where it may wait. Its error number stays on that thread. */
export type BlockingFunction<F extends CFunction> = (...args: JsTypes<F["parameters"]>) => Promise<JsType<F["result"]>>;

/** What a program of ours may do, where the runtime asks: the narrowest that serves. */
export interface Grants {
  /** Paths that it reads and writes. */
  readonly files: readonly string[];
  /** Paths that it only reads. */
  readonly read?: readonly string[];
  /** Programs that it runs, by name or path. */
  readonly run: readonly string[];
  /** Hosts that it connects to. */
  readonly net: readonly string[];
  /** Whether it may make native calls. One that may not asks programs, and the runtime, for what it must know. */
  readonly native: boolean;
  /** Further permissions in the runtime's own words, for code of the user that it runs. */
  readonly more?: readonly string[];
  /**
   * The directory in which the runtime may keep what it has compiled of the program, for when it is run again; undefined
   * where there is none. It is asked by a runtime that has no such place of its own.
   */
  readonly compileCache?: () => string | undefined;
}

/** A command with what its environment needs beside the usual. */
export interface ModuleCommand {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Variables that make the runtime as small and quiet as possible. */
  readonly env: Readonly<Record<string, string>>;
}

/** An open file whose lock (flock) the runtime takes by itself, without native calls. */
export interface RuntimeLockFile {
  /** Device and inode of what is open. */
  readonly inode: string;
  /** Takes the lock or changes its kind, if no other open file has one that excludes it. */
  tryLock(exclusive: boolean): boolean;
  /** Waits for the shared lock on another thread. The wait keeps the event loop alive. */
  lockShared(): Promise<void>;
  /** Gives the lock back. */
  unlock(): void;
  /** Reads from the beginning; gives how many bytes there were. */
  read(into: Uint8Array): number;
  /** Writes at the beginning. */
  write(bytes: Uint8Array): void;
  /** Closes the file and gives its lock back. */
  close(): void;
}

/** What a JavaScript runtime's foreign function interface must offer. */
export interface NativeRuntime {
  /** The runtime, for messages: `deno` or `bun`. */
  readonly name: "deno" | "bun";
  /**
   * Loads a library and binds every symbol of the table.
   *
   * @throws ProcrefError `LIBRARY` when it or a symbol is missing, `PERMISSION` when the runtime refuses
   */
  open<T extends SymbolTable>(path: string, symbols: T): NativeFunctions<T>;
  /** Makes a function that reads the 32-bit integer at a pointer, without calling C. */
  readerOfInt32(pointer: Pointer): () => number;
  /** The memory at a pointer, to be read and written as long as C keeps it. */
  memoryAt(pointer: Pointer, bytes: number): DataView;
  /**
   * Binds one function of a library so that each call runs on another thread of this process and may wait there.
   * Buffers are only read. A call that waits keeps the event loop alive.
   *
   * @throws ProcrefError as `open`
   */
  openBlocking<F extends CFunction>(path: string, symbol: string, prototype: F): BlockingFunction<F>;
  /** A variable of the environment; undefined also where the runtime would first have to ask whether we may see it. */
  variable(name: string): string | undefined;
  /**
   * Opens a file to be locked by the runtime itself; a runtime that cannot lock files has no such function.
   *
   * @param create whether to make the file, which must not exist then; it may be read and written by the user alone
   */
  readonly openLockFile?: (path: string, create: boolean) => RuntimeLockFile;
  /** What it does of what programs need of their system. */
  readonly host: Host;
  /** Whether program and runtime were compiled into one file, which runs that program and no other module. */
  readonly isCompiled: boolean;
  /** The command that runs a module of ours in this runtime, with no more than it is granted. */
  moduleCommand(module: URL, grants: Grants): ModuleCommand;
}
