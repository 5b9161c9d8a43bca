/**
 * The supervisor of one service: it owns the service from its start to its end, and waits inside the kernel for the
 * last client to go.
 *
 * ```
 *   sit --> CLEAN (a predecessor's processes) --> START --> READY --> (the service dies) --> START --> ... --> FAIL
 *                                                   |         |                                                |
 *                                                   +---------+--> nobody left, gate taken --> STOP --> gone <-+
 * ```
 *
 * | it is killed | who notices | what becomes of the service |
 * | --- | --- | --- |
 * | before START is on record | the client that started it, and starts another one | there is none |
 * | in START, before that client was told | the same client, which has the gate still | as in START |
 * | in START or READY | waiting clients at once, holders within a second, else the next client | the kernel kills it where it has a parent-death signal; the successor ends whatever carries the mark |
 * | in STOP | the next client | as above |
 * | in FAIL | nobody needs to | there is none |
 *
 * @module
 */

import { allDetails, isProcrefError, ProcrefError } from "../errors.ts";
import type { RefCounter } from "../kernel/ref_counter.ts";
import { containChildren } from "../process/containment.ts";
import { killGroup } from "../process/group.ts";
import { formatIdentity, isAlive, ownIdentity, type ProcessIdentity } from "../process/identity.ts";
import { endMarked } from "../process/marks.ts";
import { pace } from "../process/pace.ts";
import { processSystem } from "../process/platform.ts";
import { happens } from "../process/stop.ts";
import { SETTLE_MS } from "../service/mode.ts";
import type { ServiceRecord } from "../service/record.ts";
import type { RecordStore } from "../service/record_store.ts";
import type { ServiceInfo } from "../service/service_info.ts";
import type { ServiceDescription } from "../service/service_description.ts";
import { IN_OFFICE, SEAT_TAKEN, type SupervisorOrders } from "../service/supervisor_orders.ts";
import { aborted, delay, until } from "../waiting.ts";
import type { Life, LifeSource, Progress } from "./life.ts";
import { LogFile } from "./log_file.ts";
import type { Office, Report } from "./office.ts";
import type { Names } from "./placeholders.ts";
import { Publisher } from "./publisher.ts";
import { Restarts } from "./restarts.ts";

/** How long a predecessor that has lost its seat may take to be gone as a process, in milliseconds. */
const PREDECESSOR_MS = 10_000;
/** How long the zombie of a predecessor's service may take to go when it was in the way of the next one, in milliseconds. */
const REAPED_MS = 10_000;
/** How often it is looked whether somebody wants the service after all, in milliseconds; see {@link Supervisor.#wanted}. */
const WANTED_MS = 2;

/** Makes what brings the service to life. */
export type NewLifeSource = (names: Names, description: ServiceDescription, mark: string, log: LogFile) => LifeSource;

/**
 * Owns a service until nobody is left.
 *
 * @param report is told once it is in office, or that another one is
 * @throws ProcrefError those of the counter and the record
 */
export async function supervise(
  orders: SupervisorOrders,
  description: ServiceDescription,
  office: Office,
  newSource: NewLifeSource,
  report: Report,
): Promise<void> {
  if (!office.counter.trySeat()) return report(SEAT_TAKEN);
  containChildren();
  await new Supervisor(orders, description, office, newSource).run(report);
}

