/**
 * The lifecycle of a supervised service, in one client.
 *
 * A supervisor owns the service; a client only enters, waits until the service is usable, and leaves. Who finds nobody
 * in office starts a supervisor, and keeps the gate until that one is in office or gone, so that of many cold clients
 * one does so. To leave is one kernel step, the same that the kernel takes for a client that is killed.
 *
 * | record | its supervisor | a client that entered |
 * | --- | --- | --- |
 * | READY, the service runs | runs | has what it wants |
 * | READY, the service is dead; START, CLEAN, STOP | runs | waits for news |
 * | FAIL, written since it entered | any | gives up with that error |
 * | FAIL, older | runs | ends that supervisor, which has nothing to guard, and starts one |
 * | none, or any | gone | starts one |
 *
 * @module
 */

import { isProcrefError, ProcrefError } from "../errors.ts";
import type { RefCounter } from "../kernel/ref_counter.ts";
import { isAlive, isSameProcess } from "../process/identity.ts";
import { ProcessWatch } from "../process/process_watch.ts";
import { stop } from "../process/stop.ts";
import { until, type WaitOptions } from "../waiting.ts";
import { untilYes } from "./callback.ts";
import type { Attachment, Mode, News, ReadyRecord } from "./mode.ts";
import type { CompleteSettings } from "./options.ts";
import type { ServiceRecord } from "./record.ts";
import type { RecordStore } from "./record_store.ts";
import { resolvePrograms } from "./resolve_programs.ts";
import { checkConfiguration, mismatch } from "./service_description.ts";
import type { SupervisedClientOptions } from "./supervised_options.ts";
import { startSupervisor } from "./start_supervisor.ts";
import type { SupervisorOrders } from "./supervisor_orders.ts";

/** How often waiting clients look for news: one system call each time. */
const LONGEST_PAUSE_MS = 2;
/** How many supervisors one acquire starts that all end without having said why. */
const MOST_SUPERVISORS = 5;
/** How long a supervisor may take to write its record again when a stranger has removed it. */
const RESTORE_MS = 5000;

/** What of a service is on record, and which generation the counter had before it was read and after. */
interface Look {
  readonly record: ServiceRecord | undefined;
  readonly before: number;
  readonly generation: number | undefined;
}

/** The lifecycle of one supervised service in one client. */
export class SupervisedMode implements Mode {
  readonly #name: string;
  readonly #counter: RefCounter;
  readonly #store: RecordStore;
  readonly #settings: CompleteSettings;
  readonly #options: SupervisedClientOptions;
  readonly #orders: SupervisorOrders;
  readonly #warn: (error: ProcrefError) => void;

  constructor(
    orders: SupervisorOrders,
    counter: RefCounter,
    store: RecordStore,
    settings: CompleteSettings,
    options: SupervisedClientOptions,
    warn: (error: ProcrefError) => void,
  ) {
    this.#name = orders.name;
    this.#counter = counter;
    this.#store = store;
    this.#settings = settings;
    this.#options = options;
    this.#orders = orders;
    this.#warn = warn;
  }

