import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { WINDOWS } from "../../ffi/symbols/kernel32.ts";
import { wideText, type Windows, windows } from "../../ffi/windows.ts";
import { isProcrefError } from "../../src/errors.ts";
import { currentUser, openRefCounter } from "../../src/kernel/open.ts";
import type { RefCounter } from "../../src/kernel/ref_counter.ts";
import { isAlive } from "../../src/process/mod.ts";
import { ask, EMPTY, startCounter, withCounter } from "../fixtures/counters.ts";
import { isKept, nameOfObject } from "../fixtures/kept.ts";
import { Child } from "../harness/child.ts";
import { uniqueName } from "../harness/names.ts";
import { bothRuntimes } from "../harness/runtime.ts";

/** Registers a test of what only Windows has. */
function onWindows(what: string, body: () => void | Promise<void>): void {
  if (process.platform === "win32") test(what, body);
}

/** Two counters of one name; afterwards nothing is kept. */
async function withPair(work: (one: RefCounter, other: RefCounter) => void | Promise<void>): Promise<void> {
  await withCounter("handles", async (one) => {
    using other = await openRefCounter(one.name);
    await work(one, other);
  });
}

if (process.platform !== "win32") {
  test("the mechanism handles is an error where there is no Windows", async () => {
    const opening = openRefCounter(uniqueName(), { mechanism: "handles" });
    await assert.rejects(opening, (error) => isProcrefError(error, "PLATFORM"));
  });
}

onWindows("a user is known by SID and session", () => {
  assert.match(String(currentUser()), /^S-1-(\d+-)+\d+ session \d+$/);
});

onWindows("scope system is an error that says so", async () => {
  const opening = openRefCounter(uniqueName(), { scope: "system" });
  await assert.rejects(opening, (error) => isProcrefError(error, "PLATFORM") && error.message.includes("other users"));
});

/** Objects of a wrong kind, by the part of the name that they have. */
const STRANGERS: Readonly<Record<string, (windows: Windows, name: Uint8Array) => number>> = {
  "state": ({ CreateMutexW }, name) => CreateMutexW(null, 0, name),
  "latch": ({ CreateEventW }, name) => CreateEventW(null, 1, 0, name),
  "0.gate": ({ CreateMutexW }, name) => CreateMutexW(null, 0, name),
  "0.references": ({ CreateMutexW }, name) => CreateMutexW(null, 0, name),
};

for (const [part, make] of Object.entries(STRANGERS)) {
  onWindows(`another kind of object with the name of ours (${part}) is a collision, and nothing is taken`, async () => {
    using counter = await openRefCounter(uniqueName());
    const handle = make(windows(), wideText(`${nameOfObject(counter.name)}.${part}`));
    assert.ok(handle > 0);
    for (let time = 0; time < 2; time++) {
      assert.throws(() => counter.tryAcquire(), (error) => isProcrefError(error, "KEY_COLLISION"));
    }
    windows().CloseHandle(BigInt(handle));
    assert.equal(counter.tryAcquire(), true);
    assert.equal(counter.count(), 1);
  });
}

onWindows("who has the seat is evicted by a removal that says so, and told when he asks or waits", async () => {
  await withPair(async (one, other) => {
    assert.equal(one.trySeat(), true);
    assert.equal(one.tryAcquire(), true);
    const waiting = one.blockUntilUnused();
    other.tryLock();
    one.release();
    assert.equal(other.remove(), false);
    other.tryLock();
    assert.equal(other.advanceGeneration(true), 1);
    assert.equal(other.remove(true), true);
    assert.equal(await waiting, false);
    assert.deepEqual(one.snapshot(), EMPTY);
    assert.equal(other.trySeat(), true);
    assert.equal(one.holdsSeat(), false);
    assert.equal(one.trySeat(), false);
    assert.throws(() => one.advanceGeneration(true), (error) => isProcrefError(error, "LOCK"));
    other.leaveSeat();
    assert.equal(one.trySeat(), true);
  });
});

onWindows("a reference that was held for a moment only does not escape who waits for one", async () => {
  await withPair(async (one, other) => {
    const waiting = one.blockUntilHeld();
    other.tryAcquire();
    other.release();
    assert.equal(await waiting, true);
    assert.equal(one.count(), 0);
  });
});

onWindows("a wait ends when its own counter is closed or removed", async () => {
  await withPair(async (one) => {
    const held = one.blockUntilHeld();
    one.tryLock();
    one.remove();
    assert.equal(await held, false);
    const again = one.blockUntilHeld();
    one.close();
    assert.equal(await again, false);
  });
});

