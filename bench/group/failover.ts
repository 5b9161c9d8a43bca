/** How soon a group has another primary when its primary is SIGKILLed. */

import type { ServiceEntry } from "../../src/registry/mod.ts";
import { eventually } from "../../tests/harness/eventually.ts";
import { onGroupStage } from "../../tests/harness/groups.ts";
import { bothRuntimes } from "../../tests/harness/runtime.ts";
import type { Report } from "../report.ts";
import { quantile } from "../statistics.ts";

const ROUNDS = 50;
const ASKED_MS = 50;

/**
 * Kills the primary again and again. The host measures it by its own clock, from its signal to the event; instances come
 * back in between.
 */
export async function failover(report: Report): Promise<void> {
  for (const runtime of bothRuntimes) {
    await onGroupStage(async (stage) => {
      const host = await stage.host({ restartLimit: ROUNDS, backoff: { delayMs: 1, resetAfterMs: 0 } }, runtime);
      await host.call("start");
      const times: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        await eventually(async () => await host.call<number>("aliveCount") === 2, "the instance is back");
        times.push(await host.call<number>("measure"));
        const primary = await host.call<ServiceEntry>("primary");
        if (primary === undefined) throw new Error("there is no primary after a failover");
      }
      const line = [0.5, 0.9, 0.99, 1].map((share) =>
        `${share === 1 ? "max" : `p${share * 100}`} ${quantile(times, share).toFixed(2)}`
      ).join(", ");
      report.figure(
        `${runtime}: SIGKILL of the primary to the event "failover", ${ROUNDS} rounds: ${line} ms`,
        quantile(times, 0.5),
        ASKED_MS,
        "ms, median",
      );
    });
  }
}
