/**
 * The one place that chooses a mechanism, by probing, and says why.
 *
 * @module
 */

import process from "node:process";
import { errnoName } from "../../ffi/errno.ts";
import { type Libc, linuxLibc } from "../../ffi/libc.ts";
import { ProcrefError } from "../errors.ts";
import { allowedLibc, currentUser } from "./effective_user.ts";
import { counterOf } from "./mechanisms.ts";
import { type ObjectName, objectName, type Scope } from "./object_name.ts";
import type { Mechanism, RefCounter } from "./ref_counter.ts";
import { semgetWouldKill } from "./rivals.ts";
import { semaphoreLimits } from "./semaphore_usage.ts";

export { currentUser } from "./effective_user.ts";

/** What tells a counter from others of the same name, and how it is kept. */
export interface RefCounterOptions {
  /** The project or worktree that the name belongs to; none unless given. Same rules as for names. */
  readonly namespace?: string;
  /**
   * Who shares the counter: all processes of the user (the default), or with `"system"` all processes of the machine,
   * any of which may then change or block it.
   */
  readonly scope?: Scope;
  /**
   * An absolute path that separates those who keep their state elsewhere; none unless given. Lock files are kept there,
   * else in the state directory of services: `$PROCREF_DIR`, or `procref` in the user's runtime directory, or
   * `/tmp/procref-UID`.
   */
  readonly directory?: string;
  /**
   * How it is kept: the best that works here unless given (see {@link chooseMechanism}). `"slots"` is lock files:
   * a process that replaces its program (`execve`) gives back what it holds, a child by a plain fork holds it as well,
   * and without native calls it goes with the worker thread that took it. `"memory"` is for tests within one process.
   */
  readonly mechanism?: Mechanism;
}

/** A mechanism, and why it was chosen. */
export interface MechanismChoice {
  /** The mechanism. */
  readonly mechanism: Mechanism;
  /** Why, as a sentence. */
  readonly reason: string;
}

let chosen: MechanismChoice | undefined;

/**
 * Chooses the mechanism for this machine: System V semaphores where they work, else lock files. They do not work where
 * native calls are not allowed (Deno without `--allow-ffi`), where a filter of system calls denies them, where the kernel
 * is set to have none (`kernel.sem`), and where it does not undo what the dead have done (gVisor). On Android it is not
 * even tried, for the attempt would end the process.
 *
 * A table of semaphores that is merely full at the moment is no reason: others already count in it, and would not be
 * seen. Then opening a counter fails, and says so.
 *
 * The probe makes nothing. Its answer holds for the life of the process, but for a permission that may still be given.
 *
 * @returns the mechanism and the reason
 * @throws ProcrefError `PLATFORM` when none works here; `LIBRARY` when the probe itself is not possible
 *
 * @example
 * ```ts
 * import { chooseMechanism } from "@procref/core";
 * import assert from "node:assert/strict";
 *
 * const { mechanism, reason } = chooseMechanism();
 * assert.ok(["sysv", "slots"].includes(mechanism));
 * assert.ok(reason.length > 0);
 * ```
 */
export function chooseMechanism(): MechanismChoice {
  return chosen ?? probe();
}

function probe(): MechanismChoice {
  if ((process.platform as string) === "android") return slots("Android ends whoever asks for System V semaphores");
  if (process.platform === "win32") {
    return {
      mechanism: "handles",
      reason: "Windows, which counts the open handles of an object and closes a dead process's",
    };
  }
  if (process.platform !== "linux" && process.platform !== "darwin") {
    throw new ProcrefError(
      "PLATFORM",
      `Cannot count references on ${process.platform}: only Linux, macOS and Windows are supported`,
    );
  }
  const native = allowedLibc();
  if (native === undefined) return slots("native calls are not allowed here (in Deno --allow-ffi would)");
  const system = native.system === "linux" ? "Linux" : "macOS";
  const denied = whyNoSemaphores(native);
  return chosen = denied === undefined
    ? { mechanism: "sysv", reason: `${system} with System V semaphores, whose operations the kernel undoes` }
    : slots(denied);
}

