/**
 * The steps of those who take and give back permits, each made on a draft of the state.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";
import { isThisProcess, thisProcess } from "./owner.ts";
import { type Dropped, enqueue, newHolder, prune, serve } from "./queue.ts";
import type { Draft, HolderInfo, WaiterInfo } from "./state.ts";

/** Who wants a permit. */
export interface Request {
  /** What it is to be known by. */
  readonly id: string;
  /** For how many milliseconds it is held at most. */
  readonly ttlMs?: number;
}

/** What a step came to: a permit, a refusal, or neither; and who was dropped by the way. */
export interface Taken {
  readonly holder?: HolderInfo;
  readonly refusal?: ProcrefError;
  readonly dropped: readonly Dropped[];
  /** How many are served before, of one who has begun to wait. */
  readonly ahead?: number;
}

/** Gives a permit, or refuses it. */
export function take(draft: Draft, path: string, { id, ttlMs }: Request): Taken {
  const now = Date.now();
  const dropped: Dropped[] = [];
  const isKnown = (entry: { readonly id: string }): boolean => entry.id === id;
  // To look whether processes live takes time: it is done when it matters.
  if (draft.holders.length >= draft.capacity || draft.waiting.length > 0 || draft.holders.some(isKnown)) {
    dropped.push(...prune(draft, now), ...serve(draft, now));
  }
  const other = draft.holders.find(isKnown) ?? draft.waiting.find(isKnown);
  if (other !== undefined) return { dropped, refusal: alreadyHeld(path, other) };
  if (draft.holders.length >= draft.capacity) return { dropped, refusal: noCapacity(path, draft) };
  const holder = newHolder(id, thisProcess(), now, ttlMs);
  draft.holders.push(holder);
  return { holder, dropped };
}

/** Gives a permit, or puts one who wants it into the queue. */
export function takeOrQueue(draft: Draft, path: string, request: Request & { readonly priority: number }): Taken {
  const taken = take(draft, path, request);
  if (taken.refusal?.code !== "NO_CAPACITY") return taken;
  const { id, priority, ttlMs } = request;
  const since = new Date().toISOString();
  const waiter: WaiterInfo = { id, waiting_since: since, ...thisProcess(), priority };
  enqueue(draft, ttlMs === undefined ? waiter : { ...waiter, ttl_ms: ttlMs });
  return { dropped: taken.dropped, ahead: draft.waiting.findIndex((entry) => entry.id === id) };
}

/** Serves the queue for one who stands in it, or puts them into it again when another program has dropped them. */
export function goOn(draft: Draft, path: string, request: Request & { readonly priority: number }): Taken {
  const now = Date.now();
  const dropped = [...prune(draft, now), ...serve(draft, now)];
  const holder = ours(draft, request.id);
  if (holder !== undefined) return { holder, dropped };
  if (draft.waiting.some(({ id }) => id === request.id)) return { dropped };
  const taken = takeOrQueue(draft, path, request);
  return { ...taken, dropped: [...dropped, ...taken.dropped] };
}

/** Leaves the queue; of one who has got a permit meanwhile, the permit stays. */
export function leaveQueue(draft: Draft, { id }: Request): HolderInfo | undefined {
  draft.waiting = draft.waiting.filter((entry) => entry.id !== id);
  return ours(draft, id);
}

/** The permit of that name, if this process has it or nobody knows who. */
export function ours(draft: { readonly holders: readonly HolderInfo[] }, id: string): HolderInfo | undefined {
  const holder = draft.holders.find((entry) => entry.id === id);
  return holder !== undefined && (holder.pid === undefined || isThisProcess(holder)) ? holder : undefined;
}

/**
 * Gives a permit back, and serves the queue.
 *
 * @param when the time at which it was given, where no other one of the same name may be meant
 */
export function giveBack(draft: Draft, path: string, id: string, when?: string): Dropped[] | ProcrefError {
  const holder = ours(draft, id);
  const isMeant = holder !== undefined &&
    (when === undefined || holder.pid === undefined || holder.acquired_at === when);
  if (!isMeant) return notHeld(path, id, draft.holders.find((entry) => entry.id === id));
  draft.holders = draft.holders.filter((entry) => entry !== holder);
  return serve(draft, Date.now());
}

/** Takes permits away from whoever holds them, and serves the queue. */
export function takeAway(draft: Draft, ids: readonly string[]): Dropped[] {
  const before = draft.holders.length;
  draft.holders = draft.holders.filter(({ id }) => !ids.includes(id));
  return draft.holders.length < before ? serve(draft, Date.now()) : [];
}

/** Who holds permits, for a message. */
export function holdersText(holders: readonly HolderInfo[]): string {
  const named = holders.slice(0, 3).map(({ id, pid }) => pid === undefined ? id : `${id} of process ${pid}`);
  return holders.length > 3 ? `${named.join(", ")} and ${holders.length - 3} more` : named.join(", ");
}

function alreadyHeld(path: string, { id, pid }: HolderInfo | WaiterInfo): ProcrefError {
  return new ProcrefError(
    "ALREADY_HELD",
    `Cannot acquire ${path} as ${id}: ${
      pid === undefined ? "somebody" : `process ${pid}`
    } holds it, or waits for it, ` +
      "by that name already; use another name, or release it first",
    { details: { path, pid } },
  );
}

function noCapacity(path: string, { capacity, holders, waiting }: Draft): ProcrefError {
  const queue = waiting.length === 0 ? "" : `, and ${waiting.length} wait`;
  return new ProcrefError(
    "NO_CAPACITY",
    `Cannot acquire ${path}: ${capacity === 1 ? "its permit is held" : `all ${capacity} permits are held`} (${
      holdersText(holders)
    })${queue}; wait for one, or try again`,
    { details: { path } },
  );
}

function notHeld(path: string, id: string, holder: HolderInfo | undefined): ProcrefError {
  const pid = holder?.pid;
  const why = holder === undefined
    ? "nobody holds it by that name"
    : isThisProcess(holder)
    ? "what is held by that name now was acquired later"
    : `process ${pid} holds it; remove() takes it away from others`;
  return new ProcrefError("NOT_HELD", `Cannot release ${path} as ${id}: ${why}`, { details: { path, pid } });
}
