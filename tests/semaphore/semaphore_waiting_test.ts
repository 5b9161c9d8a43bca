import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { isProcrefError } from "../../src/errors.ts";
import { FileSemaphore, type Permit, type SemaphoreState } from "../../src/semaphore/mod.ts";
import { Child } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import { withDirectory } from "../harness/names.ts";
import { limitMs } from "../harness/platform.ts";
import { bothRuntimes, type RuntimeName } from "../harness/runtime.ts";

/** Longer than any wait of these tests that goes well. */
const LONG_MS = 20_000;

async function withSemaphore(work: (semaphore: FileSemaphore) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    using semaphore = new FileSemaphore(join(directory, "semaphore.json"), 1);
    await work(semaphore);
  });
}

function child({ path, capacity }: FileSemaphore, runtime?: RuntimeName): Child {
  return new Child("semaphore.ts", { runtime, args: [path, `${capacity}`] });
}

function queue(semaphore: FileSemaphore): string[] {
  return semaphore.inspect().waiting.map(({ id }) => id);
}

async function queued(semaphore: FileSemaphore, ...ids: string[]): Promise<void> {
  await eventually(() => ids.every((id) => queue(semaphore).includes(id)), `${ids} wait`);
}

function change({ path }: FileSemaphore, work: (state: SemaphoreState) => unknown): void {
  writeFileSync(path, JSON.stringify(work(JSON.parse(readFileSync(path, "utf8")))));
}

for (const runtime of bothRuntimes) {
  test(`one who waits in ${runtime} has the permit as soon as it is given back`, async () => {
    await withSemaphore(async (semaphore) => {
      await using waiter = child(semaphore, runtime);
      const times: number[] = [];
      for (let round = 0; round < 9; round++) {
        const permit = semaphore.acquire("ours");
        const waiting = waiter.call<{ at: number }>("wait", { id: "theirs" });
        await queued(semaphore, "theirs");
        // Until it looks by itself every 100 ms alone.
        await delay(200);
        const given = Date.now();
        permit.release();
        assert.deepEqual(semaphore.holders(), ["theirs"], "in the same step");
        times.push((await waiting).at - given);
        await waiter.call("release", "theirs");
      }
      const median = times.sort((one, other) => one - other)[4];
      // The benchmark asks for 10 ms; looking alone would take 50.
      assert.ok(median < limitMs(30), `median of ${times} ms`);
    });
  });
}

test("who waits is served by priority, then in the order in which they came", async () => {
  await withSemaphore(async (semaphore) => {
    const served: string[] = [];
    const first = semaphore.acquire("first");
    const waits: Promise<void>[] = [];
    for (const [id, priority] of [["a", 0], ["b", 0], ["c", 5], ["d", -1], ["e", 5], ["f", 0]] as const) {
      waits.push(
        semaphore.acquire({ id, priority, wait: true, timeoutMs: LONG_MS }).then((permit: Permit) => {
          served.push(id);
          permit.release();
        }),
      );
      await queued(semaphore, id);
    }
    assert.deepEqual(queue(semaphore), ["c", "e", "a", "b", "f", "d"]);
    assert.throws(() => semaphore.acquire("a"), { code: "ALREADY_HELD" });
    first.release();
    assert.throws(() => semaphore.acquire("late"), { code: "NO_CAPACITY" }, "nobody comes before those who wait");
    await Promise.all(waits);
    assert.deepEqual(served, ["c", "e", "a", "b", "f", "d"]);
    assert.equal(semaphore.count(), 0);
  });
});

test("the priority counts between processes", async () => {
  await withSemaphore(async (semaphore) => {
    await using low = child(semaphore, "bun");
    await using high = child(semaphore, "deno");
    const permit = semaphore.acquire("ours");
    const waiting = low.call("wait", { id: "low" });
    await queued(semaphore, "low");
    const urgent = high.call("wait", { id: "high", priority: 1 });
    await queued(semaphore, "high");
    permit.release();
    await urgent;
    assert.deepEqual([semaphore.holders(), queue(semaphore)], [["high"], ["low"]]);
    await high.call("release", "high");
    await waiting;
  });
});

