/**
 * Files of Windows as Wine has them, below which Linux can be looked at: Wine's server opens them all. Started by
 * tools/test_windows.ts.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isProcrefError } from "../../src/errors.ts";
import { checkFileSystem } from "../../src/kernel/file_system.ts";
import { openRefCounter } from "../../src/kernel/open.ts";
import { WindowsLockFile } from "../../src/kernel/windows_lock_file.ts";
import { ask, startCounter } from "../../tests/fixtures/counters.ts";
import { removeTree, uniqueName, withDirectory } from "../../tests/harness/names.ts";

const LOOKS = 1000;
/** What may differ for other reasons: programs begin and end meanwhile. */
const FEW = LOOKS / 2;

/** How many files Wine's server has open more after some work than before. */
function openedBy(work: () => void): number {
  const before = openFiles();
  work();
  return openFiles() - before;
}

function openFiles(): number {
  const proc = "Z:\\proc";
  const servers = readdirSync(proc).filter((pid) => /^\d+$/.test(pid) && commandOf(join(proc, pid)) === "wineserver64");
  assert.equal(servers.length, 1);
  return readdirSync(join(proc, servers[0], "fd")).length;
}

function commandOf(folder: string): string {
  try {
    return readFileSync(join(folder, "comm"), "utf8").trim();
  } catch {
    return "";
  }
}

test("to open and close a file that is locked keeps one more open in Wine, until the lock is given back", async () => {
  await withDirectory((directory) => {
    const path = join(directory, "locked");
    const file = new WindowsLockFile(path, true);
    const openAgain = (): void => {
      for (let look = 0; look < LOOKS; look++) new WindowsLockFile(path, false).close();
    };
    assert.ok(openedBy(openAgain) < FEW, "it is not locked");
    assert.ok(file.tryLock("exclusive"));
    const opened = openedBy(openAgain);
    assert.ok(opened > FEW, `${opened} are open`);
    assert.ok(openedBy(() => file.unlock()) < -FEW);
    file.close();
  });
});

test("to see whether a path leads to a locked file keeps nothing open", async () => {
  await withDirectory((directory) => {
    const path = join(directory, "locked");
    const file = new WindowsLockFile(path, true);
    assert.ok(file.tryLock("exclusive"));
    const opened = openedBy(() => {
      for (let look = 0; look < LOOKS; look++) assert.ok(file.isAt(path));
    });
    assert.ok(opened < FEW, `${opened} are open`);
    file.close();
  });
});

test("who holds, and who counts and waits beside others that hold, keeps nothing open for it", async () => {
  const counter = await openRefCounter(uniqueName("looks"), { mechanism: "slots" });
  const others = [await startCounter(counter), await startCounter(counter)];
  for (const other of others) await ask(other, "acquire");
  counter.tryAcquire();
  assert.equal(counter.count(), 3);
  const opened = openedBy(() => {
    for (let look = 0; look < LOOKS; look++) {
      assert.equal(counter.count(), 3);
      assert.equal(counter.tryLockIfUnused(), false);
    }
  });
  assert.ok(opened < FEW, `${opened} are open`);
  for (const other of others) await other.kill();
  assert.equal(counter.count(), 1);
  counter.close();
});

test("lock files are refused on a network drive, and made on a drive of this machine", async () => {
  const counter = await openRefCounter(uniqueName("network"), { mechanism: "slots", directory: "N:\\state" });
  const isRefused = (error: unknown): boolean =>
    isProcrefError(error, "STATE_DIRECTORY") && error.message.includes("it is on the network drive N:\\, whose locks");
  assert.throws(() => counter.tryAcquire(), isRefused);
  assert.throws(() => checkFileSystem("N:\\state"), isRefused);
  removeTree("N:\\state");
  await withDirectory((directory) => checkFileSystem(directory));
});
