/**
 * A semaphore that is a file: processes share so many permits, and the file says who holds them and who waits.
 *
 * @module
 */

import { isAbsolute, resolve } from "node:path";
import process from "node:process";
import { ProcrefError } from "../errors.ts";
import { namesOf, refuseUnknown } from "../known_options.ts";
import { TypedEventTarget } from "../service/typed_events.ts";
import { checkWait, LONGEST_TIMER_MS, type WaitOptions } from "../waiting.ts";
import { CHANNELS, type Pruned, type SemaphoreEvent, type SemaphoreEvents } from "./events.ts";
import { Permit } from "./permit.ts";
import { type Dropped, endOf, present } from "./queue.ts";
import { giveBack, ours, type Request, take, takeAway, type Taken } from "./requests.ts";
import type { HolderInfo, SemaphoreState } from "./state.ts";
import { SemaphoreStore } from "./store.ts";
import { waitInQueue } from "./waiting.ts";

/** What a semaphore may be told beside its path and capacity. */
export interface FileSemaphoreOptions {
  /**
   * How long a step waits, in milliseconds, while another process is in the middle of one: 10,000 unless given. Steps take
   * less than a millisecond; a process that was stopped (SIGSTOP) in the middle keeps all others waiting.
   */
  readonly lockTimeoutMs?: number;
  /**
   * Whether the file and its lock are removed when nobody holds a permit or waits for one; they stay unless told so. Not
   * for files that other programs than this library use.
   */
  readonly removesUnused?: boolean;
}

/** How a permit is held. */
export interface HoldOptions {
  /** After how many milliseconds it ends by itself: 1 to 2,147,483,647, by the clock of the machine; never unless given. */
  readonly ttlMs?: number;
}

/** How a permit is acquired. */
export interface AcquireOptions extends HoldOptions, WaitOptions {
  /** What it is to be known by; a name that no other has unless given. */
  readonly id?: string;
  /** Whether to wait when all permits are held; false unless given. */
  readonly wait?: boolean;
  /** Of those who wait, greater ones are served first, equal ones in the order in which they came; 0 unless given. */
  readonly priority?: number;
}

const OPTIONS = namesOf<FileSemaphoreOptions>({ lockTimeoutMs: true, removesUnused: true });
const LOCK_TIMEOUT_MS = 10_000;
const LONGEST_ID = 1000;

let made = 0;

/**
 * So many permits that processes share by a file, in Deno and in Bun alike.
 *
 * The file is JSON in the shape that amux writes, with more fields; see {@link SemaphoreState}. It is replaced as a whole,
 * durably, with the lock `PATH.lock`, which the kernel gives back when its owner dies; it is read without. It stays when
 * all permits are given back, so that a capacity that disagrees is seen.
 *
 * A permit belongs to the process that acquired it: that process alone may release it, by whatever object. One whose owner
 * is not known, because another program wrote it, may be released by all. {@link FileSemaphore.remove} takes any permit
 * away. A permit whose process has died is free again: whoever finds none free looks for such ones. Of processes of other
 * machines, containers and PID namespaces it cannot be known; their permits end by their `ttlMs` or by `remove`.
 *
 * What is not known is never taken for free: every call fails when the file is empty, damaged or somebody else's.
 *
 * | the process dies | what is left |
 * | --- | --- |
 * | with a permit | an entry that the next one who needs it drops |
 * | while it waits | an entry that is dropped when its turn comes |
 * | while it writes | the old file, and `PATH.tmp`, which the next one replaces |
 *
 * @example
 * ```ts
 * import { FileSemaphore } from "@procref/core/semaphore";
 * import assert from "node:assert/strict";
 * import { mkdtempSync, rmSync } from "node:fs";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 *
 * const directory = mkdtempSync(join(tmpdir(), "example-"));
 * {
 *   using semaphore = new FileSemaphore(join(directory, "builds.json"), 2);
 *   using one = semaphore.acquire("first build");
 *   using other = await semaphore.acquire({ wait: true, timeoutMs: 5000 });
 *   assert.equal(semaphore.available(), 0);
 *   assert.deepEqual(semaphore.holders(), ["first build", other.id]);
 * }
 * rmSync(directory, { recursive: true });
 * ```
 */
export class FileSemaphore extends TypedEventTarget<SemaphoreEvents> implements Disposable {
  /** The file. */
  readonly path: string;
  /** How many permits there are. */
  readonly capacity: number;
  readonly #store: SemaphoreStore;
  readonly #closing = new AbortController();

