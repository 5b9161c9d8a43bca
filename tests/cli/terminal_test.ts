import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { displayWidth } from "../../src/cli/table.ts";
import { PROCREF, procref, procrefJson, RunningCommand } from "../harness/command.ts";
import { eventually } from "../harness/eventually.ts";
import { uniqueName, withDirectory } from "../harness/names.ts";
import { SLEEP, words } from "../harness/command_words.ts";
import { notOnWindows, onWindows } from "../harness/platform.ts";
import { runtime } from "../harness/runtime.ts";

/** script(1) of util-linux gives a program a terminal; what comes on its own standard input is typed. */
const available = spawnSync("script", ["-qec", "true", "/dev/null"], { stdio: ["pipe", "ignore", "ignore"] });
const noTerminal = (): string | false =>
  notOnWindows("terminals") || (available.status !== 0 && "there is no script(1) that gives a terminal");

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}

/** The command on a terminal of so many columns. */
function onTerminal(args: readonly string[], columns: number, env: Record<string, string | undefined>): RunningCommand {
  const typed = `stty cols ${columns} -echo; exec ${quoted([...PROCREF[runtime], ...args])}`;
  return new RunningCommand([], { command: ["script", "-qefc", typed, "/dev/null"], env: { TERM: "xterm", ...env } });
}

/** What a command prints on a terminal. */
async function printed(
  args: readonly string[],
  columns: number,
  env: Record<string, string | undefined>,
): Promise<string> {
  await using command = onTerminal(args, columns, env);
  return (await command.ended).out.replaceAll("\r\n", "\n");
}

/** A service that somebody holds. */
async function held(work: (name: string, env: Record<string, string>) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    const state = join(directory, "state");
    mkdirSync(state, { mode: 0o700 });
    const env = { PROCREF_DIR: state };
    const name = uniqueName("a-service-with-a-name-that-is-rather-long");
    const client = ["sh", "-c", "echo up; cat"];
    await using holder = new RunningCommand(["run", name, "--start", "sleep 300", "--", ...client], { env });
    await holder.says(/up/);
    await work(name, env);
    holder.process.stdin!.end();
    await holder.ended;
    await eventually(() => readdirSync(state).length === 0, "nothing is left");
  });
}

// deno-lint-ignore no-control-regex -- this is what a terminal is told
const ESCAPES = /\x1b\[[0-9;]*[A-Za-z]/g;

test("a table fits the terminal, and is whole in a pipe", { skip: noTerminal() }, async () => {
  await held(async (name, env) => {
    for (const columns of [120, 80, 60]) {
      const lines = (await printed(["ls"], columns, env)).replaceAll(ESCAPES, "").trimEnd().split("\n");
      assert.equal(lines.length, 2, lines.join("|"));
      for (const line of lines) assert.ok(displayWidth(line) <= columns, `${columns}: ${line}`);
      assert.match(lines[1], /running/);
    }
    assert.ok((await printed(["ls"], 60, env)).includes("…"));
    const piped = (await procref(["ls"], { env })).out;
    assert.ok(piped.includes(name) && !piped.includes("…"));
  });
});

test("colour is for terminals alone, and not with NO_COLOR", { skip: noTerminal() }, async () => {
  await held(async (name, env) => {
    assert.ok((await printed(["ls"], 100, env)).includes("\x1b[32mrunning\x1b[0m"));
    assert.ok(
      (await printed(["status", name], 100, { ...env, NO_COLOR: "" })).includes("\x1b[32m"),
      "empty is not set",
    );
    for (const plain of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) {
      assert.ok(!(await printed(["ls"], 100, { ...env, ...plain })).includes("\x1b"));
    }
    assert.ok(!(await procref(["ls"], { env })).out.includes("\x1b"));
  });
});

test(
  "a wait of more than half a second is explained on a terminal, and not in a pipe",
  { skip: noTerminal() },
  async () => {
    await withDirectory(async (directory) => {
      const state = join(directory, "state");
      mkdirSync(state, { mode: 0o700 });
      const env = { PROCREF_DIR: state };
      const start = "sh -c 'sleep 1.5; echo up; exec sleep 300'";
      const args = ["run", "slow", "--start", start, "--ready", "log:up", "--", "echo", "done"];
      const text = await printed(args, 80, env);
      assert.match(text, /procref: waiting until slow is ready \(0\.\d s\)/);
      assert.ok(text.endsWith("\r\x1b[2Kdone\n"), "the line is cleared before the client writes");
      await eventually(() => readdirSync(state).length === 0, "nothing is left");
      const piped = await procref(args, { env });
      assert.deepEqual([piped.out, piped.err], ["done\n", ""]);
      await eventually(() => readdirSync(state).length === 0, "nothing is left");
    });
  },
);

test("Ctrl-C reaches the client once, and its status counts", { skip: noTerminal() }, async () => {
  await withDirectory(async (directory) => {
    const state = join(directory, "state");
    mkdirSync(state, { mode: 0o700 });
    const script = "n=0; trap 'n=$((n+1)); echo got $n' INT; trap 'echo had $n; exit 9' TERM; echo ready; " +
      "while :; do sleep 0.02; done";
    const args = ["run", "interrupted", "--start", "sleep 300", "--", "sh", "-c", script];
    await using command = onTerminal(args, 80, { PROCREF_DIR: state });
    await command.says(/ready/);
    command.process.stdin!.write("\x03");
    await command.says(/got 1/);
    // Sent to procref alone: what arrives after it has been passed on, so a second interrupt would have come before.
    const { holders } = await procrefJson(["status", "interrupted"], { env: { PROCREF_DIR: state } });
    process.kill(holders[0].pid, "SIGTERM");
    const { status, out } = await command.ended;
    assert.match(out, /had 1/);
    assert.equal(status, 9);
    await eventually(() => readdirSync(state).length === 0, "nothing is left");
  });
});

const PRESS = fileURLToPath(new URL("../fixtures/press_ctrl_c.ts", import.meta.url));

if (onWindows) {
  test("Ctrl-C in a console reaches the client once, and its status counts", async () => {
    await withDirectory(async (directory) => {
      const state = join(directory, "state");
      mkdirSync(state, { mode: 0o700 });
      const program = `let times = 0;
        process.on("SIGINT", () => say("got " + ++times));
        process.stdin.on("end", () => { say("had " + times); process.exit(9); }).resume();
        say("ready"); await sleep();`;
      const args = ["run", "interrupted", ...SLEEP, "--", ...words("", program)];
      await using command = new RunningCommand(args, { env: { PROCREF_DIR: state }, hasConsole: true });
      await command.says(/ready/);
      const pressed = spawnSync("bun", ["run", PRESS, String(command.process.pid)], { encoding: "utf8" });
      assert.equal(pressed.stderr, "");
      await command.says(/got 1/);
      const { references } = await procrefJson(["status", "interrupted"], { env: { PROCREF_DIR: state } });
      assert.equal(references, 1, "the service is held until the client has ended");
      command.process.stdin!.end();
      const { status, out } = await command.ended;
      assert.match(out, /had 1/);
      assert.equal(status, 9);
      await eventually(() => readdirSync(state).length === 0, "nothing is left");
    });
  });
}
