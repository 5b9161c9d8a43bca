/**
 * Ending what this process keeps together; see containment.ts.
 *
 * @module
 */

import { until } from "../waiting.ts";
import { childrenContainment } from "./containment.ts";
import type { ProcessIdentity } from "./identity.ts";
import { processSystem } from "./platform.ts";
import { SIGKILL } from "./signals.ts";
import { happens } from "./stop.ts";

/** How long processes may take to be gone after they were ended by force, in milliseconds. */
const KILL_MS = 10_000;

/**
 * Stops a process that this one has started with all that it started in turn. What cannot be asked to end is ended by
 * force when all that was asked has ended.
 *
 * @param identity the process
 * @param timeoutMs how long they may take to end by themselves, in milliseconds
 * @returns false where nothing is kept together: process groups are used there
 * @throws ProcrefError `TIMEOUT` when one is still there 10 seconds after force was used
 */
export async function stopContained(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const kept = childrenContainment();
  if (kept === undefined) return false;
  if (kept.request(identity.pid)) await happens(() => kept.members().length === 0 || kept.isFollowed(), timeoutMs);
  await endContained();
  return true;
}

/**
 * Ends all that this process has started by force, also what is started meanwhile.
 *
 * @throws ProcrefError `TIMEOUT` when one is still there after 10 seconds
 */
export async function endContained(): Promise<void> {
  const kept = childrenContainment();
  if (kept === undefined) return;
  kept.leave();
  const ended = (): boolean => {
    const left = kept.members();
    for (const pid of left) processSystem().signal(pid, SIGKILL);
    return left.length === 0;
  };
  await until(ended, { timeoutMs: KILL_MS }, () => `end the processes ${kept.members().join(", ")}`);
}
