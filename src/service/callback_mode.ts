/**
 * The lifecycle of a service whose callbacks run inside the clients.
 *
 * Who enters holds a reference, so nobody stops the service meanwhile. Bringing it up, repairing it and stopping it
 * happen under the gate, which keeps everybody from entering:
 *
 * ```
 *   (none) --START--> onFirstAcquire --READY--> in use --STOP--> onLastRelease --> (none)
 *                                         \--START--> onRecover --READY--> in use
 * ```
 *
 * Each phase is on record before its callback runs, so that whoever comes after a death in the middle knows what may
 * be left: after START of a new service nothing is known, after START of a repair or after STOP the old process may
 * still run and is dealt with first. The generation of the counter is even from before a phase other than READY is
 * written until READY is, so that what clients remember of a service is void the moment it changes.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { isProcrefError, type ProcrefError } from "../errors.ts";
import type { RefCounter } from "../kernel/ref_counter.ts";
import { isAlive } from "../process/identity.ts";
import { endMarked } from "../process/marks.ts";
import { kill } from "../process/stop.ts";
import { until, type WaitOptions } from "../waiting.ts";
import { CallbackRunner, type Failure } from "./callback_runner.ts";
import { type Attachment, type Mode, type News, type ReadyRecord, SETTLE_MS } from "./mode.ts";
import type { CallbackServiceOptions, CompleteSettings } from "./options.ts";
import type { ServiceRecord } from "./record.ts";
import type { RecordStore } from "./record_store.ts";
import { mismatch } from "./service_description.ts";
import type { ServiceInfo } from "./service_info.ts";
import { startSupervisor } from "./start_supervisor.ts";
import type { SupervisorOrders } from "./supervisor_orders.ts";

/** How often one acquire looks again at a service that others repair, before it gives up. */
const MOST_LOOKS = 5;

/** Others hold a service whose record a stranger removed or spoilt. */
const RECORD_LOST = Symbol("record lost");

/** The lifecycle of one service in one client. */
export class CallbackMode implements Mode {
  readonly #name: string;
  readonly #counter: RefCounter;
  readonly #store: RecordStore;
  readonly #callbacks: CallbackRunner;
  readonly #lockTimeoutMs: number;
  readonly #warn: (error: ProcrefError) => void;
  readonly #orders: SupervisorOrders;
  /** Whether the service is to have a reaper. */
  readonly #reaper: boolean;

  constructor(
    orders: SupervisorOrders,
    counter: RefCounter,
    store: RecordStore,
    options: CallbackServiceOptions & CompleteSettings,
    warn: (error: ProcrefError) => void,
  ) {
    const { name } = orders;
    this.#name = name;
    this.#orders = orders;
    this.#reaper = options.reaper ?? counter.capabilities.crossProcess;
    this.#counter = counter;
    this.#store = store;
    this.#callbacks = new CallbackRunner(name, options, warn);
    this.#lockTimeoutMs = options.lockTimeoutMs;
    this.#warn = warn;
  }

  /**
   * Finds a usable service or brings one up. The caller has entered and holds a reference, which it keeps when this
   * throws.
   *
   * @param known what the caller knows to be published now, to be checked instead of the record
   * @throws ProcrefError `SERVICE_START`, `SERVICE_UNHEALTHY`, `SERVICE_RECOVERY`, `SERVICE_INFO`, `TIMEOUT`, and those
   * of the counter and the record; the reason of an aborted signal
   */
  async attach(options: WaitOptions, known?: Attachment): Promise<Attachment> {
    let seen: Partial<Attachment> = known ?? this.#look();
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      let failure: Failure | undefined;
      if (isUsable(seen.record)) {
        failure = await this.#callbacks.examine(seen.record, options);
        if (failure === undefined && !this.#lacksReaper(seen.record.info)) return seen as Attachment;
      }
      const made = await this.#underGate(options, () => this.#bringUp(failure, options));
      if (made === RECORD_LOST) await this.#awaitRestored(options);
      else if (made !== undefined) return made;
      seen = this.#look();
    }
    throw this.#callbacks.error("SERVICE_UNHEALTHY", `it was repaired ${MOST_LOOKS} times and still fails its check`);
  }

