import assert from "node:assert/strict";
import { test } from "node:test";
import { isProcrefError } from "../../src/errors.ts";
import { openRefCounter } from "../../src/kernel/open.ts";
import type { CounterSnapshot, RefCounter } from "../../src/kernel/ref_counter.ts";
import type { Fault, RecordedCall } from "../fixtures/faults.ts";
import { keyOf, listedSet, removeKey } from "../fixtures/sets.ts";
import { Child } from "../harness/child.ts";
import { uniqueName } from "../harness/names.ts";

const EMPTY: CounterSnapshot = { references: 0, locked: false, seated: false, generation: 0 };

/** A test with two counters of one name and the removal of their set, as `ipcrm` does it; nothing may stay. */
function removal(
  text: string,
  body: (first: RefCounter, second: RefCounter, remove: () => void) => void | Promise<void>,
): void {
  test(`after a stranger has removed the set, ${text}`, async () => {
    const name = uniqueName();
    const key = keyOf(name);
    {
      using first = await openRefCounter(name);
      using second = await openRefCounter(name);
      await body(first, second, () => removeKey(key));
    }
    assert.equal(listedSet(key), undefined, "nothing is left behind");
  });
}

const lock = (error: unknown): boolean => isProcrefError(error, "LOCK");

removal("verify() counts the references of each holder again, once", (first, second, remove) => {
  first.tryAcquire();
  first.tryAcquire();
  second.tryAcquire();
  remove();
  assert.equal(first.verify(), true);
  assert.equal(first.verify(), false);
  assert.equal(first.count(), 2, "the other one has not looked yet");
  assert.equal(second.verify(), true);
  assert.equal(first.count(), 3);
  assert.deepEqual([first.renewals, second.renewals], [1, 1]);
  remove();
  assert.equal(second.verify(), true);
  assert.deepEqual([first.renewals, second.renewals], [1, 2]);
});

removal("verify() of a counter that holds nothing makes nothing", (first, _second, remove) => {
  first.tryAcquire();
  first.release();
  remove();
  assert.equal(first.verify(), false);
  assert.deepEqual(first.snapshot(), EMPTY);
  assert.equal(first.renewals, 0);
});

removal("count() of a holder counts it again", (first, second, remove) => {
  first.tryAcquire();
  second.tryAcquire();
  remove();
  assert.equal(first.count(), 1);
  assert.equal(second.count(), 2);
});

removal("tryAcquire() has all that was held, and one more", (first, second, remove) => {
  first.tryAcquire();
  remove();
  assert.equal(first.tryAcquire(), true);
  assert.equal(second.count(), 2);
  assert.equal(first.renewals, 1);
});

removal("acquire() of a counter that held nothing makes a new set", async (first, second, remove) => {
  first.tryAcquire();
  first.release();
  remove();
  await first.acquire({ timeoutMs: 5000 });
  assert.equal(second.count(), 1);
  assert.equal(first.renewals, 0);
});

removal("release() gives one back and keeps the others", (first, second, remove) => {
  first.tryAcquire();
  first.tryAcquire();
  remove();
  first.release();
  assert.equal(second.count(), 1);
  first.release();
  assert.equal(second.count(), 0);
  assert.throws(() => first.release(), (error) => isProcrefError(error, "RELEASE"));
});

removal("releaseUnlessLast() tells the last one so", (first, second, remove) => {
  first.tryAcquire();
  second.tryAcquire();
  remove();
  assert.equal(first.releaseUnlessLast(), false, "the other one has not been counted again yet");
  second.verify();
  assert.equal(first.releaseUnlessLast(), true);
  assert.equal(second.count(), 1);
});

removal("the last one leaves and takes the gate of the new set", (first, second, remove) => {
  first.tryAcquire();
  remove();
  assert.equal(first.tryReleaseLastAndLock(), true);
  assert.equal(first.holdsLock(), true);
  assert.deepEqual(second.snapshot(), { ...EMPTY, locked: true });
  first.unlock();
});

removal("the gate is lost: holdsLock() says so, and unlock() leaves the new one alone", (first, second, remove) => {
  first.tryLock();
  remove();
  assert.equal(first.holdsLock(), false);
  assert.equal(second.tryLock(), true);
  first.unlock();
  assert.equal(second.holdsLock(), true, "it is the other one's gate");
  assert.throws(() => first.unlock(), lock);
  second.unlock();
});

