/**
 * Reading files that others might have put there: no link is followed, and a file of somebody else is not believed.
 *
 * @module
 */

import type { FileStatus } from "../../ffi/host.ts";
import { host } from "../../ffi/mod.ts";
import { node } from "../../ffi/node.ts";
import { fileStatus } from "../../ffi/node_files.ts";
import { ProcrefError } from "../errors.ts";
import type { Scope, User } from "./object_name.ts";

/** Whose files are believed, and how large a file may be. */
export interface Trust {
  /** In scope `user` only files of that user are believed. */
  readonly scope: Scope;
  /** The effective user; of one without a number, owners of files are not looked at. */
  readonly uid: User;
  /** The greatest size in bytes: 65,536 unless given. */
  readonly greatestSize?: number;
}

const GREATEST_SIZE = 65536;
/** How often a file that is replaced between two calls is looked at again. */
const MOST_TRIES = 1000;

/** A file that is open for reading; whoever opened it closes the descriptor. */
export interface OpenedFile {
  /** The descriptor. */
  readonly descriptor: number;
  /** What it was when it was opened. */
  readonly status: FileStatus;
}

/** What a file says, and whose it is. */
export interface TrustedText {
  /** The text. */
  readonly text: string;
  /** The user that the file belongs to. */
  readonly owner: User;
}

/**
 * The text of a file and its owner, or undefined when there is none.
 *
 * @throws ProcrefError `SERVICE_INFO` when the file cannot be trusted; what the file system throws, also for text that
 * is no UTF-8
 */
export function readTrustedFile(path: string, trust: Trust): TrustedText | undefined {
  const opened = openTrustedFile(path, trust);
  if (opened === undefined) return undefined;
  try {
    return { text: textOf(opened), owner: typeof trust.uid === "number" ? opened.status.uid : trust.uid };
  } finally {
    node.fs.closeSync(opened.descriptor);
  }
}

/**
 * The text of a file that is open.
 *
 * @throws what the file system throws, also for text that is no UTF-8
 */
export function textOf({ descriptor, status }: OpenedFile): string {
  const buffer = new Uint8Array(status.size);
  const length = node.fs.readSync(descriptor, buffer, 0, buffer.length, 0);
  return new TextDecoder("utf-8", { fatal: true }).decode(buffer.subarray(0, length));
}

/**
 * Opens a file for reading, or gives undefined when there is none.
 *
 * @throws ProcrefError `SERVICE_INFO` when the file cannot be trusted; what the file system throws
 */
export function openTrustedFile(path: string, trust: Trust): OpenedFile | undefined {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const seen = host().files.status(path);
    if (seen === undefined) return undefined;
    checkFile(seen, trust);
    const descriptor = open(path);
    if (descriptor === undefined) return undefined;
    const { closeSync, fstatSync } = node.fs;
    try {
      const status = fileStatus(fstatSync(descriptor));
      checkFile(status, trust);
      if (status.ino === seen.ino) return { descriptor, status };
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    // It was replaced in between, perhaps by a link: Deno follows one in spite of O_NOFOLLOW when its permissions are
    // limited to some paths. The next look tells.
    closeSync(descriptor);
  }
  throw untrusted("is replaced as fast as it is read");
}

/** Opens the file; undefined when it has been removed meanwhile. */
function open(path: string): number | undefined {
  const { constants, openSync } = node.fs;
  // Windows has neither: nobody but the user can put a link or a pipe there.
  const noLinksAndPipes = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  try {
    return openSync(path, constants.O_RDONLY | noLinksAndPipes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function checkFile(status: FileStatus, { scope, uid, greatestSize = GREATEST_SIZE }: Trust): void {
  if (!status.isFile) throw untrusted("is no plain file");
  if (status.size > greatestSize) throw untrusted(`has ${status.size} bytes, at most ${greatestSize} are read`);
  if (scope === "user" && typeof uid === "number" && status.uid !== uid) {
    throw untrusted(`belongs to user ${status.uid}`);
  }
}

function untrusted(why: string): ProcrefError {
  return new ProcrefError("SERVICE_INFO", `the file ${why}`);
}
