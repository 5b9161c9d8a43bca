import assert from "node:assert/strict";
import type { RefCounter } from "../../src/kernel/ref_counter.ts";
import { argumentsFor, eachMechanism, EMPTY, type SharedMechanism, withCounter } from "../fixtures/counters.ts";
import { Child } from "../harness/child.ts";
import { bothRuntimes } from "../harness/runtime.ts";

/** A process of each runtime with a counter in a worker thread. */
async function withWorker(
  mechanism: SharedMechanism,
  work: (counter: RefCounter, child: Child) => Promise<void>,
): Promise<void> {
  for (const runtime of bothRuntimes) {
    await withCounter(mechanism, async (counter) => {
      await using child = new Child("counter_in_worker.ts", { runtime, args: argumentsFor(counter) });
      await child.line("ready");
      await work(counter, child);
    });
  }
}

eachMechanism("a worker thread acquires and releases like a process of its own", async (mechanism) => {
  await withWorker(mechanism, async (counter, child) => {
    await child.call("worker", "acquire");
    await child.call("main", "acquire");
    assert.equal(counter.count(), 2);
    assert.equal(await child.call("worker", "count"), 2);
    assert.equal(await child.call("worker", "releaseUnlessLast"), true);
    assert.equal(await child.call("main", "releaseUnlessLast"), false);
    assert.equal(await child.call("worker", "tryLock"), true);
    assert.equal(await child.call("main", "tryAcquire"), false, "the gate is closed for the other threads too");
    await assert.rejects(child.call("main", "unlock"), /it does not have the gate/);
    await child.call("worker", "unlock");
    await child.call("main", "release");
    assert.deepEqual(counter.snapshot(), EMPTY);
  });
});

eachMechanism(
  "errors of the kernel are told apart in a worker thread, which has an error number of its own",
  async (mechanism) => {
    await withWorker(mechanism, async (counter, child) => {
      counter.tryLock();
      for (let time = 0; time < 50; time++) assert.equal(await child.call("worker", "tryAcquire"), false);
      await assert.rejects(child.call("worker", "acquire", { timeoutMs: 5 }), /the gate is closed/);
      counter.unlock();
      assert.equal(await child.call("worker", "tryAcquire"), true);
    });
  },
);

eachMechanism("what a terminated worker thread held stays with its process, and goes with it", async (mechanism) => {
  await withWorker(mechanism, async (counter, child) => {
    await child.call("worker", "acquire");
    await child.call("worker", "acquire");
    await child.call("worker", "trySeat");
    await child.call("terminate");
    assert.deepEqual(counter.snapshot(), { ...EMPTY, references: 2, seated: true });
    await child.call("main", "acquire");
    await child.call("main", "release");
    assert.equal(counter.count(), 2);
    await child.kill();
    assert.deepEqual(counter.snapshot(), EMPTY);
  });
});

eachMechanism("what a worker thread held goes also when its process ends by itself", async (mechanism) => {
  await withWorker(mechanism, async (counter, child) => {
    await child.call("worker", "acquire");
    await child.call("main", "acquire");
    assert.equal(counter.count(), 2);
    assert.deepEqual(await child.end(), { code: 0, signal: null });
    assert.deepEqual(counter.snapshot(), EMPTY);
  });
});