  /**
   * Makes and reads nothing yet.
   *
   * @param path the file; its directory, made owner-only when it is missing, must be one where nobody else can exchange
   * files, on a file system of this machine
   * @param capacity how many permits there are, from 1; the same for all who share the file
   * @param options what else it may be told
   * @throws ProcrefError `INVALID_ARGUMENT` (the peer makes 1 of a capacity below it); `PERMISSION`, `PLATFORM`, `LIBRARY`
   */
  constructor(path: string, capacity: number, options: FileSemaphoreOptions = {}) {
    super();
    if (typeof path !== "string" || path === "") throw invalid("path", path, "a path");
    checkWhole("capacity", capacity, 1, Number.MAX_SAFE_INTEGER);
    refuseUnknown(options, OPTIONS, "a semaphore");
    const { lockTimeoutMs = LOCK_TIMEOUT_MS, removesUnused = false } = options;
    checkWhole("lockTimeoutMs", lockTimeoutMs, 0, LONGEST_TIMER_MS);
    this.path = isAbsolute(path) ? path : resolve(path);
    this.capacity = capacity;
    this.#store = new SemaphoreStore(this.path, capacity, removesUnused, lockTimeoutMs);
  }

  /**
   * Acquires a permit if one is free and nobody waits for it. It blocks for as long as others make a step.
   *
   * @param id what it is to be known by, 1 to 1000 characters
   * @param options how it is held
   * @returns the permit; it may also be given back by its name
   * @throws ProcrefError `ALREADY_HELD` when somebody holds one by that name, or waits for one; else `NO_CAPACITY` when
   * none is free; `BROKEN_FILE`, `CONFIG_MISMATCH` when the file has another capacity, `LOCK`, `CLOSED`,
   * `INVALID_ARGUMENT`, `PERMISSION`, `IO`, `STATE_DIRECTORY`
   */
  acquire(id: string, options?: HoldOptions): Permit;
  /**
   * Acquires a permit, and waits for one if told so. Who waits is served by priority, then first come, first served.
   *
   * @param options how to acquire and hold it
   * @returns the permit
   * @throws ProcrefError as above; `TIMEOUT`; `CLOSED` also when the semaphore is closed meanwhile; the reason of an
   * aborted signal, after which nothing is held
   */
  acquire(options?: AcquireOptions): Promise<Permit>;
  acquire(what: string | AcquireOptions = {}, hold: HoldOptions = {}): Permit | Promise<Permit> {
    return typeof what === "string" ? this.#acquireNow({ ...hold, id: what }) : this.#acquireSoon(what);
  }

  /**
   * Gives a permit of this process back. The first one who waits has it then.
   *
   * @param id what it is known by
   * @throws ProcrefError `NOT_HELD` when nobody holds it by that name, or another process does; `BROKEN_FILE`,
   * `CONFIG_MISMATCH`, `LOCK`, `CLOSED`, `PERMISSION`, `IO`
   */
  release(id: string): void {
    this.#require();
    this.#giveBack(id);
  }

  /**
   * Takes permits away from whoever holds them, as an administrator does. Names that nobody holds one by are no error.
   *
   * @param ids what they are known by
   * @throws ProcrefError as {@link FileSemaphore.release}, but for `NOT_HELD`
   */
  remove(...ids: string[]): void {
    this.#require();
    if (!this.#store.look().holders.some(({ id }) => ids.includes(id))) return;
    this.#tellPruned(this.#store.change((draft) => takeAway(draft, ids)));
  }

  /**
   * What the permits that are held are known by, in the order in which they were acquired. Nothing is made or changed, and
   * no lock is waited for.
   *
   * @returns a copy
   * @throws ProcrefError `BROKEN_FILE`, `CONFIG_MISMATCH`, `CLOSED`, `PERMISSION`, `IO`
   */
  holders(): string[] {
    return this.#present().map(({ id }) => id);
  }

  /**
   * How many permits are held.
   *
   * @returns a number that may be another one in the next moment
   * @throws ProcrefError as {@link FileSemaphore.holders}
   */
  count(): number {
    return this.#present().length;
  }

  /**
   * How many permits are not held. Those who wait come first.
   *
   * @returns a number that may be another one in the next moment
   * @throws ProcrefError as {@link FileSemaphore.holders}
   */
  available(): number {
    return Math.max(0, this.capacity - this.count());
  }

  /**
   * Who holds permits and who waits, with all that is known of them.
   *
   * @returns a copy, without those who have died
   * @throws ProcrefError as {@link FileSemaphore.holders}
   */
  inspect(): SemaphoreState {
    this.#require();
    const { capacity, holders, waiting } = this.#store.look();
    const now = Date.now();
    return structuredClone({
      capacity,
      holders: present(holders, now),
      waiting: waiting.filter((waiter) => endOf(waiter, now) === undefined),
    });
  }

  /**
   * Ends the use of this object: whoever waits by it is told `CLOSED`, and so is whoever uses it later. Permits stay held
   * until they are released or this process ends. Safe to call again.
   */
  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(closed(this.path));
    this.#store.close();
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.close();
  }

