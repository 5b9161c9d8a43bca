/**
 * Processes of x86-64 and of arm64 at one counter. Runs in a runtime of x86-64, started by tools/test_arm64.ts: the
 * commands of arm64 must have been written before.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import type { RefCounter } from "../../src/kernel/ref_counter.ts";
import { ask, EMPTY, startCounter, withCounter } from "../../tests/fixtures/counters.ts";
import type { Child } from "../../tests/harness/child.ts";
import { bothRuntimes, type RuntimeName } from "../../tests/harness/runtime.ts";
import { PATHS } from "./paths.ts";

const COMMANDS: { readonly [R in RuntimeName]: readonly string[] } = {
  deno: [join(PATHS.commands, "deno"), "run", "-A", "--no-check", "--quiet"],
  bun: [join(PATHS.commands, "bun"), "run"],
};

/** A process of arm64 with a counter. */
async function startArm64(counter: RefCounter, runtime: RuntimeName): Promise<Child> {
  return await startCounter(counter, { command: COMMANDS[runtime] });
}

test("this process is of x86-64, and the commands are of arm64", () => {
  assert.equal(process.arch, "x64");
  const print = "console.log(process.arch)";
  for (const args of [["deno", "eval", print], ["bun", "-e", print]]) {
    const { stdout } = spawnSync(join(PATHS.commands, args[0]), args.slice(1), { encoding: "utf8" });
    assert.equal(stdout, "arm64\n", args[0]);
  }
});

for (const runtime of bothRuntimes) {
  test(`x64 and arm64 (${runtime}) see each other's references`, async () => {
    await withCounter("sysv", async (counter) => {
      await using other = await startArm64(counter, runtime);
      await using third = await startCounter(counter);
      await ask(other, "acquire");
      assert.equal(counter.count(), 1);
      assert.equal(await ask(third, "count"), 1);
      assert.equal(counter.tryAcquire(), true);
      await ask(third, "acquire");
      assert.equal(await ask(other, "count"), 3);
      assert.deepEqual(await ask(other, "snapshot"), { ...EMPTY, references: 3 });
      assert.equal(await ask(other, "releaseUnlessLast"), true);
      assert.equal(await ask(third, "releaseUnlessLast"), true);
      assert.equal(counter.releaseUnlessLast(), false);
      await ask(other, "acquire");
      assert.equal(counter.releaseUnlessLast(), true);
      assert.equal(await ask(other, "releaseUnlessLast"), false);
      await ask(other, "release");
      assert.equal(counter.count(), 0);
    });
  });

  test(`SIGKILL of the arm64 one (${runtime}) takes back its references and no others`, async () => {
    await withCounter("sysv", async (counter) => {
      await using killed = await startArm64(counter, runtime);
      counter.tryAcquire();
      await ask(killed, "acquire");
      await ask(killed, "acquire");
      await ask(killed, "trySeat");
      await ask(killed, "tryLock");
      assert.deepEqual(counter.snapshot(), { ...EMPTY, references: 3, seated: true, locked: true });
      assert.deepEqual(await killed.kill(), { code: null, signal: "SIGKILL" });
      assert.deepEqual(counter.snapshot(), { ...EMPTY, references: 1 });
      counter.release();
    });
  });

  test(`SIGKILL of the x64 one takes back its references for the arm64 one (${runtime})`, async () => {
    await withCounter("sysv", async (counter) => {
      await using witness = await startArm64(counter, runtime);
      await using killed = await startCounter(counter);
      await ask(killed, "acquire");
      await ask(witness, "acquire");
      assert.equal(await ask(witness, "count"), 2);
      await killed.kill();
      assert.equal(await ask(witness, "count"), 1);
      await ask(witness, "release");
    });
  });

  test(`the gate keeps x64 and arm64 (${runtime}) out of each other's way, and opens by SIGKILL`, async () => {
    await withCounter("sysv", async (counter) => {
      await using owner = await startArm64(counter, runtime);
      await using next = await startArm64(counter, runtime);
      assert.equal(await ask(owner, "tryLock"), true);
      assert.equal(counter.tryLock(), false);
      const entering = counter.acquire({ timeoutMs: 20_000 });
      await owner.kill();
      await entering;
      assert.equal(await ask(next, "tryLockIfUnused"), false);
      const waiting = ask(next, "lockWhenUnused", { timeoutMs: 20_000 });
      counter.release();
      await waiting;
      assert.equal(counter.tryAcquire(), false);
      assert.deepEqual(counter.snapshot(), { ...EMPTY, locked: true });
      await ask(next, "close");
    });
  });
}
