import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isProcrefError } from "../../src/errors.ts";
import { FileSemaphore, type Pruned, type SemaphoreState } from "../../src/semaphore/mod.ts";
import { resume, suspend } from "../fixtures/suspend.ts";
import { Child } from "../harness/child.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows } from "../harness/platform.ts";
import { bothRuntimes, type RuntimeName } from "../harness/runtime.ts";

const REFUSED = { code: "NO_CAPACITY" };

async function withPath(work: (path: string) => Promise<void>): Promise<void> {
  await withDirectory((directory) => work(join(directory, "semaphore.json")));
}

function child(path: string, capacity: number, runtime?: RuntimeName): Child {
  return new Child("semaphore.ts", { runtime, args: [path, `${capacity}`] });
}

function stateIn(path: string): SemaphoreState {
  return JSON.parse(readFileSync(path, "utf8"));
}

for (const runtime of bothRuntimes) {
  test(`a holder in ${runtime} that is SIGKILLed holds nothing, and who takes its place says so`, async () => {
    await withPath(async (path) => {
      using semaphore = new FileSemaphore(path, 1);
      const pruned: Pruned[] = [];
      semaphore.addEventListener("prune", (event) => pruned.push(event.detail));
      await using holder = child(path, 1, runtime);
      await holder.call("acquire", "theirs");
      assert.throws(() => semaphore.acquire("ours"), REFUSED);
      assert.throws(
        () => semaphore.release("theirs"),
        (error) => isProcrefError(error, "NOT_HELD") && error.details.pid === holder.pid,
      );
      await holder.kill();
      assert.deepEqual([semaphore.holders(), semaphore.count(), semaphore.available()], [[], 0, 1]);
      assert.equal(stateIn(path).holders.length, 1, "to ask changes nothing");
      semaphore.acquire("theirs");
      assert.deepEqual(semaphore.holders(), ["theirs"], "also by the same name");
      assert.deepEqual(pruned, [{ path, id: "theirs", pid: holder.pid, reason: "dead" }]);
    });
  });
}

test("a holder with the PID of a living process that is another one is dead", async () => {
  await withPath(async (path) => {
    using semaphore = new FileSemaphore(path, 1);
    semaphore.acquire("one");
    const { holders: [holder] } = stateIn(path);
    writeFileSync(path, JSON.stringify({ capacity: 1, holders: [{ ...holder, start: `9${holder.start}` }] }));
    assert.equal(semaphore.count(), 0);
    semaphore.acquire("other");
    assert.deepEqual(stateIn(path).holders.map(({ id }) => id), ["other"]);
    await Promise.resolve();
  });
});

test("of processes of other machines and PID namespaces nobody knows that they have ended", async () => {
  await withPath(async (path) => {
    using semaphore = new FileSemaphore(path, 1);
    await using gone = child(path, 1);
    await gone.call("acquire", "theirs");
    const { holders: [holder] } = stateIn(path);
    await gone.kill();
    for (const elsewhere of [{ host: "another" }, { namespace: "pid:[1]" }]) {
      writeFileSync(path, JSON.stringify({ capacity: 1, holders: [{ ...holder, ...elsewhere }] }));
      assert.deepEqual(semaphore.holders(), ["theirs"]);
      assert.throws(() => semaphore.acquire("ours"), REFUSED);
      assert.throws(() => semaphore.release("theirs"), { code: "NOT_HELD" });
    }
    const expires_at = new Date(Date.now() - 1).toISOString();
    writeFileSync(path, JSON.stringify({ capacity: 1, holders: [{ ...holder, host: "another", expires_at }] }));
    semaphore.acquire("ours");
    assert.deepEqual(semaphore.holders(), ["ours"], "its time ends all the same");
  });
});

test("a writer that is SIGKILLed between the temporary file and its new name leaves the old state", async () => {
  await withPath(async (path) => {
    using semaphore = new FileSemaphore(path, 2);
    semaphore.acquire("one");
    await using writer = child(path, 2);
    await writer.call("writeHalf");
    assert.deepEqual(semaphore.holders(), ["one"], "to ask needs no lock");
    await writer.kill();
    assert.ok(existsSync(`${path}.tmp`));
    semaphore.acquire("two");
    assert.deepEqual(semaphore.holders(), ["one", "two"]);
    assert.ok(!existsSync(`${path}.tmp`));
  });
});

test("a process that is stopped in the middle of a step keeps others waiting for a limited time, and none from asking", async () => {
  await withPath(async (path) => {
    using semaphore = new FileSemaphore(path, 2, { lockTimeoutMs: 50 });
    semaphore.acquire("one");
    await using stopped = child(path, 2);
    assert.equal(await stopped.call("takeLock"), true);
    suspend(stopped.pid);
    const isStuck = (error: unknown): boolean => isProcrefError(error, "LOCK") && /stopped/.test(error.message);
    assert.throws(() => semaphore.acquire("two"), isStuck);
    assert.throws(() => semaphore.release("one"), isStuck);
    await assert.rejects(semaphore.acquire({ wait: true }), isStuck);
    await assert.rejects(semaphore.acquire({ wait: true, timeoutMs: 10 }), { code: "TIMEOUT" });
    const reason = new Error("enough");
    const aborted = new AbortController();
    const waiting = semaphore.acquire({ wait: true, signal: aborted.signal });
    aborted.abort(reason);
    await assert.rejects(waiting, reason);
    assert.deepEqual([semaphore.holders(), semaphore.available()], [["one"], 1]);
    resume(stopped.pid);
    await stopped.call("leaveLock");
    semaphore.acquire("two");
    assert.deepEqual(semaphore.holders(), ["one", "two"]);
  });
});

test("a lock file that is removed is made again, and one who has the old one locked does not matter", {
  skip: notOnWindows("open-lock-files"),
}, async () => {
  await withPath(async (path) => {
    using semaphore = new FileSemaphore(path, 1);
    await using other = child(path, 1);
    await other.call("acquire", "theirs");
    rmSync(`${path}.lock`);
    assert.throws(() => semaphore.acquire("ours"), REFUSED);
    assert.ok(existsSync(`${path}.lock`));
    await other.call("release", "theirs");
    semaphore.acquire("ours");
    await assert.rejects(other.call("acquire", "theirs"), { code: "NO_CAPACITY" });
  });
});

test("whose permits are removed with the file holds nothing, and is told so", async () => {
  await withPath(async (path) => {
    using semaphore = new FileSemaphore(path, 1);
    const permit = semaphore.acquire("one");
    rmSync(path);
    assert.equal(permit.isHeld(), false);
    assert.throws(() => permit.release(), { code: "NOT_HELD" });
    await Promise.resolve();
  });
});

test("five processes of both runtimes ask for one permit: one of them gets it", async () => {
  await withPath(async (path) => {
    const children = Array.from({ length: 5 }, (_, at) => child(path, 1, bothRuntimes[at % 2]));
    try {
      const outcomes = await Promise.allSettled(children.map((each, at) => each.call("acquire", `holder${at}`)));
      const refused = outcomes.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
      assert.deepEqual(refused.map(({ reason }) => reason.code), Array(4).fill("NO_CAPACITY"));
    } finally {
      await Promise.all(children.map((each) => each.kill()));
    }
  });
});
