/** How soon the service is gone when its last client is SIGKILLed. */

import { process as processes } from "../../mod.ts";
import { bothRuntimes, type RuntimeName } from "../../tests/harness/runtime.ts";
import type { Report } from "../report.ts";
import { quantile, shuffled } from "../statistics.ts";
import { acquireWith, gone, startClient } from "./stage.ts";

const ROUNDS = 100;
const ASKED_MS = 20;

/**
 * Kills the last client again and again. The program ends at once when it is asked to, so what is measured is the way of
 * the stop signal and the program's end together.
 *
 * @param state a state directory for this alone
 */
export async function crashToStop(report: Report, state: string, name: string): Promise<void> {
  const times: Record<RuntimeName, number[]> = { deno: [], bun: [] };
  const rounds = shuffled(bothRuntimes.flatMap((runtime) => Array<RuntimeName>(ROUNDS).fill(runtime)));
  for (const [round, runtime] of rounds.entries()) {
    await using client = await startClient(runtime, `${name}-${round}`, state);
    const { pid } = await acquireWith(client);
    const service = processes.identityOf(pid)!;
    const killed = performance.now();
    processes.kill(client.pid);
    // In a loop of its own: a timer would add to what is measured.
    while (processes.isAlive(service));
    times[runtime].push(performance.now() - killed);
    await gone(pid, state);
  }
  const all = Object.values(times).flat();
  const line = (values: number[]): string =>
    [0.5, 0.9, 0.99, 1].map((share) =>
      `${share === 1 ? "max" : `p${share * 100}`} ${quantile(values, share).toFixed(1)}`
    )
      .join(", ");
  for (const runtime of bothRuntimes) report.say(`${runtime}: ${line(times[runtime])} ms`);
  report.figure(
    `SIGKILL of the last client to the end of the service, ${all.length} rounds: ${line(all)} ms`,
    quantile(all, 0.99),
    ASKED_MS,
    "ms, p99",
  );
}
