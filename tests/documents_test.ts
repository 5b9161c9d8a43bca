import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Child } from "./harness/child.ts";
import { PROCREF } from "./harness/command.ts";
import { runnable } from "./harness/documented.ts";
import { eventually } from "./harness/eventually.ts";
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

/** The only block of JSON of a page. */
function jsonOf(page: string): string {
  const blocks = [...textOf(page).matchAll(/```json\n([\s\S]*?)```/g)];
  assert.equal(blocks.length, 1);
  return blocks[0][1];
}

/** Runs Deno in a folder; gives what it printed. */
async function runDeno(directory: string, args: readonly string[], env: Record<string, string>): Promise<string> {
  const child = spawn("deno", args, {
    cwd: directory,
    env: { ...process.env, NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, errors] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => out += text);
  child.stderr.setEncoding("utf8").on("data", (text) => errors += text);
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(code, 0, `deno ${args.join(" ")}: ${out}${errors}`);
  return out;
}

/** Programs that stand for those that the tasks of the pages name, in a folder. */
function stubs(directory: string): string {
  const bin = join(directory, "bin");
  mkdirSync(bin);
  const listener = fileURLToPath(new URL("fixtures/listener.ts", import.meta.url));
  const server = `exec deno run -A --no-check '${listener}' "$@"`;
  // Its last argument is the port.
  const connect = 'exec 3<>"/dev/tcp/127.0.0.1/${@: -1}"';
  const scripts = { "postgres": server, "redis-server": server, "pg_isready": connect, "redis-cli": connect };
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(bin, name), `#!/bin/bash\n${script}\n`, { mode: 0o755 });
  }
  return bin;
}

for (const [page, variable] of [["docs/guide.md", "PGPORT"], ["README.md", "REDIS_URL"]]) {
  test(`the tasks of ${page} share one database`, async () => {
    await withDirectory(async (directory) => {
      const tasks = jsonOf(page).replace("jsr:@procref/core/cli", PROCREF.deno.at(-1)!);
      writeFileSync(join(directory, "deno.json"), tasks);
      const client = `
        import { connect } from "node:net";
        import { once } from "node:events";
        const port = /\\d+$/.exec(Deno.env.get("${variable}")!)![0];
        await once(connect(Number(port), "127.0.0.1").resume(), "close");`;
      const env = { PATH: `${stubs(directory)}:${process.env.PATH}`, PROCREF_DIR: join(directory, "state") };
      mkdirSync(env.PROCREF_DIR, { mode: 0o700 });
      // It runs the other tasks while it holds the database itself.
      writeFileSync(
        join(directory, "main.ts"),
        `${client}
        const run = (task) => new Deno.Command("deno", { args: ["task", task], stderr: "inherit" }).output();
        const { code, stdout } = await run("test");
        console.log(code, new TextDecoder().decode(stdout).includes(\`the port is \${port}\\n\`));
        if (${"db" in JSON.parse(tasks).tasks}) console.log((await run("db")).code);`,
      );
      writeFileSync(
        join(directory, "main_test.ts"),
        `${client}
        Deno.test("it answers", () => console.log(\`the port is \${port}\`));`,
      );
      const expected = "db" in JSON.parse(tasks).tasks ? /^0 true\n0$/m : /^0 true$/m;
      assert.match(await runDeno(directory, ["task", "dev"], env), expected);
      await eventually(() => readdirSync(env.PROCREF_DIR).length === 0, "the last one has stopped it");
    });
  });
}

test("the set of permissions is enough for the example of the README", async () => {
  await withDirectory(async (directory) => {
    const set = jsonOf("docs/permissions.md");
    assert.ok(set.includes('"/run/user/1000"'));
    writeFileSync(join(directory, "deno.json"), set.replaceAll("/run/user/1000", directory));
    writeFileSync(
      join(directory, "main.ts"),
      runnable(/```ts\n([\s\S]*?)```/.exec(textOf("README.md"))![1]).replace("20_000", "0"),
    );
    const env = { PROCREF_DIR: "", XDG_RUNTIME_DIR: directory };
    const out = await runDeno(directory, ["run", "-P", "--no-prompt", "--no-check", "main.ts"], env);
    assert.match(out, /^process \d+, shared by 1$/m);
    assert.ok(existsSync(join(directory, "procref")));
  });
});

/** Which tests take the blocks of code of a page, by their language. */
const TAKEN: Readonly<Record<string, string>> = {
  "README.md ts": "readme_test.ts, examples/mcp_test.ts",
  "README.md sh": "readme_test.ts, cli/documented_commands_test.ts",
  "README.md json": "here",
  "CONTRIBUTING.md sh": "here: tasks",
  "docs/cli.md sh": "cli/documented_commands_test.ts",
  "docs/cli.md json": "cli/documented_commands_test.ts",
  "docs/cli.md text": "cli/documented_commands_test.ts",
  "docs/guide.md json": "here",
  "docs/permissions.md json": "here",
  "docs/permissions.md sh": "readme_test.ts",
  "examples/postgres/README.md sh": "examples/postgres_test.ts",
  "examples/redis/README.md sh": "examples/redis_test.ts",
};

test("every block of code is of a kind that some test takes", () => {
  for (const page of PAGES) {
    const fences = [...textOf(page).matchAll(/^ *```(.*)$/gm)].map(([, language]) => language);
    assert.ok(fences.every((language, index) => (index % 2 === 0) === (language !== "")), page);
    for (const language of new Set(fences.filter((each) => each !== ""))) {
      const taken = language === "ts" && page.startsWith("docs/") || `${page} ${language}` in TAKEN;
      assert.ok(taken, `no test takes blocks of ${language} in ${page}`);
    }
  }
});

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
  const theirs = ["dev", "test", "procref", "with-db", "redis"];
  for (const page of PAGES) {
    for (const [, task] of textOf(page).matchAll(/deno task ([\w:-]+)/g)) {
      assert.ok(task in tasks || theirs.includes(task) || page.startsWith("examples/"), `${page}: deno task ${task}`);
    }
  }
});
