/**
 * A directory that belongs to this user alone, checked before anything in it is believed.
 *
 * @module
 */

import type { FileStatus } from "../../ffi/host.ts";
import { host } from "../../ffi/mod.ts";
import { ProcrefError } from "../errors.ts";
import { parentOf } from "../paths.ts";
import type { Scope, User } from "./object_name.ts";

const ANYBODY_ELSE = 0o077;
const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/** Makes a directory, owner-only, unless there is one; the caller looks at what there is then. */
export function makeDirectory(path: string): void {
  try {
    host().files.makeDirectory(path, 0o700);
  } catch (error) {
    // A file or a link to nowhere is in its place, or a directory that somebody removes at this moment.
    if ((error as { code?: string }).code !== "EEXIST") throw error;
  }
}

/**
 * Checks a directory that exists: no link; in scope `user` ours with mode 0700, and in a place where nobody else can
 * exchange it.
 *
 * @throws ProcrefError `STATE_DIRECTORY`; what the file system throws
 */
export function checkDirectory(path: string, scope: Scope, uid: User): void {
  const status = statusOf(path);
  const problem = directoryProblem(status, scope, uid) ?? (typeof uid === "string" ? undefined : parentProblem(path));
  if (problem === undefined) return;
  throw new ProcrefError("STATE_DIRECTORY", `Cannot keep state in ${path}: ${problem}`, { details: { path } });
}

function directoryProblem(status: FileStatus, scope: Scope, uid: User): string | undefined {
  if (status.isLink) return "it is a symbolic link; name the directory itself";
  if (!status.isDirectory) return "it is not a directory; remove it or choose another one";
  if (scope === "system" || typeof uid === "string") return undefined;
  if (status.uid !== uid) return `it belongs to user ${status.uid}, not to ${uid}; choose another one`;
  const mode = (status.mode & 0o777).toString(8);
  return (status.mode & ANYBODY_ELSE) === 0 ? undefined : `others may enter it (mode ${mode}); use chmod 700`;
}

/**
 * Whether what a path leads to belongs to a user, and nobody else may write to it.
 *
 * @throws what the file system throws
 */
export function isOwnersAlone(path: string, uid: User): boolean {
  const status = targetOf(path);
  return status.uid === uid && (status.mode & OTHERS_WRITE) === 0;
}

function parentProblem(path: string): string | undefined {
  const parent = parentOf(path);
  const { mode } = targetOf(parent);
  const exchangeable = (mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0;
  return exchangeable ? `others may exchange it, for ${parent} is writable and not sticky; use chmod +t` : undefined;
}

/** The status of what a path leads to. */
function targetOf(path: string): FileStatus {
  return statusOf(host().files.realPath(path));
}

function statusOf(path: string): FileStatus {
  const status = host().files.status(path);
  if (status !== undefined) return status;
  throw Object.assign(new Error(`ENOENT: no such file or directory: ${path}`), { code: "ENOENT" });
}
