import assert from "node:assert/strict";
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { currentUser } from "../../src/kernel/open.ts";
import { removeHints } from "../../src/service/hint_files.ts";
import { HolderHint, pruneHints, readHolders } from "../../src/service/holders.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows, onWindows } from "../harness/platform.ts";

const uid = currentUser();
/** A number that no process has. */
const NOBODY = 2 ** 31 - 1;

/** A service's directory, with the place of this process's hint. */
async function inService(work: (directory: string, own: string) => void): Promise<void> {
  await withDirectory((directory) => work(directory, join(directory, "holders", `${process.pid}.json`)));
}

test("a hint is an owner-only file that says who holds, and is gone when the last object of the process lets go", async () => {
  await inService((directory, own) => {
    const [one, two] = [new HolderHint(directory), new HolderHint(directory)];
    one.write();
    two.write();
    one.write();
    if (!onWindows) assert.equal(lstatSync(own).mode & 0o777, 0o600);
    if (!onWindows) assert.equal(lstatSync(join(own, "..")).mode & 0o777, 0o700);
    const [{ pid, command, since }, ...more] = readHolders(directory, uid);
    assert.deepEqual([pid, more], [process.pid, []]);
    assert.ok(command.length > 0 && !Number.isNaN(Date.parse(since)));
    one.remove();
    one.remove();
    assert.ok(existsSync(own), "the other one still holds");
    two.remove();
    assert.deepEqual(readdirSync(join(directory, "holders")), []);
  });
});

test("a hint that somebody removed is written again, and without the service's directory there is none", async () => {
  await inService((directory, own) => {
    const hint = new HolderHint(directory);
    hint.write();
    removeHints(directory, currentUser());
    assert.deepEqual(readdirSync(directory), []);
    hint.write();
    assert.ok(existsSync(own));
    rmSync(directory, { recursive: true });
    hint.write();
    assert.ok(!existsSync(directory));
    hint.remove();
  });
});

test(
  "a link in place of the hints or of their directory is not followed",
  { skip: notOnWindows("links") },
  async () => {
    await inService((directory, own) => {
      const elsewhere = join(directory, "elsewhere");
      mkdirSync(elsewhere);
      symlinkSync(elsewhere, join(directory, "holders"));
      new HolderHint(directory).write();
      removeHints(directory, currentUser());
      assert.deepEqual(readdirSync(elsewhere), []);
      assert.deepEqual(readHolders(directory, uid), []);

      rmSync(join(directory, "holders"));
      mkdirSync(join(directory, "holders"));
      const target = join(directory, "target");
      writeFileSync(target, "mine");
      symlinkSync(target, own);
      symlinkSync(target, `${own}.tmp`);
      const hint = new HolderHint(directory);
      hint.write();
      assert.equal(lstatSync(target).size, 4);
      assert.ok(lstatSync(own).isSymbolicLink() || lstatSync(own).isFile());
      hint.remove();
    });
  },
);

test("hints of the dead are pruned: when asked, and by a holder whose turn it is", async () => {
  await inService((directory, own) => {
    const folder = join(directory, "holders");
    mkdirSync(folder, { mode: 0o700 });
    const plant = (pid: number): void => writeFileSync(join(folder, `${pid}.json`), "{}");
    for (let pid = NOBODY - 70; pid < NOBODY; pid++) plant(pid);
    writeFileSync(join(folder, "notes"), "");
    assert.equal(pruneHints(directory, uid, true), 70);
    assert.equal(readdirSync(folder).length, 71);
    const hint = new HolderHint(directory);
    hint.write();
    hint.pruneInTurn(Infinity);
    assert.equal(readdirSync(folder).length, 72, "to write one looks at no other");
    hint.pruneInTurn(0);
    assert.deepEqual(readdirSync(folder).sort(), [`${process.pid}.json`, "notes"].sort());
    plant(NOBODY - 1);
    assert.equal(pruneHints(directory, uid), 1);
    assert.ok(existsSync(own));
    hint.remove();
  });
});

test("the folder of the hints is not opened while nobody comes or goes, and is once a holder is missing", async () => {
  await inService((directory) => {
    const folder = join(directory, "holders");
    const dead = join(folder, `${NOBODY}.json`);
    /** What a look would remove, and nothing shows that it is there. */
    const plantUnseen = (mtimeMs: number): void => {
      writeFileSync(dead, "{}");
      utimesSync(folder, new Date(mtimeMs), new Date(mtimeMs));
    };
    const [first, second] = [new HolderHint(directory), new HolderHint(directory)];
    first.write();
    second.write();
    plantUnseen(1_000_000);
    second.pruneInTurn(0);
    assert.ok(!existsSync(dead), "who has not made the folder looks once");

    plantUnseen(2_000_000);
    first.pruneInTurn(0);
    assert.ok(!existsSync(dead), "the folder has changed");
    utimesSync(folder, new Date(3_000_000), new Date(3_000_000));
    first.pruneInTurn(0);
    plantUnseen(3_000_000);
    first.pruneInTurn(0);
    assert.ok(existsSync(dead), "the folder is as it was when nothing was in it to be removed");
    first.pruneInTurn(Infinity);
    assert.ok(existsSync(dead), "it is not its turn");
    first.pruneInTurn(0);
    assert.ok(!existsSync(dead), "a holder is missing");
    first.remove();
    second.remove();
  });
});

test(
  "a hint of another user is not believed",
  { skip: notOnWindows("owners") || uid !== 0 && "only root can ask as somebody else" },
  async () => {
    await inService((directory) => {
      const hint = new HolderHint(directory);
      hint.write();
      assert.equal(readHolders(directory, 65534).length, 0);
      assert.equal(readHolders(directory, uid).length, 1);
      hint.remove();
    });
  },
);
