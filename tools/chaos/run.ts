/** A run: rounds by the plan of a seed, several at a time, until their number or the time is over. */

import { mkdtempSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { removeTree } from "../../tests/harness/names.ts";
import { ClientPool } from "./client_process.ts";
import { planCalmRound, planRound } from "./plan.ts";
import { ProcessScanner } from "./process_scanner.ts";
import { Random } from "./random.ts";
import { type Fault, Round, type Stage } from "./round.ts";
import { Statistics } from "./statistics.ts";

export interface RunOptions {
  readonly seed: number;
  readonly rounds: number;
  /** How many rounds at a time. */
  readonly abreast: number;
  /** No round begins after this time. */
  readonly limitMs?: number;
  /** The number of the first round, to repeat one. */
  readonly first?: number;
  /** What is done wrong on purpose, in rounds where nobody is killed. */
  readonly fault?: Fault;
  readonly say?: (text: string) => void;
}

/** Runs the rounds; the counts and violations are the result. */
export async function run(options: RunOptions): Promise<Statistics> {
  const { seed, rounds, abreast, limitMs = Infinity, first = 0, fault, say = () => {} } = options;
  const directory = realpathSync(mkdtempSync(join(process.env.PROCREF_TEST_TMP ?? tmpdir(), "procref-chaos-")));
  const statistics = new Statistics();
  const pool = new ClientPool(3);
  const stage: Stage = { directory, pool, scanner: new ProcessScanner(directory), statistics, fault };
  const random = new Random(seed);
  const deadline = performance.now() + limitMs;
  let next = first;
  const work = async (): Promise<void> => {
    while (next < first + rounds && performance.now() < deadline) {
      const number = next++;
      const round = new Round(fault === undefined ? planRound(random.fork(number), number) : planCalmRound(), stage);
      await round.run();
      statistics.rounds++;
      const { violations, history } = round.observer;
      if (violations.length === 0) continue;
      statistics.violations.push(...violations.map((text) => `seed ${seed}, round ${number}: ${text}`));
      const { mode, ready, lingerMs, ending } = round.plan;
      say(`\nround ${number} of seed ${seed} (${JSON.stringify({ mode, ready, lingerMs, ending })}):`);
      history.forEach((line) => say(line));
    }
  };
  try {
    await Promise.all(Array.from({ length: abreast }, work));
  } finally {
    await pool.close();
    removeTree(directory);
  }
  return statistics;
}
