/**
 * A group of services: several processes of one program, one of which is the primary and the others stand by.
 *
 * One process at a time hosts a group: it has a lock of the kernel while it lives, and a second one is refused. It starts
 * the instances, hears of the end of each from the kernel, and says who is the primary; clients find the instances in
 * the registry.
 *
 * The states of the group:
 *
 * | state | it goes to | when |
 * | --- | --- | --- |
 * | idle | starting | `start()`, with the host's seat taken and what an earlier host left ended |
 * | starting | running | every instance has registered itself or failed to, and one at least has |
 * | | idle | none has: nothing is left, and it can be started again |
 * | running | lost | no instance is alive and none will come back, or somebody else has the seat |
 * | any | stopped | `stop()`, or disposed |
 *
 * The states of an instance, of which each has at most one process:
 *
 * | state | role | it goes to | when |
 * | --- | --- | --- | --- |
 * | starting | dead | ready | its process is registered under its name |
 * | | waiting | | its process has ended, or did not register in time and was ended by force |
 * | ready | primary or standby | waiting | its process has ended; what that had started is ended by force |
 * | | unregistered | | its process runs and its entry is gone: it is not elected, but comes back with its entry |
 * | waiting | dead | starting | the pause is over |
 * | | over | | it was started again too often, or `autoRespawn` is off |
 *
 * The primary is elected when there is none that is alive and registered: the first instance that is. When all are dead
 * there is none, until the first one comes back, which is elected then.
 *
 * | what dies | what happens |
 * | --- | --- |
 * | an instance before it has registered itself | it is started again after a pause; its status is told as a `warning` |
 * | the primary | the kernel tells the host; the first standby that is alive and registered is the primary |
 * | primary and standby at one moment | whoever is elected is asked after first, so it is no dead one |
 * | the elected one at the moment of its election | its end is told next, and the next one is elected |
 * | the host | the kernel gives back its seat, and ends the instances (Linux with setpriv, Windows). Elsewhere they run on, and clients find them. What is left is ended by the next host before it starts any |
 * | the host, while it starts an instance | the same: a child whose parent is gone before it has a parent-death signal does not begin |
 * | the next host, while it ends what was left | the one after it does it |
 *
 * @module
 */

import process from "node:process";
import { isProcrefError, ProcrefError } from "../errors.ts";
import type { ManagedProcess } from "../process/managed_process.ts";
import type { RegisteredProcess } from "../process/spawn_and_wait.ts";
import { checkGrace } from "../process/stop.ts";
import { tell } from "../service/events.ts";
import { TypedEventTarget } from "../service/typed_events.ts";
import { type GroupPlan, planOf, type ServiceGroupOptions } from "./group_options.ts";
import { HostSeat } from "./host_seat.ts";
import { type GroupRegistry, Instance, type InstanceSetting } from "./instance.ts";

const GRACE_MS = 3000;

/**
 * What an instance is to the group: `"primary"`, the one that clients use; `"standby"`, alive and registered; `"dead"`,
 * neither, perhaps because it is being started.
 */
export type InstanceRole = "primary" | "standby" | "dead";

/** An instance of a group at one moment. It is a copy. */
export interface InstanceSnapshot<T extends RegisteredProcess = RegisteredProcess> {
  /** Its number, from 0 on. */
  readonly index: number;
  /** The name that it is registered by. */
  readonly name: string;
  /** What it is to the group. */
  readonly role: InstanceRole;
  /** Its process; undefined when it is dead. */
  readonly pid: number | undefined;
  /** What it has registered; undefined when it is dead. */
  readonly entry: T | undefined;
  /** How often it was started again. */
  readonly restarts: number;
}

/** An instance that is alive and registered. */
export type LiveInstance<T extends RegisteredProcess = RegisteredProcess> = InstanceSnapshot<T> & {
  readonly pid: number;
  readonly entry: T;
};

/** Another instance is the primary: the `detail` of the event `failover`. */
export interface Failover<T extends RegisteredProcess = RegisteredProcess> {
  /** The one that was the primary, as it was then. */
  readonly previous: LiveInstance<T>;
  /** The one that is the primary now. */
  readonly primary: LiveInstance<T>;
}

