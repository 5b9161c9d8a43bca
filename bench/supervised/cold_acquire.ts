/** What a cold acquire of a supervised service costs over the bare start of its program. */

import { bothRuntimes, type RuntimeName } from "../../tests/harness/runtime.ts";
import type { Report } from "../report.ts";
import { median, quantile, shuffled } from "../statistics.ts";
import { acquireWith, ask, gone, startClient } from "./stage.ts";

const ROUNDS = 30;
/** What is asked, in milliseconds over the bare start. */
const ASKED_MS: { readonly [R in RuntimeName]: number } = { deno: 60, bun: 35 };

/**
 * Measures both runtimes in turn, in a random order.
 *
 * @param state a state directory for this alone
 */
export async function coldAcquire(report: Report, state: string, name: string): Promise<void> {
  const cold: Record<RuntimeName, number[]> = { deno: [], bun: [] };
  const bare: Record<RuntimeName, number[]> = { deno: [], bun: [] };
  const alone: Record<RuntimeName, number[]> = { deno: [], bun: [] };
  const clients = { deno: await startClient("deno", name, state), bun: await startClient("bun", name, state) };
  try {
    const rounds = shuffled(bothRuntimes.flatMap((runtime) => Array<RuntimeName>(ROUNDS).fill(runtime)));
    for (const [round, runtime] of rounds.entries()) {
      const client = clients[runtime];
      client.send(`name ${name}-${round}`);
      await client.line("named");
      const { pid, ms } = await acquireWith(client);
      client.send("release");
      await client.line("released");
      await gone(pid, state);
      cold[runtime].push(ms);
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
