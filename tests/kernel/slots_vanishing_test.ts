import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { Child } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import { uniqueName, withDirectory } from "../harness/names.ts";
import { onWindows } from "../harness/platform.ts";
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