  /**
   * Waits until the service is usable; starts a supervisor if nobody is in office.
   *
   * @throws ProcrefError `SERVICE_START`, `SERVICE_LOST`, `CONFIG_MISMATCH`, `SUPERVISOR`, `TIMEOUT`, and those of the
   * counter and the record; the reason of an aborted signal
   */
  async attach(options: WaitOptions): Promise<Attachment> {
    let seen = this.#look();
    const old = seen.record?.phase === "FAIL" ? seen.record : undefined;
    for (let started = 0;; seen = this.#look()) {
      options.signal?.throwIfAborted();
      const { record } = seen;
      if (record !== undefined) this.#checkKind(record);
      if (isUsable(record)) {
        this.#checkConfiguration(record);
        if (await this.#isAccepted(record, options)) return { record, generation: this.#sure(seen, record) };
      } else if (record?.phase === "FAIL" && !isSame(record, old)) {
        throw failureOf(record);
      } else if (record?.phase !== "FAIL" && record?.supervisor !== undefined && isAlive(record.supervisor)) {
        await this.#awaitNews(seen, options);
      } else {
        if (started >= MOST_SUPERVISORS) throw this.#endedInARow();
        if (await this.#bringIntoOffice(old, options)) started++;
      }
    }
  }

  /**
   * Gives the reference back: one system call, and others that see whether the supervisor is there to notice. Who was
   * refused knows of none and looks at the record.
   */
  async release(last: ServiceRecord | undefined, isWatchedAlive?: () => boolean): Promise<void> {
    this.#counter.release();
    if (isWatchedAlive?.()) return;
    const known = last ?? this.#store.read(this.#warn);
    if (known === undefined) this.#removeUnused();
    // Its supervisor was killed and nobody else may ever look: whoever leaves does.
    else if (known.supervisor !== undefined && !isAlive(known.supervisor)) await this.#replaceSupervisor(known);
  }

  /** Who came and found no service may be the only one who ever came: then no supervisor is there to clear up. */
  #removeUnused(): void {
    if (!this.#counter.tryLockIfUnused()) return;
    // Under the gate: one that has come meanwhile keeps it.
    if (this.#store.exists()) {
      this.#counter.unlock();
      return;
    }
    try {
      this.#store.remove();
    } finally {
      this.#counter.remove();
    }
  }

  async lookAfter(known: Attachment, isWatchedAlive: () => boolean): Promise<News> {
    const unchanged = this.#counter.snapshot().generation === known.generation;
    // The record is not even opened: that would wake the supervisor, which watches over it.
    if (unchanged && (isWatchedAlive() || isAlive(known.record.supervisor!))) return undefined;
    const seen = this.#look();
    const { record } = seen;
    if (record?.phase === "FAIL" && !isSame(record, known.record)) return failureOf(record);
    if (!isAlive((record ?? known.record).supervisor!)) {
      await this.#replaceSupervisor(known.record);
      return undefined;
    }
    if (!isUsable(record)) return undefined;
    const generation = this.#sure(seen, record);
    // Of the record that is known it is news that it is sure: a client may have read it the moment before.
    return isSame(record, known.record) && generation === undefined ? undefined : { record, generation };
  }

  /** Reads the record between two looks at the counter. */
  #look(): Look {
    const before = this.#counter.snapshot().generation;
    const record = this.#store.read(this.#warn);
    const after = this.#counter.snapshot().generation;
    return { record, before, generation: before === after ? after : undefined };
  }

  /** The generation, if the record was not about to change when it was read. */
  #sure({ generation }: Look, record: ReadyRecord): number | undefined {
    return generation === record.generation ? generation : undefined;
  }

  /** Under this name there may be a service of callbacks. */
  #checkKind({ phase, info, supervisor }: ServiceRecord): void {
    if (supervisor !== undefined || phase !== "READY" || !info?.isAlive()) return;
    throw mismatch(this.#name, "command", "its clients start and stop it by callbacks");
  }

  #checkConfiguration({ configuration = {} }: ReadyRecord): void {
    const { onMismatch, description } = this.#options;
    if (onMismatch === "error") checkConfiguration(this.#name, configuration, description.configuration);
  }