test("who waits for too long leaves the queue; who need not wait is served at once", async () => {
  await withSemaphore(async (semaphore) => {
    using _permit = await semaphore.acquire({ id: "ours", wait: true, timeoutMs: 0 });
    const late = semaphore.acquire({ wait: true, timeoutMs: 30 });
    await assert.rejects(
      late,
      (error) => isProcrefError(error, "TIMEOUT") && /waited 30 ms; held by ours of process \d+/.test(error.message),
    );
    assert.deepEqual(queue(semaphore), []);
    await assert.rejects(semaphore.acquire({ wait: true, timeoutMs: 0 }), { code: "TIMEOUT" });
    await assert.rejects(semaphore.acquire(), { code: "NO_CAPACITY" });
    await assert.rejects(semaphore.acquire({ timeoutMs: -1 }), { code: "INVALID_ARGUMENT" });
    await assert.rejects(semaphore.acquire({ priority: 0.5 }), { code: "INVALID_ARGUMENT" });
    assert.deepEqual(queue(semaphore), []);
  });
});

test("a wait that is aborted rejects with the signal's reason, and the next one is served in its place", async () => {
  await withSemaphore(async (semaphore) => {
    const reason = new Error("enough");
    await assert.rejects(semaphore.acquire({ wait: true, signal: AbortSignal.abort(reason) }), reason);
    assert.equal(semaphore.count(), 0);
    const permit = semaphore.acquire("ours");
    const aborted = new AbortController();
    const waiting = semaphore.acquire({ id: "first", wait: true, signal: aborted.signal });
    const next = semaphore.acquire({ id: "next", wait: true, timeoutMs: LONG_MS });
    await queued(semaphore, "first", "next");
    aborted.abort(reason);
    await assert.rejects(waiting, reason);
    assert.deepEqual(queue(semaphore), ["next"]);
    permit.release();
    assert.equal((await next).id, "next");
  });
});

test("a wait that is aborted in the moment in which it is served gives the permit to the next one", async () => {
  await withSemaphore(async (semaphore) => {
    using other = new FileSemaphore(semaphore.path, 1);
    const permit = other.acquire("ours");
    const aborted = new AbortController();
    const reason = new Error("enough");
    const waiting = semaphore.acquire({ id: "first", wait: true, signal: aborted.signal });
    await queued(semaphore, "first");
    permit.release();
    assert.deepEqual(other.holders(), ["first"], "it was given to one who does not know it yet");
    aborted.abort(reason);
    await assert.rejects(waiting, reason);
    assert.deepEqual(other.holders(), []);
  });
});

test("who waits when the semaphore is closed is told so, and leaves the queue", async () => {
  await withSemaphore(async (semaphore) => {
    using other = new FileSemaphore(semaphore.path, 1);
    semaphore.acquire("ours");
    const waiting = semaphore.acquire({ id: "theirs", wait: true });
    await queued(other, "theirs");
    semaphore.close();
    await assert.rejects(waiting, { code: "CLOSED" });
    assert.deepEqual(queue(other), []);
  });
});

for (const runtime of bothRuntimes) {
  test(`a waiter in ${runtime} that is SIGKILLed keeps nobody waiting, nor does a holder`, async () => {
    await withSemaphore(async (semaphore) => {
      await using first = child(semaphore, runtime);
      await using dead = child(semaphore, runtime);
      await using last = child(semaphore, runtime);
      await first.call("acquire", "first");
      const never = dead.call("wait", { id: "dead", priority: 1 });
      never.catch(() => {});
      await queued(semaphore, "dead");
      const waiting = last.call("wait", { id: "last" });
      await queued(semaphore, "last");
      await dead.kill();
      await first.call("release", "first");
      await waiting;
      const ours = semaphore.acquire({ id: "ours", wait: true, timeoutMs: LONG_MS });
      await queued(semaphore, "ours");
      await last.kill();
      assert.ok((await ours).isHeld());
    });
  });
}

