/** What a cold acquire of a supervised service costs over the bare start of its program. */

import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Child } from "../../tests/harness/child.ts";
import { compiledIn } from "../../tests/harness/environment.ts";
import { bothRuntimes, type RuntimeName } from "../../tests/harness/runtime.ts";
import type { Report } from "../report.ts";
import { median, quantile, shuffled } from "../statistics.ts";
import { acquireWith, ask, gone, startClient } from "./stage.ts";

const ROUNDS = 30;
/** What is asked, in milliseconds over the bare start. */
const ASKED_MS: { readonly [R in RuntimeName]: number } = { deno: 60, bun: 35 };

/**
 * Measures both runtimes in turn, in a random order. Bun has nothing compiled of a supervisor before the first one; Deno
 * may, from earlier runs.
 *
 * @param state a state directory for this alone
 */
export async function coldAcquire(report: Report, state: string, name: string): Promise<void> {
  const cold: Record<RuntimeName, number[]> = { deno: [], bun: [] };
  const bare: Record<RuntimeName, number[]> = { deno: [], bun: [] };
  const alone: Record<RuntimeName, number[]> = { deno: [], bun: [] };
  const caches = join(dirname(state), "compiled");
  mkdirSync(caches, { mode: 0o700 });
  const clients = {
    deno: await startClient("deno", name, state),
    bun: await startClient("bun", name, state, compiledIn(caches)),
  };
  const measure = async (client: Child, round: number | string): Promise<number> => {
    client.send(`name ${name}-${round}`);
    await client.line("named");
    const { pid, ms } = await acquireWith(client);
    client.send("release");
    await client.line("released");
    await gone(pid, state);
    return ms;
  };
  try {
    for (const runtime of bothRuntimes) {
      const ms = await measure(clients[runtime], `first-${runtime}`);
      report.say(`${runtime}: the very first one of a client takes ${ms.toFixed(1)} ms, and is not counted below`);
    }
    const rounds = shuffled(bothRuntimes.flatMap((runtime) => Array<RuntimeName>(ROUNDS).fill(runtime)));
    for (const [round, runtime] of rounds.entries()) {
      const client = clients[runtime];
      cold[runtime].push(await measure(client, round));
      bare[runtime].push(await ask(client, "bare", "bare"));
      alone[runtime].push(await ask(client, "alone", "alone"));
    }
  } finally {
    await Promise.all(Object.values(clients).map((client) => client[Symbol.asyncDispose]()));
  }
  for (const runtime of bothRuntimes) {
    const over = median(cold[runtime]) - median(bare[runtime]);
    report.figure(
      `${runtime}: cold acquire ${median(cold[runtime]).toFixed(1)} ms (p90 ${
        quantile(cold[runtime], 0.9).toFixed(1)
      }), ` +
        `bare start ${median(bare[runtime]).toFixed(1)} ms: ${over.toFixed(1)} ms over it`,
      over,
      ASKED_MS[runtime],
      "ms",
    );
    const base = median(alone[runtime]);
    report.say(
      `${runtime}: of that the runtime alone, with nothing of ours, takes ${base.toFixed(1)} ms; ` +
        `all of it is ${(over / base).toFixed(2)} x that`,
    );
  }
  report.say(`medians of ${ROUNDS} rounds in each runtime, in a random order`);
}
