import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isProcrefError } from "../../src/errors.ts";
import { PathLock } from "../../src/kernel/path_lock.ts";
import { Child } from "../harness/child.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows, onWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";

async function withPath(work: (path: string) => Promise<void> | void): Promise<void> {
  await withDirectory((directory) => work(join(directory, "made", "on the way", "file")));
}

test("one object at a time has the lock, also of two in one process; nothing is made before it is taken", async () => {
  await withPath((path) => {
    using one = new PathLock(path);
    using other = new PathLock(path);
    assert.ok(!existsSync(path));
    assert.equal(one.tryLock(), true);
    assert.equal(one.tryLock(), false);
    assert.equal(other.tryLock(), false);
    assert.deepEqual([one.held, one.isOurs(), other.held], [true, true, false]);
    one.unlock();
    assert.equal(other.tryLock(), true);
    other.close();
    assert.equal(one.tryLock(), true);
  });
});

test("asking whether it is locked makes nothing, takes nothing, and sees through a stale file", async () => {
  await withPath(async (path) => {
    using asker = new PathLock(path);
    assert.equal(asker.isLockedByOthers(), false);
    assert.ok(!existsSync(join(path, "..")), "nothing was made");
    await using owner = new Child("path_lock.ts", { args: [path] });
    assert.equal(await owner.call("tryLock"), true);
    assert.equal(asker.isLockedByOthers(), true);
    assert.equal(await owner.call("isLockedByOthers"), false, "the owner is no other");
    await owner.kill();
    assert.equal(asker.isLockedByOthers(), false);
    assert.ok(existsSync(path), "the file of the dead one stays");
    assert.equal(asker.tryLock(), true, "it is free after the question");
  });
});

test("files and directories that are made are the owner's alone", { skip: notOnWindows("modes") }, async () => {
  await withPath((path) => {
    using lock = new PathLock(path);
    lock.tryLock();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(join(path, "..")).mode & 0o777, 0o700);
  });
});

for (const runtime of bothRuntimes) {
  test(`a SIGKILLed owner in ${runtime} has the lock no more, and who waits gets it`, async () => {
    await withPath(async (path) => {
      await using owner = new Child("path_lock.ts", { runtime, args: [path] });
      await using waiter = new Child("path_lock.ts", { runtime, args: [path] });
      assert.equal(await owner.call("tryLock"), true);
      assert.equal(await waiter.call("tryLock"), false);
      const waiting = waiter.call("lock");
      await owner.kill();
      await waiting;
      assert.equal(await waiter.call("isOurs"), true);
    });
  });
}

test("an owner whose file was removed or replaced sees it, and the next one locks the new file", {
  skip: notOnWindows("open-lock-files"),
}, async () => {
  await withPath((path) => {
    for (const replace of [() => rmSync(path), () => renameSync(path, `${path}.aside`)]) {
      using owner = new PathLock(path);
      using other = new PathLock(path);
      assert.ok(owner.tryLock());
      assert.equal(other.tryLock(), false);
      replace();
      assert.equal(owner.isOurs(), false);
      assert.throws(() => owner.write("not in a file of others"), (error) => isProcrefError(error));
      assert.equal(other.tryLock(), true, "of the new file, though it had the old one open");
      assert.equal(other.isOurs(), true);
      owner.remove();
      assert.equal(other.isOurs(), true, "the file of others stays");
    }
  });
});

test("who waits goes on with a new file when the owner removes the old one", async () => {
  await withPath(async (path) => {
    using owner = new PathLock(path);
    using waiter = new PathLock(path);
    owner.tryLock();
    assert.equal(waiter.tryLock(), false);
    owner.remove();
    // On Windows it is there until the waiter closes it as well.
    assert.deepEqual([owner.held, existsSync(path)], [false, onWindows]);
    await waiter.lock({ timeoutMs: 10_000 });
    assert.equal(waiter.isOurs(), true);
    assert.ok(existsSync(path));
  });
});

test("what the owner writes can be read by others, and a shorter text leaves nothing of a longer one", async () => {
  await withPath((path) => {
    using lock = new PathLock(path);
    assert.throws(() => lock.write("x"), (error) => isProcrefError(error, "LOCK"));
    lock.tryLock();
    lock.write("4711 a long text\n");
    lock.write("42\n");
    assert.equal(readFileSync(path, "utf8"), "42\n");
    assert.equal(lock.isOurs(), true);
  });
});

test("waits end by their time and by a signal; a blocking one by its time alone", async () => {
  await withPath(async (path) => {
    using owner = new PathLock(path);
    using waiter = new PathLock(path);
    owner.tryLock();
    await assert.rejects(waiter.lock({ timeoutMs: 20 }), (error) => isProcrefError(error, "TIMEOUT"));
    const reason = new Error("enough");
    await assert.rejects(waiter.lock({ signal: AbortSignal.abort(reason) }), (error) => error === reason);
    assert.throws(() => waiter.lockNow(20), (error) => isProcrefError(error, "LOCK") && error.message.includes(path));
    assert.equal(waiter.held, false);
  });
});

test("no link is followed, and a directory is no file", { skip: notOnWindows("links") }, async () => {
  await withDirectory((directory) => {
    const victim = join(directory, "victim");
    writeFileSync(victim, "precious");
    symlinkSync(victim, join(directory, "link"));
    using link = new PathLock(join(directory, "link"));
    assert.throws(() => link.tryLock(), (error) => isProcrefError(error, "IO"));
    mkdirSync(join(directory, "folder"));
    using folder = new PathLock(join(directory, "folder"));
    assert.throws(() => folder.tryLock(), (error) => isProcrefError(error, "IO"));
    assert.equal(readFileSync(victim, "utf8"), "precious");
  });
});
