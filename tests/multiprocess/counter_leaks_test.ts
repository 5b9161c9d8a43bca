import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { setInterval } from "node:timers";
import { test } from "node:test";
import { argumentsFor, eachMechanism, EMPTY, MECHANISMS, withCounter } from "../fixtures/counters.ts";
import { isKept } from "../fixtures/kept.ts";
import { NOBODY, withoutRoot } from "../fixtures/user.ts";
import { Child } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import { uniqueName, withDirectory } from "../harness/names.ts";
import { bothRuntimes } from "../harness/runtime.ts";

test("10,000 times open, acquire, release and close leak no descriptor and no set, without privileges", async () => {
  const name = uniqueName();
  const env: Record<string, string> = withoutRoot ? {} : { PROCREF_TEST_UID: String(NOBODY) };
  await using child = new Child("cycles.ts", { args: [name, "10000"], env });
  const { before, after, user } = JSON.parse(await child.line("{").then((rest) => `{${rest}`));
  assert.ok(before.descriptors > 2);
  assert.deepEqual(after, before);
  assert.notEqual(user, 0);
  assert.equal(isKept(name, {}, user), false);
  await child.exited;
});

/** Where there are lock files. */
async function leakNoFile(): Promise<void> {
  await withDirectory(async (directory) => {
    const name = uniqueName();
    const options = JSON.stringify({ mechanism: "slots", directory });
    await using child = new Child("cycles.ts", { args: [name, "10000", options] });
    const { before, after } = JSON.parse(await child.line("{").then((rest) => `{${rest}`));
    assert.deepEqual(after, before);
    assert.deepEqual(readdirSync(directory), []);
    await child.exited;
  });
}

if (MECHANISMS.includes("slots")) {
  test("10,000 times open, acquire, release and close of lock files leak no descriptor and no file", leakNoFile);
}

eachMechanism(
  "a reference, a gate and a seat do not keep a program running that has nothing else to do",
  async (mechanism) => {
    for (const runtime of bothRuntimes) {
      await withCounter(mechanism, async (counter) => {
        await using child = new Child("hold_counter_and_end.ts", { runtime, args: argumentsFor(counter) });
        await eventually(() => child.process.exitCode !== null, "the program has ended by itself");
        assert.deepEqual(await child.exited, { code: 0, signal: null });
        assert.equal(await child.line("held to the end: "), "1");
        assert.deepEqual(counter.snapshot(), EMPTY);
      });
    }
  },
);

/** How long a timer of 5 ms takes to tick forty times. */
async function fortyTicks(): Promise<number> {
  const started = performance.now();
  await new Promise<void>((resolve) => {
    let ticks = 0;
    const timer = setInterval(() => {
      if (++ticks < 40) return;
      clearInterval(timer);
      resolve();
    }, 5);
  });
  return performance.now() - started;
}

eachMechanism("timers go on while an acquire waits, as they do while nothing waits", async (mechanism) => {
  await withCounter(mechanism, async (counter) => {
    await using owner = new Child("counter.ts", { args: argumentsFor(counter) });
    await owner.line("ready");
    await owner.call("counter", "tryLock");
    const usual = await fortyTicks();
    const entering = counter.acquire({ timeoutMs: 20_000 });
    const waiting = await fortyTicks();
    // A wait that blocks would stop them altogether; one that sleeps between its attempts would double their time.
    assert.ok(waiting < 1.5 * usual + 100, `${waiting} ms instead of ${usual} ms`);
    await owner.kill();
    await entering;
    assert.equal(counter.count(), 1);
  });
});
