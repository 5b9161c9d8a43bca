import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { PROCREF, RunningCommand } from "../harness/command.ts";
import { eventually } from "../harness/eventually.ts";
import { withDirectory } from "../harness/names.ts";
import { SLEEP, UP_AND_COPY } from "../harness/command_words.ts";
import { notOnWindows, onWindows } from "../harness/platform.ts";
import { runtime } from "../harness/runtime.ts";

const MANUAL = readFileSync(new URL("../../docs/cli.md", import.meta.url), "utf8");
const README = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
/** The folder that the state directory of a user is in, by its variable. */
const FOLDER = onWindows ? "LOCALAPPDATA" : "XDG_RUNTIME_DIR";
const MAIN = PROCREF[runtime].at(-1)!;

interface Example {
  readonly script: string;
  /** The JSON that the manual shows for it. */
  readonly shown: string | undefined;
}

const examples: readonly Example[] = [...MANUAL.matchAll(/```sh\n([\s\S]*?)```\n(?:\n```json\n([\s\S]*?)```)?/g)]
  .map(([, script, shown]) => ({ script, shown }));

/** The section of the README about tasks and the command line. */
const section = /\n## In tasks\n([\s\S]*?)\n## /.exec(README)?.[1] ?? "";
const introduced: readonly Example[] = [...section.matchAll(/```sh\n([\s\S]*?)```/g)]
  .map(([, script]) => ({ script, shown: undefined }));

/** A folder of programs that the examples name. */
function programs(directory: string): string {
  const folder = join(directory, "bin");
  mkdirSync(folder);
  const listener = fileURLToPath(new URL("../fixtures/listener.ts", import.meta.url));
  const command = runtime === "deno" ? "deno run -A --no-check --quiet" : "bun run";
  const scripts = {
    procref: `exec ${PROCREF[runtime].map((word) => `'${word}'`).join(" ")} "$@"`,
    postgres: `exec ${command} '${listener}' "$@"`,
    pg_isready: `test "$1 $2 $3 $4" = '-q -h localhost -p' && test "$5" -gt 0`,
    npm:
      `case "$1 $DATABASE_URL" in "ci ") ;; "test "postgres://localhost:*[0-9]/app) echo tested ;; *) exit 1 ;; esac`,
  };
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  return folder;
}

/** The keys of a value and of what is in it, of arrays by their first element. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 || typeof value[0] !== "object" ? "array" : [shape(value[0])];
  if (typeof value !== "object" || value === null) return "value";
  return Object.entries(value).map(([key, part]) => [key, shape(part)]);
}

async function run(script: string, directory: string): Promise<string> {
  const state = join(directory, "state");
  mkdirSync(state, { mode: 0o700 });
  const shell = spawn("sh", ["-euc", script], {
    cwd: directory,
    env: { ...process.env, PATH: `${programs(directory)}:${process.env.PATH}`, PROCREF_DIR: state },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  shell.stdout!.setEncoding("utf8").on("data", (text) => out += text);
  shell.stderr!.setEncoding("utf8").on("data", (text) => err += text);
  const [code] = await once(shell, "close");
  assert.equal(code, 0, `${script}\n${out}${err}`);
  await eventually(() => readdirSync(state).length === 0, `nothing is left after ${script}`);
  return out;
}

test("the manual has examples for every command, and the README has some", () => {
  assert.ok(introduced.length >= 1);
  for (const command of ["run", "ls", "status", "logs", "stop", "gc", "lock", "sem", "doctor"]) {
    assert.match(MANUAL, new RegExp(`^## ${command}$`, "m"));
    assert.ok(examples.some(({ script }) => script.includes(`procref ${command}`)), command);
  }
});

for (const { script, shown } of [...examples, ...introduced]) {
  test(
    `the documented command does what it says: ${script.split("\n")[0]}`,
    { skip: notOnWindows("shells") },
    async () => {
      await withDirectory(async (directory) => {
        const out = await run(script, directory);
        if (shown !== undefined) assert.deepEqual(shape(JSON.parse(out)), shape(JSON.parse(shown)));
      });
    },
  );
}

test("the exit codes and options of the manual are those of --help", () => {
  for (const command of ["run", "lock", "sem"]) {
    const { stdout } = spawnSync(PROCREF[runtime][0], [...PROCREF[runtime].slice(1), command, "--help"], {
      encoding: "utf8",
    });
    for (const [, option] of stdout.matchAll(/--([a-z-]+)/g)) assert.ok(MANUAL.includes(`--${option}`), option);
  }
});

/** What the manual says of Deno without native calls. */
function withoutFfi(words: readonly string[]): string[] {
  const changed = words.map((word) =>
    word === "--allow-ffi"
      ? "--allow-sys=uid,statfs"
      : word.startsWith("--allow-run=")
      ? `${word},/bin/sh`
      : word.startsWith("--allow-env=")
      ? `${word},NODE_V8_COVERAGE`
      : word
  );
  const runs = changed.some((word) => word.startsWith("--allow-run"));
  return [changed[0], changed[1], "--deny-ffi", ...(runs ? [] : ["--allow-run=/bin/sh"]), ...changed.slice(2)];
}

