import assert from "node:assert/strict";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { currentUser } from "../../src/kernel/effective_user.ts";
import { cleanUpFiles, type FileCleanUp, type FileKind } from "../../src/kernel/file_clean_up.ts";
import { PathLock } from "../../src/kernel/path_lock.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows } from "../harness/platform.ts";

const NAME = `thing.${"0".repeat(31)}1`;
const FILES = [`${NAME}.it`, `${NAME}.it.lock`, `${NAME}.it.tmp`];

/** Files of one name, of which something happens when it is asked who uses them. */
async function onFiles(
  work: (clean: (whoUses: (asked: number) => string | undefined, dryRun?: boolean) => FileCleanUp, at: string) => void,
): Promise<void> {
  await withDirectory((directory) => {
    for (const name of FILES) writeFileSync(join(directory, name), "", { mode: 0o600 });
    work((whoUses, dryRun = false) => {
      let asked = 0;
      const kind: FileKind = {
        kind: "thing",
        ending: ".it",
        lockEnding: ".it.lock",
        otherEndings: [".it.tmp"],
        whenLocked: "locked",
        whenUnused: "unused",
        whoUses: (path) => {
          assert.equal(path, join(directory, FILES[0]));
          return whoUses(++asked);
        },
      };
      const [cleaned, ...more] = cleanUpFiles(directory, kind, { user: currentUser(), dryRun });
      assert.deepEqual(more, []);
      return cleaned;
    }, directory);
  });
}

test("what nobody uses is removed, and it is asked again when nobody can come any more", async () => {
  await onFiles((clean, at) => {
    using other = new PathLock(join(at, FILES[1]));
    const locked: boolean[] = [];
    const path = join(at, FILES[0]);
    const whoUses = (): undefined => void locked.push(other.isLockedByOthers());
    const gone = { kind: "thing", name: NAME, path, removed: true, reason: "unused", failed: false };
    assert.deepEqual(clean(whoUses, true), gone);
    assert.deepEqual(readdirSync(at).sort(), FILES);
    assert.deepEqual(clean(whoUses), gone);
    assert.deepEqual(locked, [false, false, true]);
    assert.deepEqual(readdirSync(at), []);
  });
});

test("what came into use before it was locked is kept", async () => {
  await onFiles((clean, at) => {
    const { removed, reason } = clean((asked) => asked === 1 ? undefined : "used");
    assert.deepEqual([removed, reason], [false, "used"]);
    assert.deepEqual(readdirSync(at).sort(), FILES);
    using other = new PathLock(join(at, FILES[1]));
    assert.ok(other.tryLock(), "it is not kept locked");
  });
});

test("what somebody locked meanwhile is kept", async () => {
  await onFiles((clean, at) => {
    using other = new PathLock(join(at, FILES[1]));
    for (const dryRun of [true, false]) {
      const { removed, reason } = clean(() => void other.tryLock(), dryRun);
      assert.deepEqual([removed, reason], [false, "locked"]);
    }
    assert.ok(other.isOurs());
    assert.deepEqual(readdirSync(at).sort(), FILES);
  });
});

test("what a newcomer uses with a lock file of their own is kept: a stranger removed the one that was locked", {
  skip: notOnWindows("open-lock-files"),
}, async () => {
  await onFiles((clean, at) => {
    using newcomer = new PathLock(join(at, FILES[1]));
    const { removed, reason } = clean((asked) => {
      if (asked === 1) return undefined;
      rmSync(newcomer.path);
      assert.ok(newcomer.tryLock());
    });
    assert.deepEqual([removed, reason], [false, "locked"]);
    assert.ok(newcomer.isOurs());
    assert.deepEqual(readdirSync(at).sort(), FILES);
  });
});

test("any one of the files is enough, and what is called otherwise stays", async () => {
  for (const left of FILES) {
    await onFiles((clean, at) => {
      for (const name of FILES) if (name !== left) rmSync(join(at, name));
      writeFileSync(join(at, "thing.it"), "");
      assert.equal(clean(() => undefined).removed, true);
      assert.deepEqual(readdirSync(at), ["thing.it"]);
    });
  }
});