removal("unlock() of a gate that went unnoticed leaves the new one alone", (first, second, remove) => {
  first.tryLock();
  remove();
  second.tryLock();
  first.unlock();
  assert.equal(second.holdsLock(), true);
  assert.throws(() => first.unlock(), lock);
});

removal("the gate is lost even to a holder whose references are counted again", (first, second, remove) => {
  first.tryAcquire();
  first.tryLock();
  remove();
  assert.equal(first.tryAcquire(), true, "the gate of the new set is open");
  assert.equal(first.holdsLock(), false);
  assert.equal(second.tryLock(), true);
  assert.equal(first.count(), 2);
  first.unlock();
  assert.equal(second.holdsLock(), true);
});

removal("the gate can be taken again by who lost it", (first, second, remove) => {
  first.tryLock();
  remove();
  assert.equal(first.holdsLock(), false);
  assert.equal(first.tryLock(), true);
  assert.equal(second.tryLock(), false);
  first.unlock();
  assert.throws(() => first.unlock(), lock);
});

removal("remove() by who had the gate removes nothing", (first, second, remove) => {
  first.tryLock();
  remove();
  second.tryLock();
  assert.equal(first.remove(), false);
  assert.equal(second.holdsLock(), true);
  assert.throws(() => first.remove(), lock);
});

removal("the generation is not moved by who had the gate", (first, second, remove) => {
  first.tryLock();
  assert.equal(first.advanceGeneration(true), 1);
  remove();
  assert.throws(() => first.advanceGeneration(false), lock);
  first.unlock();
  second.tryAcquire();
  second.tryLock();
  remove();
  assert.throws(() => second.advanceGeneration(true), lock);
  assert.equal(first.snapshot().generation, 0);
  second.unlock();
});

removal("the generation begins anew, so that nobody enters by an old one", (first, second, remove) => {
  first.tryAcquire();
  first.tryLock();
  const generation = first.advanceGeneration(true);
  first.unlock();
  remove();
  assert.equal(second.tryAcquire(generation), false);
  assert.equal(first.tryAcquire(generation), false);
  assert.equal(second.count(), 1);
});

removal("the seat is free, and leaving it is harmless", (first, second, remove) => {
  first.trySeat();
  remove();
  assert.equal(second.trySeat(), true);
  first.leaveSeat();
  assert.equal(second.snapshot().seated, true);
  assert.throws(() => first.leaveSeat(), lock);
});

removal("who waits for the gate goes on with the new set", async (first, second, remove) => {
  first.tryLock();
  const entering = second.acquire({ timeoutMs: 10_000 });
  remove();
  await entering;
  assert.equal(second.count(), 1);
  assert.equal(first.holdsLock(), false);
});

removal("close() gives back and leaves nothing", (first, second, remove) => {
  first.tryAcquire();
  first.trySeat();
  first.tryLock();
  second.tryAcquire();
  remove();
  first.close();
  second.close();
  assert.deepEqual(second.snapshot(), EMPTY);
});

/** What a counter does, after what; `held` are the references that it has afterwards. */
interface Deed {
  readonly before: readonly string[];
  readonly method: string;
  readonly args?: readonly unknown[];
  readonly held: number;
}