/** The events of a group. */
export interface GroupEvents<T extends RegisteredProcess = RegisteredProcess> {
  /** Another instance is the primary. */
  readonly failover: CustomEvent<Failover<T>>;
  /** The group is gone for good: why. */
  readonly lost: CustomEvent<ProcrefError>;
  /** An instance could not be started, or is given up. */
  readonly warning: CustomEvent<ProcrefError>;
}

type State = "idle" | "starting" | "running" | "lost" | "stopped";

/**
 * Several processes of one program, one of which is the primary. Events, each a `CustomEvent` that is also told on a
 * channel of `node:diagnostics_channel`:
 *
 * | event | `detail` | channel | when |
 * | --- | --- | --- | --- |
 * | `failover` | {@link Failover} | `procref:failover` | another instance is the primary; the first one is none |
 * | `lost` | `ProcrefError` | `procref:lost` | the group is gone for good; `signal` aborts with the same |
 * | `warning` | `ProcrefError` | `procref:warning` | an instance could not be started, or is given up |
 *
 * A group that runs keeps the event loop alive. When its process dies in any way, the instances end with it on Linux with
 * setpriv and on Windows; elsewhere they are ended by the next host of the group.
 *
 * @example
 * ```ts
 * import { groupInstance, ServiceGroup } from "@procref/core/group";
 * import { ServiceRegistry } from "@procref/core/registry";
 * import assert from "node:assert/strict";
 * import process from "node:process";
 * import { fileURLToPath } from "node:url";
 *
 * const self = groupInstance();
 * if (self !== undefined) {
 *   // An instance: it registers itself by the name that it was given.
 *   const registry = new ServiceRegistry(self.domain);
 *   registry.registerService(self.name, { controlChannel: `audio-${process.pid}` });
 *   setInterval(() => {}, 1000);
 * } else {
 *   // The host, which runs this file again for each instance.
 *   using registry = new ServiceRegistry("audio");
 *   await using group = new ServiceGroup(registry, {
 *     serviceName: "compute",
 *     executable: process.execPath,
 *     args: ["run", ...("Deno" in globalThis ? ["-A"] : []), fileURLToPath(import.meta.url)],
 *     spawnTimeoutMs: 10_000,
 *   });
 *   await group.start();
 *   const primary = group.primary()!;
 *   assert.equal(primary.name, "compute.0");
 *   assert.equal(primary.entry.controlChannel, `audio-${primary.pid}`);
 *
 *   const failover = new Promise((resolve) => group.addEventListener("failover", resolve, { once: true }));
 *   process.kill(primary.pid, "SIGKILL");
 *   await failover;
 *   assert.equal(group.primary()?.name, "compute.1");
 * }
 * ```
 */
