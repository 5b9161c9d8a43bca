/**
 * The contract of a reference counter: what every mechanism promises within one process.
 *
 * @module
 */

import assert from "node:assert/strict";
import { isProcrefError } from "../errors.ts";
import type { RefCounter, RefCounterCapabilities } from "../kernel/ref_counter.ts";

/** Registers one test, as `test` of `node:test` does. */
export type ContractTest = (name: string, body: () => void | Promise<void>) => void;

/** What the contract is checked on. */
export interface ContractOptions {
  /** Registers a test. */
  readonly test: ContractTest;
  /** Opens a counter of a name; called several times for one name, it gives objects that share a count. */
  readonly open: (name: string) => RefCounter | Promise<RefCounter>;
  /** Makes a name that nobody has used. */
  readonly uniqueName: () => string;
  /** What the mechanism says that it can do. */
  readonly capabilities: RefCounterCapabilities;
}

/** Short enough for a test, long enough to see that something waits. */
const MOMENT_MS = 30;

/**
 * Registers the tests of the contract. Each uses a name of its own and leaves nothing behind.
 *
 * @param options what to check, and how to register tests
 *
 * @example The contract of the in-memory counter
 * ```ts
 * import { openRefCounter } from "@procref/core";
 * import { refCounterContract } from "@procref/core/testing";
 * import assert from "node:assert/strict";
 *
 * const open = (name: string) => openRefCounter(name, { mechanism: "memory" });
 * const { capabilities } = await open("any");
 * const tests: string[] = [];
 * let next = 0;
 * refCounterContract({ test: (name) => tests.push(name), open, uniqueName: () => `contract-${next++}`, capabilities });
 * assert.ok(tests.length > 10);
 * ```
 */
