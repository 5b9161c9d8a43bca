import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { Child } from "./harness/child.ts";
import { runnable } from "./harness/documented.ts";
import { withDirectory } from "./harness/names.ts";

const ROOT = new URL("../", import.meta.url);

/** Every published file, by its path below the repository. */
const FILES = [
  "mod.ts",
  ...["ffi", "src"].flatMap((room) =>
    readdirSync(new URL(room, ROOT), { recursive: true }).map((name) => `${room}/${name}`)
  ),
].filter((path) => path.endsWith(".ts"));

/** The examples in the doc comments of a file, as programs. */
function examplesOf(path: string): string[] {
  const source = readFileSync(new URL(path, ROOT), "utf8");
  return [...source.matchAll(/^ *\* ```ts\n([\s\S]*?)^ *\* ```$/gm)].map(([, block]) => block.replace(/^ *\* ?/gm, ""));
}

const documented = FILES.flatMap((path) => examplesOf(path).map((example, index) => ({ path, index, example })));

test("the documentation has examples", () => {
  assert.ok(documented.length >= 15, `${documented.length} examples`);
});

for (const { path, index, example } of documented) {
  test(`example ${index + 1} in ${path} does what it says`, async () => {
    await withDirectory(async (directory) => {
      const program = join(directory, "example.ts");
      writeFileSync(program, runnable(example));
      const env = { PROCREF_DIR: join(directory, "state") };
      await using child = new Child(pathToFileURL(program).href, { env, cwd: directory });
      child.process.stdin!.end();
      const { code } = await child.exited;
      assert.equal(code, 0, child.errors);
    });
  });
}
