/**
 * What Deno does by itself, without the modules of Node.
 *
 * @module
 */

import {
  type Child,
  type ChildEnd,
  type ChildStart,
  type DirectoryWatch,
  type Files,
  type FileStatus,
  type Host,
  type NewFile,
  readAll,
} from "./host.ts";
import { nodeFiles } from "./node_files.ts";

/** The part of Deno's global that is used, in our own words. */
export interface DenoSystem {
  readonly build: { readonly os: string; readonly arch: string };
  readonly pid: number;
  readonly stdin: { readSync(into: Uint8Array): number | null };
  readonly stdout: { writeSync(bytes: Uint8Array): number };
  readonly Command: new (program: string, options: Record<string, unknown>) => { spawn(): DenoChild };
  addSignalListener(name: string, listener: () => void): void;
  exit(status: number): never;
  lstatSync(path: string): DenoStatus;
  statSync(path: string): DenoStatus;
  openSync(path: string, options: Record<string, unknown>): DenoOpened;
  renameSync(from: string, to: string): void;
  removeSync(path: string): void;
  mkdirSync(path: string, options: { recursive: boolean; mode: number }): void;
  realPathSync(path: string): string;
  watchFs(path: string, options: { recursive: boolean }): DenoWatcher;
}

interface DenoStatus {
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  readonly isSymlink: boolean;
  readonly ino: number | null;
  readonly uid: number | null;
  readonly mode: number | null;
  readonly size: number;
  readonly mtime: Date | null;
}

interface DenoOpened {
  readSync(into: Uint8Array): number | null;
  writeSync(bytes: Uint8Array): number;
  syncSync(): void;
  close(): void;
}

interface DenoWatcher extends AsyncIterable<{ readonly paths: readonly string[] }> {
  close(): void;
}

interface DenoChild {
  readonly pid: number;
  readonly status: Promise<{ readonly code: number; readonly signal: string | null }>;
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
}

const PLATFORMS: Readonly<Record<string, string>> = { windows: "win32" };
const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: "x64", aarch64: "arm64" };

/** Deno as the host of this program. */
export function denoHost(deno: DenoSystem): Host {
  const { os, arch } = deno.build;
  return {
    platform: PLATFORMS[os] ?? os,
    arch: ARCHITECTURES[arch] ?? arch,
    pid: deno.pid,
    files: os === "windows" ? nodeFiles : denoFiles(deno),
    readInput: (into) => deno.stdin.readSync(into) ?? 0,
    writeOutput: (bytes) => deno.stdout.writeSync(bytes),
    onSignal: (name, listener) => deno.addSignalListener(name, listener),
    startLeader: (start) => startLeader(deno, start),
    exit: (status) => deno.exit(status),
  };
}

function startLeader(deno: DenoSystem, { command: [program, ...args], cwd, env }: ChildStart): Child {
  const options = { stdin: "null", stdout: "piped", stderr: "piped" };
  const leader = new deno.Command(program, { args, cwd, env, clearEnv: true, detached: true, ...options });
  const child = naming(() => leader.spawn());
  const end = ({ code, signal }: { code: number; signal: string | null }): ChildEnd =>
    signal === null ? { code, signal } : { code: null, signal: signal as NodeJS.Signals };
  return {
    pid: child.pid,
    ended: child.status.then(end),
    readOutput: (take) => readAll([child.stdout, child.stderr], take),
  };
}

function denoFiles(deno: DenoSystem): Files {
  return {
    status(path: string): FileStatus | undefined {
      try {
        return fileStatus(deno.lstatSync(path));
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw named(error);
      }
    },
    create(path: string, mode: number): NewFile {
      const file = naming(() => deno.openSync(path, { write: true, createNew: true, mode }));
      return {
        write: (bytes) => naming(() => file.writeSync(bytes)),
        sync: () => naming(() => file.syncSync()),
        close: () => file.close(),
      };
    },
    head(path: string, size: number): Uint8Array | undefined {
      // Deno opens a pipe only when somebody writes to it, and waits for that.
      if (!naming(() => deno.statSync(path)).isFile) return undefined;
      const file = naming(() => deno.openSync(path, { read: true }));
      try {
        const bytes = new Uint8Array(size);
        return bytes.subarray(0, naming(() => file.readSync(bytes)) ?? 0);
      } finally {
        file.close();
      }
    },
    rename: (from, to) => naming(() => deno.renameSync(from, to)),
    remove(path: string): void {
      try {
        // Deno removes an empty directory as well.
        if (deno.lstatSync(path).isDirectory) throw isDirectory(path);
        deno.removeSync(path);
      } catch (error) {
        if (!isMissing(error)) throw named(error);
      }
    },
    makeDirectory: (path, mode) => naming(() => deno.mkdirSync(path, { recursive: true, mode })),
    realPath: (path) => naming(() => deno.realPathSync(path)),
    watch(path: string, changed: (name: string | undefined) => void): DirectoryWatch {
      const watcher = naming(() => deno.watchFs(path, { recursive: false }));
      tellAll(watcher, changed).catch(() => changed(undefined));
      return watcher;
    },
  };
}

async function tellAll(watcher: DenoWatcher, changed: (name: string | undefined) => void): Promise<void> {
  for await (const { paths } of watcher) {
    for (const path of paths) changed(path.slice(path.lastIndexOf("/") + 1));
  }
}

/** Does something of the system's. */
function naming<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw named(error);
  }
}

function isDirectory(path: string): Error {
  return Object.assign(new Error(`EISDIR: illegal operation on a directory, remove '${path}'`), { code: "EISDIR" });
}

/** What Deno says of an error number: its words, the number, and mostly what was tried. */
const OS_ERROR = /^(.*?)(.)([^:]*) \(os error \d+\)(?:: (.*))?$/s;

/** The error in the words that it has everywhere else: the name of its number, what that means, and what was tried. */
function named(error: unknown): unknown {
  const { code, message } = error as { code?: string; message: string };
  const [, before, first, rest, what] = OS_ERROR.exec(message) ?? [];
  if (code === undefined || first === undefined) return error;
  (error as { message: string }).message = `${code}: ${before}${first.toLowerCase()}${rest}${what ? `, ${what}` : ""}`;
  return error;
}

function fileStatus({ isFile, isDirectory, isSymlink, ino, uid, mode, size, mtime }: DenoStatus): FileStatus {
  const known = { ino: ino ?? 0, uid: uid ?? 0, mode: mode ?? 0, mtimeMs: mtime?.getTime() ?? 0 };
  return { isFile, isDirectory, isLink: isSymlink, size, ...known };
}

function isMissing(error: unknown): boolean {
  return (error as { code?: string }).code === "ENOENT";
}
