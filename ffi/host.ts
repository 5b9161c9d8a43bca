/**
 * What a runtime does by itself of what programs need of their system, where the modules of Node take too long to load:
 * see node.ts. No runtime has a name here.
 *
 * @module
 */

/** What is known of a file by its path. */
export interface FileStatus {
  /** Whether it is a plain file. */
  readonly isFile: boolean;
  /** Whether it is a directory. */
  readonly isDirectory: boolean;
  /** Whether it is a symbolic link. */
  readonly isLink: boolean;
  /** Its number in its file system. */
  readonly ino: number;
  /** Who it belongs to; 0 on Windows. */
  readonly uid: number;
  /** Its type and permissions. */
  readonly mode: number;
  /** Its size in bytes. */
  readonly size: number;
  /** When it was last written to, in milliseconds since 1970. */
  readonly mtimeMs: number;
}

/** A file that was just made, open for writing. */
export interface NewFile {
  /** Writes what it can at the end; gives how many bytes it took. */
  write(bytes: Uint8Array): number;
  /** Waits until all is on the disk. */
  sync(): void;
  /** Closes it. */
  close(): void;
}

/** What tells of changes until it is closed. */
export interface DirectoryWatch {
  /** Ends it. */
  close(): void;
}

/**
 * Files. Everything throws what the runtime throws: an error whose `code` is the name of the error number, with which its
 * message begins.
 */
export interface Files {
  /** The status of a path, itself if it is a link; undefined when there is nothing. */
  status(path: string): FileStatus | undefined;
  /** Makes a file; nothing may be there. */
  create(path: string, mode: number): NewFile;
  /** The first bytes of a plain file, links being followed; undefined for anything else, which is not waited for. */
  head(path: string, size: number): Uint8Array | undefined;
  /** Gives a file another name; what had it is gone. */
  rename(from: string, to: string): void;
  /** Removes a file, if there is one; a directory stays, and is an error. */
  remove(path: string): void;
  /** Makes a directory and those above it, unless they are there. */
  makeDirectory(path: string, mode: number): void;
  /** The path without links. */
  realPath(path: string): string;
  /**
   * Tells when something happens in a directory, once or more, and with the name of the file where that is known; also
   * when nothing can be told any more. It may keep the event loop alive. Its errors may have no code.
   */
  watch(path: string, changed: (name: string | undefined) => void): DirectoryWatch;
}

/** How a child is started. */
export interface ChildStart {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Its working directory. */
  readonly cwd: string;
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** How a child ended: by itself with a status, or by a signal. */
export interface ChildEnd {
  /** Its exit status; null when a signal ended it. */
  readonly code: number | null;
  /** The name of the signal that ended it. */
  readonly signal: NodeJS.Signals | null;
}

/** A child that was started. */
export interface Child {
  /** Its PID. */
  readonly pid: number;
  /** Resolves once it has ended, and this process has taken note of it. */
  readonly ended: Promise<ChildEnd>;
  /** Takes what it writes to both its outputs; to be called once. Resolves when nobody can write to them any more. */
  readOutput(take: (bytes: Uint8Array) => void): Promise<void>;
}

/** A runtime as the host of this program. */
export interface Host {
  /** The operating system, as Node names it: `linux`, `darwin`, `win32`. */
  readonly platform: string;
  /** The architecture, as Node names it: `x64`, `arm64`. */
  readonly arch: string;
  /** The PID of this process. */
  readonly pid: number;
  readonly files: Files;
  /** Reads from standard input, waiting for it; 0 at its end. */
  readInput(into: Uint8Array): number;
  /** Writes to standard output, as far as it takes it. */
  writeOutput(bytes: Uint8Array): number;
  /** Tells a listener of each signal of this name, and keeps the runtime from what it does at it. Unix only. */
  onSignal(name: NodeJS.Signals, listener: () => void): void;
  /**
   * Starts a program in a session of its own, with nothing to read. Unix only.
   *
   * @throws what the runtime throws when it cannot be started
   */
  startLeader(start: ChildStart): Child;
  /** Ends this process. */
  exit(status: number): never;
}

/** Tells of everything that several streams give, and resolves when all have ended. */
export async function readAll(
  streams: readonly AsyncIterable<Uint8Array>[],
  take: (bytes: Uint8Array) => void,
): Promise<void> {
  await Promise.all(streams.map(async (stream) => {
    for await (const bytes of stream) take(bytes);
  }));
}
