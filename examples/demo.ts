/**
 * Three clients in three processes, in Deno and in Bun, share one key-value server. The one that started it is killed,
 * and in the end the last one as well. Prints what happened and when, then checks that nothing is left. Ends with 1 when a
 * promise was broken.
 *
 * Usage: deno task demo (`deno` and `bun` must be on the PATH)
 */

import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setImmediate as turn } from "node:timers/promises";
import { openRefCounter, process as processes } from "../mod.ts";
import { DemoClient } from "./demo_client.ts";
import { processesWith } from "./demo_traces.ts";
import { NAME, namespaceOf, type Report } from "./kv/service.ts";

const LONGEST_MS = 20_000;

interface Attachment {
  readonly server: number;
  readonly port: number;
}

const begun = performance.now();
const temporary = realpathSync(mkdtempSync(join(tmpdir(), "procref-demo-")));
const state = join(temporary, "state");
const data = join(temporary, "data");
mkdirSync(state, { mode: 0o700 });
mkdirSync(data);
process.env.PROCREF_DIR = state; // for the clients: a state directory of our own
// What the clients count, we only look at: to ask creates nothing.
const counter = await openRefCounter(NAME, { namespace: namespaceOf(data), directory: state });
const clients: DemoClient[] = [];
const reports: { readonly what: Report; readonly client: DemoClient }[] = [];
const cut = cutShort();

try {
  await Promise.race([story(), cut]);
  await Promise.race([nothingIsLeft(), cut]);
  console.log("\nEvery promise was kept.");
} catch (error) {
  console.error(`\nFAILED: ${(error as Error).message}`);
  process.exitCode = 1;
  await clearAway();
} finally {
  counter.close();
  rmSync(temporary, { recursive: true, force: true });
}
process.exit();

/** Ends what still runs, and what that started meanwhile, so that the counter can be closed. */
async function clearAway(): Promise<void> {
  for (let left = leftProcesses(); left.length > 0; left = leftProcesses()) {
    await Promise.all(left.map((each) => processes.stop(each, 0)));
  }
  counter.count(); // from here on it knows of the semaphore set, if there is one, and removes it in close()
}

function leftProcesses(): processes.ProcessIdentity[] {
  return processesWith("PROCREF_DIR", state);
}

/** Rejects when the demo takes too long, or is told to end. */
function cutShort(): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  setTimeout(() => reject(new Error(`it took longer than ${LONGEST_MS} ms`)), LONGEST_MS);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => reject(new Error(`ended by ${signal}`)));
  }
  return promise;
}

async function story(): Promise<void> {
  console.log("Three clients in three processes share one key-value server.\n\n      ms");
  for (const [letter, runtime] of [["A", "Deno"], ["B", "Bun"], ["C", "Deno"]] as const) {
    clients.push(new DemoClient(letter, runtime, data, heard));
  }
  await Promise.all(clients.map(({ ready }) => ready));
  tell(`${clients.join(", ")} are there; no server runs`);
  counts(0);

  const [starter, server] = await allAcquire();
  counts(3);
  await writeAndRead();

  await killOne(starter);
  const [next, last] = clients.filter((client) => client !== starter);
  const value = await next.ask(`get from-${starter.letter}`);
  mustHold(value === `hello from ${starter.letter}`, "the server outlives the client that started it");
  tell(`${next.letter} still reads what ${starter.letter} wrote: the server does not belong to who started it`);

  await next.ask("release");
  tell(`${next.letter} releases`);
  counts(1);
  mustHold(processes.isAlive(server), "the server runs as long as somebody holds it");
  await killLast(last, server);
  await Promise.all([next.leave(), last.ended]);
}

/** A client says that it has started or stopped the server. */
function heard(what: Report, client: DemoClient): void {
  reports.push({ what, client });
  const ms = what.ms.toFixed(0);
  if (what.event === "stopped") tell(`${client} stopped the server, process ${what.server}: it took ${ms} ms`);
  else tell(`${client} started the server: process ${what.server}, port ${what.port}, ready after ${ms} ms`);
}

/** All ask at once; one of them starts the server. */
async function allAcquire(): Promise<[starter: DemoClient, server: processes.ProcessIdentity]> {
  tell("all three ask for the server at the same moment");
  const attachments = await Promise.all(clients.map((client) => client.ask<Attachment>("acquire")));
  const [started, ...more] = reports.splice(0);
  mustHold(started?.what.event === "started" && more.length === 0, "exactly one client starts the server");
  const { what, client } = started as { what: Extract<Report, { event: "started" }>; client: DemoClient };
  const same = attachments.every(({ server, port }) => server === what.server && port === what.port);
  mustHold(same, "all clients have the same server");
  tell(`A, B and C have process ${what.server}, and nobody started a second one`);
  const server = processes.identityOf(what.server);
  mustHold(server !== undefined, "the server runs");
  return [client, server!];
}

/** Everybody writes an entry and reads that of the next one. */
async function writeAndRead(): Promise<void> {
  await Promise.all(clients.map((client) => client.ask(`put from-${client.letter} hello from ${client.letter}`)));
  for (const [index, client] of clients.entries()) {
    const { letter } = clients[(index + 1) % clients.length];
    const value = await client.ask(`get from-${letter}`);
    mustHold(value === `hello from ${letter}`, `${client.letter} reads what ${letter} wrote`);
    tell(`${client.letter} reads what ${letter} wrote: "${value}"`);
  }
}

/** The kernel takes the reference of a killed process back before anybody is told that the process has ended. */
async function killOne(client: DemoClient): Promise<void> {
  tell(`${client}, which started the server, is killed (SIGKILL)`);
  const killed = performance.now();
  client.kill();
  while (counter.count() === 3) await Promise.race([turn(), cut]);
  const dropped = performance.now() - killed;
  counts(2, `, ${dropped.toFixed(1)} ms after the signal`);
  await client.ended;
  mustHold(counter.count() === 2, "the count stays 2 when the killed process is buried");
}

/** Nobody is left who could stop the server, but for the reaper that waits inside the kernel. */
async function killLast(client: DemoClient, server: processes.ProcessIdentity): Promise<void> {
  tell(`${client.letter}, the last one, is killed (SIGKILL)`);
  const killed = performance.now();
  client.kill();
  while (processes.isAlive(server)) await Promise.race([turn(), cut]);
  const gone = performance.now() - killed;
  counts(0);
  tell(`the server is gone, ${gone.toFixed(1)} ms after the signal`);
  mustHold(reports.length === 0, "no client stopped the server");
}

async function nothingIsLeft(): Promise<void> {
  await Promise.all(clients.map(({ ended }) => ended));
  // The reaper ends a moment after the server.
  while (counter.snapshot().seated) await Promise.race([turn(), cut]);
  console.log();
  check("no process of this demo runs", leftProcesses().length === 0);
  const { references, locked, generation } = counter.snapshot();
  // A set in which something was ever published has a generation above 0.
  check("no semaphore set of this demo exists", references + generation === 0 && !locked);
  check("the state directory is empty", readdirSync(state).length === 0);
}

/** Checks the count and prints it. */
function counts(expected: number, after = ""): void {
  const count = counter.count();
  mustHold(count === expected, `the count is ${expected}, not ${count}`);
  tell(`count ${count}${after}`);
}

function check(what: string, holds: boolean): void {
  mustHold(holds, what);
  console.log(`ok: ${what}`);
}

function mustHold(holds: boolean, what: string): void {
  if (!holds) throw new Error(`broken promise: ${what}`);
}

function tell(what: string): void {
  console.log(`${(performance.now() - begun).toFixed(0).padStart(8)}  ${what}`);
}