function slots(why: string): MechanismChoice {
  return { mechanism: "slots", reason: `lock files, for ${why}` };
}

/** Any key will do: with no flags nothing is made, and no permission is asked for. */
const PROBED_KEY = 0x70726f63;

/** What gVisor lacks. */
const SETS_FILE = new TextEncoder().encode("/proc/sysvipc/sem\0");
/** F_OK of access(2): is it there? */
const F_OK = 0;

/** Why semaphores do not work here, as it follows "for"; undefined when they do. */
function whyNoSemaphores(native: Libc): string | undefined {
  if (semgetWouldKill(native)) return "Android ends whoever asks for System V semaphores";
  const { ENOSYS, EPERM, EACCES } = native.errors;
  const result = native.semget(PROBED_KEY, 0, 0);
  if ([-ENOSYS, -EPERM, -EACCES].includes(result)) {
    return `System V semaphores are denied here (semget failed with ${errnoName(-result)})`;
  }
  if (native.system === "darwin") return undefined;
  // gVisor accepts SEM_UNDO and ignores it, without an error; this file is what it lacks.
  if (linuxLibc().access(SETS_FILE, F_OK) < 0) {
    return "/proc/sysvipc/sem is missing, so this kernel (gVisor?) may not undo the semaphore operations of the dead";
  }
  const limits = semaphoreLimits();
  return limits?.mostSets === 0 || limits?.mostSemaphores === 0
    ? "the kernel is set to have no semaphores (kernel.sem)"
    : undefined;
}

/**
 * Opens the reference counter of a name. No kernel object is made before a method needs one.
 *
 * All who share a name must count it by the same mechanism. Who would take something while others count it by another
 * one gets `MECHANISM_MISMATCH` from that method. That is seen by looking for the other's kernel object or files. It is
 * not seen by a process without native calls, or whose calls for semaphores are denied; nor, for a counter without
 * `directory`, by one with another `$PROCREF_DIR` or `$XDG_RUNTIME_DIR`, or that may not see its environment. Such
 * processes should say `mechanism: "slots"` and `directory`, all of them. A shared service writes its mechanism down.
 *
 * @param name 1 to 200 bytes of printable UTF-8 without `/`, `\` and control characters
 * @param options what tells it from others of the same name, and how it is kept
 * @returns the counter; dispose or close it to leave nothing behind
 * @throws ProcrefError `INVALID_NAME`, `INVALID_ARGUMENT`, `PLATFORM`, `PERMISSION`, `LIBRARY`; later, from methods that
 * open the kernel object, `MECHANISM_MISMATCH`, and of lock files `STATE_DIRECTORY` and `IO`
 *
 * @example A counter of this process alone
 * ```ts
 * import { openRefCounter } from "@procref/core";
 * import assert from "node:assert/strict";
 *
 * using counter = await openRefCounter("my-app", { namespace: "tests" });
 * assert.equal(counter.tryAcquire(), true);
 * assert.equal(counter.count(), 1);
 * counter.release();
 * ```
 */
// deno-lint-ignore require-await -- errors arrive as rejections, and probes of other mechanisms need to wait
export async function openRefCounter(name: string, options: RefCounterOptions = {}): Promise<RefCounter> {
  const mechanism = options.mechanism ?? chooseMechanism().mechanism;
  const uid = mechanism === "memory" ? 0 : currentUser();
  return counterOf(objectName(name, uid, options), mechanism, { directory: options.directory });
}

/**
 * Opens the kernel's counter of a name whose identity is known already.
 *
 * @param directory the state directory
 * @param mechanism how it is kept; chosen unless given
 * @throws ProcrefError `PLATFORM`, `PERMISSION`, `LIBRARY`
 */
export function openKernelCounter(name: ObjectName, directory?: string, mechanism?: Mechanism): RefCounter {
  return counterOf(name, mechanism ?? chooseMechanism().mechanism, { directory });
}