const DEEDS: readonly Deed[] = [
  { before: [], method: "tryAcquire", held: 1 },
  { before: ["tryAcquire"], method: "tryAcquire", held: 2 },
  { before: ["tryAcquire"], method: "tryAcquire", args: [0], held: 2 },
  { before: ["tryAcquire", "tryAcquire"], method: "release", held: 1 },
  { before: ["tryAcquire"], method: "release", held: 0 },
  { before: ["tryAcquire", "tryAcquire"], method: "releaseUnlessLast", held: 1 },
  { before: ["tryAcquire"], method: "releaseUnlessLast", held: 1 },
  { before: ["tryAcquire"], method: "tryReleaseLastAndLock", held: 0 },
  { before: ["tryAcquire"], method: "count", held: 1 },
  { before: ["tryAcquire"], method: "verify", held: 1 },
  { before: [], method: "tryLock", held: 0 },
  { before: ["tryAcquire"], method: "tryLock", held: 1 },
  { before: [], method: "tryLockIfUnused", held: 0 },
  { before: ["tryAcquire"], method: "trySeat", held: 1 },
  { before: ["tryAcquire", "trySeat"], method: "leaveSeat", held: 1 },
  { before: ["tryLock"], method: "holdsLock", held: 0 },
  { before: ["tryAcquire", "tryLock"], method: "holdsLock", held: 1 },
  { before: ["tryLock"], method: "unlock", held: 0 },
  { before: ["tryLock"], method: "remove", held: 0 },
  { before: ["tryAcquire", "tryLock"], method: "remove", held: 1 },
  { before: ["tryLock"], method: "advanceGeneration", args: [true], held: 0 },
  { before: ["tryAcquire", "tryLock"], method: "advanceGeneration", args: [true], held: 1 },
  { before: ["tryAcquire", "trySeat", "tryLock"], method: "close", held: 0 },
];

const titleOf = ({ before, method, args = [] }: Deed): string =>
  `${method}(${args.join()})${before.length > 0 ? ` after ${before.join(", ")}` : ""}`;

/** The calls of a deed that the removal of the set can come before: those that name it. */
async function callsOf(child: Child, deed: Deed): Promise<RecordedCall[]> {
  await child.call("counter", "close");
  for (const method of deed.before) await child.call("counter", method);
  await child.call("takeCalls");
  await child.call("counter", deed.method, ...deed.args ?? []);
  return await child.call("takeCalls");
}

test("a set that is removed before any kernel call of any method loses no reference and hurts no other set", async () => {
  const name = uniqueName();
  const key = keyOf(name);
  await using child = new Child("hooked_counter.ts", { args: [name] });
  await child.line("ready");
  let removals = 0;
  for (const deed of DEEDS) {
    const calls = await callsOf(child, deed);
    for (const [index, { symbol }] of calls.entries()) {
      const title = `${titleOf(deed)}, removed before call ${index} (${symbol})`;
      await child.call("counter", "close");
      for (const method of deed.before) await child.call("counter", method);
      const fault: Fault = { symbol, nth: calls.slice(0, index + 1).filter((call) => call.symbol === symbol).length };
      await child.call("takeCalls");
      await child.call("plan", { ...fault, remove: key });
      let failure: unknown;
      await child.call("counter", deed.method, ...deed.args ?? []).catch((error) => failure = error);
      await child.call("plan", undefined);
      // Before the first set is made there is nothing to remove.
      if ((failure as Error)?.message === "there is no set to remove") continue;
      removals++;
      if (failure !== undefined) {
        assert.ok(["advanceGeneration"].includes(deed.method), `${title}: ${failure}`);
        assert.equal((failure as { code?: string }).code, "LOCK", title);
      }
      for (const { symbol, args } of await child.call<RecordedCall[]>("takeCalls")) {
        if (symbol.startsWith("sem")) assert.equal(typeof args[0], "number", `${title}: ${symbol} without a set`);
      }
      assert.equal(await child.call("counter", "count"), deed.held, title);
      assert.equal(
        await child.call("counter", "snapshot").then((values) => (values as CounterSnapshot).references),
        deed.held,
        title,
      );
    }
  }
  await child.call("counter", "close");
  assert.ok(removals > 40, `${removals} removals`);
  assert.equal(listedSet(key), undefined);
});

test("a set that vanishes as fast as it is made is an error, not an endless loop", async () => {
  const name = uniqueName();
  await using child = new Child("hooked_counter.ts", { args: [name] });
  await child.line("ready");
  await child.call("counter", "tryAcquire");
  await child.call("plan", { symbol: "semop", times: 1e9, remove: keyOf(name) });
  await assert.rejects(child.call("counter", "tryAcquire"), {
    code: "REF_COUNTER_INIT",
    message: /it is removed as fast as it is made/,
  });
  await child.call("plan", undefined);
  assert.equal(await child.call("counter", "count"), 1, "what was held before is still held");
  await child.call("counter", "close");
  assert.equal(listedSet(keyOf(name)), undefined);
});
