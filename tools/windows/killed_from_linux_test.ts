/**
 * Processes of Windows that Linux kills under Wine's hands, as `kill -9` and the kernel's out-of-memory killer do it.
 * Started by tools/test_windows.ts.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { ask, EMPTY, startCounter, STEPS, withCounter } from "../../tests/fixtures/counters.ts";
import { Child } from "../../tests/harness/child.ts";
import { bothRuntimes } from "../../tests/harness/runtime.ts";

/** Sends SIGKILL to the one process of Linux that has a word in its command line. */
async function killFromLinux(child: Child, word: string): Promise<void> {
  const pids = readdirSync("Z:\\proc").filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(word));
  assert.equal(pids.length, 1, `one process has ${word} in its command line`);
  // Wine starts programs of Linux, but it cannot wait for them.
  spawnSync("start.exe", ["/unix", "/bin/sh", "-c", `kill -9 ${pids[0]}`]);
  await child.exited;
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`Z:\\proc\\${pid}\\cmdline`, "utf8");
  } catch {
    return "";
  }
}

for (const runtime of bothRuntimes) {
  test(`SIGKILL of Linux (${runtime}) gives back all that a process of Windows held, and who waits goes on`, async () => {
    await withCounter("handles", async (counter) => {
      await using holder = new Child("counter.ts", { runtime, args: [counter.name, "{}", "holder"] });
      await holder.line("ready");
      await using waiter = await startCounter(counter);
      for (const method of ["acquire", "acquire", "trySeat", "tryLock"] as const) await ask(holder, method);
      assert.deepEqual(counter.snapshot(), { ...EMPTY, references: 2, seated: true, locked: true });
      const waiting = ask(waiter, "lockWhenUnused", { timeoutMs: 20_000 });
      await killFromLinux(holder, `${counter.name}\0{}\0holder`);
      await waiting;
      assert.deepEqual(counter.snapshot(), { ...EMPTY, locked: true });
      await ask(waiter, "close");
    });
  });

  test(`SIGKILL of Linux (${runtime}) in the middle of a step leaves the latch to the next one`, async () => {
    await withCounter("handles", async (counter) => {
      const env = { PROCREF_TEST_STOP: STEPS.handles.after.replace("after", "before") };
      await using holder = await startCounter(counter, { runtime, env });
      // Who has the latch open sees it abandoned; it would be a new one for who comes later.
      counter.tryAcquire();
      await holder.call("arm");
      ask(holder, "acquire").catch(() => {});
      await holder.line("stopped");
      await killFromLinux(holder, counter.name);
      assert.deepEqual(counter.snapshot(), { ...EMPTY, references: 1 });
      assert.equal(counter.tryAcquire(), true);
    });
  });
}