class Supervisor {
  readonly #name: string;
  readonly #names: Names;
  readonly #description: ServiceDescription;
  readonly #counter: RefCounter;
  readonly #store: RecordStore;
  readonly #log: LogFile;
  readonly #publisher: Publisher;
  readonly #source: LifeSource;
  readonly #mark = crypto.randomUUID();
  /** What everything carries that may still run: our own, and those of a predecessor until they are cleared up. */
  #marks: readonly string[] = [this.#mark];
  /** The service, from when it is ready until it is gone. */
  #life: Life | undefined;
  /** Where it listened last. */
  #lastPort: number | undefined;
  /** Whether something could not be ended: the record stays for whoever comes next. */
  #remains = false;
  /** Resolves when the start of the service has begun. */
  readonly #begun = Promise.withResolvers<void>();
  /** Resolves when that is over, or takes more than a moment. */
  readonly #hasTime = Promise.withResolvers<void>();
  readonly #progress: Progress = {
    begun: this.#begun.resolve,
    waits: () => {
      this.#begun.resolve();
      this.#hasTime.resolve();
    },
  };
  /** Aborts when the service is ended for whatever reason: nothing is kept warm from then on. */
  readonly #over = new AbortController();

  constructor(
    names: Pick<Names, "name" | "namespace">,
    description: ServiceDescription,
    { counter, store }: Office,
    newSource: NewLifeSource,
  ) {
    this.#names = { name: names.name, namespace: names.namespace, dir: store.directory };
    this.#name = names.name;
    this.#description = description;
    this.#counter = counter;
    this.#store = store;
    const { directory, fileMode } = store;
    this.#log = new LogFile(directory, fileMode, description.logBytes);
    this.#publisher = new Publisher(counter, store, ownIdentity(), description.configuration);
    this.#source = newSource(this.#names, description, this.#mark, this.#log);
  }

  async run(report: Report): Promise<void> {
    const left = this.#store.read(() => {});
    // From here on a successor knows what may be left, whenever this process dies.
    if (left === undefined) {
      this.#publish("START");
    } else {
      this.#marks = [...left.marks ?? [], this.#mark];
      this.#lastPort = left.info?.port;
      this.#publisher.publish({ phase: "CLEAN", info: left.info, marks: this.#marks });
    }
    const tell = (): void => report(`${IN_OFFICE} ${formatIdentity(ownIdentity())}`);
    // Clients wait for the service: where nothing else comes before it, it is started before anything is said.
    if (left !== undefined || this.#description.module !== undefined) this.#progress.waits();
    const stopping = this.#stopping();
    const living = this.#succeed(left, this.#over.signal);
    void this.#begun.promise.then(tell);
    // A thread that waits in the kernel and a watch over the record take time to set up, and nobody needs them before.
    const unused = this.#hasTime.promise.then(() => this.#lockWhenUnused());
    void this.#hasTime.promise.then(() => this.#publisher.watch());
    const end = await Promise.race([unused.then(() => "unused" as const), living, stopping]);
    this.#over.abort(new ProcrefError("OTHER", "nobody wants the service any more"));
    await this.#end(end === "unused" ? undefined : end, living);
    await unused;
    this.#leave();
  }

  /** Resolves when somebody asks this process to end: the service is stopped, whoever holds it. */
  #stopping(): Promise<ProcrefError> {
    return new Promise((resolve) => {
      processSystem().onRequestToEnd((what) => {
        const message = `The service "${this.#name}" was stopped by force: its supervisor got ${what}`;
        resolve(new ProcrefError("SERVICE_LOST", message, { details: { name: this.#name } }));
      });
    });
  }

  /** Clears up after a predecessor, and then keeps the service alive; as {@link Supervisor.#live}. */
  async #succeed(left: ServiceRecord | undefined, signal: AbortSignal): Promise<ProcrefError | undefined> {
    try {
      if (left !== undefined) await this.#clearUpAfter(left);
    } catch (error) {
      this.#remains = true;
      return asProcrefError(error);
    }
    const isListed = () => left?.info?.identity !== undefined && this.#isListed(left.info.identity);
    const wasListed = isListed();
    const problem = await this.#live(signal);
    if (!wasListed || !isProcrefError(problem, "SERVICE_START") || signal.aborted) return problem;
    // A server with a PID file takes a zombie for a server that runs: PostgreSQL does. There may be another one.
    const gone = await happens(() => !isListed() || signal.aborted, REAPED_MS);
    return gone && !signal.aborted ? await this.#live(signal) : problem;
  }

  /** Whether a process is in the list of processes, be it as a zombie that nobody has taken note of yet. */
  #isListed({ pid, start }: ProcessIdentity): boolean {
    return processSystem().status(pid)?.start === start;
  }

  /** Ends everything that a predecessor left. Until it is gone, others may accept its service; after that nobody does. */
  async #clearUpAfter({ supervisor, info, marks = [] }: ServiceRecord): Promise<void> {
    const gone = () => supervisor === undefined || !isAlive(supervisor);
    await until(
      gone,
      { timeoutMs: PREDECESSOR_MS, ...pace() },
      () => `see process ${supervisor!.pid} end, which has lost its seat`,
    );
    if (info?.identity !== undefined) killGroup(info.identity);
    await endMarked(marks);
    this.#marks = [this.#mark];
  }

  /** Waits until the gate could be taken with nobody left, and nobody came back while the service was kept warm. */
  async #lockWhenUnused(): Promise<void> {
    const { lingerMs } = this.#description;
    for (;;) {
      if (lingerMs === 0) {
        if (await this.#counter.blockUntilUnused()) return;
        await this.#sitAgain();
      } else if (!await this.#counter.blockUntilReleased()) {
        await this.#sitAgain();
      } else if (await this.#staysUnused(lingerMs) && this.#counter.tryLockIfUnused()) {
        return;
      }
    }
  }

  /** Whether nobody comes for as long as the service is kept warm. One that is not ready is kept for nobody. */
  async #staysUnused(lingerMs: number): Promise<boolean> {
    const { signal } = this.#over;
    if (this.#life === undefined || signal.aborted) return true;
    const over = new AbortController();
    const held = this.#counter.blockUntilHeld().then(() => false);
    const late = delay(lingerMs, { signal: AbortSignal.any([over.signal, signal]) }).catch(() => {}).then(() => true);
    const stays = await Promise.race([held, late]);
    over.abort();
    return stays;
  }

  /** A stranger removed the kernel object, and with it the seat: takes it in the new one, where the holders count again. */
  async #sitAgain(): Promise<void> {
    if (!this.#counter.trySeat()) {
      await this.#life?.stop();
      throw new ProcrefError("LOCK", `Another supervisor has taken over "${this.#name}"`);
    }
    this.#publisher.publishAgain();
    await delay(SETTLE_MS);
  }

  /** Keeps the service alive; resolves with the reason when it is given up, or with undefined when the signal aborts. */
  async #live(signal: AbortSignal): Promise<ProcrefError | undefined> {
    const restarts = new Restarts(this.#description.restart);
    for (let proven = false;;) {
      let problem: ProcrefError;
      try {
        await this.#wanted(signal);
        if (this.#publisher.phase !== "START") this.#publish("START");
        const life = this.#life = await this.#source.begin(signal, this.#lastPort, this.#progress);
        // It is being ended, and STOP is on record already.
        signal.throwIfAborted();
        proven = true;
        this.#lastPort = life.info.port;
        const readySince = performance.now();
        this.#publisher.publish({ phase: "READY", info: life.info, marks: this.#marks });
        this.#progress.waits();
        this.#log.note(describeReady(life.info));
        const { why, exitCode } = await orAborted(life.ended, signal);
        restarts.note({ why, ranMs: performance.now() - readySince });
        problem = this.#lost(`${why}${restarts.story}`, exitCode);
      } catch (error) {
        this.#progress.waits();
        if (signal.aborted) return undefined;
        restarts.note();
        problem = this.#notRestarted(asProcrefError(error), restarts);
      }
      this.#log.note(problem.message);
      try {
        await this.#life?.stop();
        this.#life = undefined;
        // A service that never was ready is not tried again: its clients wait, and want to know.
        const { pauseMs } = restarts;
        if (!proven || pauseMs === undefined) return problem;
        await delay(pauseMs, { signal });
      } catch (error) {
        return signal.aborted ? undefined : asProcrefError(error);
      }
    }
  }

  /**
   * Waits until somebody holds a reference: whoever wanted the service may be gone by now. If nobody comes, the wait for
   * that ends it all within moments, so this may look at the clock meanwhile.
   */
  async #wanted(signal: AbortSignal): Promise<void> {
    while (this.#counter.count() === 0) {
      this.#progress.waits();
      await delay(WANTED_MS, { signal });
    }
  }

  /** Stops the service; with a reason, its holders are told that it is gone for good. */
  async #end(reason: ProcrefError | undefined, living: Promise<unknown>): Promise<void> {
    this.#publish("STOP");
    await living;
    let problem = reason;
    try {
      await this.#life?.stop();
    } catch (error) {
      problem = asProcrefError(error);
      this.#remains = true;
    }
    const info = this.#life?.info;
    this.#life = undefined;
    if (problem === undefined) return;
    const { code, message } = problem;
    const left = this.#remains ? { info, marks: this.#marks } : { info: undefined };
    this.#publisher.publish({ phase: "FAIL", ...left, failure: { code, message, details: allDetails(problem) } });
  }

  /** With seat and gate, and nobody left: leaves nothing behind but what says that something could not be ended. */
  #leave(): void {
    this.#publisher.close();
    try {
      if (this.#remains) return;
      this.#log.remove();
      this.#store.remove();
    } finally {
      // Seat and gate go with it in one step: whoever waits for them starts over with a new one.
      this.#counter.remove();
    }
  }

  #publish(phase: "START" | "STOP"): void {
    this.#publisher.publish({ phase, info: this.#life?.info, marks: this.#marks });
  }

  /** The error of a start; of the last one of many, it says so. */
  #notRestarted(error: ProcrefError, { beforeFailedStart }: Restarts): ProcrefError {
    if (beforeFailedStart === "") return error;
    const { code, message, details } = error;
    return new ProcrefError(code, `The service "${this.#name}" is lost: ${beforeFailedStart}${message}`, {
      cause: error,
      details,
    });
  }

  #lost(why: string, exitCode: number | undefined): ProcrefError {
    const { tail } = this.#log;
    return new ProcrefError(
      "SERVICE_LOST",
      `The service "${this.#name}" is lost: ${why}${tail === "" ? "" : `; the last that it wrote:\n${tail}`}`,
      { details: { name: this.#name, exitCode, log: tail } },
    );
  }
}

function describeReady({ pid, port }: ServiceInfo): string {
  const where = port === undefined ? "" : ` on port ${port}`;
  return pid === undefined ? `ready${where}` : `ready as process ${pid}${where}`;
}

function asProcrefError(error: unknown): ProcrefError {
  return isProcrefError(error) ? error : new ProcrefError("OTHER", String(error), { cause: error });
}

/** The promise, unless the signal aborts first: then it rejects with its reason. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const over = new AbortController();
  try {
    return await Promise.race([promise, aborted(signal, over.signal)]);
  } finally {
    over.abort();
  }
}
