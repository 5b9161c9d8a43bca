import assert from "node:assert/strict";
import { openRefCounter } from "../../src/kernel/open.ts";
import type { RefCounter } from "../../src/kernel/ref_counter.ts";
import {
  argumentsFor,
  ask,
  eachMechanism,
  EMPTY,
  PAIRS,
  type SharedMechanism,
  startCounter,
  STEPS,
  withCounter,
} from "../fixtures/counters.ts";
import { Child } from "../harness/child.ts";
import { bothRuntimes } from "../harness/runtime.ts";

/** Processes that leave at one moment, half of them in each runtime. */
async function withLeavers(
  mechanism: SharedMechanism,
  many: number,
  work: (counter: RefCounter, leavers: Child[]) => Promise<void>,
): Promise<void> {
  await withCounter(mechanism, async (counter) => {
    const leavers = Array.from(
      { length: many },
      (_, index) => new Child("leaver.ts", { runtime: bothRuntimes[index % 2], args: argumentsFor(counter) }),
    );
    try {
      await Promise.all(leavers.map((leaver) => leaver.line("ready")));
      await work(counter, leavers);
    } finally {
      await Promise.all(leavers.map((leaver) => leaver.kill()));
    }
  });
}

/** All enter, and leave at one moment; gives who was told to be the last. */
async function round(counter: RefCounter, leavers: readonly Child[]): Promise<Child[]> {
  assert.ok((await Promise.all(leavers.map((leaver) => leaver.call("enter")))).every((entered) => entered === true));
  assert.equal(counter.count(), leavers.length);
  using start = await openRefCounter(`${counter.name}-start`);
  assert.equal(start.tryLock(), true);
  const leaving = leavers.map((leaver) => leaver.call<boolean>("leave"));
  await Promise.all(leavers.map((leaver) => leaver.line("waiting")));
  start.unlock();
  const last = await Promise.all(leaving);
  return leavers.filter((_, index) => last[index]);
}

eachMechanism(
  "of processes that leave at once exactly one is the last, and has the gate, round after round",
  async (mechanism) => {
    await withLeavers(mechanism, 6, async (counter, leavers) => {
      const winners = new Set<Child>();
      for (let time = 0; time < 60; time++) {
        const last = await round(counter, leavers);
        assert.equal(last.length, 1);
        assert.deepEqual(counter.snapshot(), { ...EMPTY, locked: true });
        assert.equal(counter.tryAcquire(), false);
        await last[0].call("unlock");
        assert.deepEqual(counter.snapshot(), EMPTY);
        winners.add(last[0]);
      }
      assert.ok(winners.size > 1, "it was a race");
    });
  },
);

eachMechanism("of fifty processes that leave at once exactly one is the last", async (mechanism) => {
  await withLeavers(mechanism, 50, async (counter, leavers) => {
    for (let time = 0; time < 3; time++) {
      const last = await round(counter, leavers);
      assert.equal(last.length, 1);
      assert.deepEqual(counter.snapshot(), { ...EMPTY, locked: true });
      await last[0].call("unlock");
    }
  });
});

eachMechanism("of two leavers one is SIGKILLed after it has left: the other one is the last", async (mechanism) => {
  for (const [theirs, ours] of PAIRS) {
    await withCounter(mechanism, async (counter) => {
      const env = { PROCREF_TEST_STOP: STEPS[mechanism].after };
      await using killed = await startCounter(counter, { runtime: theirs, env });
      await using other = await startCounter(counter, { runtime: ours });
      for (const child of [killed, other]) await ask(child, "acquire");
      await killed.call("arm");
      ask(killed, "releaseUnlessLast").catch(() => {});
      await killed.line("stopped");
      assert.equal(await ask(other, "releaseUnlessLast"), false);
      await killed.kill();
      assert.equal(counter.count(), 1, "nothing is taken back twice");
      assert.equal(await ask(other, "tryReleaseLastAndLock"), true);
    });
  }
});

eachMechanism(
  "of two leavers one is SIGKILLed before it has left: whoever waits for nobody is told",
  async (mechanism) => {
    for (const [theirs, ours] of PAIRS) {
      await withCounter(mechanism, async (counter) => {
        const env = { PROCREF_TEST_STOP: STEPS[mechanism].before };
        await using killed = await startCounter(counter, { runtime: theirs, env });
        await using other = await startCounter(counter, { runtime: ours });
        for (const child of [killed, other]) await ask(child, "acquire");
        await killed.call("arm");
        ask(killed, "releaseUnlessLast").catch(() => {});
        await killed.line("stopped");
        const waiting = counter.lockWhenUnused({ timeoutMs: 20_000 });
        assert.equal(await ask(other, "releaseUnlessLast"), true, "the other one is still there");
        assert.equal(counter.holdsLock(), false);
        await killed.kill();
        await waiting;
        assert.equal(counter.holdsLock(), true);
      });
    }
  },
);

eachMechanism("a last leaver that is SIGKILLed with the gate in hand lets the next one in", async (mechanism) => {
  for (const [theirs, ours] of PAIRS) {
    await withCounter(mechanism, async (counter) => {
      const env = { PROCREF_TEST_STOP: STEPS[mechanism].after };
      await using killed = await startCounter(counter, { runtime: theirs, env });
      await using next = await startCounter(counter, { runtime: ours });
      await ask(killed, "acquire");
      await killed.call("arm");
      ask(killed, "tryReleaseLastAndLock").catch(() => {});
      await killed.line("stopped");
      assert.deepEqual(counter.snapshot(), { ...EMPTY, locked: true });
      const entering = ask(next, "acquire", { timeoutMs: 20_000 });
      await killed.kill();
      await entering;
      assert.deepEqual(counter.snapshot(), { ...EMPTY, references: 1 });
    });
  }
});

eachMechanism(
  "of two that leave at once one is SIGKILLed at any moment: no reference and no gate is left of it",
  async (mechanism) => {
    await withLeavers(mechanism, 1, async (counter, [leaver]) => {
      for (let time = 0; time < 12; time++) {
        const [killed] = [new Child("leaver.ts", { runtime: bothRuntimes[time % 2], args: argumentsFor(counter) })];
        await killed.line("ready");
        using start = await openRefCounter(`${counter.name}-start`);
        start.tryLock();
        for (const child of [killed, leaver]) await child.call("enter");
        const leaving = leaver.call<boolean>("leave");
        killed.call("leave").catch(() => {});
        await Promise.all([killed, leaver].map((child) => child.line("waiting")));
        start.unlock();
        await killed.kill();
        const last = await leaving;
        // Either the killed one went first and the other was told, or its death was the last departure.
        assert.deepEqual(counter.snapshot(), { ...EMPTY, locked: last });
        if (last) await leaver.call("unlock");
      }
    });
  },
);