test("who waits gets the permit when its holder's time is over", async () => {
  await withSemaphore(async (semaphore) => {
    using other = new FileSemaphore(semaphore.path, 1);
    const permit = other.acquire("ours", { ttlMs: 50 });
    using next = await semaphore.acquire({ wait: true, timeoutMs: LONG_MS, ttlMs: 60_000 });
    assert.ok(Date.now() >= permit.expiresAt!.getTime());
    assert.ok(next.expiresAt!.getTime() - next.acquiredAt.getTime() === 60_000);
    assert.equal(permit.isHeld(), false);
  });
});

test("who waits gets the permit when it is removed, and when another program drops holder and queue", async () => {
  await withSemaphore(async (semaphore) => {
    await using holder = child(semaphore);
    await holder.call("acquire", "theirs");
    const first = semaphore.acquire({ id: "first", wait: true, timeoutMs: LONG_MS });
    await queued(semaphore, "first");
    semaphore.remove("theirs", "nobody");
    (await first).release();
    await holder.call("acquire", "theirs");
    const second = semaphore.acquire({ id: "second", wait: true, timeoutMs: LONG_MS });
    await queued(semaphore, "second");
    // As the peer writes: it keeps nothing of what it does not know.
    change(semaphore, () => ({ capacity: 1, holders: [{ id: "theirs", acquired_at: "2024-01-01T10:00:00Z" }] }));
    await queued(semaphore, "second");
    change(semaphore, () => ({ capacity: 1, holders: [] }));
    assert.equal((await second).id, "second");
  });
});

test("who waits goes on when file and directory are removed under them, and fails when the file is damaged", async () => {
  await withDirectory(async (directory) => {
    const folder = join(directory, "folder");
    using semaphore = new FileSemaphore(join(folder, "semaphore.json"), 1);
    semaphore.acquire("ours");
    const first = semaphore.acquire({ wait: true, timeoutMs: LONG_MS });
    await eventually(() => queue(semaphore).length === 1, "it waits");
    rmSync(folder, { recursive: true });
    assert.ok((await first).isHeld());
    const second = semaphore.acquire({ wait: true, timeoutMs: LONG_MS });
    await eventually(() => queue(semaphore).length === 1, "it waits");
    writeFileSync(semaphore.path, "");
    await assert.rejects(second, { code: "BROKEN_FILE" });
  });
});

test("what happens is told on the channels", async () => {
  await withSemaphore(async (semaphore) => {
    const told: unknown[] = [];
    const listener = (message: unknown, name: string | symbol): void => {
      const { path, waitedMs, ...more } = message as { path: string; waitedMs?: number };
      // Whether the last one has to wait is a matter of luck.
      const isLuck = name === "procref:semaphore:wait" && (more as { id?: string }).id === "three";
      if (path === semaphore.path && !isLuck) told.push([name, more, typeof waitedMs]);
    };
    const channels = ["acquire", "release", "wait", "prune"].map((name) => `procref:semaphore:${name}`);
    for (const name of channels) subscribe(name, listener);
    try {
      const permit = semaphore.acquire("one");
      const waiting = semaphore.acquire({ id: "two", wait: true, ttlMs: 1 });
      await queued(semaphore, "two");
      permit.release();
      await waiting;
      using _next = await semaphore.acquire({ id: "three", wait: true });
    } finally {
      for (const name of channels) unsubscribe(name, listener);
    }
    assert.deepEqual(told, [
      ["procref:semaphore:acquire", { id: "one" }, "number"],
      ["procref:semaphore:wait", { id: "two", ahead: 0 }, "undefined"],
      ["procref:semaphore:release", { id: "one" }, "undefined"],
      ["procref:semaphore:acquire", { id: "two" }, "number"],
      ["procref:semaphore:prune", { id: "two", pid: process.pid, reason: "expired" }, "undefined"],
      ["procref:semaphore:acquire", { id: "three" }, "number"],
      ["procref:semaphore:release", { id: "three" }, "undefined"],
    ]);
  });
});