export function refCounterContract(options: ContractOptions): void {
  const { open, uniqueName, capabilities } = options;

  /** Runs a test with several objects of one counter, and sees that they leave nothing. */
  function law(text: string, body: (first: RefCounter, second: RefCounter) => void | Promise<void>): void {
    options.test(`RefCounter (${capabilities.mechanism}) ${text}`, async () => {
      const name = uniqueName();
      const first = await open(name);
      const second = await open(name);
      try {
        await body(first, second);
      } finally {
        first.close();
        second.close();
      }
      assert.deepEqual((await open(name)).snapshot(), EMPTY);
    });
  }

  law("says its name and what it can do", (first) => {
    assert.equal(first.capabilities.mechanism, capabilities.mechanism);
    assert.deepEqual(first.capabilities, capabilities);
    assert.ok(first.name.length > 0);
  });

  law("is empty before its first use", (first) => {
    assert.deepEqual(first.snapshot(), EMPTY);
    assert.equal(first.count(), 0);
  });

  law("counts the references of all objects of a name", async (first, second) => {
    assert.equal(first.tryAcquire(), true);
    await second.acquire();
    await second.acquire({ timeoutMs: 1000 });
    assert.equal(first.count(), 3);
    second.release();
    assert.equal(second.count(), 2);
    first.release();
    second.release();
    assert.equal(first.count(), 0);
  });

  law("tells the last one to leave, who then still holds", (first, second) => {
    first.tryAcquire();
    second.tryAcquire();
    assert.equal(first.releaseUnlessLast(), true);
    assert.equal(second.releaseUnlessLast(), false);
    assert.equal(second.count(), 1);
    second.release();
  });

  law("lets the last one leave and take the gate in one step", (first, second) => {
    first.tryAcquire();
    second.tryAcquire();
    assert.equal(first.tryReleaseLastAndLock(), false, "there is another one");
    assert.equal(first.count(), 2, "nothing happened");
    second.release();
    assert.equal(second.tryLock(), true);
    assert.equal(first.tryReleaseLastAndLock(), false, "the gate is taken");
    second.unlock();
    assert.equal(first.tryReleaseLastAndLock(), true);
    assert.deepEqual(second.snapshot(), { ...EMPTY, locked: true });
    assert.equal(second.tryAcquire(), false, "nobody enters while it stops");
    assert.equal(first.holdsLock(), true);
    first.unlock();
  });

  law("refuses to give back what it does not hold", (first, second) => {
    first.tryAcquire();
    for (
      const step of [() => second.release(), () => second.releaseUnlessLast(), () => second.tryReleaseLastAndLock()]
    ) {
      assert.throws(step, (error) => isProcrefError(error, "RELEASE"));
    }
    for (
      const step of [
        () => second.unlock(),
        () => second.leaveSeat(),
        () => second.advanceGeneration(true),
        () => second.remove(),
      ]
    ) {
      assert.throws(step, (error) => isProcrefError(error, "LOCK"));
    }
    assert.equal(first.count(), 1);
    first.release();
  });

  law("lets nobody enter past a closed gate, but out", (first, second) => {
    second.tryAcquire();
    second.tryAcquire();
    assert.equal(first.tryLock(), true);
    assert.equal(second.tryAcquire(), false);
    assert.equal(first.tryAcquire(), false, "not even its owner");
    assert.equal(second.releaseUnlessLast(), true);
    second.release();
    first.unlock();
    assert.equal(second.tryAcquire(), true);
    second.release();
  });

  law("gives the gate to one only, once", (first, second) => {
    assert.equal(first.tryLock(), true);
    assert.equal(first.tryLock(), false, "not twice to the same");
    assert.equal(second.tryLock(), false);
    assert.equal(second.holdsLock(), false);
    assert.equal(first.holdsLock(), true);
    first.unlock();
    assert.equal(second.tryLock(), true);
    second.unlock();
  });

  law("gives the gate at a moment when nobody holds", (first, second) => {
    second.tryAcquire();
    assert.equal(first.tryLockIfUnused(), false);
    second.release();
    assert.equal(first.tryLockIfUnused(), true);
    first.unlock();
  });

  law("has one seat, for which the gate is not needed", (first, second) => {
    assert.equal(second.tryLock(), true);
    assert.equal(first.trySeat(), true);
    assert.equal(first.trySeat(), false);
    assert.equal(second.trySeat(), false);
    assert.equal(second.snapshot().seated, true);
    first.leaveSeat();
    assert.equal(second.trySeat(), true);
    second.leaveSeat();
    second.unlock();
  });

  law("has a generation that is odd while something is published, and moves on", (first, second) => {
    first.tryAcquire();
    first.tryLock();
    const seen = [true, false, false, true, true].map((published) => first.advanceGeneration(published));
    assert.deepEqual(seen, [1, 2, 4, 5, 7]);
    first.unlock();
    assert.equal(second.snapshot().generation, 7);
    assert.equal(second.tryAcquire(7), true);
    assert.equal(second.tryAcquire(5), false);
    assert.equal(second.tryAcquire(0), false);
    assert.equal(second.tryAcquire(9), false);
    for (const never of [65_536 + 7, -7, 7.5, NaN]) assert.equal(second.tryAcquire(never), false, String(never));
    assert.equal(second.snapshot().generation, 7, "to compare leaves it alone");
    assert.equal(second.count(), 2);
    second.release();
    first.release();
  });

  law("never comes back to an early generation at the end of its numbers", (first) => {
    first.tryAcquire();
    first.tryLock();
    let before = 0;
    for (let round = 0; round < 16_383; round++) {
      const generation = first.advanceGeneration(true);
      assert.ok(generation > before && generation % 2 === 1);
      before = generation;
    }
    assert.equal(before, 32_765);
    assert.equal(first.advanceGeneration(true), 32_767);
    assert.equal(first.advanceGeneration(true), 3);
    while (first.advanceGeneration(true) !== 32_767);
    assert.equal(first.advanceGeneration(false), 2);
    first.unlock();
    first.release();
  });

  law("is removed only when nobody uses it", (first, second) => {
    second.tryAcquire();
    first.tryLock();
    assert.equal(first.remove(), false, "somebody holds");
    assert.equal(first.holdsLock(), false, "the gate is open all the same");
    second.release();
    second.trySeat();
    first.tryLock();
    assert.equal(first.remove(), false, "somebody has the seat");
    second.leaveSeat();
    first.tryLock();
    first.advanceGeneration(true);
    assert.equal(first.remove(), true);
    assert.deepEqual(second.snapshot(), EMPTY);
  });

  law("is made anew for those who come after its removal", (first, second) => {
    second.tryAcquire();
    second.release();
    first.tryLock();
    first.remove();
    assert.equal(second.tryAcquire(), true);
    assert.equal(first.count(), 1);
    second.release();
  });

  law("gives back all that it holds when it is closed, and again nothing", (first, second) => {
    first.tryAcquire();
    first.tryAcquire();
    first.trySeat();
    first.tryLock();
    first.close();
    assert.deepEqual(second.snapshot(), EMPTY);
    first.close();
  });

  law("waits for the gate to open, without blocking", async (first, second) => {
    first.tryLock();
    const order: string[] = [];
    const entering = second.acquire().then(() => order.push("entered"));
    await moment();
    order.push("opened");
    first.unlock();
    await entering;
    assert.deepEqual(order, ["opened", "entered"]);
    second.release();
  });

  law("waits for the gate, and for a moment when nobody holds", async (first, second) => {
    first.tryAcquire();
    first.tryLock();
    const order: string[] = [];
    const unused = second.lockWhenUnused({ timeoutMs: 10_000 }).then(() => order.push("unused"));
    await moment();
    first.unlock();
    await moment();
    order.push("left");
    first.release();
    await unused;
    assert.deepEqual(order, ["left", "unused"]);
    const locking = first.lock({ timeoutMs: 10_000 });
    second.unlock();
    await locking;
    first.unlock();
  });

  law("gives up waiting at its time limit, with nothing taken", async (first, second) => {
    first.tryLock();
    for (const wait of [() => second.acquire({ timeoutMs: MOMENT_MS }), () => second.lock({ timeoutMs: 0 })]) {
      await assert.rejects(wait, (error) => isProcrefError(error, "TIMEOUT"));
    }
    first.unlock();
    assert.equal(first.count(), 0);
    assert.equal(first.snapshot().locked, false);
  });

  law("refuses a time limit that is none", async (first) => {
    for (const timeoutMs of [NaN, -1, "5" as unknown as number]) {
      await assert.rejects(first.acquire({ timeoutMs }), (error) => isProcrefError(error, "INVALID_ARGUMENT"));
      await assert.rejects(first.lock({ timeoutMs }), (error) => isProcrefError(error, "INVALID_ARGUMENT"));
    }
    assert.equal(first.count(), 0);
    await first.acquire({ timeoutMs: Infinity });
    first.release();
  });

  law("gives up waiting when its signal aborts, with the reason", async (first, second) => {
    first.tryLock();
    const controller = new AbortController();
    const entering = second.acquire({ signal: controller.signal });
    const locking = second.lock({ signal: controller.signal });
    const reason = new Error("enough");
    controller.abort(reason);
    await assert.rejects(entering, (error) => error === reason);
    await assert.rejects(locking, (error) => error === reason);
    await assert.rejects(second.acquire({ signal: controller.signal }), (error) => error === reason);
    first.unlock();
    assert.equal(first.count(), 0);
  });

  law("counts no further than it can", (first) => {
    for (let held = 0; held < capabilities.maxHolders; held++) first.tryAcquire();
    assert.throws(() => first.tryAcquire(), (error) => isProcrefError(error, "FULL"));
    assert.equal(first.count(), capabilities.maxHolders);
  });
}

const EMPTY = { references: 0, locked: false, seated: false, generation: 0 } as const;

function moment(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, MOMENT_MS));
}
