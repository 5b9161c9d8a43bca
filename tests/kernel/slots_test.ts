import assert from "node:assert/strict";
import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { isProcrefError } from "../../src/errors.ts";
import { unfitForLocks } from "../../src/kernel/file_system.ts";
import { openRefCounter } from "../../src/kernel/open.ts";
import type { RefCounter } from "../../src/kernel/ref_counter.ts";
import { ask, EMPTY, slotsOf } from "../fixtures/counters.ts";
import { Child } from "../harness/child.ts";
import { uniqueName, withDirectory } from "../harness/names.ts";
import { bothRuntimes, runtime as ours, type RuntimeName } from "../harness/runtime.ts";

/** The runtime that these tests do not run in. */
const other: RuntimeName = ours === "deno" ? "bun" : "deno";

/** A counter over lock files of ours, in a directory of its own that is empty again afterwards. */
async function withSlots(
  work: (counter: RefCounter, stage: { directory: string; files: string }) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    const counter = await openRefCounter(uniqueName(), { mechanism: "slots", directory });
    try {
      await work(counter, { directory, files: slotsOf(counter.name, directory) });
    } finally {
      counter.count();
      counter.close();
    }
    assert.deepEqual(readdirSync(directory), [], "nothing is left");
  });
}

async function start(
  { name }: RefCounter,
  directory: string,
  { stop, runtime }: { stop?: string; runtime?: RuntimeName } = {},
): Promise<Child> {
  const env: Record<string, string> = stop === undefined ? {} : { PROCREF_TEST_STOP: stop };
  const child = new Child("counter.ts", {
    runtime,
    env,
    args: [name, JSON.stringify({ mechanism: "slots", directory })],
  });
  await child.line("ready");
  return child;
}

test("all lock files belong to the user alone, and asking makes none", async () => {
  await withSlots(async (counter, { directory, files }) => {
    await Promise.resolve();
    assert.deepEqual(counter.snapshot(), EMPTY);
    assert.deepEqual(readdirSync(directory), []);
    counter.tryAcquire();
    counter.tryLock();
    counter.trySeat();
    assert.equal(lstatSync(files).mode & 0o7777, 0o700);
    const names = readdirSync(files).sort();
    assert.deepEqual(names, ["gate", "mutex", `ref.${process.pid}.${names[2].split(".")[2]}`, "seat"]);
    for (const name of names) assert.equal(lstatSync(join(files, name)).mode & 0o7777, 0o600, name);
  });
});

test("one that is stopped in the middle of a step holds others up for ten seconds, not for ever", async () => {
  for (const runtime of [other]) {
    await withSlots(async (counter, { directory }) => {
      counter.tryAcquire();
      await using stuck = await start(counter, directory, { stop: "flock:1:after", runtime });
      await stuck.call("arm");
      ask(stuck, "acquire").catch(() => {});
      await stuck.line("stopped");
      const began = performance.now();
      assert.throws(() => counter.tryAcquire(), (error) => {
        assert.ok(isProcrefError(error, "ACQUIRE"), String(error));
        assert.match(error.message, /a process has been in the middle of a step for 10000 ms.*SIGSTOP.*end it$/);
        return true;
      });
      assert.ok(performance.now() - began < 20_000);
      counter.release();
      const unused = counter.blockUntilUnused();
      await stuck.kill();
      assert.equal(await unused, true, "who waits goes on when it is gone");
    });
  }
});

test("a wait does not block the event loop while somebody is stopped in the middle of a step", async () => {
  await withSlots(async (counter, { directory }) => {
    counter.tryLock();
    counter.unlock();
    await using stuck = await start(counter, directory, { stop: "flock:1:after" });
    await stuck.call("arm");
    ask(stuck, "tryLock").catch(() => {});
    await stuck.line("stopped");
    let over = false;
    const released = counter.blockUntilReleased().then((value) => {
      over = true;
      return value;
    });
    const began = performance.now();
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.ok(performance.now() - began < 1500);
    assert.equal(over, false);
    await stuck.kill();
    assert.equal(await released, true);
  });
});

test("who waits for a holder to go sleeps in the kernel: it makes no call meanwhile", async () => {
  for (const runtime of bothRuntimes) {
    await withSlots(async (counter, { directory }) => {
      counter.tryAcquire();
      await using waiter = await start(counter, directory, { stop: "trace", runtime });
      const unused = ask(waiter, "blockUntilUnused");
      // The answer of a later call: by then the wait has begun.
      await ask(waiter, "holdsSeat");
      waiter.takeLines("native ");
      const turns = 30;
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setTimeout(resolve, 10));
      assert.deepEqual(waiter.takeLines("native "), []);
      counter.release();
      assert.equal(await unused, true);
      assert.ok(waiter.takeLines("native ").length > 0);
      await ask(waiter, "close");
    });
  }
});