  /**
   * Gives a reference back, and stops the service when it was the last one. When this throws, the reference has been
   * given back all the same.
   *
   * @param last the last that the caller knew of the service, in case its record is gone
   * @throws ProcrefError `SERVICE_STOP`, `TIMEOUT`, `RELEASE`, and those of the record
   */
  async release(last: ServiceRecord | undefined): Promise<void> {
    if (this.#counter.releaseUnlessLast()) return;
    let locked = false;
    const leaveOrLock = () => this.#counter.releaseUnlessLast() || (locked = this.#counter.tryReleaseLastAndLock());
    try {
      const wait = { timeoutMs: this.#lockTimeoutMs };
      await until(leaveOrLock, wait, () => `stop "${this.#name}", because somebody has the gate`);
    } catch (error) {
      this.#counter.release();
      throw error;
    }
    if (locked) await this.#takeDown(last);
  }

  /**
   * Writes the record again when a stranger removed or spoilt it while the service is in use (a cleaner of temporary
   * files does that), and gives the service a reaper again when its own was killed.
   */
  async lookAfter({ record }: Attachment): Promise<News> {
    const lacksReaper = this.#lacksReaper(record.info);
    const lacksRecord = this.#store.read(this.#warn) === undefined;
    if ((!lacksRecord && !lacksReaper) || !this.#counter.tryLock()) return undefined;
    try {
      if (lacksRecord) this.#restore(record);
      if (this.#lacksReaper(record.info)) await this.#startReaper();
    } finally {
      this.#counter.unlock();
    }
    return undefined;
  }

  /** Under the gate: writes what the caller knows to be published. */
  #restore(record: ReadyRecord): void {
    const { generation } = this.#counter.snapshot();
    // A generation of 0 is that of a new counter, made after a stranger removed the old one as well.
    const current = generation === record.generation || generation === 0;
    if (current && record.info.isAlive() && this.#store.read(() => {}) === undefined) this.#store.write(record);
  }

  /** Whether a service should have a reaper, and nobody has the seat that reapers have. */
  #lacksReaper(info: ServiceInfo | undefined): boolean {
    return this.#reaper && info?.pid !== undefined && !this.#counter.snapshot().seated;
  }

  /** Under the gate. */
  async #startReaper(): Promise<void> {
    await startSupervisor(this.#orders);
  }

  /** Under this name there may be a service with a supervisor. */
  #checkKind(record: ServiceRecord | undefined): void {
    if (record?.supervisor === undefined || !isAlive(record.supervisor)) return;
    throw mismatch(this.#name, "onFirstAcquire", "a supervisor owns it");
  }

  /** Reads the record; it belongs to the generation for sure if nobody had the gate before and after. */
  #look(): Partial<Attachment> {
    const before = this.#counter.snapshot();
    const record = this.#store.read(this.#warn);
    this.#checkKind(record);
    const after = this.#counter.snapshot();
    const still = !before.locked && !after.locked && before.generation === after.generation;
    return { record: record as ReadyRecord, generation: still ? after.generation : undefined };
  }

  async #underGate<T>(options: WaitOptions, work: () => Promise<T>): Promise<T> {
    await this.#counter.lock({ signal: options.signal, timeoutMs: this.#lockTimeoutMs });
    try {
      return await work();
    } finally {
      this.#counter.unlock();
    }
  }

  /**
   * Under the gate: deals with whatever is on record and brings a service up, unless somebody else already has.
   *
   * @param failure the generation that failed its check, as far as the caller knows
   * @returns undefined when the caller should look again
   */
  async #bringUp(
    failure: Failure | undefined,
    options: WaitOptions,
  ): Promise<Attachment | typeof RECORD_LOST | undefined> {
    const record = this.#store.read(this.#warn);
    this.#checkKind(record);
    const { references, generation } = this.#counter.snapshot();
    if (record?.supervisor !== undefined) {
      // A supervised service of this name, whose supervisor is gone.
      await endMarked(record.marks ?? []);
      return await this.#start(options);
    }
    if (record === undefined) {
      const published = generation % 2 === 1;
      return references > 1 && published ? RECORD_LOST : await this.#start(options);
    }
    const { phase, info } = record;
    if (info === undefined) return await this.#start(options);
    const repairable = this.#callbacks.recovers && phase !== "STOP";
    if (!info.isAlive()) {
      return references > 1 && repairable ? await this.#recover(info, options) : await this.#start(options);
    }
    if (phase === "READY" && record.generation !== failure?.generation) {
      if (this.#lacksReaper(info)) await this.#startReaper();
      return undefined;
    }
    if (repairable) return await this.#recover(info, options);
    if (phase === "READY") throw this.#callbacks.error("SERVICE_UNHEALTHY", "it failed its check", failure?.cause);
    // Somebody died while stopping it, or while repairing it.
    await this.#callbacks.takeDown(info);
    return await this.#start(options);
  }

  async #start(options: WaitOptions): Promise<Attachment | undefined> {
    this.#withdraw("START", undefined);
    try {
      // Before the service: started afterwards, it would not be there if this process died in between.
      const reaper = this.#reaper && !this.#counter.snapshot().seated ? await startSupervisor(this.#orders) : undefined;
      const info = await this.#callbacks.bringUp(options);
      if (reaper !== undefined && info.pid === undefined) kill(reaper);
      return await this.#publish(info);
    } catch (error) {
      if (this.#counter.holdsLock()) this.#removeRecord();
      throw error;
    }
  }

  async #recover(old: ServiceInfo, options: WaitOptions): Promise<Attachment | undefined> {
    this.#withdraw("START", old);
    try {
      const info = await this.#callbacks.recover(old, options);
      return await this.#publish(info);
    } catch (error) {
      this.#putBack(old);
      throw error;
    }
  }

