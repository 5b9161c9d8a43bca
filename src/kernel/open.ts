/**
 * The one place that chooses a mechanism, by probing, and says why.
 *
 * @module
 */

import process from "node:process";
import { libc, linuxLibc } from "../../ffi/libc.ts";
import { windows } from "../../ffi/windows.ts";
import { LINUX } from "../../ffi/symbols/linux_libc.ts";
import { ProcrefError } from "../errors.ts";
import { counterOf } from "./mechanisms.ts";
import { type ObjectName, objectName, type Scope, type User } from "./object_name.ts";
import type { Mechanism, RefCounter } from "./ref_counter.ts";

/** What tells a counter from others of the same name, and how it is kept. */
export interface RefCounterOptions {
  /** The project or worktree that the name belongs to; none unless given. Same rules as for names. */
  readonly namespace?: string;
  /**
   * Who shares the counter: all processes of the user (the default), or with `"system"` all processes of the machine,
   * any of which may then change or block it.
   */
  readonly scope?: Scope;
  /** An absolute path that separates those who keep their state elsewhere; none unless given. */
  readonly directory?: string;
  /** How it is kept: the best that works here unless given. `"memory"` is for tests within one process. */
  readonly mechanism?: Mechanism;
}

/** A mechanism, and why it was chosen. */
export interface MechanismChoice {
  /** The mechanism. */
  readonly mechanism: Mechanism;
  /** Why, as a sentence. */
  readonly reason: string;
}

/**
 * Chooses the mechanism for this machine.
 *
 * @returns the mechanism and the reason
 * @throws ProcrefError `PLATFORM` when none works here; `PERMISSION` or `LIBRARY` when the probe itself is not possible
 *
 * @example
 * ```ts
 * import { chooseMechanism } from "@procref/core";
 * import assert from "node:assert/strict";
 *
 * assert.equal(chooseMechanism().mechanism, "sysv");
 * ```
 */
export function chooseMechanism(): MechanismChoice {
  if (process.platform === "darwin") {
    return { mechanism: "sysv", reason: "macOS with System V semaphores, whose operations the kernel undoes" };
  }
  if (process.platform === "win32") {
    return {
      mechanism: "handles",
      reason: "Windows, which counts the open handles of an object and closes a dead process's",
    };
  }
  if (process.platform !== "linux") {
    throw new ProcrefError(
      "PLATFORM",
      `Cannot count references on ${process.platform}: only Linux, macOS and Windows are supported`,
    );
  }
  // gVisor accepts SEM_UNDO and ignores it, without an error; this file is what it lacks.
  if (!exists("/proc/sysvipc/sem")) {
    throw new ProcrefError(
      "PLATFORM",
      "Cannot count references: /proc/sysvipc/sem is missing, so this kernel (gVisor?) may not undo the semaphore " +
        "operations of a dead process; use the machine's own kernel",
    );
  }
  return { mechanism: "sysv", reason: "Linux with System V semaphores, whose operations the kernel undoes" };
}

/**
 * The user of this process, as an identity that no other user has: the effective user's number, or on Windows a text of
 * user and session, for the kernel objects of a session are seen in that session only.
 *
 * @throws ProcrefError `PLATFORM`, `PERMISSION`, `LIBRARY`
 */
export function currentUser(): User {
  return process.platform === "win32" ? windows().user() : libc().geteuid();
}

function exists(path: string): boolean {
  const { open, close } = linuxLibc();
  const descriptor = open(new TextEncoder().encode(`${path}\0`), LINUX.O_RDONLY | LINUX.O_CLOEXEC);
  if (descriptor >= 0) close(descriptor);
  return descriptor >= 0;
}

/**
 * Opens the reference counter of a name. No kernel object is made before a method needs one.
 *
 * @param name 1 to 200 bytes of printable UTF-8 without `/`, `\` and control characters
 * @param options what tells it from others of the same name, and how it is kept
 * @returns the counter; dispose or close it to leave nothing behind
 * @throws ProcrefError `INVALID_NAME`, `INVALID_ARGUMENT`, `PLATFORM`, `PERMISSION`, `LIBRARY`
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
  return counterOf(objectName(name, uid, options), mechanism);
}

/**
 * Opens the kernel's counter of a name whose identity is known already.
 *
 * @throws ProcrefError `PLATFORM`, `PERMISSION`, `LIBRARY`
 */
export function openKernelCounter(name: ObjectName): RefCounter {
  return counterOf(name, chooseMechanism().mechanism);
}
