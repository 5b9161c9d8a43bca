/**
 * Measures this library beside others that do the same work, or a part of it, in one run and in a random order, and
 * writes docs/benchmarks.md.
 *
 * Usage: deno task bench:peers
 */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describeMachine } from "../machine.ts";
import { runProgram } from "../run_program.ts";
import { median, quantile, shuffled } from "../statistics.ts";
import { benchmarksPage } from "./benchmarks_page.ts";
import { PeerProcess } from "./peer_process.ts";
import { type Peer, preparePeers } from "./peers.ts";

const ROUNDS = 5;
const KILLS = 15;
const CLIENTS = 100;
/** So many lock attempts of a killed owner that leaves its lock for seconds are enough. */
const SLOW_KILLS = 3;
const PAGE = fileURLToPath(new URL("../../docs/benchmarks.md", import.meta.url));

/** What was measured of a peer. */
export interface PeerFigures {
  readonly name: string;
  readonly about: string;
  readonly pairNs: readonly number[];
  readonly handOverMs: readonly number[];
  readonly coldMs: number;
  readonly privateKib: number;
  readonly left: string;
}

const folder = mkdtempSync(join(tmpdir(), "procref-peers-"));
let names = 0;
try {
  const { peers, skipped } = await preparePeers();
  for (const { name, why } of skipped) console.log(`skipped: ${name}: ${why}`);
  const pairs = new Map(peers.map((peer) => [peer, [] as number[]]));
  for (const peer of shuffled(peers.flatMap((peer) => Array<Peer>(ROUNDS).fill(peer)))) {
    pairs.get(peer)!.push(await timePairs(peer));
  }
  const figures: PeerFigures[] = [];
  for (const peer of shuffled(peers)) {
    const handOverMs = await timeHandOvers(peer);
    const figure = {
      name: peer.name,
      about: peer.about,
      pairNs: pairs.get(peer)!,
      handOverMs,
      coldMs: await timeColdClients(peer),
      privateKib: await memoryOf(peer),
      left: await leftBy(peer),
    };
    figures.push(figure);
    console.log(
      `${figure.name}: pair ${median(figure.pairNs).toFixed(0)} ns, after a SIGKILL ${
        median(handOverMs).toFixed(1)
      } ms ` +
        `(p99 ${quantile(handOverMs, 0.99).toFixed(1)}), ${CLIENTS} clients ${figure.coldMs.toFixed(0)} ms, ` +
        `${figure.privateKib} KiB, left: ${figure.left}`,
    );
  }
  const compiler = (await runProgram(["cc", "--version"], 10_000).catch(() => "")).split("\n")[0] || undefined;
  writeFileSync(PAGE, benchmarksPage(await describeMachine(compiler), figures, skipped));
  await runProgram(["deno", "fmt", "--quiet", PAGE], 30_000);
} finally {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Somebody who was killed a moment ago still writes there; what happened before is more interesting.
  }
}
process.exit(0);

/** A folder and a name of their own for one measurement. */
function place(): { readonly name: string; readonly state: string } {
  const name = `peer-${process.pid}-${++names}`;
  const state = join(folder, name);
  mkdirSync(state, { mode: 0o700 });
  return { name, state };
}

async function timePairs(peer: Peer): Promise<number> {
  const { name, state } = place();
  const before = await semaphoreSets();
  await using one = new PeerProcess(peer.command(name, state));
  await one.line("ready");
  one.send(`pairs ${Math.ceil(peer.pairs / 10)}`);
  await one.line("pair ");
  one.send(`pairs ${peer.pairs}`);
  const ns = Number(await one.line("pair "));
  await one.kill();
  await removeSets(before);
  return ns;
}

/** From the SIGKILL of an owner to the word of the next one that it has it. */
async function timeHandOvers(peer: Peer): Promise<number[]> {
  const { name, state } = place();
  const before = await semaphoreSets();
  const start = async (): Promise<PeerProcess> => {
    const one = new PeerProcess(peer.command(name, state));
    await one.line("ready");
    one.send("lock");
    return one;
  };
  const times: number[] = [];
  let owner = await start();
  await owner.line("locked");
  for (let round = 0; round < KILLS && !(round >= SLOW_KILLS && median(times) > 1000); round++) {
    const next = await start();
    // It waits by now, or it would be too fast for its own good: nothing says so.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const killed = owner.kill();
    await next.line("locked", peer.patienceMs);
    times.push(performance.now() - await killed);
    owner = next;
  }
  await owner.kill();
  await removeSets(before);
  return times;
}

/** From the first start of many processes to the last that has acquired and released once. */
async function timeColdClients(peer: Peer): Promise<number> {
  const { name, state } = place();
  const before = await semaphoreSets();
  const began = performance.now();
  const clients = Array.from({ length: CLIENTS }, () => new PeerProcess(peer.command(name, state)));
  await Promise.all(clients.map(async (client) => {
    await client.line("ready");
    client.send("pairs 1");
    await client.line("pair ");
  }));
  const took = performance.now() - began;
  await Promise.all(clients.map((client) => client.kill()));
  await removeSets(before);
  return took;
}

async function memoryOf(peer: Peer): Promise<number> {
  const { name, state } = place();
  const before = await semaphoreSets();
  const all = await Promise.all(Array.from({ length: 5 }, async () => {
    const one = new PeerProcess(peer.command(name, state));
    await one.line("ready");
    one.send("pairs 1");
    await one.line("pair ");
    return one;
  }));
  const kib = median(all.map((one) => one.privateKib));
  await Promise.all(all.map((one) => one.kill()));
  await removeSets(before);
  return kib;
}

/** What is left when the only owner of a lock is killed. */
async function leftBy(peer: Peer): Promise<string> {
  const { name, state } = place();
  const before = await semaphoreSets();
  const one = new PeerProcess(peer.command(name, state));
  await one.line("ready");
  one.send("lock");
  await one.line("locked");
  await one.kill();
  const files = readdirSync(state, { recursive: true }).length;
  const sets = (await semaphoreSets()).filter((id) => !before.includes(id)).length;
  await removeSets(before);
  const parts = [
    files > 0 ? `${files} file${files > 1 ? "s" : ""}` : "",
    sets > 0 ? `${sets} semaphore set${sets > 1 ? "s" : ""}` : "",
  ];
  return parts.filter((part) => part !== "").join(", ") || "nothing";
}

async function semaphoreSets(): Promise<string[]> {
  const table = await Promise.resolve(readFileSync("/proc/sysvipc/sem", "utf8"));
  return table.trim().split("\n").slice(1).map((line) => line.trim().split(/\s+/)[1]);
}

/** What was made since then is of this run: it is to be run in an IPC namespace of its own, or alone. */
async function removeSets(before: readonly string[]): Promise<void> {
  for (const id of await semaphoreSets()) {
    if (!before.includes(id)) await runProgram(["ipcrm", "-s", id], 10_000).catch(() => "");
  }
}
