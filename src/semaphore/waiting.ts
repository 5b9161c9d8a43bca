/**
 * Waiting for a permit in the queue that stands in the file.
 *
 * Whoever gives a permit back gives it to the first of the queue in the same step, and the kernel tells those who wait
 * that the file was replaced. Besides they look now and then: for holders that died without a word, for permits whose time
 * is over, for what other programs did, and because a watch of files is told nothing while it is being set up.
 *
 * | the process dies | what becomes of it |
 * | --- | --- |
 * | while it waits | it is dropped when its turn comes |
 * | after it was given a permit that it does not know of yet | as any holder that dies: the next one who looks takes it |
 *
 * @module
 */

import { isProcrefError, ProcrefError } from "../errors.ts";
import type { WaitOptions } from "../waiting.ts";
import { endOf, serve } from "./queue.ts";
import { goOn, holdersText, leaveQueue, ours, type Request, type Taken, takeOrQueue } from "./requests.ts";
import { isGone } from "./owner.ts";
import type { HolderInfo, SemaphoreState } from "./state.ts";
import type { SemaphoreStore } from "./store.ts";

/** The first pause between two looks, in milliseconds; they double. */
const FIRST_PAUSE_MS = 4;
/** The longest pause where the kernel tells of changes, and where it does not. */
const TOLD_PAUSE_MS = 100;
const UNTOLD_PAUSE_MS = 20;

/** How one waits. */
export interface QueueRequest extends Request, WaitOptions {
  /** Greater ones are served first. */
  readonly priority: number;
}

/**
 * Waits for a permit.
 *
 * @param told is given what each step came to
 * @throws ProcrefError `TIMEOUT`, `ALREADY_HELD`, those of the file; the reason of an aborted signal
 */
export async function waitInQueue(
  store: SemaphoreStore,
  request: QueueRequest,
  told: (taken: Taken) => void,
): Promise<HolderInfo> {
  const { id, signal, timeoutMs = Infinity } = request;
  signal?.throwIfAborted();
  const deadline = performance.now() + timeoutMs;
  let isQueued = false;
  let bell: Bell | undefined;
  try {
    for (let pause = FIRST_PAUSE_MS;; pause = Math.min(2 * pause, store.isTold ? TOLD_PAUSE_MS : UNTOLD_PAUSE_MS)) {
      const state = store.look();
      const given = isQueued ? ours(state, id) : undefined;
      if (given !== undefined) return given;
      if (!isQueued || needsService(state, id)) {
        const step = isQueued ? goOn : takeOrQueue;
        const limit = { signal, timeoutMs: Math.max(0, deadline - performance.now()) };
        const taken = await store.changeSoon((draft) => step(draft, store.path, request), limit);
        isQueued = true;
        told(taken);
        if (taken.holder !== undefined) return taken.holder;
        if (taken.refusal !== undefined) throw taken.refusal;
      }
      const now = performance.now();
      if (now >= deadline) throw tooLate(store, timeoutMs);
      if (bell === undefined) {
        // Who need not wait needs no watch; what was missed until there is one shows in another look.
        bell = new Bell(store);
        continue;
      }
      await bell.rings(Math.min(pause * (0.75 + Math.random() / 4), deadline - now, untilNextEnd(state)), signal);
    }
  } catch (error) {
    const given = isQueued ? await leave(store, request, told, isProcrefError(error, "TIMEOUT")) : undefined;
    if (given !== undefined) return given;
    throw error;
  } finally {
    bell?.close();
  }
}

/** Whether somebody should look after the queue: every change is one's own business, but the dead are not. */
function needsService({ capacity, holders, waiting }: SemaphoreState, id: string): boolean {
  const place = waiting.findIndex((entry) => entry.id === id);
  if (place < 0 || holders.length < capacity) return true;
  if (place > 0 && isGone(waiting[0])) return true;
  // The first looks each time, those behind seldom: the first may be busy.
  if (place > 0 && Math.random() > 1 / (place + 1)) return false;
  const now = Date.now();
  return holders.some((holder) => endOf(holder, now) !== undefined);
}

/** How long until a permit ends by itself, in milliseconds. */
function untilNextEnd({ holders }: SemaphoreState): number {
  const now = Date.now();
  const ends = holders.flatMap(({ expires_at }) => expires_at === undefined ? [] : [Date.parse(expires_at) - now]);
  return Math.max(1, Math.min(Infinity, ...ends));
}

/**
 * Leaves the queue.
 *
 * @param keeps whether a permit that was given at the last moment is welcome
 * @returns that permit
 */
async function leave(
  store: SemaphoreStore,
  request: QueueRequest,
  told: (taken: Taken) => void,
  keeps: boolean,
): Promise<HolderInfo | undefined> {
  try {
    const { given, dropped } = await store.changeSoon((draft) => {
      const given = leaveQueue(draft, request);
      if (given === undefined || keeps) return { given, dropped: [] };
      draft.holders = draft.holders.filter((entry) => entry !== given);
      return { given: undefined, dropped: serve(draft, Date.now()) };
    }, {});
    told({ dropped });
    return given;
  } catch {
    // What ended the wait is the news. The next step of this object makes up for it, or the end of this process.
    store.abandon(request.id);
    return undefined;
  }
}

function tooLate(store: SemaphoreStore, timeoutMs: number): ProcrefError {
  const { holders } = store.look();
  return new ProcrefError(
    "TIMEOUT",
    `Cannot acquire ${store.path}: waited ${timeoutMs} ms; held by ${holdersText(holders)}`,
    { details: { path: store.path, pid: holders[0]?.pid } },
  );
}

/** Wakes one who waits when the file has changed, also when it did so before they began to wait. */
class Bell {
  readonly #close: () => void;
  #hasRung = false;
  #wake: (() => void) | undefined;

  constructor(store: SemaphoreStore) {
    this.#close = store.listen(() => {
      this.#hasRung = true;
      this.#wake?.();
    });
  }

  /** Waits until it has rung since the last time, or the time is over. */
  async rings(ms: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (!this.#hasRung) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const over = new AbortController();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, ms);
        signal?.addEventListener("abort", () => resolve(), { signal: over.signal });
      });
      clearTimeout(timer);
      over.abort();
      this.#wake = undefined;
    }
    this.#hasRung = false;
    signal?.throwIfAborted();
  }

  close(): void {
    this.#close();
  }
}
