/** Clients of one supervised service, and the processes behind it. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { process as processes } from "../../mod.ts";
import { Child } from "../../tests/harness/child.ts";
import type { RuntimeName } from "../../tests/harness/runtime.ts";
import { interrupted } from "../interruption.ts";

const CLIENT = new URL("client.ts", import.meta.url).href;
const LONGEST_MS = 20_000;

/** Starts a client of a service in a state directory and waits until it takes orders. */
export async function startClient(
  runtime: RuntimeName,
  name: string,
  state: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Child> {
  const child = new Child(CLIENT, { runtime, args: [name], env: { PROCREF_DIR: state, ...env } });
  await child.line("ready");
  return child;
}

/** Lets a client acquire; gives the service's process and the time in milliseconds. */
export async function acquireWith(client: Child): Promise<{ readonly pid: number; readonly ms: number }> {
  client.send("acquire");
  const [pid, ms] = (await client.line("acquired ")).split(" ").map(Number);
  return { pid, ms };
}

/** Gives one answer of a client as a number. */
export async function ask(client: Child, order: string, answer: string): Promise<number> {
  client.send(order);
  return Number(await client.line(`${answer} `));
}

/** Waits until a condition holds, looking as often as can be. */
export async function eventually(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + LONGEST_MS;
  while (!condition()) {
    interrupted.throwIfAborted();
    if (performance.now() > deadline) throw new Error(`after ${LONGEST_MS} ms still not so: ${what}`);
    await delay(1);
  }
}

/** Waits until nothing of a service is left. */
export async function gone(pid: number, state: string): Promise<void> {
  await eventually("the service is gone", () => !processes.isAlive(pid) && readdirSync(state).length === 0);
}

/** The supervisor of the only service in a state directory. */
export function supervisorOf(state: string): number {
  const [entry] = readdirSync(state);
  return JSON.parse(readFileSync(join(state, entry, "record.json"), "utf8")).supervisor.pid;
}
