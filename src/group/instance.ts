/**
 * One place in a group: one process after another, never two at once.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { isProcrefError, ProcrefError } from "../errors.ts";
import { describeEnd } from "../process/exit_status.ts";
import type { ManagedProcess } from "../process/managed_process.ts";
import { MARK_VARIABLE } from "../process/mark_variable.ts";
import { processSystem } from "../process/platform.ts";
import { isEntryOf, type ProcessRegistry, type RegisteredProcess, spawnAndWait } from "../process/spawn_and_wait.ts";
import { instanceEnvironment } from "./group_instance.ts";
import { type GroupPlan, nameOfInstance } from "./group_options.ts";
import type { HostSeat } from "./host_seat.ts";

/** A registry, as a group uses it. */
export interface GroupRegistry<T extends RegisteredProcess = RegisteredProcess> extends ProcessRegistry<T> {
  /** Its name, which instances are told. */
  readonly domain: string;
}

/** What all instances of a group have in common. */
export interface InstanceSetting<T extends RegisteredProcess> {
  readonly plan: GroupPlan;
  readonly registry: GroupRegistry<T>;
  readonly seat: HostSeat;
  /** An instance has registered itself, has ended, or will not come back. */
  changed(instance: Instance<T>): void;
  /** Something went wrong with one; it comes back if the plan says so. */
  troubled(error: ProcrefError): void;
  /** This host may go on no more. */
  unseated(error: ProcrefError): void;
}

/** One place in a group. */
export class Instance<T extends RegisteredProcess> {
  readonly index: number;
  readonly name: string;
  /** Resolves when its first process has registered itself, or will not. */
  readonly tried: Promise<void>;
  readonly #setting: InstanceSetting<T>;
  readonly #stop = new AbortController();
  #process: ManagedProcess | undefined;
  #entry: T | undefined;
  #restarts = 0;
  #row = 0;
  #isOver = false;
  /** Whether the registry could not be asked the last time. */
  #isUnasked = false;
  #failure: ProcrefError | undefined;
  #graceMs = 0;
  #life: Promise<void> | undefined;
  #settle: () => void = () => {};

  constructor(index: number, setting: InstanceSetting<T>) {
    this.index = index;
    this.name = nameOfInstance(setting.plan.serviceName, index);
    this.tried = new Promise((resolve) => this.#settle = resolve);
    this.#setting = setting;
  }

  /** Its process, once that has registered itself and until it has ended. */
  get process(): ManagedProcess | undefined {
    return this.#process?.isAlive() === true ? this.#process : undefined;
  }

  /** How often it was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Whether it will not come back. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Why it does not run, as far as that is known. */
  get failure(): ProcrefError | undefined {
    return this.#failure;
  }

  /**
   * Its entry, if its process is alive and registered at this moment. A registry that cannot be asked is no reason to take
   * it for unregistered: then it is the entry that it had.
   */
  entry(): T | undefined {
    const { process } = this;
    if (process === undefined) return undefined;
    let entry: T | undefined;
    try {
      entry = this.#setting.registry.find(this.name);
      this.#isUnasked = false;
    } catch (error) {
      // Told once, and again when it could be asked in between.
      if (!this.#isUnasked) this.#trouble(error);
      this.#isUnasked = true;
      return this.#entry;
    }
    return isEntryOf(entry, process) ? this.#entry = entry : undefined;
  }

  /** Begins its first life. */
  begin(): void {
    this.#life = this.#run().finally(() => {
      this.#isOver = true;
      this.#settle();
      this.#setting.changed(this);
    });
  }

  /** Ends its process by force, with all that it has started, and waits until it is gone. */
  async kill(): Promise<void> {
    const process = this.#process;
    this.killNow();
    await process?.waitForExit();
  }

  /** Ends its process by force without waiting. */
  killNow(): void {
    if (this.#process?.forceKill({ group: true }) === false) this.#process.forceKill();
  }

  /** Shuts its process down and starts no other. */
  async stop(graceMs: number): Promise<void> {
    this.#graceMs = graceMs;
    this.#stop.abort();
    await this.#process?.shutdown(graceMs, { group: true });
    await this.#life;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { plan: { autoRespawn, restartLimit, backoff }, seat } = this.#setting;
    for (;;) {
      const ran = await this.#live();
      this.#settle();
      if (signal.aborted || !autoRespawn) return;
      if (ran >= backoff.resetAfterMs) this.#row = 0;
      if (this.#row >= restartLimit) return this.#giveUp();
      try {
        await delay(Math.min(backoff.delayMs * 2 ** this.#row++, backoff.maxDelayMs), undefined, { signal });
        seat.keep();
        // Whatever a crashed one has started may have what the next one needs: a port, a file.
        await seat.endLeftovers(this.name);
      } catch (error) {
        if (signal.aborted) return;
        if (isProcrefError(error, "ALREADY_RUNNING")) return this.#setting.unseated(error);
        this.#trouble(error);
      }
      if (signal.aborted) return;
      this.#restarts++;
    }
  }

  /** One life, from its start to its end; gives for how long it was registered, in milliseconds. */
  async #live(): Promise<number> {
    const { plan, registry, seat } = this.#setting;
    const { signal } = this.#stop;
    const { name, index } = this;
    try {
      const { process, entry } = await spawnAndWait(registry, name, plan.executable, [...plan.args, String(index)], {
        detached: processSystem().detachesGroups,
        cwd: plan.cwd,
        env: {
          ...plan.env,
          ...plan.directory === undefined ? {} : { PROCREF_DIR: plan.directory },
          ...instanceEnvironment({ name, index, serviceName: plan.serviceName, domain: registry.domain }),
          [MARK_VARIABLE]: seat.mark,
        },
        endWithParent: true,
        timeoutMs: plan.spawnTimeoutMs,
        signal,
      });
      const since = performance.now();
      [this.#process, this.#entry, this.#failure] = [process, entry, undefined];
      // Told to stop when there was nothing yet to be stopped.
      if (signal.aborted) await process.shutdown(this.#graceMs, { group: true });
      else this.#setting.changed(this);
      this.#settle();
      const end = await process.waitForExit(Infinity);
      this.#process = undefined;
      if (!signal.aborted) {
        this.#failure = this.#ended(process, describeEnd(end), end.exitCode);
        this.#setting.changed(this);
      }
      return performance.now() - since;
    } catch (error) {
      if (!signal.aborted) this.#failure = this.#trouble(error);
      return 0;
    }
  }

  #giveUp(): void {
    const { plan: { restartLimit } } = this.#setting;
    const why = this.#failure?.message ?? "it ended";
    this.#trouble(
      new ProcrefError(
        "SERVICE_LOST",
        `Cannot keep "${this.name}" alive: started again ${restartLimit} times; ${why}`,
        {
          cause: this.#failure,
          details: { name: this.name },
        },
      ),
    );
  }

  #ended({ name, pid }: ManagedProcess, why: string, exitCode: number | undefined): ProcrefError {
    return new ProcrefError("SERVICE_LOST", `Cannot use "${name}" (process ${pid}): ${why}`, {
      details: { name, pid, exitCode },
    });
  }

  #trouble(cause: unknown): ProcrefError {
    const error = isProcrefError(cause)
      ? cause
      : new ProcrefError("OTHER", `Cannot run "${this.name}": ${(cause as Error).message}`, { cause });
    this.#setting.troubled(error);
    return error;
  }
}
