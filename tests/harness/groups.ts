/** One group of services, its hosts in this process and in others, and what may be left of it. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ProcrefError } from "../../src/errors.ts";
import { type Failover, ServiceGroup, type ServiceGroupOptions } from "../../src/group/mod.ts";
import { parseIdentity } from "../../src/process/identity.ts";
import { isAlive, kill, type ProcessIdentity } from "../../src/process/mod.ts";
import { type ServiceEntry, ServiceRegistry } from "../../src/registry/mod.ts";
import { Child } from "./child.ts";
import { eventually } from "./eventually.ts";
import { uniqueName, withDirectory } from "./names.ts";
import type { RuntimeName } from "./runtime.ts";

const INSTANCE = fileURLToPath(new URL("../fixtures/group_instance.ts", import.meta.url));
/** How an instance is run in each runtime. */
const COMMANDS: { readonly [R in RuntimeName]: readonly string[] } = {
  deno: ["deno", "run", "-A", "--no-check", "--quiet"],
  bun: ["bun", "run"],
};

export type Options = Partial<ServiceGroupOptions>;

export class GroupStage {
  readonly domain = uniqueName("domain");
  readonly serviceName = "svc";
  readonly registry: ServiceRegistry;
  readonly failovers: Failover<ServiceEntry>[] = [];
  readonly warnings: ProcrefError[] = [];
  readonly #directory: string;
  readonly #state: string;
  readonly #groups: ServiceGroup<ServiceEntry>[] = [];
  readonly #hosts: Child[] = [];

  constructor(directory: string) {
    this.#directory = directory;
    this.#state = join(directory, "state");
    mkdirSync(this.#state, { mode: 0o700 });
    this.registry = new ServiceRegistry(this.domain, { directory: this.#state });
  }

  /** The options of a group whose instances are fixtures: in Bun, which starts fast, unless told otherwise. */
  options(more: Options = {}, runtime: RuntimeName = "bun"): ServiceGroupOptions {
    const [executable, ...args] = COMMANDS[runtime];
    return {
      serviceName: this.serviceName,
      executable,
      args: [...args, INSTANCE, this.#directory],
      directory: this.#state,
      spawnTimeoutMs: 20_000,
      backoff: { delayMs: 1 },
      ...more,
    };
  }

  /** A group that this process hosts; it is stopped when the test is over. */
  group(more: Options = {}, runtime?: RuntimeName): ServiceGroup<ServiceEntry> {
    const group = new ServiceGroup(this.registry, this.options(more, runtime));
    this.#groups.push(group);
    group.addEventListener("failover", (event) => this.failovers.push(event.detail));
    group.addEventListener("warning", (event) => this.warnings.push(event.detail));
    return group;
  }

  /** A process that hosts the same group, and waits for calls. */
  async host(more: Options = {}, runtime?: RuntimeName): Promise<Child> {
    const host = new Child("group_host.ts", { runtime, args: [this.domain, JSON.stringify(this.options(more))] });
    this.#hosts.push(host);
    await host.line("ready");
    return host;
  }

  /** Tells the instances something, or no more. */
  tell(word: string, on = true): void {
    if (on) writeFileSync(join(this.#directory, word), "");
    else rmSync(join(this.#directory, word), { force: true });
  }

  /** Where the registry is. */
  get registryDirectory(): string {
    return this.#state;
  }

  /** What instances have noted. */
  notes(word: string): string[] {
    const path = join(this.#directory, "journal");
    const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
    return lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  }

  /** All that instances have started or been, and that runs. */
  running(): ProcessIdentity[] {
    return this.notes("start").map(parseIdentity).filter((identity) => isAlive(identity));
  }

  /** The files of the state directory whose path matches. */
  files(pattern: RegExp): string[] {
    return pathsBelow(this.#state).filter((path) => pattern.test(path));
  }

  /** The files by which hosts have their seat. */
  seats(): string[] {
    return this.files(/\.group$/);
  }

  /** Nothing is left of the group: no process, no seat. */
  assertNothingLeft(): void {
    assert.deepEqual(this.running(), [], "no instance runs");
    assert.deepEqual(this.seats(), [], "nobody has the seat");
  }

  async close(): Promise<void> {
    for (const host of this.#hosts) await host[Symbol.asyncDispose]();
    await Promise.allSettled(this.#groups.map((group) => group.stop(0)));
    for (const identity of this.running()) kill(identity);
    await eventually(() => this.running().length === 0, "nothing runs");
    // Whoever leaves the registry last clears it away, and the others may have been killed.
    this.registry.list();
    this.registry.close();
  }
}

/** All that is in a directory. What Bun 1.4.5 lists by `recursive` goes one directory deep on Wine. */
function pathsBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? [path, ...pathsBelow(path)] : [path];
  });
}

/** Runs a test on a stage, and clears it away whatever happened. */
export async function onGroupStage(work: (stage: GroupStage) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    const stage = new GroupStage(directory);
    try {
      await work(stage);
    } finally {
      await stage.close();
    }
  });
}

/** Waits without letting the runtime take note of anything. */
export function block(condition: () => boolean): void {
  const deadline = performance.now() + 20_000;
  while (!condition()) assert.ok(performance.now() < deadline, "it happens in 20 s");
}

/** The next event of a group. */
export function next<T>(group: EventTarget, what: string): Promise<T> {
  return new Promise((resolve) =>
    group.addEventListener(what, (event) => resolve((event as CustomEvent<T>).detail), { once: true })
  );
}
