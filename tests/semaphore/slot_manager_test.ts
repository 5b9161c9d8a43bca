import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import { isProcrefError } from "../../src/errors.ts";
import { SlotManager } from "../../src/semaphore/mod.ts";
import { resume, suspend } from "../fixtures/suspend.ts";
import { Child } from "../harness/child.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";

async function withSlots(work: (directory: string) => Promise<void> | void): Promise<void> {
  await withDirectory((directory) => work(join(directory, "slots")));
}

function child(directory: string, maxSlots: number, runtime?: "deno" | "bun"): Child {
  return new Child("slots.ts", { runtime, args: [directory, `${maxSlots}`] });
}

test("the first free slot is taken, up to all of them, and the error says how many there are", async () => {
  await withSlots((directory) => {
    const managers = Array.from({ length: 4 }, () => new SlotManager(directory, 3));
    assert.deepEqual(managers[0].holders(), []);
    assert.ok(!existsSync(directory), "nothing was made");
    assert.deepEqual(managers.slice(0, 3).map((each) => each.acquireSlot()), [0, 1, 2]);
    assert.throws(
      () => managers[3].acquireSlot(),
      (error) => isProcrefError(error, "NO_CAPACITY") && error.message.includes("all 3 slots are in use"),
    );
    assert.deepEqual(managers[3].holders().map(({ slot }) => slot), [0, 1, 2]);
    managers[1].releaseSlot();
    assert.equal(managers[3].acquireSlot(), 1);
    assert.deepEqual(readdirSync(directory).sort(), ["slot_00.lock", "slot_01.lock", "slot_02.lock", "slots.lock"]);
    for (const each of managers) each.close();
  });
});

test("who holds a slot is told so; to release none does nothing; a closed one is not used", async () => {
  await withSlots((directory) => {
    const slots = new SlotManager(directory, 2);
    slots.releaseSlot();
    assert.equal(slots.heldSlot, undefined);
    slots.acquireSlot();
    assert.equal(slots.heldSlot, 0);
    assert.throws(() => slots.acquireSlot(), { code: "ALREADY_HELD" });
    slots.close();
    slots.close();
    assert.throws(() => slots.acquireSlot(), { code: "CLOSED" });
    assert.throws(() => slots.holders(), { code: "CLOSED" });
    using other = new SlotManager(directory, 2);
    assert.equal(other.acquireSlot(), 0);
  });
});

test("a number of slots is a whole number from 1", async () => {
  await withSlots((directory) => {
    for (const number of [0, -1, 1.5, NaN, 10_001]) {
      assert.throws(() => new SlotManager(directory, number), { code: "INVALID_ARGUMENT" });
    }
    assert.throws(() => new SlotManager("", 1), { code: "INVALID_ARGUMENT" });
    using many = new SlotManager(directory, 150);
    many.acquireSlot();
  });
});

test("the file says who holds the slot, alone, and nothing when nobody does", async () => {
  await withSlots((directory) => {
    mkdirSync(directory);
    const file = join(directory, "slot_00.lock");
    writeFileSync(file, "1234567890 and what an earlier one has left\n");
    using slots = new SlotManager(directory, 1);
    slots.acquireSlot();
    assert.equal(readFileSync(file, "utf8"), `${process.pid}\n`);
    assert.deepEqual(slots.holders(), [{ slot: 0, pid: process.pid }]);
    slots.releaseSlot();
    assert.equal(readFileSync(file, "utf8"), "");
    writeFileSync(file, `${process.pid}\n`);
    assert.deepEqual(slots.holders(), [], "what it says is not believed");
  });
});

