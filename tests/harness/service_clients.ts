/** Several clients of one service in processes of their own, with a journal of what their callbacks did. */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Mechanism, openRefCounter, process as processes, type RefCounter } from "../../mod.ts";
import { processSystem } from "../../src/process/platform.ts";
import { keyOf, seatHolder } from "../fixtures/sets.ts";
import { Child, type ChildOptions } from "./child.ts";
import { eventually } from "./eventually.ts";
import { Journal } from "./journal.ts";
import { isKept } from "./kept.ts";
import { uniqueName, withDirectory } from "./names.ts";
import { onWindows } from "./platform.ts";

export interface Acquired {
  readonly handle: number;
  readonly pid: number;
}

/** How the callbacks of a client behave; see fixtures/service_client.ts. */
export interface Behaviour {
  readonly start?: string;
  readonly stop?: string;
  readonly health?: string;
  readonly recover?: string;
  readonly options?: Record<string, unknown>;
}

/** One service in a state directory of its own. */
export class ServiceStage {
  readonly name = uniqueName();
  readonly state: string;
  readonly journal: Journal;
  readonly #clients: Child[] = [];
  readonly #mechanism: Mechanism | undefined;

  constructor(directory: string, mechanism?: Mechanism) {
    this.#mechanism = mechanism;
    this.state = join(directory, "state");
    this.journal = new Journal(directory);
  }

  /** Starts a client and waits until it takes calls. */
  async client(behaviour: Behaviour = {}, options: ChildOptions = {}): Promise<Child> {
    const configuration = {
      journal: this.journal.path,
      ...behaviour,
      options: { directory: this.state, ...behaviour.options },
    };
    const child = new Child("service_client.ts", { ...options, args: [this.name, JSON.stringify(configuration)] });
    this.#clients.push(child);
    await child.line("ready");
    return child;
  }

  /** The processes of this service that run: all that any client ever started. */
  running(): number[] {
    return this.journal.entries().filter(({ what }) => what === "start" || what === "recover")
      .filter(({ service: pid, start }) => processes.isAlive(start === "" ? pid : { pid, start }))
      .map(({ service }) => service);
  }

  /** The record as it stands, or undefined. */
  record(): { phase: string; generation: number; info?: { pid?: number } } | undefined {
    const paths = readdirSync(this.state).map((name) => join(this.state, name, "record.json"));
    const path = paths.find((path) => existsSync(path));
    try {
      return path && JSON.parse(readFileSync(path, "utf8"));
    } catch (error) {
      // A reaper has removed it since the directory was listed.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Removes the record with its directory, as a cleaner of temporary files does. */
  removeRecord(): void {
    for (const entry of readdirSync(this.state)) rmSync(join(this.state, entry), { recursive: true });
  }

  /** Nothing is left of it: no process, no file, no kernel object. */
  async assertNothingLeft(): Promise<void> {
    await eventually(() => this.running().length === 0, "no service runs");
    await eventually(() => readdirSync(this.state).length === 0, "no file is left");
    assert.equal((await this.counter()).count(), 0);
  }

  /**
   * Who has the seat: the process that the kernel names as the last that moved that semaphore; on Windows the one
   * process that runs the program of reapers.
   */
  async reaper(): Promise<number> {
    const counter = await this.counter();
    assert.ok(counter.snapshot().seated, "somebody has the seat");
    return onWindows ? supervisorProcess() : seatHolder(keyOf(this.name, { directory: this.state }));
  }

  /** Whether there is a kernel object of the service. */
  isKept(): boolean {
    return isKept(this.name, { directory: this.state });
  }

  /** The counter of this service, to look at. */
  counter(): Promise<RefCounter> {
    return openRefCounter(this.name, { directory: this.state, mechanism: this.#mechanism });
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client[Symbol.asyncDispose]();
    for (const pid of this.running()) processes.kill(pid);
    const counter = await this.counter();
    await eventually(() => !counter.snapshot().seated, "the reaper has gone");
    counter.tryLock();
    counter.close();
  }
}

function supervisorProcess(): number {
  const system = processSystem();
  const found = system.list().filter((pid) => system.command(pid)?.at(-1)?.endsWith("\\supervisor\\main.ts"));
  assert.equal(found.length, 1, `one reaper runs: ${found.join(", ")}`);
  return found[0];
}

/** Runs a test on a stage, and clears it away whatever happened. */
export async function onStage(
  work: (stage: ServiceStage) => Promise<void>,
  mechanism?: Mechanism,
): Promise<void> {
  await withDirectory(async (directory) => {
    const stage = new ServiceStage(directory, mechanism);
    try {
      await work(stage);
    } finally {
      await stage.close();
    }
  });
}
