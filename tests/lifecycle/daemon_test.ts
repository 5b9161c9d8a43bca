import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import { status } from "../../src/lifecycle/mod.ts";
import { identityOf, isAlive } from "../../src/process/mod.ts";
import type { Child } from "../harness/child.ts";
import { environmentOf } from "../harness/environment.ts";
import { eventually } from "../harness/eventually.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows } from "../harness/platform.ts";
import { bothRuntimes, type RuntimeName } from "../harness/runtime.ts";
import { runProgram } from "../harness/written_program.ts";

/**
 * A program that becomes a daemon. What it does between its start and its readiness is the test's; the launcher says its
 * PID or the error.
 */
function daemonProgram(before: string, options = "", port = 0): string {
  return `import { createServer } from "node:http";
  import { spawnSync } from "node:child_process";
  void spawnSync;
  console.error("life " + (process.env.PROCREF_DAEMON === undefined ? "of the launcher" : "of the daemon"));
  await lifecycle.runMain(async (life) => {
    let daemon;
    try {
      daemon = await lifecycle.daemonize({ logFile: "daemon.log", pidFile: "service.pid", ${options} });
    } catch (error) {
      say("failed " + JSON.stringify({ code: error.code, message: error.message, details: { ...error.details, log: error.details.log } }));
      throw error;
    }
    if (daemon.role === "launcher") return say("daemon " + daemon.pid);
    ${before}
    const server = createServer((_, response) => response.end("hello"));
    await lifecycle.serveGracefully(server.listen(${port}, "127.0.0.1"), {
      onServing() {
        writeFileSync("port", String(server.address().port));
        daemon.ready();
      },
    });
  });`;
}

interface Stage {
  readonly directory: string;
  readonly path: string;
  readonly logFile: string;
  launch(source: string): Child;
  log(): string;
}

/** A test with daemons: those that it leaves are ended. */
async function onStage(runtime: RuntimeName, work: (stage: Stage) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    const path = join(directory, "service.pid");
    const logFile = join(directory, "daemon.log");
    const launched: Child[] = [];
    try {
      await work({
        directory,
        path,
        logFile,
        launch(source: string): Child {
          const child = runProgram(directory, source, { runtime });
          launched.push(child);
          return child;
        },
        log: () => readFileSync(logFile, "utf8"),
      });
    } finally {
      for (const child of launched) await child[Symbol.asyncDispose]();
      const { running, pid } = status(path);
      if (running) await processes.stop(pid!, 0);
    }
  });
}

function fetchText(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port }, (response) => {
      response.setEncoding("utf8").once("data", resolve);
    }).once("error", reject);
  });
}

/** What a descriptor of a process leads to. */
function readLink(pid: number, descriptor: number): string {
  return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
}

interface Failed {
  readonly code: string;
  readonly message: string;
  readonly details: { readonly pid?: number; readonly log: string };
}

async function failure(child: Child): Promise<Failed> {
  const failed = JSON.parse(await child.line("failed "));
  assert.deepEqual(await child.exited, { code: 1, signal: null });
  return failed;
}

