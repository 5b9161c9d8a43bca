/** What `procref gc` removes while others come. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Child } from "../harness/child.ts";
import { uniqueName, withDirectory } from "../harness/names.ts";
import { onWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";

const REMOVALS = onWindows ? 5 : 60;
const LIMIT_MS = 40_000;

interface Cleaned {
  readonly removed: number;
  readonly failures: readonly string[];
}

async function cleaners(state: string): Promise<Child[]> {
  const all = bothRuntimes.map((runtime) => new Child("cleaner.ts", { runtime, args: [state] }));
  await Promise.all(all.map((each) => each.line("ready")));
  return all;
}

/** All of them at once; how much they have removed. */
async function clean(all: readonly Child[]): Promise<number> {
  const cleaned = await Promise.all(all.map((each) => each.call<Cleaned>("clean", 50)));
  assert.deepEqual(cleaned.flatMap(({ failures }) => failures), []);
  return cleaned.reduce((sum, { removed }) => sum + removed, 0);
}

test("whoever acquires a semaphore while it is removed has it alone", async () => {
  await withDirectory(async (directory) => {
    const state = join(directory, "state");
    mkdirSync(state, { mode: 0o700 });
    const path = join(state, `contended.${"0".repeat(31)}1.sem`);
    const args = [path, directory, "8"];
    const contenders = [...bothRuntimes, ...bothRuntimes].map((runtime) =>
      new Child("contender.ts", { runtime, args })
    );
    const all = await cleaners(state);
    try {
      await Promise.all(contenders.map((each) => each.line("ready")));
      const deadline = performance.now() + LIMIT_MS;
      let removed = 0;
      while (removed < REMOVALS && performance.now() < deadline) removed += await clean(all);
      assert.ok(removed >= REMOVALS, `it was removed ${removed} times`);
      await Promise.all(contenders.map((each) => each.end()));
      for (const each of contenders) assert.deepEqual([each.takeLines("overlap"), each.errors], [[], ""]);
      const lines = readFileSync(join(directory, "journal"), "utf8").trimEnd().split("\n");
      lines.forEach((line, at) => {
        const expected = at % 2 === 0 ? "enter " : lines[at - 1].replace("enter", "leave");
        assert.ok(line.startsWith(expected), `${line} after ${lines[at - 1]}`);
      });
      await clean(all);
      assert.deepEqual(readdirSync(state), []);
    } finally {
      for (const each of [...contenders, ...all]) await each[Symbol.asyncDispose]();
    }
  });
});

for (const runtime of bothRuntimes) {
  test(`a host (in ${runtime}) that comes while the seat of a dead one is removed has the seat`, async () => {
    await withDirectory(async (directory) => {
      const state = join(directory, "state");
      const host = new Child("seat.ts", { runtime, args: ["svc", uniqueName("domain"), state] });
      mkdirSync(state, { mode: 0o700 });
      const all = await cleaners(state);
      try {
        await host.line("ready");
        const deadline = performance.now() + LIMIT_MS;
        let removed = 0;
        while (removed < REMOVALS && performance.now() < deadline) {
          const coming = host.call<string[]>("comeAndGo", 100);
          let isComing = true;
          const over = coming.then((problems) => assert.deepEqual(problems, [])).finally(() => isComing = false);
          while (isComing) removed += await clean(all);
          await over;
        }
        assert.ok(removed >= REMOVALS, `it was removed ${removed} times`);
        await clean(all);
        assert.ok(existsSync(state));
        assert.deepEqual(readdirSync(state), []);
      } finally {
        for (const each of [host, ...all]) await each[Symbol.asyncDispose]();
      }
    });
  });
}
