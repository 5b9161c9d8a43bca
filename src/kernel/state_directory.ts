/**
 * Where state is kept.
 *
 * @module
 */

import { lstatSync, realpathSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import process from "node:process";
import { ProcrefError } from "../errors.ts";
import { attempting } from "./attempting.ts";
import { checkDirectory, makeDirectory } from "./checked_directory.ts";
import type { Scope, User } from "./object_name.ts";

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
