/**
 * Files by `node:fs`: those of Bun, and those of Deno on Windows, where the two do not name errors alike.
 *
 * @module
 */

import type { Stats } from "node:fs";
import type { Files, FileStatus, NewFile } from "./host.ts";
import { node } from "./node.ts";

/** A new file by its descriptor. */
export class NodeFile implements NewFile {
  /** The descriptor. */
  readonly descriptor: number;

  /** Makes a file; nothing may be there. */
  constructor(path: string, mode: number) {
    this.descriptor = node.fs.openSync(path, "wx", mode);
  }

  write(bytes: Uint8Array): number {
    return node.fs.writeSync(this.descriptor, bytes);
  }

  sync(): void {
    node.fs.fsyncSync(this.descriptor);
  }

  close(): void {
    node.fs.closeSync(this.descriptor);
  }
}

/** Files as every runtime has them. */
export const nodeFiles: Files = {
  status(path: string): FileStatus | undefined {
    const status = node.fs.lstatSync(path, { throwIfNoEntry: false });
    return status && fileStatus(status);
  },
  create: (path, mode) => new NodeFile(path, mode),
  head(path: string, size: number): Uint8Array | undefined {
    const { closeSync, constants, fstatSync, openSync, readSync } = node.fs;
    // Windows has no pipes in its file system.
    const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      if (!fstatSync(descriptor).isFile()) return undefined;
      const bytes = new Uint8Array(size);
      return bytes.subarray(0, readSync(descriptor, bytes, 0, size, 0));
    } finally {
      closeSync(descriptor);
    }
  },
  rename: (from, to) => node.fs.renameSync(from, to),
  remove: (path) => node.fs.rmSync(path, { force: true }),
  makeDirectory(path: string, mode: number): void {
    node.fs.mkdirSync(path, { recursive: true, mode });
  },
  realPath: (path) => node.fs.realpathSync(path),
  watch: (path, changed) =>
    node.fs.watch(path, { persistent: false }, (_, name) => changed(name ?? undefined))
      .on("error", () => changed(undefined)),
};

/** What Node tells of a file. */
export function fileStatus(status: Stats): FileStatus {
  const { ino, uid, mode, size, mtimeMs } = status;
  const [isFile, isDirectory, isLink] = [status.isFile(), status.isDirectory(), status.isSymbolicLink()];
  return { isFile, isDirectory, isLink, ino, uid, mode, size, mtimeMs };
}