  #acquireNow(request: Request): Permit {
    this.#require();
    checkRequest(request);
    return this.#permit(this.#settled(this.#store.change((draft) => take(draft, this.path, request))), 0);
  }

  async #acquireSoon(options: AcquireOptions): Promise<Permit> {
    this.#require();
    const { id = `${process.pid}-${Date.now().toString(36)}-${made++}`, ttlMs, wait = false, priority = 0 } = options;
    const { signal, timeoutMs } = options;
    const request = { id, ttlMs, priority, timeoutMs, signal: this.#orClosed(signal) };
    checkRequest(request);
    checkWhole("priority", priority, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    checkWait(options);
    signal?.throwIfAborted();
    const started = performance.now();
    try {
      const holder = wait
        ? await waitInQueue(this.#store, request, (taken) => this.#told(id, taken))
        : this.#settled(await this.#store.changeSoon((draft) => take(draft, this.path, request), request));
      return this.#permit(holder, performance.now() - started);
    } finally {
      if (this.#closing.signal.aborted) this.#store.close();
    }
  }

  #orClosed(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
  }

  #settled({ holder, refusal, dropped }: Taken): HolderInfo {
    this.#tellPruned(dropped);
    if (refusal !== undefined) throw refusal;
    return holder!;
  }

  #told(id: string, { dropped, ahead }: Taken): void {
    this.#tellPruned(dropped);
    if (ahead !== undefined) publish("wait", () => ({ path: this.path, id, ahead }));
  }

  #permit({ id, acquired_at, expires_at }: HolderInfo, waitedMs: number): Permit {
    publish("acquire", () => ({ path: this.path, id, waitedMs }));
    return new Permit(id, new Date(acquired_at!), expires_at === undefined ? undefined : new Date(expires_at), {
      isHeld: () => {
        const holder = ours(this.#store.look(), id);
        return holder !== undefined && endOf(holder, Date.now()) === undefined;
      },
      release: () => this.#giveBack(id, acquired_at),
    });
  }

  #giveBack(id: string, when?: string): void {
    try {
      const outcome = this.#store.change((draft) => giveBack(draft, this.path, id, when));
      if (outcome instanceof ProcrefError) throw outcome;
      publish("release", () => ({ path: this.path, id }));
      this.#tellPruned(outcome);
    } finally {
      if (this.#closing.signal.aborted) this.#store.close();
    }
  }

  #present(): HolderInfo[] {
    this.#require();
    return present(this.#store.look().holders, Date.now());
  }

  #tellPruned(dropped: readonly Dropped[]): void {
    for (const each of dropped) {
      const pruned: Pruned = { path: this.path, ...each };
      publish("prune", () => pruned);
      this.dispatchEvent(new CustomEvent("prune", { detail: pruned }));
    }
  }

  #require(): void {
    this.#closing.signal.throwIfAborted();
  }
}

function publish(what: SemaphoreEvent, message: () => unknown): void {
  if (CHANNELS[what].hasSubscribers) CHANNELS[what].publish(message());
}

function checkRequest({ id, ttlMs }: Request): void {
  if (typeof id !== "string" || id === "" || id.length > LONGEST_ID) {
    throw invalid("id", id, `a text of 1 to ${LONGEST_ID} characters`);
  }
  if (ttlMs !== undefined) checkWhole("ttlMs", ttlMs, 1, LONGEST_TIMER_MS);
}

function checkWhole(field: string, value: number, least: number, greatest: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= greatest) return;
  const range = greatest === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${greatest}`;
  throw invalid(field, value, least === -greatest ? "a whole number" : `a whole number ${range}`);
}

function invalid(field: string, value: unknown, wanted: string): ProcrefError {
  return new ProcrefError("INVALID_ARGUMENT", `Cannot use ${String(value)} as ${field} of a semaphore: use ${wanted}`, {
    details: { field },
  });
}

function closed(path: string): ProcrefError {
  return new ProcrefError("CLOSED", `Cannot use ${path} by this object: it is closed; make another one`, {
    details: { path },
  });
}
