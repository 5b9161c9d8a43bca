import assert from "node:assert/strict";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { FileWatch } from "../../src/kernel/file_watch.ts";
import { persistently } from "../../src/kernel/persistently.ts";
import { withDirectory } from "../harness/names.ts";
import { onWindows } from "../harness/platform.ts";

/** Makes changes until one is told, for the watch may begin late. */
async function told(counted: () => number, change: () => void): Promise<void> {
  const before = counted();
  const deadline = performance.now() + 20_000;
  for (let round = 0; counted() === before; round++) {
    assert.ok(performance.now() < deadline, "no change is told");
    if (round % 50 === 0) change();
    await delay(5);
  }
}

test("a file that is made, replaced and removed is told of, and of others nothing is", async () => {
  await withDirectory(async (directory) => {
    const [path, other] = [join(directory, "file"), join(directory, "other")];
    let changes = 0;
    using watch = new FileWatch(path, () => changes++);
    assert.equal(watch.works, true);
    await told(() => changes, () => writeFileSync(path, `${Math.random()}`));
    await told(() => changes, () => {
      writeFileSync(`${path}.tmp`, "new");
      // On Windows whoever looks at it keeps it for a moment.
      persistently(onWindows ? "somebody of Windows" : 0, () => renameSync(`${path}.tmp`, path));
    });
    await told(() => changes, () => {
      rmSync(path, { force: true });
      writeFileSync(path, "once more");
    });
    // What was told late of those changes comes before what is told of the next one.
    let others = 0;
    using beside = new FileWatch(other, () => others++);
    await told(() => others, () => writeFileSync(other, `${Math.random()}`));
    const before = changes;
    await told(() => others, () => writeFileSync(other, `${Math.random()}`));
    assert.equal(changes, before);
    watch.close();
    watch.close();
    assert.equal(watch.works, false);
    await told(() => others, () => {
      writeFileSync(path, "nobody looks");
      writeFileSync(other, `${Math.random()}`);
    });
    assert.equal(changes, before);
    assert.equal(beside.works, true);
  });
});
