import assert from "node:assert/strict";
import process from "node:process";
import { ask, eachMechanism, EMPTY, PAIRS, startCounter, withCounter } from "../fixtures/counters.ts";
import { suspend } from "../fixtures/suspend.ts";

eachMechanism("SIGKILL of a holder takes its references back, and who waits for nobody goes on", async (mechanism) => {
  for (const [theirs, ours] of PAIRS) {
    await withCounter(mechanism, async (counter) => {
      await using holder = await startCounter(counter, { runtime: theirs });
      await using waiter = await startCounter(counter, { runtime: ours });
      await ask(holder, "acquire");
      await ask(holder, "acquire");
      assert.equal(counter.count(), 2);
      assert.equal(await ask(waiter, "tryLockIfUnused"), false);
      const waiting = ask(waiter, "lockWhenUnused", { timeoutMs: 20_000 });
      await holder.kill();
      await waiting;
      assert.deepEqual(counter.snapshot(), { ...EMPTY, locked: true });
      await ask(waiter, "close");
    });
  }
});

eachMechanism("the references of a killed process are gone before its parent hears of its death", async (mechanism) => {
  for (const [theirs] of PAIRS) {
    await withCounter(mechanism, async (counter) => {
      await using holder = await startCounter(counter, { runtime: theirs });
      await ask(holder, "acquire");
      await ask(holder, "trySeat");
      await ask(holder, "tryLock");
      assert.deepEqual(counter.snapshot(), { ...EMPTY, references: 1, seated: true, locked: true });
      await holder.kill();
      assert.deepEqual(counter.snapshot(), EMPTY);
    });
  }
});

/** Windows has no signals: each of those that the runtimes know there is TerminateProcess, and SIGHUP is not known. */
const ENDS = process.platform === "win32"
  ? ["SIGTERM", "SIGINT", "exit"] as const
  : ["SIGTERM", "SIGHUP", "SIGINT", "exit"] as const;

for (const end of ENDS) {
  eachMechanism(`the end of a holder by ${end} is the same as its release`, async (mechanism) => {
    for (const [theirs] of PAIRS) {
      await withCounter(mechanism, async (counter) => {
        await using holder = await startCounter(counter, { runtime: theirs });
        await ask(holder, "acquire");
        await ask(holder, "trySeat");
        counter.tryAcquire();
        if (end === "exit") await holder.end();
        else await holder.kill(end);
        assert.deepEqual(counter.snapshot(), { ...EMPTY, references: 1 });
        counter.release();
      });
    }
  });
}

eachMechanism(
  "SIGKILL of the gate's owner opens the gate: the next one gets it, and who waits enters",
  async (mechanism) => {
    for (const [theirs, ours] of PAIRS) {
      await withCounter(mechanism, async (counter) => {
        await using owner = await startCounter(counter, { runtime: theirs });
        await using other = await startCounter(counter, { runtime: ours });
        assert.equal(await ask(owner, "tryLock"), true);
        assert.equal(await ask(other, "tryLock"), false);
        await owner.kill();
        assert.equal(await ask(other, "tryLock"), true);

        await using third = await startCounter(counter, { runtime: theirs });
        const entering = ask(third, "acquire", { timeoutMs: 20_000 });
        await other.kill();
        await entering;
        assert.deepEqual(counter.snapshot(), { ...EMPTY, references: 1 });
      });
    }
  },
);

eachMechanism("SIGKILL of who has the seat frees it", async (mechanism) => {
  for (const [theirs, ours] of PAIRS) {
    await withCounter(mechanism, async (counter) => {
      await using first = await startCounter(counter, { runtime: theirs });
      await using second = await startCounter(counter, { runtime: ours });
      assert.equal(await ask(first, "trySeat"), true);
      assert.equal(await ask(second, "trySeat"), false);
      await first.kill();
      assert.equal(await ask(second, "trySeat"), true);
      assert.equal(counter.snapshot().seated, true);
    });
  }
});

eachMechanism("SIGKILL of one of several holders takes back its references and no others", async (mechanism) => {
  await withCounter(mechanism, async (counter) => {
    const [[first, second]] = PAIRS;
    await using one = await startCounter(counter, { runtime: first });
    await using two = await startCounter(counter, { runtime: second });
    for (const times of [1, 2, 3]) await ask(times === 1 ? one : two, "acquire");
    counter.tryAcquire();
    assert.equal(counter.count(), 4);
    await two.kill();
    assert.equal(counter.count(), 2);
    assert.equal(await ask(one, "releaseUnlessLast"), true);
    assert.equal(counter.releaseUnlessLast(), false);
    counter.release();
  });
});

eachMechanism("a stopped holder (SIGSTOP) holds what it holds until it is killed", async (mechanism) => {
  await withCounter(mechanism, async (counter) => {
    await using holder = await startCounter(counter);
    await ask(holder, "acquire");
    suspend(holder.pid);
    assert.equal(counter.tryLockIfUnused(), false);
    assert.equal(counter.count(), 1);
    await holder.kill();
    assert.equal(counter.count(), 0);
  });
});

eachMechanism("what was published stays published when its publisher is killed", async (mechanism) => {
  await withCounter(mechanism, async (counter) => {
    await using publisher = await startCounter(counter);
    counter.tryAcquire();
    await ask(publisher, "tryLock");
    assert.equal(await ask(publisher, "advanceGeneration", true), 1);
    await publisher.kill();
    assert.deepEqual(counter.snapshot(), { ...EMPTY, references: 1, generation: 1 });
    assert.equal(counter.tryAcquire(1), true);
  });
});

eachMechanism(
  "a wait in one process for what another one holds ends at its time limit, and names the owner",
  async (mechanism) => {
    await withCounter(mechanism, async (counter) => {
      await using owner = await startCounter(counter);
      await ask(owner, "tryLock");
      await assert.rejects(counter.acquire({ timeoutMs: 20 }), {
        code: "TIMEOUT",
        message:
          `Cannot acquire "${counter.name}", because the gate is closed (process ${owner.pid} used the gate last): ` +
          "waited 20 ms",
      });
      assert.equal(counter.count(), 0);
    });
  },
);
