/**
 * Starting a program that is of use once it has registered itself under its name.
 *
 * | what happens | what becomes of the child | what is thrown |
 * | --- | --- | --- |
 * | it registers | it is returned | |
 * | it ends before | it has been reaped | `SPAWN`, with its exit status |
 * | another process is registered under the name | it is waited for as before: the other one may be on its way out | |
 * | the time is over, the signal aborts, the registry fails | it is ended by force and reaped | `TIMEOUT`; the reason; that error |
 * | this process dies | it runs on, unless `endWithParent` says otherwise | |
 *
 * @module
 */

import { isProcrefError, ProcrefError } from "../errors.ts";
import { checkWait, until } from "../waiting.ts";
import { describeEnd } from "./exit_status.ts";
import { isSameProcess, type ProcessIdentity } from "./identity.ts";
import type { ManagedProcess } from "./managed_process.ts";
import { spawn, type SpawnOptions } from "./spawn.ts";

const TIMEOUT_MS = 5000;

/** What a registry knows of a process at least. */
export interface RegisteredProcess {
  /** Its PID. */
  readonly pid: number;
  /** Who it is, if the registry knows more than the number. */
  readonly identity?: ProcessIdentity;
}

/** Where processes register themselves by a name, such as `ServiceRegistry`. */
export interface ProcessRegistry<T extends RegisteredProcess = RegisteredProcess> {
  /** What is registered under a name, by a process that runs. */
  find(name: string): T | undefined;
}

/** How a program is started and waited for. */
export interface SpawnAndWaitOptions extends SpawnOptions {
  /** How long it may take to register itself, in milliseconds: 5,000 unless given. */
  readonly timeoutMs?: number;
  /** Ends the wait, and the child. */
  readonly signal?: AbortSignal;
}

/** A child, and what it has registered. */
export interface RegisteredChild<T extends RegisteredProcess = RegisteredProcess> {
  /** The child. */
  readonly process: ManagedProcess;
  /** Its entry. */
  readonly entry: T;
}

/** Whether an entry is the one of this very process, and not of another one that has the same name or number. */
export function isEntryOf(entry: RegisteredProcess | undefined, { identity }: ManagedProcess): boolean {
  return entry?.pid === identity.pid && (entry.identity === undefined || isSameProcess(entry.identity, identity));
}

/**
 * Starts a program and waits until it has registered itself under its name: the entry must be that of the child. Of a
 * child that does not, nothing is left when this rejects.
 *
 * @param registry where it registers itself
 * @param name the name that it registers, and is called by
 * @param executable the program, as for `spawn`
 * @param args its arguments
 * @param options how long it may take, or all that `spawn` knows as well
 * @returns the child with its entry
 * @throws ProcrefError `TIMEOUT`; `SPAWN` when it cannot be started or ends before it has registered, with `exitCode` in
 * the details; those of `spawn` and of the registry; the reason of an aborted signal
 *
 * @example
 * ```ts
 * import { type ProcessRegistry, spawnAndWait } from "@procref/core/process";
 * import { isProcrefError } from "@procref/core";
 * import assert from "node:assert/strict";
 *
 * const nobody: ProcessRegistry = { find: () => undefined };
 * await assert.rejects(
 *   spawnAndWait(nobody, "my-service", "sleep", ["60"], 50),
 *   (error) => isProcrefError(error, "TIMEOUT"), // and the child has been ended
 * );
 * ```
 */
export async function spawnAndWait<T extends RegisteredProcess>(
  registry: ProcessRegistry<T>,
  name: string,
  executable: string,
  args: readonly string[] = [],
  options: number | SpawnAndWaitOptions = {},
): Promise<RegisteredChild<T>> {
  const { timeoutMs = TIMEOUT_MS, signal, ...how } = typeof options === "number" ? { timeoutMs: options } : options;
  checkWait({ timeoutMs });
  signal?.throwIfAborted();
  const child = await spawn(name, executable, args, how);
  try {
    return { process: child, entry: await registered(registry, child, timeoutMs, signal) };
  } catch (error) {
    // With all that it has started, if it leads a group; a leader that was reaped is no leader any more.
    if (how.detached) child.forceKill({ group: true });
    child.forceKill();
    await child.waitForExit();
    throw error;
  }
}

async function registered<T extends RegisteredProcess>(
  registry: ProcessRegistry<T>,
  child: ManagedProcess,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  let entry: T | undefined;
  const isThere = (): boolean => {
    // Asked first: an entry that is there after its end was seen is that of another one.
    const lives = child.isAlive();
    entry = registry.find(child.name);
    return !lives || isEntryOf(entry, child);
  };
  try {
    await until(isThere, { timeoutMs, signal }, () => "see it register");
  } catch (error) {
    if (!isProcrefError(error, "TIMEOUT")) throw error;
    throw new ProcrefError("TIMEOUT", `${beginning(child)}: it did not register in ${timeoutMs} ms${other(entry)}`, {
      cause: error,
      details: { name: child.name, path: child.executable, pid: child.pid },
    });
  }
  if (isEntryOf(entry, child) && child.isAlive()) return entry!;
  const end = await child.waitForExit();
  throw new ProcrefError("SPAWN", `${beginning(child)}: ${describeEnd(end)} before it had registered${other(entry)}`, {
    details: { name: child.name, path: child.executable, pid: child.pid, exitCode: end.exitCode },
  });
}

function beginning({ name, executable }: ManagedProcess): string {
  return `Cannot use "${name}" (${executable})`;
}

function other(entry: RegisteredProcess | undefined): string {
  return entry === undefined ? "" : `; process ${entry.pid} is registered under its name`;
}
