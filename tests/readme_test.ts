import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Child } from "./harness/child.ts";
import { withDirectory } from "./harness/names.ts";
import { bothRuntimes } from "./harness/runtime.ts";

const ROOT = new URL("../", import.meta.url);
const README = readFileSync(new URL("README.md", ROOT), "utf8");
const PERMISSIONS = readFileSync(new URL("docs/permissions.md", ROOT), "utf8");

/** The README's example as a program in a directory, with this repository in place of the package. */
function example(directory: string, edit: (source: string) => string = (source) => source): string {
  // The reader's work takes no time.
  const source = replaced(/```ts\n([\s\S]*?)```/.exec(README)?.[1] ?? "", "20_000", "0");
  const program = join(directory, "example.ts");
  writeFileSync(
    program,
    edit(replaced(source, '"@procref/core"', JSON.stringify(fileURLToPath(new URL("mod.ts", ROOT))))),
  );
  return pathToFileURL(program).href;
}

function replaced(text: string, old: string, by: string): string {
  assert.ok(text.includes(old), `the README says ${old}`);
  return text.replaceAll(old, by);
}

async function assertRuns(child: Child): Promise<void> {
  const { code } = await child.exited;
  assert.equal(code, 0, child.errors);
  assert.match(await child.line("process "), /^\d+, shared by 1$/);
}

for (const runtime of bothRuntimes) {
  test(`the README's example runs in ${runtime} as it stands there`, async () => {
    await withDirectory(async (directory) => {
      const env = { PROCREF_DIR: join(directory, "state") };
      await using child = new Child(example(directory), { runtime, env });
      await assertRuns(child);
    });
  });
}

for (const native of ["--allow-ffi", "--deny-ffi"]) {
  test(`the permissions in the documents are enough in Deno (${native})`, async () => {
    await withDirectory(async (directory) => {
      const page = native === "--allow-ffi" ? README : PERMISSIONS;
      const command = new RegExp(`deno run ${native}(?:.*\\\\\n)*`).exec(page)?.[0] ?? "";
      const words = replaced(command, "$XDG_RUNTIME_DIR", directory).replaceAll("\\\n", " ").trim().split(/ +/);
      const env = { PROCREF_DIR: "", XDG_RUNTIME_DIR: directory };
      await using child = new Child(example(directory), { command: [...words, "--no-prompt"], env });
      await assertRuns(child);
      const narrow = /--allow-env=PROCREF_DIR,[\w,]+/.exec(PERMISSIONS)?.[0] ?? "";
      const few = words.map((word) => word === "--allow-env" ? narrow : word);
      const alone = example(directory, (source) => replaced(source, "lingerMs", "inheritEnv: false, lingerMs"));
      await using other = new Child(alone, { command: [...few, "--no-prompt"], env });
      await assertRuns(other);
      assert.ok(existsSync(join(directory, "procref")), "the state is where the documents say");
    });
  });
}

test("the README's commands are those that exist", () => {
  const { tasks } = JSON.parse(readFileSync(new URL("deno.json", ROOT), "utf8"));
  const section = README.split("\n## Work on it\n")[1];
  const named = [...section.matchAll(/deno task (\w+)/g)].map(([, task]) => task);
  assert.ok(named.includes("demo") && named.includes("test"));
  for (const task of named) assert.ok(task in tasks, `deno task ${task}`);
  const script = readFileSync(new URL(".ci/run", ROOT), "utf8");
  assert.ok(script.includes(/npx .* deno task test/.exec(README)![0]), ".ci/run runs the README's test command");
});
