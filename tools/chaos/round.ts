/** One round: a group of clients of one service, and what is done to them, to the service and to its supervisor. */

import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { removeTree } from "../../tests/harness/names.ts";
import type { ServiceConfiguration } from "./calls.ts";
import { type ClientPool, signalProcess } from "./client_process.ts";
import { endRound } from "./ending.ts";
import { Slot } from "./group.ts";
import { type Instance, Instances } from "./instances.ts";
import { Observer } from "./observer.ts";
import type { Plan, Step } from "./plan.ts";
import { goOn, killFromLinux, neededVariables, pause, SLEEPER, SLOWNESS } from "./platform.ts";
import type { Found, ProcessScanner } from "./process_scanner.ts";
import type { Statistics } from "./statistics.ts";
import { Traces } from "./traces.ts";

/** What no program does that keeps to the rules: proves that the run notices. */
export type Fault = "none" | "overlap" | "dead-handle" | "stop-under-holder" | "refusal" | "leave-behind";

/** What all rounds of a run share. */
export interface Stage {
  /** A directory of the run's own. */
  readonly directory: string;
  readonly pool: ClientPool;
  readonly scanner: ProcessScanner;
  readonly statistics: Statistics;
  readonly fault: Fault | undefined;
}

const LOOK_MS = 10;
/** How long to wait for the supervisor that is to be killed when it appears. */
const NEXT_SUPERVISOR_MS = 400 * SLOWNESS;
const SIGKILL = 9;

/** A round on the stage. */
export class Round {
  readonly plan: Plan;
  readonly stage: Stage;
  readonly directory: string;
  readonly slots: readonly Slot[];
  readonly instances: Instances;
  readonly traces: Traces;
  readonly observer: Observer;
  readonly configuration: ServiceConfiguration;
  /** What goes on beside the steps. */
  readonly #beside: Promise<void>[] = [];
  #looking: ReturnType<typeof setInterval> | undefined;

  constructor(plan: Plan, stage: Stage) {
    const { number, mode, ready, lingerMs, behaviour, runtimes } = plan;
    this.plan = plan;
    this.stage = stage;
    this.directory = join(stage.directory, `round-${number}`);
    const state = join(this.directory, "state");
    mkdirSync(state, { recursive: true, mode: 0o700 });
    this.configuration = {
      name: `chaos-${number}`,
      state,
      round: this.directory,
      mode,
      ready,
      lingerMs,
      isMissing: behaviour === "missing",
    };
    this.slots = runtimes.map((runtime, index) =>
      new Slot(index, runtime, stage.pool, this.configuration, () => this.observer)
    );
    this.instances = new Instances(this.directory);
    this.traces = new Traces(this.configuration.name, state);
    const holders = (): ReturnType<Slot["holder"]>[] => this.slots.map((slot) => slot.holder());
    this.observer = new Observer(plan, this.instances, this.traces, stage.statistics, holders);
  }