  /** Whether the user's own check says that the service is ready; false when the service changed meanwhile. */
  async #isAccepted(record: ReadyRecord, options: WaitOptions): Promise<boolean> {
    const { onReady, description: { readyIntervalMs } } = this.#options;
    if (onReady === undefined) return true;
    const { startTimeoutMs: timeoutMs } = this.#settings;
    const question = {
      what: "onReady",
      doing: "use",
      service: this.#name,
      code: "SERVICE_START",
      timeoutMs,
      intervalMs: readyIntervalMs,
      signal: options.signal,
      isWanted: () => isUsable(record),
    } as const;
    return await untilYes(question, (context) => onReady(record.info, context));
  }

  async #awaitNews({ record, before }: Look, { signal }: WaitOptions): Promise<void> {
    const { startTimeoutMs, stopTimeoutMs, lockTimeoutMs } = this.#settings;
    const timeoutMs = startTimeoutMs + stopTimeoutMs + lockTimeoutMs;
    using watch = ProcessWatch.open(record!.supervisor!);
    const happened = () => !watch?.seemsAlive() || this.#counter.snapshot().generation !== before;
    await until(
      happened,
      { signal, timeoutMs, longestPauseMs: LONGEST_PAUSE_MS },
      () => `acquire "${this.#name}", because its supervisor, process ${record!.supervisor!.pid}, does not answer`,
    );
  }

  #endedInARow(): ProcrefError {
    return new ProcrefError(
      "SUPERVISOR",
      `Cannot acquire "${this.#name}": ${MOST_SUPERVISORS} supervisors in a row ended before the service was usable, ` +
        `each without a word: they crashed, or somebody kills them`,
      { details: { name: this.#name } },
    );
  }

  /** Starts a supervisor, unless somebody is in office by now; tells whether it did. */
  async #bringIntoOffice(old: ServiceRecord | undefined, options: WaitOptions): Promise<boolean> {
    await this.#counter.lock({ signal: options.signal, timeoutMs: this.#settings.lockTimeoutMs });
    let lost = false;
    try {
      const record = this.#store.read(this.#warn);
      if (record?.supervisor !== undefined && isAlive(record.supervisor)) {
        if (record.phase !== "FAIL" || !isSame(record, old)) return false;
        await stop(record.supervisor, 0);
      } else if (this.#counter.snapshot().seated) {
        lost = true;
        return false;
      }
      await this.#start();
      return true;
    } finally {
      this.#counter.unlock();
      if (lost) await this.#awaitRecord(options);
    }
  }

  /** Somebody has the seat, and no record says who: it is on its way out, or a stranger removed or spoilt the record. */
  async #awaitRecord({ signal }: WaitOptions): Promise<void> {
    await until(
      () => !this.#counter.snapshot().seated || this.#store.read(() => {}) !== undefined,
      { signal, timeoutMs: RESTORE_MS },
      () => `acquire "${this.#name}", because its supervisor does not write down what it does`,
    );
  }

  /** The supervisor is gone and others may never look: a new one clears up, or brings the service up for who holds it. */
  async #replaceSupervisor(last: ServiceRecord): Promise<void> {
    try {
      // Somebody who has the gate is about to do it.
      if (!this.#counter.tryLock()) return;
      try {
        const record = this.#store.read(this.#warn);
        const { supervisor } = record ?? last;
        const wanted = record !== undefined || this.#counter.count() > 0;
        if (!wanted) this.#counter.remove();
        else if (supervisor !== undefined && !isAlive(supervisor)) await this.#start();
      } finally {
        if (this.#counter.holdsLock()) this.#counter.unlock();
      }
    } catch (error) {
      if (isProcrefError(error)) this.#warn(error);
      else throw error;
    }
  }

  async #start(): Promise<void> {
    const description = resolvePrograms(this.#name, this.#options.description);
    await startSupervisor({ ...this.#orders, description }, this.#options.denoPermissions);
  }
}

/** Whether a client may use what a record describes: the service is looked at first, who published it last. */
function isUsable(record: ServiceRecord | undefined): record is ReadyRecord {
  return record?.phase === "READY" && record.info !== undefined && record.supervisor !== undefined &&
    record.info.isAlive() && isAlive(record.supervisor);
}

/** Whether two records are one: of one supervisor, at one time. */
function isSame(one: ServiceRecord, other: ServiceRecord | undefined): boolean {
  return one.generation === other?.generation && isSameProcess(one.supervisor, other.supervisor);
}

function failureOf({ failure }: ServiceRecord): ProcrefError {
  const { code, message, details } = failure!;
  return new ProcrefError(code, message, { details });
}
