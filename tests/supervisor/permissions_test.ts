import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { processSystem } from "../../src/process/platform.ts";
import { findProgram } from "../../src/process/programs.ts";
import { notOnWindows, onWindows } from "../harness/platform.ts";
import { programCommand } from "../harness/program.ts";
import { type Acquired, onStage, type Options } from "../harness/supervised.ts";
import { withDirectory } from "../harness/names.ts";
import { ServiceStage } from "../harness/service_clients.ts";
import { sleepCommand } from "../harness/sleeper.ts";

const MAIN = fileURLToPath(new URL("../../src/supervisor/main.ts", import.meta.url));
const LINUX_BUNDLE = fileURLToPath(new URL("../../src/supervisor/linux_bundle.js", import.meta.url));

function flagsOf(pid: number, program = MAIN): string[] {
  const words = processSystem().command(pid)!;
  assert.equal(words.at(-1), program, "nothing follows: orders come by a pipe");
  return words.filter((word) => word.startsWith("--allow") || word === "-A").sort();
}

function pathOf(program: string): string {
  const search = findProgram(program, process.env.PATH);
  assert.ok("found" in search);
  return search.found;
}

/** What the supervisor's service runs: with a parent-death signal, that is setpriv and not the command. */
const SETPRIV = findProgram("setpriv");
const PROGRAM = pathOf(onWindows ? "bun" : "sh");
const RUNS = "found" in SETPRIV ? SETPRIV.found : PROGRAM;
/** A command that says yes. */
const YES = onWindows ? programCommand("") : ["true"];

for (
  const [what, more, asked, net] of [
    ["a service without a port", {}, [], []],
    ["a service with a port", { port: "auto", ready: "running" }, [], ["--allow-net=127.0.0.1"]],
    ["a service that is asked by a command", { ready: { exec: YES } }, [pathOf(YES[0])], []],
  ] as [string, Options, string[], string[]][]
) {
  test(`Deno's supervisor of ${what} has just these permissions`, async () => {
    await onStage(async (stage) => {
      const client = await stage.client(stage.sleeper(more), { runtime: "deno" });
      await client.call<Acquired>("acquire");
      assert.deepEqual(flagsOf(stage.supervisor().pid, onWindows ? MAIN : LINUX_BUNDLE), [
        "--allow-env=NODE_V8_COVERAGE",
        "--allow-ffi",
        ...net,
        `--allow-read=${[...new Set([stage.state, PROGRAM, ...asked])].join(",")}`,
        `--allow-run=${[...new Set([RUNS, ...asked])].join(",")}`,
        `--allow-write=${stage.state}`,
      ]);
      await client.kill();
      await stage.assertNothingLeft();
    });
  });
}

test("Deno's reaper may do still less: no program, no network", async () => {
  await withDirectory(async (directory) => {
    const stage = new ServiceStage(directory);
    const client = await stage.client({}, { runtime: "deno" });
    await client.call("acquire");
    const reaper = await stage.reaper();
    assert.deepEqual(flagsOf(reaper), [
      "--allow-env=NODE_V8_COVERAGE",
      "--allow-ffi",
      `--allow-read=${stage.state}`,
      `--allow-write=${stage.state}`,
    ]);
    await client.call("release", 0);
    await stage.assertNothingLeft();
    await stage.close();
  });
});

/** What README.md says that a client needs; Windows starts supervisors by no program. */
function narrow(state: string, run: string): string[] {
  return [
    "deno",
    "run",
    "--no-check",
    "--quiet",
    "--no-prompt",
    "--allow-ffi",
    ...(onWindows ? [] : [`--allow-run=${run}`]),
    "--allow-env",
    `--allow-read=${state},${process.cwd()},/tmp`,
    `--allow-write=${state}`,
  ];
}

test("a client in Deno with narrow permissions shares a command", async () => {
  await onStage(async (stage) => {
    const command = narrow(stage.state, "setsid");
    const client = await stage.client(stage.sleeper(), { runtime: "deno", command });
    const { pid } = await client.call<Acquired>("acquire");
    assert.deepEqual(stage.running(), [pid]);
    await client.call("release", 0);
    await stage.assertNothingLeft();
  });
});

test("a client in Deno without --allow-run=setsid is told so", { skip: notOnWindows("setsid") }, async () => {
  await onStage(async (stage) => {
    const denied = await stage.client(stage.sleeper(), { runtime: "deno", command: narrow(stage.state, "true") });
    await assert.rejects(denied.call("acquire"), { code: "PERMISSION", message: /--allow-run=setsid/ });
    await stage.assertNothingLeft();
  });
});

test("a client in Deno that may not see the environment can share a command with inheritEnv: false", async () => {
  await onStage(async (stage) => {
    const command = narrow(stage.state, "setsid").map((flag) =>
      flag === "--allow-env" ? "--allow-env=PATH,NODE_V8_COVERAGE" : flag
    );
    const [sleep, ...words] = sleepCommand();
    const options = { command: [pathOf(sleep), ...words], directory: stage.state };
    const client = await stage.client({ ...options, inheritEnv: false }, { runtime: "deno", command });
    await client.call<Acquired>("acquire");
    await client.call("release", 0);
    await stage.assertNothingLeft();
    const refused = stage.client(options, { runtime: "deno", command });
    await assert.rejects(refused, /PERMISSION|inheritEnv: false/);
  });
});