  async run(): Promise<void> {
    this.instances.behave(this.plan.behaviour);
    this.#looking = setInterval(() => this.#look(), LOOK_MS);
    try {
      for (const step of this.plan.steps) {
        await delay(step.afterMs);
        await this.#take(step);
      }
      await this.#commitFault();
      await Promise.all(this.#beside);
      this.instances.behave("ok");
      await endRound(this);
    } catch (error) {
      this.observer.violate(`the round itself failed: ${(error as Error).stack}`);
    } finally {
      clearInterval(this.#looking);
      this.#look();
      this.stage.statistics.instances += this.instances.all.length;
      this.slots.forEach((slot) => slot.kill("client, in the way"));
      removeTree(this.directory);
    }
  }

  /** Starts a process that nobody ends, and gives its PID. */
  startForgotten(): number {
    const [program, ...args] = SLEEPER;
    const child = spawn(program, args, { env: { ...neededVariables(), CHAOS_ROUND: this.directory }, stdio: "ignore" });
    child.unref();
    return child.pid!;
  }

  /** Ends an instance by force. */
  killService(instance: Instance): void {
    const { identity, behaviour } = instance;
    const byLinux = identity.pid % 8 === 0 && killFromLinux(`${this.directory}\0`);
    if (!byLinux && !signalProcess(identity, SIGKILL)) return;
    instance.killedAt = Date.now();
    this.observer.killed("service", `service, ${behaviour}${byLinux ? ", by Linux" : ""}`, undefined, identity.pid);
  }

  #look(): void {
    this.observer.look();
    // Nobody else can: by their nature nothing knows of them.
    for (const { identity } of this.observer.unknown) signalProcess(identity, SIGKILL);
  }

  async #take({ action, slot: index, delayMs, behaviour }: Step): Promise<void> {
    const slot = this.slots[index];
    switch (action) {
      case "acquire":
        return await slot.acquire();
      case "use":
        return void slot.use();
      case "release":
        return slot.release();
      case "kill-client":
        return slot.state === "none" || slot.state === "idle" ? await this.#killSoon(slot, delayMs) : void slot.kill();
      case "kill-acquiring":
        return await this.#killSoon(slot, delayMs);
      case "kill-releasing":
        slot.release();
        await delay(Math.min(delayMs, 30));
        return void (slot.state === "releasing" && slot.kill());
      case "kill-stopped":
        this.#beside.push(slot.pause(delayMs));
        return void slot.kill();
      case "stop-client":
        return void this.#beside.push(slot.pause(delayMs));
      case "kill-supervisor":
        this.#killSupervisor(this.#supervisors().at(0));
        // Often its successor as well.
        return void (delayMs > 20 && this.#beside.push(this.#killNextSupervisor(delayMs / 3)));
      case "kill-next-supervisor":
        return void this.#beside.push(this.#killNextSupervisor(delayMs));
      case "kill-supervisor-of-none":
        return await this.#killSupervisorOfNone(Math.min(delayMs, 60));
      case "stop-supervisor":
        return void this.#beside.push(this.#pauseSupervisor(delayMs));
      case "kill-service":
        return this.instances.alive().forEach((instance) => this.killService(instance));
      case "change":
        this.observer.note(`instances are to be: ${behaviour}`);
        return this.instances.behave(behaviour);
    }
  }

  async #killSoon(slot: Slot, delayMs: number): Promise<void> {
    await slot.acquire();
    await delay(delayMs);
    slot.kill();
  }

  #supervisors(): Found[] {
    return this.stage.scanner.supervisors(this.directory);
  }

  #killSupervisor(found: Found | undefined): void {
    if (found === undefined) return;
    const { identity, runtime } = found;
    const record = this.traces.record();
    const inOffice = record?.supervisor?.pid === identity.pid;
    const kind = this.plan.mode === "callback"
      ? "reaper"
      : `supervisor, ${inOffice ? `in ${record!.phase}` : "not on record"}`;
    // Not from Linux: nothing in its command line there says whose supervisor one is.
    if (signalProcess(identity, SIGKILL)) this.observer.killed("supervisor", kind, runtime, identity.pid);
  }

  /** The next supervisor that appears is killed: after a while, so that all of its start is met. */
  async #killNextSupervisor(delayMs: number): Promise<void> {
    const before = this.#supervisors().map(({ identity }) => identity.pid);
    const deadline = performance.now() + NEXT_SUPERVISOR_MS;
    while (performance.now() < deadline) {
      const next = this.#supervisors().find(({ identity }) => !before.includes(identity.pid));
      if (next !== undefined) {
        await delay(delayMs);
        return this.#killSupervisor(next);
      }
      await delay(4);
    }
  }

  /** All clients go, and the supervisor is killed while it stops the service. */
  async #killSupervisorOfNone(delayMs: number): Promise<void> {
    for (const slot of this.slots) {
      if (slot.state === "acquiring") slot.kill();
      slot.release();
    }
    await delay(delayMs);
    this.#killSupervisor(this.#supervisors().at(0));
  }

  async #pauseSupervisor(ms: number): Promise<void> {
    const identity = this.#supervisors().at(0)?.identity;
    if (identity === undefined || !pause(identity)) return;
    this.stage.statistics.stops++;
    this.observer.note(`supervisor ${identity.pid} is stopped for ${ms} ms`);
    await delay(ms);
    goOn(identity);
  }

  async #commitFault(): Promise<void> {
    const { fault } = this.stage;
    if (fault === undefined) return;
    const slot = this.slots[0];
    await slot.awaitIdle();
    if (fault === "dead-handle" || fault === "refusal") {
      await slot.leave();
      await slot.acquire(fault === "refusal" ? "breakRefusal" : "breakHandle");
    } else if (fault === "overlap" || fault === "stop-under-holder") {
      // So long that it is sure to hold.
      await delay(3 * LOOK_MS);
      await slot.breakRule(fault === "overlap" ? "breakOverlap" : "breakStop");
      await delay(200);
    }
  }
}
