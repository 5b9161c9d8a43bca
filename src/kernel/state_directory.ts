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
 * `procref\session-N` in the user's folder of local data (`LOCALAPPDATA`); neither owners nor modes are looked at there:
 * Windows keeps others out of a user's profile, and a directory of the caller's own is theirs to protect.
 *
 * @param directory the caller's own choice, an absolute path
 * @param scope in scope `system` there is no default: an administrator makes the directory and its mode says who shares
 * @param user the effective user
 * @returns its real path
 * @throws ProcrefError `STATE_DIRECTORY` when it is a link, somebody else's, or open to others; `PERMISSION` when the
 * runtime does not let us see it; `INVALID_ARGUMENT`; `IO`
 */
export function stateDirectory(directory: string | undefined, scope: Scope, user: User): string {
  const path = stateDirectoryPath(directory, scope, user);
  return attempting(`keep state in ${path}`, path, () => {
    if (scope === "user") makeDirectory(path);
    checkDirectory(path, scope, user);
    return realpathSync(path);
  });
}

/**
 * Where the state directory is or would be; it is neither made nor checked.
 *
 * @throws ProcrefError `PERMISSION` when the runtime does not let us see the environment; `INVALID_ARGUMENT`
 */
export function stateDirectoryPath(directory: string | undefined, scope: Scope, user: User): string {
  const path = directory ?? defaultDirectory(scope, user);
  if (typeof path === "string" && isAbsolute(path)) return path;
  throw new ProcrefError("INVALID_ARGUMENT", `Cannot keep state in ${String(path)}: use an absolute path`);
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    // A file or a link to nowhere is in its place: the check that follows says so.
    if ((error as { code?: string }).code !== "EEXIST") throw error;
  }
}

function defaultDirectory(scope: Scope, user: User): string {
  const chosen = attempting(
    "choose the state directory",
    undefined,
    () => process.env.PROCREF_DIR || (scope === "user" ? sessionDirectory(user) : undefined),
  );
  if (chosen !== undefined) return chosen;
  throw new ProcrefError(
    "INVALID_ARGUMENT",
    "Cannot choose a state directory for scope system: give `directory` or set PROCREF_DIR to one that an " +
      "administrator has made for those who share it",
  );
}

function sessionDirectory(user: User): string | undefined {
  if (typeof user === "string") return profileDirectory(user);
  const runtime = process.env.XDG_RUNTIME_DIR;
  if (runtime !== undefined && isAbsolute(runtime)) return join(runtime, "procref");
  const session = `/run/user/${user}`;
  return isOurDirectory(session, user) ? join(session, "procref") : `/tmp/procref-${user}`;
}

/**
 * On Windows: in the user's own profile, which nobody else but an administrator may enter, a folder for each session,
 * which count apart.
 */
function profileDirectory(user: string): string | undefined {
  const profile = process.env.LOCALAPPDATA;
  const session = user.replace(/^.* session /, "session-");
  return profile !== undefined && isAbsolute(profile) ? join(profile, "procref", session) : undefined;
}

/**
 * Whether a file belongs to a user. On Windows the runtimes do not say whose it is: there the directory that it is in
 * is trusted, which is in the user's profile unless somebody chose another one.
 */
export function belongsTo(status: { readonly uid: number }, user: User): boolean {
  return typeof user === "string" || status.uid === user;
}

/** Whether a directory is there and ours. A refusal of the runtime is an error: others, who may look, would decide otherwise. */
function isOurDirectory(path: string, uid: number): boolean {
  const status = lstatSync(path, { throwIfNoEntry: false });
  return status !== undefined && status.isDirectory() && status.uid === uid;
}

/**
 * Checks a directory that exists: no link; in scope `user` ours with mode 0700, and in a place where nobody else can
 * exchange it.
 *
 * @throws ProcrefError `STATE_DIRECTORY`; what the file system throws
 */
export function checkDirectory(path: string, scope: Scope, user: User): void {
  const status = lstatSync(path);
  const problem = directoryProblem(status, scope, user) ?? parentProblem(path, user);
  if (problem === undefined) return;
  throw new ProcrefError("STATE_DIRECTORY", `Cannot keep state in ${path}: ${problem}`, { details: { path } });
}

function directoryProblem(status: Stats, scope: Scope, user: User): string | undefined {
  if (status.isSymbolicLink()) return "it is a symbolic link; name the directory itself";
  if (!status.isDirectory()) return "it is not a directory; remove it or choose another one";
  if (scope === "system" || typeof user === "string") return undefined;
  if (status.uid !== user) return `it belongs to user ${status.uid}, not to ${user}; choose another one`;
  const mode = (status.mode & 0o777).toString(8);
  return (status.mode & ANYBODY_ELSE) === 0 ? undefined : `others may enter it (mode ${mode}); use chmod 700`;
}

function parentProblem(path: string, user: User): string | undefined {
  if (typeof user === "string") return undefined;
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
