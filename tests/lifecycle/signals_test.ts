import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import { handleSignals, Lifecycle } from "../../src/lifecycle/mod.ts";
import { Child, type Exit } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { runProgram } from "../harness/written_program.ts";

const WAITS = "say('up'); await new Promise(() => {});";

/** A program with one instance, whose first hook tells whether the file is still there, and whose second one can hang. */
function service(options: string, hook = ""): string {
  return `await lifecycle.runMain(async (life) => {
    life.registerShutdownHook(() => say("file " + existsSync("service.pid")), { name: "database" });
    life.registerShutdownHook(async () => { say("ending"); ${hook} }, { name: "server" });
    ${WAITS}
  }, { instance: "service.pid", ${options} });`;
}

/** Sends a signal, once the program can take it. */
async function send(child: Child, signal: NodeJS.Signals): Promise<void> {
  await child.line("up");
  process.kill(child.pid, signal);
}

for (const runtime of bothRuntimes) {
  test(`a request to end is met by hooks in ${runtime}; the file goes after them, and the status says why`, async () => {
    await withDirectory(async (directory) => {
      await using program = runProgram(directory, service(""), { runtime });
      await program.line("up");
      processes.terminate(program.pid);
      assert.deepEqual(await program.exited, { code: 143, signal: null });
      await program.line("ending");
      assert.equal(await program.line("file "), "true", "the file is there while hooks run");
      assert.ok(!existsSync(join(directory, "service.pid")), "and gone after them");
    });
  });

  test(`R5: while ${runtime} drains, no second instance starts`, async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, "service.pid");
      const hook = "while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 2));";
      await using program = runProgram(directory, service("", hook), { runtime });
      await using second = new Child("instance.ts", { cwd: directory });
      await program.line("up");
      processes.terminate(program.pid);
      await program.line("ending");
      assert.deepEqual(await second.call("ensure", path), { won: false, code: "ALREADY_RUNNING", pid: program.pid });
      await using go = runProgram(directory, "writeFileSync('go', '')");
      await go.exited;
      assert.equal((await program.exited).code, 143);
      assert.deepEqual(await second.call("ensure", path), { won: true, pid: second.pid });
    });
  });

  test(`each signal has its status in ${runtime}`, { skip: notOnWindows("signals") }, async () => {
    await withDirectory(async (directory) => {
      for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
        await using program = runProgram(directory, service(""), { runtime });
        await send(program, signal);
        assert.deepEqual(await program.exited, { code, signal: null });
        await program.line("file true");
      }
    });
  });

  test(`R12: a second signal forces the end in ${runtime}, whatever hangs`, {
    skip: notOnWindows("signals"),
  }, async () => {
    await withDirectory(async (directory) => {
      await using program = runProgram(directory, service("", "await new Promise(() => {});"), { runtime });
      await send(program, "SIGTERM");
      await program.line("ending");
      process.kill(program.pid, "SIGINT");
      assert.deepEqual(await program.exited, { code: 130, signal: null });
      assert.match(program.errors, /SIGINT forces the end/);
      assert.match(program.errors, /are done: server, database/);
      assert.ok(!existsSync(join(directory, "service.pid")));
    });
  });

  test(`a hook that hangs in ${runtime} is left behind after the grace`, async () => {
    await withDirectory(async (directory) => {
      const source = service("graceMs: 50", "await new Promise(() => {});");
      await using program = runProgram(directory, source, { runtime });
      await program.line("up");
      processes.terminate(program.pid);
      assert.equal((await program.exited).code, 143);
      assert.match(program.errors, /"server": it is not done after/);
      await program.line("file true");
    });
  });

  test(`SIGHUP reloads in ${runtime}, and a reload that fails changes nothing`, {
    skip: notOnWindows("signals"),
  }, async () => {
    await withDirectory(async (directory) => {
      const reload = `onReload: () => {
        say("reload " + ++reloads);
        if (reloads === 1) throw new Error("bad file");
      }`;
      await using program = runProgram(directory, `let reloads = 0; ${service(reload)}`, { runtime });
      await send(program, "SIGHUP");
      await program.line("reload 1");
      process.kill(program.pid, "SIGHUP");
      await program.line("reload 2");
      process.kill(program.pid, "SIGTERM");
      assert.equal((await program.exited).code, 143);
      assert.match(program.errors, /cannot reload: bad file/);
    });
  });

  test(`a signal that ${runtime} was started to ignore stays ignored`, { skip: notOnWindows("signals") }, async () => {
    await withDirectory(async (directory) => {
      const runs = runtime === "deno" ? ["deno", "run", "-A", "--no-check", "--quiet"] : ["bun", "run"];
      const command = ["/bin/sh", "-c", 'trap "" HUP; exec "$@"', "sh", ...runs];
      await using program = runProgram(directory, service(""), { command });
      await send(program, "SIGHUP");
      process.kill(program.pid, "SIGTERM");
      assert.equal((await program.exited).code, 143);
    });
  });
}

