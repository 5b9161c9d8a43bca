/** One registry in a state directory of its own, used by this process and by others. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { objectName } from "../../src/kernel/object_name.ts";
import { currentUser, openKernelCounter } from "../../src/kernel/open.ts";
import type { RefCounter } from "../../src/kernel/ref_counter.ts";
import { ServiceRegistry, type ServiceRegistryOptions } from "../../src/registry/mod.ts";
import { cleanUpRegistries, type RegistryCleanUp } from "../../src/registry/clean_up.ts";
import { Child, type ChildOptions } from "./child.ts";
import { isKept } from "./kept.ts";
import { uniqueName, withDirectory } from "./names.ts";
import { onWindows } from "./platform.ts";
import type { RuntimeName } from "./runtime.ts";

/** What processes can share a registry by, on this system. */
export type RegistryMechanism = NonNullable<ServiceRegistryOptions["mechanism"]>;

export const REGISTRY_MECHANISMS: readonly RegistryMechanism[] = onWindows ? ["handles"] : ["sysv", "slots"];

/** Who does it, and who sees it. */
export const PAIRS: readonly (readonly [RuntimeName, RuntimeName])[] = [["deno", "bun"], ["bun", "deno"]];

/** One registry. */
export class RegistryStage {
  readonly domain = uniqueName("registry");
  readonly state: string;
  readonly options: ServiceRegistryOptions;
  readonly #opened: ServiceRegistry[] = [];
  readonly #children: Child[] = [];

  constructor(directory: string, mechanism: RegistryMechanism) {
    this.state = join(realpathSync(directory), "state");
    this.options = { directory: this.state, mechanism };
  }

  /** Where the registries of the state directory are. */
  get folder(): string {
    return join(this.state, "registries");
  }

  /** Where this registry is. */
  get directory(): string {
    return join(this.folder, objectName(this.domain, currentUser(), { directory: this.folder }).fileName);
  }

  /** The file of this registry. */
  get file(): string {
    return join(this.directory, "entries.json");
  }

  /** Makes what a process would come upon that comes after others. */
  makeDirectory(): void {
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
  }

  /** A registry in this process. */
  open(options: ServiceRegistryOptions = {}): ServiceRegistry {
    const registry = new ServiceRegistry(this.domain, { ...this.options, ...options });
    this.#opened.push(registry);
    return registry;
  }

  /** A registry in another process, which takes calls. */
  async start(options: ChildOptions = {}, more: ServiceRegistryOptions = {}): Promise<Child> {
    const child = this.run("registry.ts", options, [], more);
    await child.line("ready");
    return child;
  }

  /** Starts a fixture that is told where the registry is. */
  run(fixture: string, options: ChildOptions, args: string[] = [], more: ServiceRegistryOptions = {}): Child {
    const told = [this.domain, JSON.stringify({ ...this.options, ...more }), ...args];
    const child = new Child(fixture, { ...options, args: told });
    this.#children.push(child);
    return child;
  }

  /** The counter of those who use the registry, to look at or to be in the way. */
  counter(): RefCounter {
    const name = objectName(this.domain, currentUser(), { directory: this.folder });
    return openKernelCounter(name, this.folder, this.options.mechanism);
  }

  /** Removes what nobody uses, as `procref gc` does. */
  gc(dryRun = false): RegistryCleanUp[] {
    return cleanUpRegistries(this.state, { user: currentUser(), dryRun });
  }

  assertNothingLeft(): void {
    assert.deepEqual(existsSync(this.folder) ? readdirSync(this.folder) : [], [], "no file is left");
    if (this.options.mechanism !== "slots") {
      assert.equal(isKept(this.domain, { directory: this.folder }), false, "no kernel object is left");
    }
  }

  async close(): Promise<void> {
    for (const child of this.#children) await child[Symbol.asyncDispose]();
    for (const registry of this.#opened) registry.close();
    if (existsSync(this.state)) this.gc();
  }
}

/** Runs a test on a stage. Unless it failed, nothing of it may be left, without a clean-up when `leavesNothing`. */
export async function onRegistry(
  work: (stage: RegistryStage) => Promise<void> | void,
  mechanism: RegistryMechanism = REGISTRY_MECHANISMS[0],
): Promise<void> {
  await withDirectory(async (directory) => {
    const stage = new RegistryStage(directory, mechanism);
    try {
      await work(stage);
    } finally {
      await stage.close();
    }
    stage.assertNothingLeft();
  });
}

/** A law of all mechanisms, as one test for each. */
export function eachRegistry(law: string, work: (stage: RegistryStage) => Promise<void> | void): void {
  for (const mechanism of REGISTRY_MECHANISMS) test(`${law} (${mechanism})`, () => onRegistry(work, mechanism));
}

/** Calls a method of the registry in a process. */
export async function ask<T = unknown>(child: Child, method: keyof ServiceRegistry, ...args: unknown[]): Promise<T> {
  return await child.call<T>("registry", method, ...args);
}

/** The names of entries. */
export function namesOf(entries: readonly { readonly name: string }[]): string[] {
  return entries.map(({ name }) => name);
}

/** A PID that no process of Linux has. */
export const NO_PROCESS = 0x7fffffff;

/** This process. */
export const OWN_PID = process.pid;