for (const runtime of bothRuntimes) {
  test(`a holder in ${runtime} that is SIGKILLed holds no slot, and who waits gets it`, async () => {
    await withSlots(async (directory) => {
      await using holder = child(directory, 1, runtime);
      await using waiter = child(directory, 1, runtime);
      using slots = new SlotManager(directory, 1);
      assert.equal(await holder.call("acquireSlot"), 0);
      assert.deepEqual(slots.holders(), [{ slot: 0, pid: holder.pid }]);
      assert.throws(() => slots.acquireSlot(), { code: "NO_CAPACITY" });
      const waiting = waiter.call("waitForSlot");
      await holder.kill();
      assert.equal(await waiting, 0);
      assert.deepEqual(slots.holders(), [{ slot: 0, pid: waiter.pid }]);
    });
  });

  test(`a program that a holder in ${runtime} has started does not keep the slot`, async () => {
    await withSlots(async (directory) => {
      await using holder = child(directory, 1, runtime);
      using slots = new SlotManager(directory, 1);
      await holder.call("acquireSlot");
      const started = await holder.call<number>("start");
      try {
        await holder.kill();
        assert.ok(processes.isAlive(started));
        assert.deepEqual(slots.holders(), []);
        assert.equal(slots.acquireSlot(), 0);
      } finally {
        processes.kill(started);
      }
    });
  });
}

test("processes of both runtimes never share a slot", async () => {
  await withSlots(async (directory) => {
    const children = Array.from({ length: 6 }, (_, at) => child(directory, 4, bothRuntimes[at % 2]));
    try {
      for (let round = 0; round < 5; round++) {
        const outcomes = await Promise.allSettled(children.map((each) => each.call<number>("acquireSlot")));
        const taken = outcomes.flatMap((each) => each.status === "fulfilled" ? [each.value] : []);
        const refused = outcomes.flatMap((each) => each.status === "rejected" ? [each.reason.code] : []);
        assert.deepEqual([taken.sort(), refused], [[0, 1, 2, 3], ["NO_CAPACITY", "NO_CAPACITY"]]);
        await Promise.all(children.map((each) => each.call("releaseSlot")));
      }
    } finally {
      await Promise.all(children.map((each) => each.kill()));
    }
  });
});

test("a holder whose file is removed or replaced sees that it has lost the slot, and can take one again", {
  skip: notOnWindows("open-lock-files"),
}, async () => {
  await withSlots((directory) => {
    const file = join(directory, "slot_00.lock");
    for (const replace of [() => rmSync(file), () => renameSync(file, `${file}.aside`)]) {
      using slots = new SlotManager(directory, 2);
      using other = new SlotManager(directory, 2);
      assert.equal(slots.acquireSlot(), 0);
      replace();
      assert.equal(slots.heldSlot, undefined);
      assert.equal(other.acquireSlot(), 0, "nothing tells it apart from a free one");
      assert.equal(slots.acquireSlot(), 1);
      assert.deepEqual([slots.heldSlot, other.heldSlot], [1, 0]);
    }
  });
});

test("what is no busy slot is an error and no busy slot", async () => {
  await withSlots((directory) => {
    mkdirSync(join(directory, "slot_00.lock"), { recursive: true });
    using slots = new SlotManager(directory, 2);
    assert.throws(() => slots.acquireSlot(), { code: "IO" });
    writeFileSync(join(directory, "file"), "");
    using wrong = new SlotManager(join(directory, "file", "slots"), 2);
    assert.throws(() => wrong.acquireSlot(), { code: "IO" });
    assert.equal(slots.heldSlot, undefined);
  });
});

test("a directory that may not be written is an error", { skip: notOnWindows("modes") }, async () => {
  await withSlots((directory) => {
    mkdirSync(directory);
    using slots = new SlotManager(directory, 2);
    chmodSync(directory, 0o500);
    try {
      // Root may write all the same.
      if (process.geteuid!() === 0) assert.equal(slots.acquireSlot(), 0);
      else assert.throws(() => slots.acquireSlot(), { code: "IO" });
    } finally {
      chmodSync(directory, 0o700);
    }
  });
});

test("a holder that is stopped holds its slot", async () => {
  await withSlots(async (directory) => {
    await using holder = child(directory, 1);
    using slots = new SlotManager(directory, 1);
    await holder.call("acquireSlot");
    suspend(holder.pid);
    assert.deepEqual(slots.holders(), [{ slot: 0, pid: holder.pid }]);
    resume(holder.pid);
    await holder.call("releaseSlot");
    assert.equal(slots.acquireSlot(), 0);
  });
});