export class ServiceGroup<T extends RegisteredProcess = RegisteredProcess> extends TypedEventTarget<GroupEvents<T>>
  implements AsyncDisposable {
  readonly #plan: GroupPlan;
  readonly #registry: GroupRegistry<T>;
  readonly #ended = new AbortController();
  #seat: HostSeat | undefined;
  #instances: readonly Instance<T>[] = [];
  #state: State = "idle";
  #primary: Instance<T> | undefined;
  /** The last one that was elected, as it was then. */
  #elected: LiveInstance<T> | undefined;
  #electedProcess: ManagedProcess | undefined;
  #failovers = 0;
  #seen = 0;
  #stopping: Promise<void> | undefined;
  readonly #endAll = (): void => {
    for (const instance of this.#instances) instance.killNow();
  };

  /**
   * Starts nothing yet.
   *
   * @param registry where the instances register themselves; it stays open as long as the group is used
   * @param options what the group is made of
   * @throws ProcrefError `INVALID_NAME`, `INVALID_ARGUMENT`
   */
  constructor(registry: GroupRegistry<T>, options: ServiceGroupOptions) {
    super();
    this.#plan = planOf(options);
    this.#registry = registry;
  }

  /** The name of the service. */
  get name(): string {
    return this.#plan.serviceName;
  }

  /** Aborts when the group has come to its end: with `CLOSED` when it was stopped, with `SERVICE_LOST` when it is lost. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /**
   * Starts all instances at once, and resolves when each has registered itself or failed to, within `spawnTimeoutMs`. The
   * first one that has is the primary; those that have failed are started again.
   *
   * @throws ProcrefError `ALREADY_RUNNING` when it was started already, or another process hosts the group, whose PID is
   * in the details; `SERVICE_START` when no instance has registered itself: nothing is left then, and it can be started
   * again; `CLOSED` when it was stopped; `TIMEOUT` when something that an earlier host has left cannot be ended; and
   * those of a lock: `LOCK`, `STATE_DIRECTORY`, `IO`, `PERMISSION`, `PLATFORM`, `LIBRARY`
   */
  async start(): Promise<void> {
    this.#checkIdle();
    this.#state = "starting";
    try {
      const seat = this.#seat = new HostSeat(this.name, this.#registry.domain, this.#plan.directory);
      seat.take();
      process.on("exit", this.#endAll);
      await seat.endLeftovers();
      if (this.#state === "starting") await this.#startAll(seat);
    } catch (error) {
      if (this.#state === "starting") await this.#stopAll(0);
      // Unless it was stopped meanwhile.
      if (this.#state === "starting") this.#state = "idle";
      throw error;
    }
    if (this.#state !== "starting") throw this.#closed("it was stopped while it started");
    this.#state = "running";
    this.#elect();
    this.#checkLost();
  }

  /**
   * Looks at all instances now: what has died that this process has not been told of yet, and whose entry is gone. It asks
   * the kernel and the registry once for each, and waits for nothing: dead ones are started again by themselves.
   *
   * @returns whether there was a failover since the last time, by this look or before it: then the primary is another one
   */
  healthCheck(): boolean {
    this.#elect();
    const happened = this.#failovers > this.#seen;
    this.#seen = this.#failovers;
    return happened;
  }

  /** The primary, with its entry; undefined when there is none that is alive and registered. */
  primary(): LiveInstance<T> | undefined {
    const snapshot = this.#primary && this.#snapshot(this.#primary);
    return snapshot?.entry === undefined ? undefined : snapshot as LiveInstance<T>;
  }

  /** All instances, by their number. */
  instances(): InstanceSnapshot<T>[] {
    return this.#instances.map((instance) => this.#snapshot(instance));
  }

  /** How many instances are alive and registered. */
  aliveCount(): number {
    return this.#instances.filter((instance) => instance.entry() !== undefined).length;
  }

  /**
   * Ends the primary by force, and resolves when it is gone and another instance is the primary: to see whether clients
   * can bear it. Without a standby nothing is done.
   *
   * @returns whether there was a failover
   */
  async forceFailover(): Promise<boolean> {
    const primary = this.#primary;
    const isReady = (instance: Instance<T>): boolean => instance !== primary && instance.entry() !== undefined;
    if (primary === undefined || !this.#instances.some(isReady)) return false;
    const before = this.#failovers;
    await primary.kill();
    this.#elect();
    return this.#failovers > before;
  }

  /**
   * Stops all instances at once: each is asked to end, and ended by force when the time is over, with all that it has
   * started. Those that are still being started are ended by force. Then another host can have the group. Safe to call
   * again, and done when the group is disposed. When this process dies in the middle, the next host does the rest.
   *
   * @param graceMs how long they may take to end by themselves, in milliseconds: 3,000 unless given
   * @throws ProcrefError `SERVICE_STOP` when something could not be ended; `INVALID_ARGUMENT`
   */
  async stop(graceMs: number = GRACE_MS): Promise<void> {
    checkGrace(graceMs);
    await (this.#stopping ??= this.#stop(graceMs));
  }

  /** As {@link ServiceGroup.stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #startAll(seat: HostSeat): Promise<void> {
    const setting: InstanceSetting<T> = {
      plan: this.#plan,
      registry: this.#registry,
      seat,
      changed: (instance) => this.#changed(instance),
      troubled: (error) => tell(this, "warning", error),
      unseated: (error) => void this.#lose(error),
    };
    this.#instances = Array.from({ length: this.#plan.replicas }, (_, index) => new Instance(index, setting));
    for (const instance of this.#instances) instance.begin();
    await Promise.all(this.#instances.map(({ tried }) => tried));
    if (this.#state !== "starting" || this.#instances.some((instance) => instance.entry() !== undefined)) return;
    const cause = this.#instances.find(({ failure }) => failure !== undefined)?.failure;
    throw new ProcrefError(
      "SERVICE_START",
      `Cannot start the group "${this.name}": no instance has registered itself; ${cause?.message ?? "all have ended"}`,
      { cause, details: { name: this.name, exitCode: cause?.details.exitCode } },
    );
  }

  #changed(instance: Instance<T>): void {
    if (this.#state !== "running") return;
    if (this.#primary === undefined || instance === this.#primary) this.#elect();
  }

  /** Sees to it that there is a primary that is alive and registered, if there can be one. */
  #elect(): void {
    if (this.#state !== "running" || this.#primary?.entry() !== undefined) return;
    this.#primary = this.#instances.find((instance) => instance.entry() !== undefined);
    const previous = this.#elected;
    const process = this.#primary?.process;
    const primary = this.primary();
    // The same one comes back when it was unregistered for some time.
    if (primary === undefined || process === this.#electedProcess) return this.#checkLost();
    [this.#elected, this.#electedProcess] = [primary, process];
    if (previous === undefined) return;
    this.#failovers++;
    tell(this, "failover", { previous, primary } satisfies Failover<T>);
  }

  #snapshot(instance: Instance<T>): InstanceSnapshot<T> {
    const { index, name, restarts } = instance;
    const entry = instance.entry();
    const role = entry === undefined ? "dead" : instance === this.#primary ? "primary" : "standby";
    return { index, name, role, pid: entry?.pid, entry, restarts };
  }

  #checkLost(): void {
    if (this.#state !== "running" || !this.#instances.every(({ isOver }) => isOver)) return;
    const cause = this.#instances.find(({ failure }) => failure !== undefined)?.failure;
    const why = cause?.message ?? "all instances have ended";
    void this.#lose(
      new ProcrefError("SERVICE_LOST", `Cannot keep the group "${this.name}" alive: ${why}`, {
        cause,
        details: { name: this.name },
      }),
    );
  }

  async #lose(error: ProcrefError): Promise<void> {
    if (this.#state !== "running" && this.#state !== "starting") return;
    this.#state = "lost";
    this.#primary = undefined;
    this.#ended.abort(error);
    tell(this, "lost", error);
    this.#stopping ??= this.#stopAll(0);
    await this.#stopping.catch((failure: ProcrefError) => tell(this, "warning", failure));
  }

  async #stop(graceMs: number): Promise<void> {
    this.#state = "stopped";
    this.#primary = undefined;
    this.#ended.abort(this.#closed("it was stopped"));
    await this.#stopAll(graceMs);
  }

  async #stopAll(graceMs: number): Promise<void> {
    const instances = this.#instances;
    const seat = this.#seat;
    try {
      const stopped = await Promise.allSettled(instances.map((instance) => instance.stop(graceMs)));
      await seat?.endLeftovers();
      for (const outcome of stopped) if (outcome.status === "rejected") throw outcome.reason;
    } catch (cause) {
      throw isProcrefError(cause, "SERVICE_STOP") ? cause : new ProcrefError(
        "SERVICE_STOP",
        `Cannot stop the group "${this.name}": ${(cause as Error).message}`,
        { cause, details: { name: this.name } },
      );
    } finally {
      process.off("exit", this.#endAll);
      seat?.leave();
    }
  }

  #checkIdle(): void {
    if (this.#state === "idle") return;
    if (this.#state === "lost" || this.#state === "stopped") throw this.#closed(`it is ${this.#state}`);
    throw new ProcrefError("ALREADY_RUNNING", `Cannot start the group "${this.name}": it was started already`, {
      details: { name: this.name, pid: process.pid },
    });
  }

  #closed(why: string): ProcrefError {
    return new ProcrefError("CLOSED", `Cannot use the group "${this.name}": ${why}`, { details: { name: this.name } });
  }
}