test("files that a stranger removes are made again, with what is held", async () => {
  await withSlots(async (counter, { directory, files }) => {
    await using other = await start(counter, directory);
    counter.tryAcquire();
    counter.tryAcquire();
    counter.trySeat();
    counter.tryLock();
    rmSync(files, { recursive: true });
    assert.equal(await ask(other, "tryAcquire"), true, "the others begin anew");
    assert.equal(counter.verify(), true);
    assert.equal(counter.renewals, 1);
    assert.equal(counter.count(), 3);
    assert.equal(counter.holdsLock(), false);
    assert.equal(counter.holdsSeat(), false);
    counter.unlock();
    assert.equal(counter.verify(), false);
    assert.equal(await ask(other, "releaseUnlessLast"), true);
  });
});

test("one file that a stranger removes or replaces is not taken for the one that is locked", async () => {
  await withSlots(async (counter, { directory, files }) => {
    await using other = await start(counter, directory);
    for (const spoil of [(path: string) => rmSync(path), (path: string) => renameSync(path, `${path}.old`)]) {
      counter.tryAcquire();
      const [reference] = readdirSync(files).filter((name) => name.startsWith("ref."));
      spoil(join(files, reference));
      assert.equal(counter.count(), 1, "counted again");
      assert.equal(await ask(other, "count"), 1);
      counter.release();
      assert.equal(counter.tryLock(), true);
      spoil(join(files, "gate"));
      assert.equal(await ask(other, "tryLock"), true, "the file of the name decides");
      assert.equal(counter.holdsLock(), false);
      await ask(other, "unlock");
      counter.unlock();
      spoil(join(files, "mutex"));
      assert.equal(await ask(other, "tryAcquire"), true);
      assert.equal(counter.count(), 1);
      await ask(other, "release");
      for (const name of readdirSync(files)) if (name.endsWith(".old")) rmSync(join(files, name));
    }
  });
});

test("a link in place of a lock file or of the directory is not followed", async () => {
  for (const name of ["mutex", "gate"]) {
    await withSlots(async (counter, { directory, files }) => {
      await Promise.resolve();
      const victim = join(directory, "victim");
      writeFileSync(victim, "text");
      mkdirSync(files, { mode: 0o700 });
      symlinkSync(victim, join(files, name));
      assert.throws(() => counter.tryLock(), (error) => isProcrefError(error));
      rmSync(files, { recursive: true });
      rmSync(victim);
    });
  }
  await withSlots(async (counter, { directory, files }) => {
    await Promise.resolve();
    const victim = join(directory, "victim");
    mkdirSync(victim, { mode: 0o700 });
    symlinkSync(victim, files);
    assert.throws(() => counter.tryLock(), (error) => isProcrefError(error, "STATE_DIRECTORY"));
    assert.deepEqual(readdirSync(victim), []);
    rmSync(files);
    rmSync(victim, { recursive: true });
  });
});

test("a directory that others may enter is refused", async () => {
  await withSlots(async (counter, { files }) => {
    await Promise.resolve();
    mkdirSync(files);
    chmodSync(files, 0o755);
    assert.throws(() => counter.tryAcquire(), (error) => isProcrefError(error, "STATE_DIRECTORY"));
    rmSync(files, { recursive: true });
  });
});

test("leftovers of the dead say nothing, and do not pile up", async () => {
  await withSlots(async (counter, { files }) => {
    await Promise.resolve();
    counter.tryAcquire();
    for (let pid = 1; pid <= 20; pid++) {
      writeFileSync(join(files, `ref.${pid}.0`), new Uint8Array(8).fill(1), { mode: 0o600 });
    }
    assert.equal(counter.count(), 1);
    assert.equal(counter.releaseUnlessLast(), false);
    assert.equal(readdirSync(files).filter((name) => name.startsWith("ref.")).length, 1);
  });
});

test("file systems of other machines, of other kernels and of programs are told by their numbers", () => {
  for (const [type, name] of [[0x6969, "NFS"], [0x65735546, "FUSE or virtiofs"], [0x01021997, "9p"]] as const) {
    assert.equal(unfitForLocks(type), name);
  }
  assert.equal(unfitForLocks(0xff534d42), "CIFS");
  assert.equal(unfitForLocks(0xff534d42 | 0), "CIFS", "also as a number with a sign");
  // ext4, tmpfs, Btrfs, XFS, overlay, ZFS, ramfs
  for (const type of [0xef53, 0x01021994, 0x9123683e, 0x58465342, 0x794c7630, 0x2fc12fc1, 0x858458f6]) {
    assert.equal(unfitForLocks(type), undefined);
  }
});
