import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { type ErrorCode, isProcrefError } from "../../src/errors.ts";
import { FileSemaphore, type SemaphoreState } from "../../src/semaphore/mod.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows } from "../harness/platform.ts";

async function withPath(work: (path: string) => Promise<void> | void): Promise<void> {
  await withDirectory((directory) => work(join(directory, "made", "semaphore.json")));
}

function refuses(work: () => unknown, code: ErrorCode, pattern = /./): void {
  assert.throws(work, (error) => isProcrefError(error, code) && pattern.test(error.message), code);
}

function stateIn(path: string): SemaphoreState {
  return JSON.parse(readFileSync(path, "utf8"));
}

test("a capacity is a whole number from 1; the path and all options are looked at", async () => {
  await withPath((path) => {
    assert.equal(new FileSemaphore(path, 5).capacity, 5);
    for (const capacity of [0, -1, 1.5, NaN, Infinity, "1" as unknown as number]) {
      refuses(() => new FileSemaphore(path, capacity), "INVALID_ARGUMENT", /capacity/);
    }
    refuses(() => new FileSemaphore("", 1), "INVALID_ARGUMENT");
    refuses(() => new FileSemaphore(path, 1, { lockTimeoutMs: -1 }), "INVALID_ARGUMENT");
    using semaphore = new FileSemaphore(path, 1);
    for (const id of ["", "x".repeat(1001)]) refuses(() => semaphore.acquire(id), "INVALID_ARGUMENT", /id/);
    for (const ttlMs of [0, 1.5, 2 ** 31]) {
      refuses(() => semaphore.acquire("one", { ttlMs }), "INVALID_ARGUMENT", /ttl/);
    }
    assert.ok(!existsSync(join(path, "..")), "nothing was made");
  });
});

