/**
 * One name must not be counted in two ways at once: each would believe itself alone, start what the other one has
 * started, and stop it under the other's feet.
 *
 * Both ways keep the same order: first make the kernel object or the files of one's own, then look for those of the
 * other, and only then take anything; and do all of that again when one's own are gone. So of two that come at once at
 * least one sees the other. What is there and unused is removed, for it may be a leftover of the dead.
 *
 * @module
 */

import { join, toNamespacedPath } from "node:path";
import type { Libc } from "../../ffi/libc.ts";
import { nativeRuntime } from "../../ffi/mod.ts";
import { isWindows, wideText } from "../../ffi/windows.ts";
import { windowsFileCalls } from "../../ffi/windows_files.ts";
import { isProcrefError } from "../errors.ts";
import { allowedLibc, currentUser } from "./effective_user.ts";
import { HandlesRefCounter } from "./handles_ref_counter.ts";
import { mismatch } from "./mismatch.ts";
import type { ObjectName, User } from "./object_name.ts";
import type { RefCounter } from "./ref_counter.ts";
import { isThere, MUTEX, slotsIn } from "./slots_path.ts";
import { SlotsRefCounter } from "./slots_ref_counter.ts";
import { sessionFolder } from "./state_directory.ts";
import { SysvRefCounter } from "./sysv_ref_counter.ts";
import { SysvSet } from "./sysv_set.ts";

let deadly: boolean | undefined;

/**
 * Whether a call of semget would end this process: the filter of system calls of Android answers it with SIGSYS.
 *
 * @param libc the C library, which may be asked for files without anybody's permission
 */
export function semgetWouldKill(libc: Libc): boolean {
  return deadly ??= nativeRuntime().variable("ANDROID_ROOT") !== undefined || isThere(libc, "/system/build.prop");
}

/**
 * For who counts by semaphores or handles: sees that the name has no lock files.
 *
 * @throws ProcrefError `MECHANISM_MISMATCH`
 */
export function refuseSlots(object: ObjectName, directory: string | undefined): void {
  const isThere = fileProbe();
  if (isThere === undefined || object.scope !== "user") return;
  for (const state of directory === undefined ? usualDirectories(currentUser()) : [directory]) {
    const directory = slotsIn(state, object);
    // A directory of Windows is there until the last one has closed the files that were in it.
    const path = isWindows() ? join(directory, MUTEX) : directory;
    if (!isThere(path)) continue;
    try {
      removeUnused(new SlotsRefCounter(object, { directory: state }));
    } catch {
      // Not to be used, or not by us: it is there all the same.
    }
    if (isThere(path)) throw mismatch(object, isWindows() ? "handles" : "sysv", "slots", `lock files in ${directory}`);
  }
}

/**
 * For who counts by lock files on Windows: sees that nobody counts the name by handles. Whoever has begun to, and holds
 * nothing yet, looks for lock files once more: what they have seen is made the past.
 *
 * @throws ProcrefError `MECHANISM_MISMATCH`
 */
export function refuseHandles(object: ObjectName): void {
  if (new HandlesRefCounter(object).removeIfUnused()) return;
  throw mismatch(object, "slots", "handles", "handles of kernel objects");
}

/**
 * For who counts by lock files: sees that the name has no semaphores, as far as this process may ask.
 *
 * @throws ProcrefError `MECHANISM_MISMATCH`
 */
export function refuseSysv(object: ObjectName): void {
  const libc = allowedLibc();
  if (libc === undefined || semgetWouldKill(libc)) return;
  const set = new SysvSet(libc, object, libc.geteuid());
  const exists = (): boolean => libc.semget(set.key, 0, 0) >= 0;
  if (!exists()) return;
  try {
    removeUnused(new SysvRefCounter(object));
  } catch (error) {
    // Another name's, or another program's.
    if (isProcrefError(error, "KEY_COLLISION") || isProcrefError(error, "FOREIGN_OBJECT")) return;
    throw error;
  }
  if (exists()) throw mismatch(object, "slots", "sysv", set.describe());
}

function removeUnused(counter: RefCounter): void {
  if (counter.tryLockIfUnused()) counter.remove();
  counter.close();
}

/** Where lock files are when nobody chose a directory, as far as it can be known without asking for permission. */
function usualDirectories(user: User): string[] {
  const { variable } = nativeRuntime();
  const chosen = variable("PROCREF_DIR");
  if (chosen) return [chosen];
  if (typeof user === "string") return [join(localData(variable), "procref", sessionFolder(user))];
  const runtime = variable("XDG_RUNTIME_DIR");
  if (runtime) return [join(runtime, "procref")];
  return [`/run/user/${user}/procref`, `/tmp/procref-${user}`];
}

function localData(variable: (name: string) => string | undefined): string {
  return variable("LOCALAPPDATA") ?? join(variable("USERPROFILE") ?? "", "AppData", "Local");
}

/** What asks the kernel whether there is something at a path, without asking the runtime; undefined where it may not. */
function fileProbe(): ((path: string) => boolean) | undefined {
  if (isWindows()) return (path) => windowsFileCalls().GetFileAttributesW(wideText(toNamespacedPath(path))) >= 0;
  const libc = allowedLibc();
  return libc && ((path) => isThere(libc, path));
}
