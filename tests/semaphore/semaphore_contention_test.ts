import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { parseIdentity } from "../../src/process/identity.ts";
import { FileSemaphore } from "../../src/semaphore/mod.ts";
import { Child } from "../harness/child.ts";
import { withDirectory } from "../harness/names.ts";
import { onWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";

const MEMORY = "/dev/shm";
const CONTENDERS = 6;
/** Wine takes its time for files and processes. */
const HANDOVERS = onWindows ? 100 : 1000;
/** How many holders at least, and how many waiters. */
const KILLS = onWindows ? 1 : 8;
const LIMIT_MS = onWindows ? 60_000 : 30_000;

/** Who entered, in order, and how often it was another one than before. */
function entries(directory: string): { readonly lines: string[]; readonly handovers: number } {
  const path = join(directory, "journal");
  const lines = existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
  const entered = lines.filter((line) => line.startsWith("enter"));
  return { lines, handovers: entered.filter((line, at) => at > 0 && line !== entered[at - 1]).length };
}

/** The process that is inside, as it says itself. */
function insider(directory: string): number | undefined {
  try {
    return parseIdentity(readFileSync(join(directory, "inside"), "utf8")).pid;
  } catch {
    return undefined;
  }
}

/** In memory where Linux has that: a disk that others use as well would be all that is waited for. */
async function withFastDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  if (!existsSync(MEMORY)) return await withDirectory(work);
  const directory = mkdtempSync(join(MEMORY, "procref-test-"));
  try {
    await work(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test(`over ${HANDOVERS} hand-overs between processes of both runtimes, holders and waiters SIGKILLed: never two at once`, async () => {
  await withFastDirectory(async (directory) => {
    const path = join(directory, "semaphore.json");
    let started = 0;
    const start = (): Child =>
      new Child("contender.ts", { runtime: bothRuntimes[started++ % 2], args: [path, directory] });
    const contenders = Array.from({ length: CONTENDERS }, start);
    const all = [...contenders];
    const killed = { holders: 0, waiters: 0 };
    const killedPids = new Set<number>();
    const began = performance.now();
    const isDone = (): boolean =>
      entries(directory).handovers > HANDOVERS && killed.holders >= KILLS && killed.waiters >= KILLS;
    try {
      await Promise.all(contenders.map((each) => each.line("ready")));
      while (!isDone()) {
        assert.ok(performance.now() - began < LIMIT_MS, `${JSON.stringify(killed)}, ${entries(directory).handovers}`);
        await delay(Math.random() * 50);
        // The dead take time from the living: of so many it has been seen.
        if (killed.holders + killed.waiters >= 3 * KILLS && Math.min(killed.holders, killed.waiters) >= KILLS) continue;
        const wantsHolder = killed.holders <= killed.waiters;
        const pid = insider(directory);
        if (wantsHolder) {
          // One who stays inside for longer will be there still when the signal comes.
          await delay(5);
          if (pid === undefined || insider(directory) !== pid) continue;
        }
        const at = contenders.findIndex((each) => (each.pid === pid) === wantsHolder);
        if (at < 0) continue;
        const victim = contenders[at];
        killedPids.add(victim.pid);
        await victim.kill();
        const last = entries(directory).lines.findLast((line) => line.endsWith(` ${victim.pid}`));
        killed[last === `enter ${victim.pid}` ? "holders" : "waiters"]++;
        contenders[at] = start();
        all.push(contenders[at]);
      }
    } finally {
      await Promise.all(contenders.map((each) => each.end()));
      for (const each of all) assert.deepEqual([each.takeLines("overlap"), each.errors], [[], ""]);
    }
    // The journal by itself: after each "enter" comes the "leave" of the same process, unless that was killed inside.
    const { lines } = entries(directory);
    for (const [at, line] of lines.entries()) {
      const [word, pid] = line.split(" ");
      const [before, other] = lines[at - 1]?.split(" ") ?? ["leave"];
      if (word === "leave") assert.deepEqual([before, other], ["enter", pid], `line ${at}`);
      else assert.ok(before === "leave" || killedPids.has(Number(other)), `line ${at}: ${lines[at - 1]}, ${line}`);
    }
    using semaphore = new FileSemaphore(path, 1);
    assert.deepEqual([semaphore.count(), semaphore.inspect().waiting], [0, []]);
  });
});
