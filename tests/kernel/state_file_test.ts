import assert from "node:assert/strict";
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isProcrefError } from "../../src/errors.ts";
import { PathLock } from "../../src/kernel/path_lock.ts";
import { StateFile } from "../../src/kernel/state_file.ts";
import { Child } from "../harness/child.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows, onWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";

/** How often each of several writers writes; under Wine each write takes as long as ten. */
const WRITES = onWindows ? 15 : 100;

interface Counted {
  readonly count: number;
}

let parsed = 0;

function open(path: string): StateFile<Counted> {
  return new StateFile<Counted>(path, {
    format: (state) => JSON.stringify(state),
    parse: (text) => {
      parsed++;
      const state = JSON.parse(text);
      if (!Number.isSafeInteger(state.count)) throw new Error("it has no count");
      return state;
    },
  });
}

test("a state is seen by others as a whole, and a file that has not changed is not read again", async () => {
  await withDirectory((directory) => {
    const path = join(directory, "state.json");
    const [one, other] = [open(path), open(path)];
    assert.equal(one.read(), undefined);
    one.write({ count: 1 });
    const before = parsed;
    assert.deepEqual(other.read(), { count: 1 });
    assert.equal(other.read(), other.read());
    assert.deepEqual(one.read(), { count: 1 });
    assert.equal(parsed, before + 1);
    one.write({ count: 2 });
    assert.deepEqual(other.read(), { count: 2 });
    assert.deepEqual(readdirSync(directory), ["state.json"], "no temporary file stays");
  });
});

test("a file that is replaced again and again within one tick of the clock is read again each time", async () => {
  await withDirectory((directory) => {
    const path = join(directory, "state.json");
    using file = open(path);
    for (let count = 1000; count < 1200; count++) {
      // As somebody else does: the same length, the same time, and on many file systems an inode that was used before.
      writeFileSync(`${path}.aside`, JSON.stringify({ count }));
      utimesSync(`${path}.aside`, 1_700_000_000, 1_700_000_000);
      renameSync(`${path}.aside`, path);
      // What was read last was replaced twice.
      if (count % 2 === 0) assert.deepEqual(file.read(), { count });
    }
  });
});

test("a state that was removed is no state, and one that was closed is read again", async () => {
  await withDirectory((directory) => {
    const path = join(directory, "state.json");
    using file = open(path);
    file.write({ count: 1 });
    file.close();
    file.close();
    assert.deepEqual(file.read(), { count: 1 });
    file.remove();
    file.remove();
    assert.equal(file.read(), undefined);
    assert.deepEqual(readdirSync(directory), []);
  });
});

test("an empty, damaged, foreign or too large file is an error and never no state", async () => {
  await withDirectory((directory) => {
    const path = join(directory, "state.json");
    for (const text of ["", "{", "[]", '{"count":"many"}', "\xff\xfe"]) {
      writeFileSync(path, text, "latin1");
      assert.throws(() => open(path).read(), (error) => isProcrefError(error, "BROKEN_FILE"), JSON.stringify(text));
    }
    truncateSync(path, 2_000_000);
    assert.throws(() => open(path).read(), (error) => isProcrefError(error, "BROKEN_FILE"));
  });
});

test("a link is not followed when reading, and is replaced when writing", { skip: notOnWindows("links") }, async () => {
  await withDirectory((directory) => {
    const [path, victim] = [join(directory, "state.json"), join(directory, "victim.json")];
    writeFileSync(victim, '{"count":7}');
    symlinkSync(victim, path);
    assert.throws(() => open(path).read(), (error) => isProcrefError(error, "BROKEN_FILE"));
    symlinkSync(victim, `${path}.tmp`);
    open(path).write({ count: 8 });
    assert.equal(readFileSync(victim, "utf8"), '{"count":7}');
    assert.deepEqual(open(path).read(), { count: 8 });
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });
});

test("a state that cannot be written stays the old one, and nothing is left of the new one", async () => {
  await withDirectory((directory) => {
    const path = join(directory, "state.json");
    const file = open(path);
    file.write({ count: 1 });
    renameSync(path, `${path}.aside`);
    // In the place of the file a directory that is not empty: nothing can be renamed to it.
    const inside = open(join(path, "inside"));
    assert.throws(() => inside.write({ count: 2 }), (error) => isProcrefError(error, "IO"));
    assert.deepEqual(readdirSync(directory), ["state.json.aside"]);
    assert.ok(!existsSync(path));
  });
});

test("writers that are SIGKILLed at any moment leave the old state or the new one, and nothing is counted twice", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "state.json");
    for (const runtime of [...bothRuntimes, ...bothRuntimes, ...bothRuntimes]) {
      await using writer = new Child("state_writer.ts", { runtime, args: [path, "1000000"] });
      await writer.line("ready");
      const from = open(path).read()?.count ?? 0;
      while ((open(path).read()?.count ?? 0) < from + 20) await new Promise((resolve) => setTimeout(resolve, 1));
      await writer.kill();
      using lock = new PathLock(`${path}.lock`);
      assert.equal(lock.tryLock(), true, "the lock of the dead is free");
      assert.ok(open(path).read()!.count >= from + 20);
    }
  });
});

test("a reader without the lock sees whole states in their order, however fast others replace them", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "state.json");
    const writers = [...bothRuntimes, ...bothRuntimes].map((runtime) =>
      new Child("state_writer.ts", { runtime, args: [path, "1000000"] })
    );
    try {
      await Promise.all(writers.map((writer) => writer.line("ready")));
      using file = open(path);
      let last = 0;
      while (last < 15 * WRITES) {
        const count = file.read()?.count ?? 0;
        assert.ok(count >= last, `${count} after ${last}`);
        last = count;
      }
    } finally {
      await Promise.all(writers.map((writer) => writer.kill()));
    }
  });
});

test("four writers in both runtimes lose nothing of what the others wrote", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "state.json");
    const writers = [...bothRuntimes, ...bothRuntimes].map((runtime) =>
      new Child("state_writer.ts", { runtime, args: [path, String(WRITES)] })
    );
    await Promise.all(writers.map((writer) => writer.line("done")));
    await Promise.all(writers.map((writer) => writer.exited));
    assert.deepEqual(open(path).read()?.count, 4 * WRITES);
  });
});
