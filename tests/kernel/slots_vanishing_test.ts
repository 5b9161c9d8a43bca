import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { test } from "node:test";
import { openRefCounter } from "../../src/kernel/open.ts";
import { slotsOf } from "../fixtures/counters.ts";
import { Child } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import { uniqueName, withDirectory } from "../harness/names.ts";
import { notOnWindows, onWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";

test("lock files that the last one removes while others look at them refuse nobody", async () => {
  await withDirectory(async (directory) => {
    const args = [uniqueName(), JSON.stringify({ mechanism: "slots", directory }), "30"];
    const children = [...bothRuntimes, ...bothRuntimes].map((runtime) =>
      new Child("come_and_go.ts", { runtime, args })
    );
    await Promise.all(children.map((child) => child.line("done")));
    const ends = await Promise.all(children.map((child) => child.exited));
    assert.deepEqual(ends, children.map(() => ({ code: 0, signal: null })));
    // Windows removes a directory when the last one closes it that has looked at it.
    if (onWindows) await eventually(() => readdirSync(directory).length === 0, "no file is left");
    assert.deepEqual(readdirSync(directory), []);
  });
});

test("who has the seat waits for nobody in a counter that was made since, where nobody counts yet", {
  skip: notOnWindows("open-lock-files"),
}, async () => {
  await withDirectory(async (directory) => {
    const options = { mechanism: "slots", directory } as const;
    const name = uniqueName();
    const [supervisor, holder] = [await openRefCounter(name, options), await openRefCounter(name, options)];
    assert.equal(supervisor.trySeat(), true);
    await holder.acquire();
    // Before the first look of the wait.
    rmSync(slotsOf(name, directory), { recursive: true });
    assert.equal(await supervisor.blockUntilUnused(), false, "a stranger removed it");
    assert.equal(holder.verify(), true, "the holder counts again");
    assert.equal(supervisor.trySeat(), true);
    assert.equal(supervisor.count(), 1);
    holder.close();
    assert.equal(await supervisor.blockUntilUnused(), true);
    assert.equal(supervisor.remove(), true);
    supervisor.close();
  });
});
