/**
 * Where state is kept: a directory that belongs to this user alone, checked before anything in it is believed.
 *
 * @module
 */

import { lstatSync, mkdirSync, realpathSync, type Stats } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import process from "node:process";
import { ProcrefError } from "../errors.ts";
import type { Scope, User } from "./object_name.ts";

const ANYBODY_ELSE = 0o077;
const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * The state directory, made if it is missing.
 *
 * Without a directory of the caller's it is `$PROCREF_DIR`; else `procref` in `$XDG_RUNTIME_DIR`, or in
 * `/run/user/UID` where that exists, so that a session and a cron job agree; else `/tmp/procref-UID`. On Windows it is
 * `procref\\session-N` in the user's folder of local data, for kernel objects are those of one session; neither owners nor
 * modes are looked at there: that folder lies in the user's profile, which Windows keeps others out of, and a directory
 * of the caller's own is theirs to protect.
 *
 * @param directory the caller's own choice, an absolute path
 * @param scope in scope `system` there is no default: an administrator makes the directory and its mode says who shares
 * @param uid the effective user
 * @returns its real path
 * @throws ProcrefError `STATE_DIRECTORY` when it is a link, somebody else's, or open to others; `PERMISSION` when the
 * runtime does not let us see it; `INVALID_ARGUMENT`; `IO`
 */
export function stateDirectory(directory: string | undefined, scope: Scope, uid: User): string {
  const path = stateDirectoryPath(directory, scope, uid);
  return attempting(`keep state in ${path}`, path, () => {
    if (scope === "user") makeDirectory(path);
    checkDirectory(path, scope, uid);
    return realpathSync(path);
  });
}

/**
 * Where the state directory is or would be; it is neither made nor checked.
 *
 * @throws ProcrefError `PERMISSION` when the runtime does not let us see the environment; `INVALID_ARGUMENT`
 */
export function stateDirectoryPath(directory: string | undefined, scope: Scope, uid: User): string {
  const path = directory ?? defaultDirectory(scope, uid);
  if (typeof path === "string" && isAbsolute(path)) return path;
  const source = directory === undefined ? ", which is PROCREF_DIR" : "";
  const hint = String(path).startsWith("~") ? "; only a shell knows what ~ is" : "";
  throw new ProcrefError(
    "INVALID_ARGUMENT",
    `Cannot keep state in ${String(path)}${source}: use an absolute path${hint}`,
  );
}

/** Makes a directory, owner-only, unless there is one; the caller looks at what there is then. */
export function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    // A file or a link to nowhere is in its place, or a directory that somebody removes at this moment.
    if ((error as { code?: string }).code !== "EEXIST") throw error;
  }
}

function defaultDirectory(scope: Scope, uid: User): string {
  const chosen = attempting(
    "choose the state directory",
    undefined,
    () => process.env.PROCREF_DIR || (scope === "user" ? sessionDirectory(uid) : undefined),
  );
  if (chosen !== undefined) return chosen;
  throw new ProcrefError(
    "INVALID_ARGUMENT",
    "Cannot choose a state directory for scope system: give `directory` or set PROCREF_DIR to one that an " +
      "administrator has made for those who share it",
  );
}

function sessionDirectory(uid: User): string {
  if (typeof uid === "string") return join(localData(), "procref", sessionFolder(uid));
  const runtime = process.env.XDG_RUNTIME_DIR;
  if (runtime !== undefined && isAbsolute(runtime)) return join(runtime, "procref");
  const session = `/run/user/${uid}`;
  return isOurDirectory(session, uid) ? join(session, "procref") : `/tmp/procref-${uid}`;
}

/** What the state directory of a user of Windows is called. */
export function sessionFolder(user: string): string {
  return user.replace(/^.* /, "session-");
}

/** The folder of Windows for data of the user on this machine. */
function localData(): string {
  const { LOCALAPPDATA } = process.env;
  if (LOCALAPPDATA !== undefined && isAbsolute(LOCALAPPDATA)) return LOCALAPPDATA;
  // Asked only now: Deno is to allow no more than is needed.
  const { USERPROFILE } = process.env;
  if (USERPROFILE !== undefined && isAbsolute(USERPROFILE)) return join(USERPROFILE, "AppData", "Local");
  throw new ProcrefError(
    "STATE_DIRECTORY",
    "Cannot choose a state directory: neither LOCALAPPDATA nor USERPROFILE says where the user keeps data; " +
      "set PROCREF_DIR",
  );
}

/** Whether a directory is there and ours. A refusal of the runtime is an error: others, who may look, would decide otherwise. */
function isOurDirectory(path: string, uid: User): boolean {
  const status = lstatSync(path, { throwIfNoEntry: false });
  return status !== undefined && status.isDirectory() && status.uid === uid;
}

/**
 * Checks a directory that exists: no link; in scope `user` ours with mode 0700, and in a place where nobody else can
 * exchange it.
 *
 * @throws ProcrefError `STATE_DIRECTORY`; what the file system throws
 */
export function checkDirectory(path: string, scope: Scope, uid: User): void {
  const status = lstatSync(path);
  const problem = directoryProblem(status, scope, uid) ?? (typeof uid === "string" ? undefined : parentProblem(path));
  if (problem === undefined) return;
  throw new ProcrefError("STATE_DIRECTORY", `Cannot keep state in ${path}: ${problem}`, { details: { path } });
}

function directoryProblem(status: Stats, scope: Scope, uid: User): string | undefined {
  if (status.isSymbolicLink()) return "it is a symbolic link; name the directory itself";
  if (!status.isDirectory()) return "it is not a directory; remove it or choose another one";
  if (scope === "system" || typeof uid === "string") return undefined;
  if (status.uid !== uid) return `it belongs to user ${status.uid}, not to ${uid}; choose another one`;
  const mode = (status.mode & 0o777).toString(8);
  return (status.mode & ANYBODY_ELSE) === 0 ? undefined : `others may enter it (mode ${mode}); use chmod 700`;
}

function parentProblem(path: string): string | undefined {
  const parent = dirname(path);
  const { mode } = lstatSync(realpathSync(parent));
  const exchangeable = (mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0;
  return exchangeable ? `others may exchange it, for ${parent} is writable and not sticky; use chmod +t` : undefined;
}

/**
 * Does something with files and turns what the runtime throws into an error of ours.
 *
 * @param doing what is tried, as it follows "Cannot"
 * @throws ProcrefError `PERMISSION` when the runtime does not allow it, else `IO`; one of ours passes through
 */
export function attempting<T>(doing: string, path: string | undefined, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof ProcrefError) throw cause;
    const { name, message } = cause as Error;
    const refused = name === "NotCapable" || name === "PermissionDenied";
    throw new ProcrefError(refused ? "PERMISSION" : "IO", `Cannot ${doing}: ${message}`, {
      cause,
      details: path === undefined ? {} : { path },
    });
  }
}