for (const native of [true, false]) {
  test(`the permissions of the manual are enough in Deno (${native ? "with" : "without"} native calls)`, {
    skip: !native && notOnWindows("without-ffi"),
  }, async () => {
    const [looking, running, locking] = [...MANUAL.matchAll(/```text\n(deno run --allow-ffi[\s\S]*?)```/g)].map((
      [, text],
    ) => text);
    await withDirectory(async (directory) => {
      const words = (text: string): string[] => {
        const flags = text.slice(0, text.indexOf("jsr:")).replaceAll("\\\n", " ")
          .replaceAll("$XDG_RUNTIME_DIR", directory).replaceAll(
            "XDG_RUNTIME_DIR",
            onWindows ? FOLDER : "XDG_RUNTIME_DIR",
          );
        const named = flags.replace("setsid,npm", onWindows ? "bun" : "setsid,sh").replace("=npm", "=sh").trim().split(
          /\s+/,
        );
        return [...(native ? named : withoutFfi(named)), "--no-prompt", "--quiet", MAIN];
      };
      const env = { PROCREF_DIR: "", [FOLDER]: directory };
      const options = { command: words(running), env };
      await using command = new RunningCommand(["run", "a", ...SLEEP, "--", ...UP_AND_COPY], options);
      await command.says(/up/);
      for (const args of [["ls"], ["status", "a"], ["logs", "a"], ["gc"], ["stop", "a", "--force"]]) {
        await using looker = new RunningCommand(args, { command: words(looking), env });
        const { status, err } = await looker.ended;
        assert.equal(status, 0, `${args}: ${err}`);
      }
      command.process.stdin!.end();
      assert.equal((await command.ended).status, 0);
      for (const args of onWindows ? [] : [["lock", "a"], ["sem", "a", "-j", "2"]]) {
        await using locker = new RunningCommand([...args, "--", "sh", "-c", "exit 3"], {
          command: words(locking),
          env,
        });
        const { status, err } = await locker.ended;
        assert.equal(status, 3, `${args}: ${err}`);
      }
      const state = onWindows ? join("procref", readdirSync(join(directory, "procref"))[0]) : "procref";
      await eventually(() => readdirSync(join(directory, state)).length === 0, "nothing is left");

      const more = ["--allow-run", "--allow-env"];
      const checking = words(looking).filter((word) => !word.startsWith("--allow-run")).flatMap((word) =>
        word.startsWith("--allow-env") ? more : [word]
      );
      await using doctor = new RunningCommand(["doctor"], { command: checking, env });
      const { status, out } = await doctor.ended;
      assert.equal(status, 0, out);
      // Services do well with less, so that what it cannot look at is no failure.
      await using narrow = new RunningCommand(["doctor"], { command: words(looking), env });
      const told = await narrow.ended;
      assert.equal(told.status, 0, told.out);
      for (const check of ["crash release", "supervisors"]) {
        const line = new RegExp(`^warning +${check} +not checked, for doctor itself wants -A: Requires `, "m");
        if (!onWindows) assert.match(told.out, line);
      }
    });
  });
}
