import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { DARWIN_SEMAPHORES } from "../../ffi/symbols/darwin_libc.ts";
import { objectName } from "../../src/kernel/object_name.ts";
import { sysvCapabilities, SysvRefCounter } from "../../src/kernel/sysv_ref_counter.ts";
import { refCounterContract } from "../../src/testing/mod.ts";
import { keyOf, listedSet, removeKey } from "../fixtures/sets.ts";
import { xnuLibc } from "../fixtures/xnu_libc.ts";
import { uniqueName } from "../harness/names.ts";

const xnu = xnuLibc();
const MOST = DARWIN_SEMAPHORES.undoesPerProcess!;

function open(name: string): SysvRefCounter {
  return new SysvRefCounter(objectName(name, process.geteuid!()), xnu);
}

refCounterContract({
  test: (name, body) => void test(`with XNU's numbers and limits: ${name}`, body),
  open,
  uniqueName: () => uniqueName("xnu"),
  capabilities: sysvCapabilities(DARWIN_SEMAPHORES),
});

/** Holds a reference of each of some counters, then has the work done, then closes them all. */
async function holding(count: number, work: (counters: SysvRefCounter[]) => void | Promise<void>): Promise<void> {
  const counters = Array.from({ length: count }, () => open(uniqueName("xnu")));
  try {
    for (const counter of counters) assert.equal(counter.tryAcquire(), true);
    await work(counters);
  } finally {
    // One after the other: the first has room for the gate in place of its reference, and not for the seat.
    for (const counter of counters) if (counter.count() > 0) counter.release();
    for (const counter of counters) counter.close();
  }
  assert.equal(xnu.undoes.size, 0);
}

const FULL = {
  code: "FULL",
  message: /^Cannot use "test-[^"]+-xnu" \(semaphore set \d+ .*\): this process has something in 10 .*hold fewer/,
} as const;

test("a process holds as many services as XNU undoes for, and of one more is told why not", async () => {
  using further = open(uniqueName("xnu"));
  await holding(MOST, (held) => {
    assert.equal(xnu.undoes.size, MOST);
    for (const step of ["tryAcquire", "tryLock", "tryLockIfUnused", "trySeat"] as const) {
      assert.throws(() => further[step](), FULL);
      assert.deepEqual(further.snapshot(), { references: 0, locked: false, seated: false, generation: 0 });
    }
    assert.deepEqual([further.holdsLock(), further.holdsSeat(), further.renewals], [false, false, 0]);
    assert.equal(held[0].tryAcquire(), true, "a second reference of one that is held takes no more room");
    held[0].release();
    held[0].release();
    assert.equal(further.tryAcquire(), true, "there is room again");
    further.release();
    assert.equal(held[0].tryAcquire(), true);
  });
});

test("who holds as many as XNU undoes for can still leave; without room for the seat, an empty set stays", async () => {
  await holding(MOST, ([first]) => {
    assert.equal(first.tryAcquire(), true);
    assert.equal(first.releaseUnlessLast(), true);
    assert.equal(first.releaseUnlessLast(), false);
    assert.equal(first.tryReleaseLastAndLock(), true);
    assert.equal(first.remove(), false);
    assert.deepEqual(first.snapshot(), { references: 0, locked: false, seated: false, generation: 0 });
  });
});

test("a counter that is closed while there is no room to lock it leaves an empty set, and no error", async () => {
  const name = uniqueName("xnu");
  await holding(MOST, () => {
    const further = open(name);
    assert.throws(() => further.tryAcquire(), FULL);
    further.close();
    assert.ok(listedSet(keyOf(name)));
  });
  const later = open(name);
  assert.equal(later.count(), 0);
  later.close();
  assert.equal(listedSet(keyOf(name)), undefined);
});

test("a wait inside the kernel that XNU would not undo for is an error, and not taken for a set that is gone", async () => {
  using further = open(uniqueName("xnu"));
  await holding(MOST, async () => {
    await assert.rejects(further.blockUntilUnused(), FULL);
    assert.equal(further.snapshot().locked, false);
  });
});

test("a set that a stranger removed is told from a full table by XNU's answers too, and made again", async () => {
  const name = uniqueName("xnu");
  using counter = open(name);
  const remove = (): void => {
    xnu.undoes.forget(listedSet(keyOf(name))!.id);
    removeKey(keyOf(name));
  };
  assert.equal(counter.tryAcquire(), true);
  remove();
  assert.equal(counter.tryAcquire(), true);
  assert.deepEqual([counter.count(), counter.renewals], [2, 1]);
  const waiting = counter.blockUntilReleased();
  remove();
  assert.equal(await waiting, false);
});

test("docs/macos.md says the limits that the table has", () => {
  const manual = readFileSync(new URL("../../docs/macos.md", import.meta.url), "utf8").replace(/\s+/g, " ");
  const { operationsPerCall, undoesPerProcess } = DARWIN_SEMAPHORES;
  for (const words of [`at most ${undoesPerProcess} semaphores`, `| ${operationsPerCall}; no step`, "code `FULL`"]) {
    assert.ok(manual.includes(words), words);
  }
});
