import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Child } from "./harness/child.ts";
import { runnable } from "./harness/documented.ts";
import { withDirectory } from "./harness/names.ts";

const ROOT = new URL("../", import.meta.url);
const PAGES = [
  ...["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "PLATFORMS.md"],
  ...["docs", "examples"].flatMap((folder) =>
    readdirSync(new URL(folder, ROOT), { recursive: true }).map((name) => `${folder}/${name}`.replaceAll("\\", "/"))
  ).filter((path) => path.endsWith(".md") && !path.includes("node_modules")),
];

function textOf(page: string): string {
  return readFileSync(new URL(page, ROOT), "utf8");
}

/** The programs of a page. The README's have tests of their own, with permissions and in both runtimes. */
const programs = PAGES.filter((page) => page.startsWith("docs/")).flatMap((page) =>
  [...textOf(page).matchAll(/```ts\n([\s\S]*?)```/g)].map(([, source], index) => ({ page, index, source }))
);

test("the pages have programs", () => {
  assert.ok(programs.length >= 6, `${programs.length} programs`);
});

for (const { page, index, source } of programs) {
  test(`program ${index + 1} of ${page} does what it says`, async () => {
    await withDirectory(async (directory) => {
      const program = join(directory, "program.ts");
      writeFileSync(program, runnable(source));
      await using child = new Child(pathToFileURL(program).href, { env: { PROCREF_DIR: join(directory, "state") } });
      child.process.stdin!.end();
      const { code } = await child.exited;
      assert.equal(code, 0, child.errors);
    });
  });
}

test("every link within the repository leads to a page and a heading that are there", () => {
  for (const page of PAGES) {
    for (const [, target] of textOf(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^\w+:/.test(target)) continue;
      const [path, heading] = target.split("#");
      const url = path === "" ? new URL(page, ROOT) : new URL(path, new URL(page, ROOT));
      assert.ok(existsSync(fileURLToPath(url)), `${page}: ${target}`);
      if (heading === undefined) continue;
      const headings = [...readFileSync(url, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
        text.toLowerCase().replace(/[^\w\s-]/g, "").trim().replace(/\s+/g, "-")
      );
      assert.ok(headings.includes(heading), `${page}: ${target}`);
    }
  }
});

test("every error code has a remedy, and no other is named", () => {
  const declared = [...readFileSync(new URL("src/errors.ts", ROOT), "utf8").matchAll(/^ {2}\| "([A-Z_]+)"/gm)];
  const codes = declared.map(([, code]) => code);
  assert.ok(codes.length > 25);
  const explained = [...textOf("docs/troubleshooting.md").matchAll(/^\| ((?:`[A-Z_]+`(?:, )?)+) +\|/gm)]
    .flatMap(([, cell]) => [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => code));
  assert.deepEqual(explained.toSorted(), codes.toSorted());
});

test("every task that is named is there", () => {
  const { tasks } = JSON.parse(textOf("deno.json"));
  // Those of a project of the reader's own.
  const theirs = ["dev", "test", "procref"];
  for (const page of PAGES) {
    for (const [, task] of textOf(page).matchAll(/deno task ([\w:]+)/g)) {
      assert.ok(task in tasks || theirs.includes(task) || page.startsWith("examples/"), `${page}: deno task ${task}`);
    }
  }
});