test("holders up to the capacity hold permits, and the next one is refused", async () => {
  await withPath((path) => {
    using semaphore = new FileSemaphore(path, 3);
    semaphore.acquire("holder1");
    assert.deepEqual([semaphore.holders(), semaphore.count(), semaphore.available()], [["holder1"], 1, 2]);
    semaphore.acquire("holder2");
    semaphore.acquire("holder3");
    assert.deepEqual([semaphore.count(), semaphore.available()], [3, 0]);
    refuses(() => semaphore.acquire("holder4"), "NO_CAPACITY", /all 3 permits are held \(holder1 of process \d+, /);
    assert.deepEqual(semaphore.holders(), ["holder1", "holder2", "holder3"]);
  });
});

test("who holds a permit already is told so, also when there is no other one", async () => {
  await withPath((path) => {
    using two = new FileSemaphore(path, 2);
    two.acquire("holder1");
    refuses(() => two.acquire("holder1"), "ALREADY_HELD");
    two.acquire("holder2");
    refuses(() => two.acquire("holder1"), "ALREADY_HELD");
    assert.equal(two.count(), 2);
  });
});

test("a permit is given back by its name, one out of several, and only if it is held", async () => {
  await withPath((path) => {
    using semaphore = new FileSemaphore(path, 3);
    refuses(() => semaphore.release("holder1"), "NOT_HELD", /nobody/);
    for (const id of ["holder1", "holder2", "holder3"]) semaphore.acquire(id);
    semaphore.release("holder2");
    assert.deepEqual(semaphore.holders(), ["holder1", "holder3"]);
    semaphore.release("holder1");
    semaphore.release("holder3");
    assert.deepEqual([semaphore.count(), semaphore.available()], [0, 3]);
    refuses(() => semaphore.release("holder1"), "NOT_HELD");
  });
});

test("permits are taken away by name, one or several; unknown names and none are no error and make nothing", async () => {
  await withPath((path) => {
    using semaphore = new FileSemaphore(path, 3);
    semaphore.remove();
    semaphore.remove("holder1");
    assert.ok(!existsSync(path) && !existsSync(`${path}.lock`));
    for (const id of ["holder1", "holder2", "holder3"]) semaphore.acquire(id);
    semaphore.remove("holder2");
    assert.equal(semaphore.count(), 2);
    semaphore.remove("nobody", "not.there");
    semaphore.remove();
    assert.equal(semaphore.count(), 2);
    semaphore.remove("holder1", "holder3", "nobody");
    assert.deepEqual(semaphore.holders(), []);
  });
});

test("another object sees what one did, and without a file all is free; to ask makes none", async () => {
  await withPath((path) => {
    using one = new FileSemaphore(path, 2);
    assert.deepEqual([one.holders(), one.count(), one.available()], [[], 0, 2]);
    assert.deepEqual(one.inspect(), { capacity: 2, holders: [], waiting: [] });
    assert.ok(!existsSync(join(path, "..")));
    one.acquire("holder1");
    one.acquire("holder2");
    assert.ok(existsSync(path));
    one.close();
    using other = new FileSemaphore(path, 2);
    assert.deepEqual([other.holders(), other.available()], [["holder1", "holder2"], 0]);
    other.release("holder1");
    assert.equal(other.count(), 1, "the process may, whichever object acquired it");
  });
});

test("after a change no temporary file is left", async () => {
  await withPath((path) => {
    using semaphore = new FileSemaphore(path, 1);
    semaphore.acquire("holder1");
    assert.deepEqual(readdirSync(join(path, "..")).sort(), ["semaphore.json", "semaphore.json.lock"]);
    semaphore.release("holder1");
    assert.deepEqual(readdirSync(join(path, "..")).sort(), ["semaphore.json", "semaphore.json.lock"]);
  });
});

test("file and lock are the owner's alone", { skip: notOnWindows("modes") }, async () => {
  await withPath((path) => {
    using semaphore = new FileSemaphore(path, 1);
    semaphore.acquire("holder1");
    for (const file of [path, `${path}.lock`]) assert.equal(statSync(file).mode & 0o777, 0o600);
  });
});

test("the file says who holds a permit, and is as the peer has it otherwise", async () => {
  await withPath((path) => {
    using semaphore = new FileSemaphore(path, 2);
    const before = Date.now();
    const permit = semaphore.acquire("session-123", { ttlMs: 60_000 });
    const { capacity, holders, ...more } = stateIn(path);
    assert.deepEqual([capacity, holders.length, more], [2, 1, {}]);
    const [{ id, acquired_at, pid, start, host, expires_at }] = holders;
    assert.deepEqual([id, pid], ["session-123", process.pid]);
    assert.ok(Date.parse(acquired_at!) >= before - 1 && Date.parse(acquired_at!) <= Date.now());
    assert.equal(Date.parse(expires_at!) - Date.parse(acquired_at!), 60_000);
    assert.ok(start !== undefined && host !== undefined);
    assert.deepEqual([permit.acquiredAt.toISOString(), permit.expiresAt?.toISOString()], [acquired_at, expires_at]);
  });
});

test("a file that the peer has written is understood: its holders stay until somebody releases or removes them", async () => {
  await withPath((path) => {
    using semaphore = new FileSemaphore(path, 2);
    semaphore.acquire("ours");
    semaphore.release("ours");
    writeFileSync(path, '{"capacity": 2, "holders": null}');
    assert.equal(semaphore.available(), 2);
    const theirs = { id: "session-1", acquired_at: "2024-01-01T10:00:00.123456789+09:00", more: true };
    writeFileSync(path, JSON.stringify({ capacity: 2, holders: [theirs, { ...theirs, id: "session-2" }] }));
    assert.deepEqual(semaphore.holders(), ["session-1", "session-2"]);
    refuses(() => semaphore.acquire("ours"), "NO_CAPACITY", /\(session-1, session-2\)/);
    semaphore.release("session-2");
    semaphore.acquire("ours");
    assert.deepEqual(stateIn(path).holders[0], theirs, "as it was");
    semaphore.remove("session-1");
    assert.deepEqual(semaphore.holders(), ["ours"]);
  });
});

test("an empty, damaged, foreign or shapeless file is an error of every call, and stays as it is", async () => {
  await withPath(async (path) => {
    using maker = new FileSemaphore(path, 1);
    maker.acquire("made");
    const entry = { id: "a", pid: 4711, start: "1", host: "h" };
    const texts = [
      "",
      "null",
      "[]",
      "{",
      "garbage",
      '{"capacity":0,"holders":[]}',
      '{"holders":[]}',
      '{"capacity":1,"holders":{}}',
      '{"capacity":1,"holders":["a"]}',
      '{"capacity":1,"holders":[{"id":""}]}',
      '{"capacity":1,"holders":[{"id":"a"},{"id":"a"}]}',
      '{"capacity":1,"holders":[{"id":"a","acquired_at":"yesterday"}]}',
      JSON.stringify({ capacity: 1, holders: [{ ...entry, pid: 0 }] }),
      JSON.stringify({ capacity: 1, holders: [{ ...entry, pid: 2 ** 31 }] }),
      JSON.stringify({ capacity: 1, holders: [{ ...entry, start: undefined }] }),
      JSON.stringify({ capacity: 1, holders: [], waiting: [entry] }),
    ];
    for (const text of texts) {
      writeFileSync(path, text);
      using semaphore = new FileSemaphore(path, 1);
      const calls = [
        () => semaphore.acquire("a"),
        () => semaphore.release("a"),
        () => semaphore.remove("a"),
        () => semaphore.holders(),
        () => semaphore.count(),
        () => semaphore.available(),
        () => semaphore.inspect(),
      ];
      for (const call of calls) refuses(call, "BROKEN_FILE", /semaphore\.json/);
      await assert.rejects(semaphore.acquire({ wait: true }), (error) => isProcrefError(error, "BROKEN_FILE"));
      assert.equal(readFileSync(path, "utf8"), text);
    }
  });
});

test("capacities that disagree are an error of every call", async () => {
  await withPath(async (path) => {
    using two = new FileSemaphore(path, 2);
    using three = new FileSemaphore(path, 3);
    two.acquire("one");
    const calls = [
      () => three.acquire("a"),
      () => three.release("one"),
      () => three.remove("one"),
      () => three.holders(),
      () => three.count(),
      () => three.available(),
    ];
    for (const call of calls) refuses(call, "CONFIG_MISMATCH", /with a capacity of 3: it has 2/);
    await assert.rejects(three.acquire({ wait: true }), (error) => isProcrefError(error, "CONFIG_MISMATCH"));
    assert.equal(two.count(), 1);
  });
});

test("a closed semaphore is used by nobody; to close it again does nothing, and its permits can be given back", async () => {
  await withPath(async (path) => {
    const semaphore = new FileSemaphore(path, 2);
    semaphore.acquire("one");
    const permit = semaphore.acquire("two");
    semaphore.close();
    semaphore.close();
    for (
      const call of [
        () => semaphore.acquire("three"),
        () => semaphore.release("one"),
        () => semaphore.remove("one"),
        () => semaphore.holders(),
        () => semaphore.count(),
        () => semaphore.available(),
        () => semaphore.inspect(),
      ]
    ) refuses(call, "CLOSED");
    await assert.rejects(semaphore.acquire(), (error) => isProcrefError(error, "CLOSED"));
    permit.release();
    using other = new FileSemaphore(path, 2);
    assert.deepEqual(other.holders(), ["one"]);
  });
});

test("a permit is given back at the end of its block, and once", async () => {
  await withPath(async (path) => {
    using semaphore = new FileSemaphore(path, 1);
    {
      using permit = semaphore.acquire("one");
      assert.ok(permit.isHeld());
    }
    assert.equal(semaphore.count(), 0);
    const permit = await semaphore.acquire();
    permit.release();
    permit.release();
    assert.equal(permit.isHeld(), false);
    const again = semaphore.acquire(permit.id);
    permit.release();
    assert.ok(again.isHeld());
  });
});

test("a permit whose time is over is free, and whoever had it is told", async () => {
  await withPath(async (path) => {
    using semaphore = new FileSemaphore(path, 1);
    const permit = semaphore.acquire("one", { ttlMs: 1 });
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual([semaphore.count(), permit.isHeld()], [0, false]);
    using _other = semaphore.acquire("one");
    refuses(() => permit.release(), "NOT_HELD", /acquired later/);
    permit[Symbol.dispose]();
    assert.deepEqual(semaphore.holders(), ["one"]);
  });
});

test("one hundred that come and go at once leave nothing, and never are more than the capacity", async () => {
  await withPath(async (path) => {
    using semaphore = new FileSemaphore(path, 5);
    let [inside, most] = [0, 0];
    await Promise.all(Array.from({ length: 100 }, async () => {
      using _permit = await semaphore.acquire({ wait: true, timeoutMs: 20_000 });
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 1));
      inside--;
    }));
    assert.deepEqual([most, semaphore.count()], [5, 0]);
  });
});

test("with removesUnused, file and lock go with the last permit", async () => {
  await withPath((path) => {
    using semaphore = new FileSemaphore(path, 2, { removesUnused: true });
    semaphore.acquire("one");
    semaphore.acquire("two");
    semaphore.release("one");
    assert.ok(existsSync(path));
    semaphore.release("two");
    assert.deepEqual(readdirSync(join(path, "..")), []);
    semaphore.acquire("one");
    assert.deepEqual(semaphore.holders(), ["one"]);
  });
});
