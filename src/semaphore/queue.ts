/**
 * How permits go from one to the next: every step is made on a draft of the state, with the lock, and becomes true when the
 * file is replaced.
 *
 * @module
 */

import { isGone, type Owner } from "./owner.ts";
import type { Pruned } from "./events.ts";
import type { Draft, HolderInfo, SemaphoreState, WaiterInfo } from "./state.ts";

/** One who is dropped, without its path. */
export type Dropped = Omit<Pruned, "path">;

/** Why somebody is not to be counted any more; undefined for all others. */
export function endOf(
  entry: Partial<Owner> & { readonly expires_at?: string },
  now: number,
): Dropped["reason"] | undefined {
  if (entry.expires_at !== undefined && Date.parse(entry.expires_at) <= now) return "expired";
  return isGone(entry) ? "dead" : undefined;
}

/** The holders that are to be counted. */
export function present(holders: readonly HolderInfo[], now: number): HolderInfo[] {
  return holders.filter((holder) => endOf(holder, now) === undefined);
}

/** Whether nobody holds a permit or waits for one who is to be counted. */
export function isUnused({ holders, waiting }: SemaphoreState, now: number): boolean {
  return [...holders, ...waiting].every((entry) => endOf(entry, now) !== undefined);
}

/** Drops all who have died or whose time is over. */
export function prune(draft: Draft, now: number): Dropped[] {
  const dropped: Dropped[] = [];
  const stays = (entry: HolderInfo | WaiterInfo): boolean => {
    const reason = endOf(entry, now);
    if (reason !== undefined) dropped.push({ id: entry.id, pid: entry.pid, reason });
    return reason === undefined;
  };
  draft.holders = draft.holders.filter(stays);
  draft.waiting = draft.waiting.filter(stays);
  return dropped;
}

/** Gives what is free to those who wait, in their order; who has died meanwhile is dropped. */
export function serve(draft: Draft, now: number): Dropped[] {
  const dropped: Dropped[] = [];
  while (draft.waiting.length > 0 && draft.holders.length < draft.capacity) {
    const { id, priority: _, waiting_since: __, ttl_ms, ...owner } = draft.waiting.shift()!;
    if (isGone(owner)) dropped.push({ id, pid: owner.pid, reason: "dead" });
    else draft.holders.push(newHolder(id, owner, now, ttl_ms));
  }
  return dropped;
}

/** An entry of a holder. */
export function newHolder(id: string, owner: Owner, now: number, ttlMs: number | undefined): HolderInfo {
  const acquired_at = new Date(now).toISOString();
  return ttlMs === undefined
    ? { id, acquired_at, ...owner }
    : { id, acquired_at, ...owner, expires_at: new Date(now + ttlMs).toISOString() };
}

/** Puts somebody behind all of the same priority and above. */
export function enqueue(draft: Draft, waiter: WaiterInfo): void {
  const at = draft.waiting.findIndex(({ priority }) => priority < waiter.priority);
  draft.waiting.splice(at < 0 ? draft.waiting.length : at, 0, waiter);
}

/** A draft of a state that is left as it is. */
export function draftOf({ capacity, holders, waiting }: SemaphoreState): Draft {
  return { capacity, holders: [...holders], waiting: [...waiting] };
}

/** Whether a draft says something else than the state that it was made of. */
export function differs(draft: Draft, { holders, waiting }: SemaphoreState): boolean {
  const same = (one: readonly unknown[], other: readonly unknown[]): boolean =>
    one.length === other.length && one.every((entry, at) => entry === other[at]);
  return !same(draft.holders, holders) || !same(draft.waiting, waiting);
}