onWindows("to look makes nothing and keeps nothing open", async () => {
  using looking = await openRefCounter(uniqueName());
  assert.deepEqual(looking.snapshot(), EMPTY);
  assert.equal(isKept(looking.name), false);
  using holding = await openRefCounter(looking.name);
  holding.tryAcquire();
  assert.equal(looking.count(), 1);
  assert.equal(looking.count(), 1, "who looks does not count");
  holding.close();
  assert.equal(isKept(looking.name), false);
});

onWindows("who is stopped in the middle of a step holds others up for a limited time, until it is killed", async () => {
  for (const runtime of bothRuntimes) {
    await withCounter("handles", async (counter) => {
      const env = { PROCREF_TEST_STOP: "ReleaseMutex:1:before" };
      // Who has the latch open sees it abandoned; it would be a new one for who comes later.
      counter.tryAcquire();
      const child = await startCounter(counter, { runtime, env });
      await child.call("arm");
      const acquiring = ask(child, "acquire").catch(() => "killed");
      await child.line("stopped");
      assert.throws(
        () => counter.count(),
        (error) => isProcrefError(error, "COUNT") && /in the middle/.test(error.message),
      );
      const killed = child.kill();
      // The latch is free before the rest of what the dead process had is: it is waited for all of it.
      assert.deepEqual(counter.snapshot(), { ...EMPTY, references: 1 });
      assert.ok(!isAlive(child.pid));
      await killed;
      assert.equal(await acquiring, "killed");
      assert.equal(counter.tryAcquire(), true);
    });
  }
});

/** Calls that can be refused, the code of the error, and what is done. */
const REFUSALS = [
  ["CreateFileMappingW", 5, "FOREIGN_OBJECT", "tryAcquire"],
  ["CreateFileMappingW", 1450, "REF_COUNTER_INIT", "tryAcquire"],
  ["CreateMutexW", 5, "FOREIGN_OBJECT", "tryAcquire"],
  ["OpenEventW", 5, "FOREIGN_OBJECT", "tryAcquire"],
  ["CreateEventW", 8, "REF_COUNTER_INIT", "tryAcquire"],
  ["NtQueryObject", 1, "COUNT", "tryAcquire"],
  ["WaitForSingleObject", 6, "ACQUIRE", "tryAcquire"],
  ["WaitForSingleObject", 6, "LOCK", "tryLock"],
  ["CreateEventW", 5, "FOREIGN_OBJECT", "trySeat"],
] as const;

onWindows("a call that Windows refuses is an error with its code, and leaves nothing behind", async () => {
  await using child = new Child("hooked_counter.ts", { args: [uniqueName("refused")] });
  await child.line("ready");
  for (const [symbol, errno, code, method] of REFUSALS) {
    await child.call("plan", { symbol, errno, times: 9 });
    await assert.rejects(ask(child, method), { code }, `${symbol} ${errno}`);
    await child.call("plan", undefined);
    assert.deepEqual(await ask(child, "snapshot"), EMPTY, `${symbol} ${errno}`);
    await ask(child, "acquire");
    assert.equal(await ask(child, "count"), 1, `${symbol} ${errno}`);
    await ask(child, "close");
  }
});

onWindows("what is published is known as long as anybody uses the counter, and to nobody after", async () => {
  const name = uniqueName();
  const one = await openRefCounter(name);
  const other = await openRefCounter(name);
  one.tryAcquire();
  one.tryLock();
  one.advanceGeneration(true);
  one.unlock();
  other.tryAcquire();
  one.close();
  assert.equal(other.snapshot().generation, 1);
  other.close();
  assert.equal(isKept(name), false);
  assert.equal((await openRefCounter(name)).snapshot().generation, 0);
});

onWindows("handles of ours are not inherited: they do not say that they may be", async () => {
  await withCounter("handles", async (counter) => {
    counter.tryAcquire();
    const { OpenEventW, CloseHandle, handleCount } = windows();
    const handle = OpenEventW(WINDOWS.SYNCHRONIZE, 0, wideText(`${nameOfObject(counter.name)}.0.references`));
    assert.equal(handleCount(BigInt(handle)), 2);
    await using child = new Child("counter.ts", { args: [uniqueName("other")] });
    await child.line("ready");
    assert.equal(handleCount(BigInt(handle)), 2);
    CloseHandle(BigInt(handle));
  });
});