test("Deno handles signals with no permission at all", { skip: notOnWindows("signals") }, async () => {
  await withDirectory(async (directory) => {
    const source = `lifecycle.registerShutdownHook(() => console.log("hook"));
      await lifecycle.runMain(async () => { console.log("up"); await new Promise(() => {}); });`;
    const command = ["deno", "run", "--no-prompt", "--no-check", "--quiet"];
    await using program = runProgram(directory, source, { command });
    await send(program, "SIGTERM");
    const exit: Exit = await program.exited;
    assert.deepEqual(exit, { code: 143, signal: null }, program.errors);
    await program.line("hook");
  });
});

test("Deno keeps one instance without native calls, and says so to others", {
  skip: notOnWindows("owners"),
}, async () => {
  await withDirectory(async (directory) => {
    const permissions = ["--allow-sys=uid,statfs", `--allow-read=${directory}`, `--allow-write=${directory}`];
    const command = ["deno", "run", "--no-prompt", "--no-check", "--quiet", ...permissions];
    const source = `await lifecycle.runMain(async () => { console.log("up"); await new Promise(() => {}); },
      { instance: ${JSON.stringify(join(directory, "service.pid"))} });`;
    await using program = runProgram(directory, source, { command });
    await program.line("up");
    await using second = new Child("instance.ts");
    const answer = await second.call("ensure", join(directory, "service.pid"));
    assert.deepEqual(answer, { won: false, code: "ALREADY_RUNNING", pid: program.pid });
    process.kill(program.pid, "SIGTERM");
    assert.equal((await program.exited).code, 143);
    assert.ok(!existsSync(join(directory, "service.pid")));
  });
});

test("reloads run one at a time, and those that are asked for meanwhile are one", async () => {
  const open: (() => void)[] = [];
  let running = 0;
  const onReload = async (): Promise<void> => {
    assert.equal(++running, 1);
    await new Promise<void>((resolve) => open.push(resolve));
    running--;
  };
  using signals = handleSignals({ lifecycle: new Lifecycle(), onReload });
  const first = signals.reload();
  const [second, third] = [signals.reload(), signals.reload()];
  assert.equal(second, third);
  await eventually(() => open.length === 1, "the first one runs");
  open[0]();
  await first;
  const fourth = signals.reload();
  await eventually(() => open.length === 2, "one more runs");
  assert.equal(running, 1);
  open[1]();
  await second;
  if (fourth !== second) {
    await eventually(() => open.length === 3, "the last one runs");
    open[2]();
  }
  await fourth;
  assert.equal(running, 0);
});

test("disposing lets signals do what they always do", () => {
  const before = process.listenerCount("SIGINT");
  const signals = handleSignals({ lifecycle: new Lifecycle() });
  assert.equal(process.listenerCount("SIGINT"), before + 1);
  signals[Symbol.dispose]();
  assert.equal(process.listenerCount("SIGINT"), before);
});