  /** Under the gate: makes a service known; undefined when the gate was lost and somebody else may have started one. */
  async #publish(info: ServiceInfo): Promise<Attachment | undefined> {
    if (!this.#counter.holdsLock()) {
      await this.#callbacks.takeDown(info);
      return undefined;
    }
    try {
      const generation = this.#counter.advanceGeneration(true);
      const record = { phase: "READY", generation, info } as const;
      this.#store.write(record);
      return { record, generation };
    } catch (error) {
      // What nobody can be told of (the disk is full) must not run on.
      await this.#callbacks.takeDown(info);
      throw error;
    }
  }

  /** Under the gate: whatever was published is no more. */
  #withdraw(phase: "START" | "STOP", info: ServiceInfo | undefined): void {
    const generation = this.#counter.advanceGeneration(false);
    if (phase === "STOP") this.#store.writeStop({ generation, info }, this.#warn);
    else this.#store.write({ phase, generation, info });
  }

  /** Under the gate: a service that could be neither repaired nor stopped is as it was, if it runs at all. */
  #putBack(info: ServiceInfo): void {
    if (!this.#counter.holdsLock()) return;
    if (info.isAlive()) this.#store.write({ phase: "READY", generation: this.#counter.advanceGeneration(true), info });
    else this.#removeRecord();
  }

  /** Under the gate: removes the record. One that cannot be removed is reported; it describes nothing that runs. */
  #removeRecord(): void {
    try {
      this.#store.remove();
    } catch (error) {
      this.#warn(error as ProcrefError);
    }
  }

  /** Others hold a service whose record is lost; one of them writes it again. */
  async #awaitRestored(options: WaitOptions): Promise<void> {
    const restored = () => this.#store.read(() => {}) !== undefined;
    try {
      await until(restored, { signal: options.signal, timeoutMs: SETTLE_MS }, () => "find the record");
    } catch (cause) {
      if (!isProcrefError(cause, "TIMEOUT")) throw cause;
      throw this.#callbacks.error(
        "SERVICE_INFO",
        `its record in ${this.#store.directory} is lost while others hold it, and none of them wrote it again`,
        cause,
      );
    }
  }

  /** Under the gate, with nobody left: stops the service and leaves nothing behind. */
  async #takeDown(last: ServiceRecord | undefined): Promise<void> {
    let stays = false;
    try {
      const record = this.#store.read(this.#warn) ?? last;
      if (record?.info === undefined) return;
      stays = await this.#isHeldAfterAll(record);
      if (!stays) await this.#stopOrPutBack(record.info);
    } catch (error) {
      stays = this.#counter.holdsLock() && this.#store.read(this.#warn)?.phase === "READY";
      throw error;
    } finally {
      if (stays || !this.#counter.holdsLock()) {
        this.#counter.unlock();
      } else {
        this.#removeRecord();
        // A reaper finds it gone, and goes as well.
        this.#counter.remove(true);
      }
    }
  }

  async #stopOrPutBack(info: ServiceInfo): Promise<void> {
    this.#withdraw("STOP", info);
    try {
      await this.#callbacks.takeDown(info);
    } catch (error) {
      this.#putBack(info);
      throw error;
    }
  }

  /**
   * Whether holders turn up that were not counted. A service that the counter has never seen published was published
   * in a counter that a stranger removed; its holders count themselves again within a while.
   */
  async #isHeldAfterAll(record: ServiceRecord): Promise<boolean> {
    if (record.phase !== "READY" || this.#counter.snapshot().generation === record.generation) return false;
    if (record.info === undefined || !record.info.isAlive()) return false;
    await delay(SETTLE_MS);
    return this.#counter.count() > 0;
  }
}

function isUsable(record: ServiceRecord | undefined): record is ReadyRecord {
  return record?.phase === "READY" && record.info !== undefined && record.info.isAlive();
}
