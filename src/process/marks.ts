/**
 * Finding processes by a mark in their environment. A service's processes inherit it, wherever they went: into another
 * process group, another session, away from their parent.
 *
 * @module
 */

import { host } from "../../ffi/mod.ts";
import { until } from "../waiting.ts";
import { identityOf, type ProcessIdentity } from "./identity.ts";
import { MARK_VARIABLE } from "./mark_variable.ts";
import { pace } from "./pace.ts";
import { processSystem } from "./platform.ts";
import { ProcessWatch } from "./process_watch.ts";
import { SIGKILL } from "./signals.ts";

/** How long processes may take to be gone after SIGKILL, in milliseconds. */
const KILL_MS = 10_000;

/**
 * The running processes of this user that carry one of the marks, but for this process itself.
 *
 * @param marks what the variable `PROCREF_MARK` holds
 * @param entry another entry of their environment, `NAME=value`, that they must have as well
 * @throws ProcrefError `IO`, `PLATFORM`, `PERMISSION`, `LIBRARY`
 */
export function markedProcesses(marks: readonly string[], entry?: string): ProcessIdentity[] {
  if (marks.length === 0) return [];
  const wanted = marks.map((mark) => `\0${MARK_VARIABLE}=${mark}\0`);
  const needed = entry === undefined ? "\0" : letters(new TextEncoder().encode(`\0${entry}\0`));
  const system = processSystem();
  const pids = system.listHolding?.(marks.map((mark) => `${MARK_VARIABLE}=${mark}`)) ?? system.list();
  return pids.flatMap((pid) => {
    if (pid === host().pid) return [];
    // Taken before the environment is read: a later process of the same number is not blamed for it.
    const identity = identityOf(pid);
    const environment = identity && system.environment(pid);
    if (environment === undefined) return [];
    const bounded = `\0${letters(environment)}\0`;
    return bounded.includes(needed) && wanted.some((text) => bounded.includes(text)) ? [identity!] : [];
  });
}

/** Bytes as text, one letter for each whatever they say. */
function letters(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

/**
 * Ends every process that carries one of the marks by force, also those that are started meanwhile.
 *
 * @throws ProcrefError `TIMEOUT` when one is still there after 10 seconds; as {@link markedProcesses}
 */
export async function endMarked(marks: readonly string[], entry?: string): Promise<void> {
  const ended = () => {
    const left = markedProcesses(marks, entry);
    for (const identity of left) {
      using watch = ProcessWatch.open(identity);
      watch?.signal(SIGKILL);
    }
    return left.length === 0;
  };
  await until(ended, { timeoutMs: KILL_MS, ...pace() }, () => `end the processes marked ${marks.join(", ")}`);
}