for (const runtime of bothRuntimes) {
  test(`R9, R10: the launcher in ${runtime} reports success when the daemon serves, and ends; the daemon has the lock`, async () => {
    await onStage(runtime, async ({ directory, path, launch, log }) => {
      await using launcher = launch(daemonProgram("console.log('said by the daemon');"));
      const pid = Number(await launcher.line("daemon "));
      assert.equal(await fetchText(Number(readFileSync(join(directory, "port"), "utf8"))), "hello", "at that moment");
      assert.deepEqual(await launcher.exited, { code: 0, signal: null });
      assert.notEqual(pid, launcher.pid);
      assert.deepEqual([status(path).running, status(path).pid, isAlive(pid)], [true, pid, true]);
      assert.equal(log().match(/^life of the daemon$/mg)!.length, 1, "R9: it has not made a daemon of itself again");
      assert.match(log(), /^said by the daemon$/m);
      processes.terminate(pid);
      await eventually(() => !isAlive(pid), "it ends when it is asked to");
      assert.deepEqual([existsSync(path), status(path)], [false, { running: false }]);
    });
  });

  test(`R9: what a daemon in ${runtime} starts does not take itself for one`, async () => {
    await onStage(runtime, async ({ launch, log }) => {
      const program = JSON.stringify("console.log('seen: ' + process.env.PROCREF_DAEMON)");
      const run = runtime === "deno" ? `["eval", ${program}]` : `["-e", ${program}]`;
      await using launcher = launch(daemonProgram(`spawnSync(process.execPath, ${run}, { stdio: "inherit" });`));
      await launcher.line("daemon ");
      assert.match(log(), /seen: undefined/);
    });
  });

  test(`a daemon of ${runtime} runs in a session of its own, where it was told, with no descriptor left over`, {
    skip: notOnWindows("procfs"),
  }, async () => {
    await onStage(runtime, async ({ directory, launch }) => {
      mkdirSync(join(directory, "elsewhere"));
      const options = "cwd: 'elsewhere', env: { EXTRA: 'more' }";
      await using launcher = launch(daemonProgram("writeFileSync('here', process.cwd());", options));
      const pid = Number(await launcher.line("daemon "));
      const [, , , group, session] = /\) (\S+) (\S+) (\S+) (\S+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))!;
      assert.deepEqual([group, session], [String(pid), String(pid)]);
      assert.ok(existsSync(join(directory, "elsewhere", "here")));
      assert.ok(existsSync(join(directory, "service.pid")), "paths are seen from where it was started");
      assert.equal(environmentOf(pid).EXTRA, "more");
      const links = [0, 1, 2].map((fd) => readLink(pid, fd));
      assert.deepEqual(links, ["/dev/null", join(directory, "daemon.log"), join(directory, "daemon.log")]);
    });
  });

  test(`R8: a daemon of ${runtime} that cannot serve is a failure of the launcher, with the reason and its log`, async () => {
    await onStage(runtime, async ({ path, launch }) => {
      const taken = createServer();
      await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
      const { port } = taken.address() as AddressInfo;
      try {
        await using launcher = launch(daemonProgram("console.log('about to serve');", "", port));
        const { code, message, details } = await failure(launcher);
        assert.equal(code, "SERVICE_START");
        assert.match(message, /Cannot start the server: .*(EADDRINUSE|os error 10048)/);
        assert.match(details.log, /about to serve/);
        await eventually(() => !status(path).running && !existsSync(path), "the daemon has gone, and its file");
      } finally {
        await new Promise((resolve) => taken.close(resolve));
      }
    });
  });

  test(`a second daemon of ${runtime} is refused with the PID of the first`, async () => {
    await onStage(runtime, async ({ path, launch }) => {
      await using first = launch(daemonProgram(""));
      const pid = Number(await first.line("daemon "));
      await first.exited;
      await using second = launch(daemonProgram(""));
      const { code, details } = await failure(second);
      assert.deepEqual([code, details.pid], ["ALREADY_RUNNING", pid]);
      assert.equal(status(path).pid, pid);
    });
  });

  test(`of two launchers at once in ${runtime} one has a daemon, and the other one is told its PID`, async () => {
    await onStage(runtime, async ({ path, launch }) => {
      const launchers = [1, 2].map(() => launch(daemonProgram("")));
      const exits = await Promise.all(launchers.map(({ exited }) => exited));
      const winner = exits.findIndex(({ code }) => code === 0);
      assert.deepEqual(exits.map(({ code }) => code).sort(), [0, 1]);
      const pid = Number(await launchers[winner].line("daemon "));
      const failed: Failed = JSON.parse(await launchers[1 - winner].line("failed "));
      assert.deepEqual([failed.code, failed.details.pid, status(path).pid], ["ALREADY_RUNNING", pid, pid]);
    });
  });

  test(`a daemon of ${runtime} that is SIGKILLed before it serves is a failure, and the next one starts at once`, {
    skip: notOnWindows("killed-pipes"),
  }, async () => {
    await onStage(runtime, async ({ path, launch }) => {
      const die = "console.log('last words'); process.kill(process.pid, 'SIGKILL'); await new Promise(() => {});";
      await using launcher = launch(daemonProgram(die));
      const { code, message, details } = await failure(launcher);
      assert.equal(code, "SPAWN");
      assert.match(message, /it ended before it said that it serves/);
      assert.match(details.log, /last words/);
      assert.deepEqual([existsSync(path), status(path).running], [true, false]);
      await using next = launch(daemonProgram(""));
      const pid = Number(await next.line("daemon "));
      assert.equal(status(path).pid, pid);
    });
  });

  test(`a daemon of ${runtime} that ends before daemonize is a failure with the end of its log`, async () => {
    await onStage(runtime, async ({ launch }) => {
      const source = `if (process.env.PROCREF_DAEMON !== undefined) throw new Error("bad configuration");`;
      await using launcher = launch(source + daemonProgram(""));
      const { code, details } = await failure(launcher);
      assert.equal(code, "SPAWN");
      assert.match(details.log, /bad configuration/);
    });
  });

  test(`when the launcher in ${runtime} is SIGKILLed while it waits, the daemon goes on`, async () => {
    await onStage(runtime, async ({ path, directory, launch, log }) => {
      const wait = "writeFileSync('begun', ''); while (!existsSync('go')) await new Promise((r) => setTimeout(r, 2));";
      await using launcher = launch(daemonProgram(wait));
      await eventually(() => existsSync(join(directory, "begun")), "the daemon has begun");
      process.kill(launcher.pid, "SIGKILL");
      await launcher.exited;
      writeFileSync(join(directory, "go"), "");
      await eventually(() => /ready$/m.test(log()), "it says that it serves");
      assert.equal(status(path).running, true);
      assert.equal(await fetchText(Number(readFileSync(join(directory, "port"), "utf8"))), "hello");
    });
  });

  test(`a daemon of ${runtime} that does not serve in time is ended`, async () => {
    await onStage(runtime, async ({ path, directory, launch }) => {
      const hang = "writeFileSync('pid', String(process.pid)); await new Promise(() => {});";
      const source = daemonProgram(hang, "timeoutMs: 1500");
      await using launcher = launch(source);
      const { code } = await failure(launcher);
      assert.equal(code, "TIMEOUT");
      assert.equal(identityOf(Number(readFileSync(join(directory, "pid"), "utf8"))), undefined);
      assert.equal(status(path).running, false);
    });
  });
}

test("a command that only a shell would run is given to none", { skip: notOnWindows("interpreters") }, async () => {
  for (const runtime of bothRuntimes) {
    await onStage(runtime, async ({ directory, launch }) => {
      const path = join(directory, "text");
      writeFileSync(path, `echo run >> '${path}.mark'\n`, { mode: 0o700 });
      await using launcher = launch(daemonProgram("", "command: ['./text'], timeoutMs: 20_000"));
      const { code, message, details } = JSON.parse(await launcher.line("failed "));
      assert.deepEqual([code, details.exitCode], ["SPAWN", 126]);
      assert.equal(message, "Cannot start the daemon: ./text is a text that names no interpreter (#!)");
      await launcher.exited;
      assert.equal(existsSync(`${path}.mark`), false);
    });
  }
});

test("a command that cannot be run is a failure, and what was said of it is in the log", async () => {
  await onStage("bun", async ({ launch }) => {
    await using launcher = launch(daemonProgram("", "command: ['/no/such/program'], timeoutMs: 20_000"));
    const { code, message } = await failure(launcher);
    assert.equal(code, "SPAWN");
    assert.match(message, /no\/such\/program/);
  });
});

test("a log that is no file is refused", async () => {
  await withDirectory(async (directory) => {
    const source = `await lifecycle.daemonize({ logFile: "." }).catch((error) => say(error.code));`;
    await using program = runProgram(directory, source);
    assert.match(await program.line(""), /^(IO|INVALID_ARGUMENT)$/);
  });
});
