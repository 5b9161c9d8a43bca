import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { isProcrefError, type ProcrefError } from "../../src/errors.ts";
import { parseIdentity } from "../../src/process/identity.ts";
import {
  attach,
  identityOf,
  isAlive,
  type ManagedProcess,
  type ProcessRegistry,
  spawn,
  spawnAndWait,
  type SpawnOptions,
} from "../../src/process/mod.ts";
import { processSystem } from "../../src/process/platform.ts";
import { Shell } from "../fixtures/shell.ts";
import { Child } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows, onWindows } from "../harness/platform.ts";
import { programCommand } from "../harness/program.ts";
import { bothRuntimes, runtime } from "../harness/runtime.ts";
import { sleepCommand } from "../harness/sleeper.ts";

/** Starts a shell script, or where there is no shell the program that stands for it. */
async function start(script: string, program: string, options: SpawnOptions = {}): Promise<ManagedProcess> {
  const [executable, ...args] = onWindows ? programCommand(program) : ["sh", "-c", script];
  return await spawn("test", executable, args, options);
}

/** Starts one whose output is a pipe, and waits for its line `ready`. */
async function started(script: string, program: string, options: SpawnOptions = {}): Promise<ManagedProcess> {
  const child = await start(script, program, { stdio: ["ignore", "pipe", "inherit"], ...options });
  await said(child, /ready/);
  return child;
}

/** Reads what it says until that matches. */
async function said(child: ManagedProcess, pattern = /$^/): Promise<string> {
  let text = "";
  for await (const part of child.stdout!.iterator({ destroyOnReturn: false })) {
    text += part;
    if (pattern.test(text)) break;
  }
  return text;
}

/** Waits without letting the runtime take note of anything. */
function block(condition: () => boolean): void {
  const deadline = performance.now() + 20_000;
  while (!condition()) assert.ok(performance.now() < deadline, "it happens in 20 s");
}

/** Where processes register themselves by writing their PID into a file. */
function files(directory: string): ProcessRegistry & { path(name: string): string } {
  const path = (name: string): string => join(directory, name);
  return {
    path,
    find(name): { pid: number } | undefined {
      const text = existsSync(path(name)) ? readFileSync(path(name), "utf8") : "";
      return text.endsWith("\n") ? { pid: Number(text) } : undefined;
    },
  };
}

/** The command of a program that registers itself so, and sleeps or ends. */
function registering(path: string, { pid = "itself", end = false } = {}): readonly [string, string[]] {
  const [executable, ...args] = onWindows
    ? programCommand(
      `(await import("node:fs")).writeFileSync(${JSON.stringify(path)}, \`\${${
        pid === "itself" ? "process.pid" : pid
      }}\\n\`); ${end ? "" : "await sleep()"}`,
    )
    : ["sh", "-c", `echo ${pid === "itself" ? "$$" : pid} >'${path}'; ${end ? "" : "exec sleep 300"}`];
  return [executable, args];
}

const OBEDIENT = ["echo ready; exec sleep 300", `say("ready"); await sleep()`] as const;
/** What is ignored stays ignored by the program that takes over. */
const DEAF = ["trap '' TERM; echo ready; exec sleep 300", `onAsked(() => {}); say("ready"); await sleep()`] as const;

function assertEndedBy(end: Awaited<ReturnType<ManagedProcess["waitForExit"]>>, signal: "SIGTERM" | "SIGKILL"): void {
  const exitCode = signal === "SIGTERM" ? 143 : 137;
  assert.deepEqual(
    end,
    onWindows
      ? { exited: true, exitCode, signaled: false, signal: undefined }
      : { exited: true, exitCode: undefined, signaled: true, signal },
  );
}

test("spawn() gives a handle of a process that runs: name, PID, program and identity", async () => {
  const [program, ...args] = sleepCommand();
  const child = await spawn("sleeper", program, args);
  assert.deepEqual([child.name, child.executable], ["sleeper", program]);
  assert.deepEqual(child.identity, identityOf(child.pid));
  assert.ok(child.isAlive());
  assert.deepEqual(await child.waitForExit(20), {
    exited: false,
    exitCode: undefined,
    signaled: false,
    signal: undefined,
  });
  assert.equal(child.forceKill(), true);
  assertEndedBy(await child.waitForExit(), "SIGKILL");
  assert.ok(!child.isAlive());
  assert.deepEqual([child.requestShutdown(), child.forceKill()], [false, false]);
});

test("L19: a wait of 0 ms finds a child that has ended, with its status, though nobody has taken note of it", async () => {
  const child = await start("exit 7", "process.exit(7)");
  block(() => !child.isAlive());
  const end = { exited: true, exitCode: 7, signaled: false, signal: undefined };
  assert.deepEqual(await child.waitForExit(0), end);
  assert.deepEqual(await child.waitForExit(0), end, "again");
  assert.deepEqual(await child.shutdown(0), end, "there is nothing to shut down");
});

test("a child that has ended is never reported alive, and is reaped", async () => {
  const child = await start(...OBEDIENT, { stdio: "ignore" });
  child.forceKill();
  block(() => !child.isAlive());
  assert.ok(!isAlive(child.identity), "a zombie does not run");
  await child.waitForExit();
  const status = processSystem().status(child.pid);
  // Windows tells of an ended process as long as anybody has a handle of it.
  if (onWindows) assert.notEqual(status?.ended, false);
  else assert.notEqual(status?.start, child.identity.start, "it has been reaped");
});

test("L18: a process that is no child has its grace, too, and ends by itself", async () => {
  await using shell = await Shell.start(
    `sh -c 'trap "sleep 0.3; exit 0" TERM; echo armed $$; while :; do sleep 0.05; done' & echo child $!; echo ready; wait`,
    `say("child " + start(\`onAsked(async () => { await delay(300); process.exit(0); }); say("armed 1"); await sleep()\`));
    say("ready"); await sleep()`,
  );
  await eventually(() => shell.named.has("child") && shell.named.has("armed"), "the grandchild listens");
  const handle = attach(shell.identityOf("child"), "grandchild");
  const began = performance.now();
  const end = await handle.shutdown(20_000);
  const took = performance.now() - began;
  assert.deepEqual(end, { exited: true, exitCode: undefined, signaled: false, signal: undefined });
  assert.ok(took >= 290 && took < 15_000, `it took ${took} ms, and was not killed`);
});

test("L18: one that is no child and does not listen is killed when its grace is over, and not before", async () => {
  await using shell = await Shell.start(
    `sh -c 'trap "" TERM; echo armed $$; exec sleep 300' & echo child $!; echo ready; wait`,
    `say("child " + start(\`onAsked(() => {}); say("armed 1"); await sleep()\`)); say("ready"); await sleep()`,
  );
  await eventually(() => shell.named.has("child") && shell.named.has("armed"), "the grandchild does not listen");
  const handle = attach(shell.identityOf("child"));
  const began = performance.now();
  assert.equal((await handle.shutdown(200)).exited, true);
  assert.ok(performance.now() - began >= 199);
  assert.ok(!handle.isAlive());
});

test("L20: a program without arguments is started by two words", async () => {
  const child = await spawn("plain", onWindows ? "hostname.exe" : "true");
  assert.equal((await child.waitForExit(20_000)).exitCode, 0);
});

test("L21: arguments reach the program as they are, and no shell sees them", async () => {
  const awkward = ["", "a b", 'say "no"', "back\\slash\\", "$HOME `id` *", "%PATH%", "new\nline", "ümläut", "-x"];
  const [executable, ...args] = programCommand("say(JSON.stringify(args))", "plain");
  const child = await spawn("echo", executable, [...args, ...awkward], { stdio: ["ignore", "pipe", "inherit"] });
  const text = await said(child);
  assert.deepEqual(JSON.parse(text), awkward);
  assert.equal((await child.waitForExit()).exitCode, 0);
});

test("L21: an exit status of 259 is not mistaken for a process that runs", async () => {
  const [executable, ...args] = onWindows ? ["cmd.exe", "/c", "exit 259"] : ["sh", "-c", "exit 259"];
  const child = await spawn("status", executable, args);
  const { exitCode } = await child.waitForExit(20_000);
  // Bun tells the last eight bits alone, as Unix does.
  assert.equal(exitCode, onWindows && runtime === "deno" ? 259 : 3);
  assert.ok(!child.isAlive());
});

test("a program that is not found or cannot be executed is an error with the status of shells", async () => {
  await withDirectory(async (directory) => {
    const text = join(directory, "text");
    writeFileSync(text, "no program");
    const cases = [["procref-no-such-program", 127], [join(directory, "missing"), 127], [text, 126]] as const;
    for (const [program, exitCode] of cases) {
      await assert.rejects(spawn("x", program), (error) => {
        assert.ok(isProcrefError(error, "SPAWN") && error.message.includes(program));
        assert.deepEqual([error.details.name, error.details.exitCode], ["x", exitCode]);
        return true;
      });
    }
    await assert.rejects(
      spawn("x", sleepCommand()[0], [], { cwd: join(directory, "nowhere") }),
      (error) => isProcrefError(error, "SPAWN") && error.message.includes("nowhere"),
    );
    const without = spawn("x", sleepCommand()[0], [], { searchPath: false, cwd: directory });
    await assert.rejects(without, (error) => isProcrefError(error, "SPAWN") && error.details.exitCode === 127);
  });
});

test("a file that says no interpreter is no program, and is not given to a shell", {
  skip: notOnWindows("interpreters"),
}, async () => {
  await withDirectory(async (directory) => {
    const script = join(directory, "script");
    writeFileSync(script, "echo a shell ran this >ran\n", { mode: 0o755 });
    const outcome = await spawn("x", script, [], { cwd: directory }).then(
      (child) => child.waitForExit(),
      (error: ProcrefError) => error,
    );
    assert.ok(isProcrefError(outcome, "SPAWN"), JSON.stringify(outcome));
    assert.ok(!existsSync(join(directory, "ran")));
  });
});

test("wrong arguments are refused before anything is started", async () => {
  const [program] = sleepCommand();
  const wrong = [["", program, []], ["x", "", []], ["x", program, ["a\0b"]], ["x", program, [1]]] as const;
  for (const [name, executable, args] of wrong) {
    await assert.rejects(
      spawn(name, executable, args as unknown as string[]),
      (error) => isProcrefError(error, "INVALID_ARGUMENT"),
    );
  }
  const child = await spawn("x", ...[program, sleepCommand().slice(1)] as const);
  for (const ms of [-1, NaN]) {
    await assert.rejects(child.waitForExit(ms), (error) => isProcrefError(error, "INVALID_ARGUMENT"));
    await assert.rejects(child.shutdown(ms), (error) => isProcrefError(error, "INVALID_ARGUMENT"));
  }
  await child.shutdown();
});

test("directory, environment and standard streams are as they were asked for", async () => {
  await withDirectory(async (directory) => {
    mkdirSync(join(directory, "here"));
    process.env.PROCREF_TEST_TAKEN = "1";
    const [executable, ...args] = programCommand(
      `await read(); say(JSON.stringify([process.cwd(), process.env.GIVEN, process.env.PROCREF_TEST_TAKEN ?? null]))`,
    );
    const child = await spawn("x", executable, args, {
      cwd: join(directory, "here"),
      env: { GIVEN: "yes", PROCREF_TEST_TAKEN: undefined },
      stdio: ["pipe", "pipe", "inherit"],
    });
    child.stdin!.write("\n");
    const [cwd, given, taken] = JSON.parse(await said(child));
    assert.equal(realpathSync(cwd), realpathSync(join(directory, "here")));
    assert.deepEqual([given, taken], ["yes", null]);
    await child.waitForExit();
    delete process.env.PROCREF_TEST_TAKEN;
  });
});

test("shutdown() asks first, and uses force when the grace is over", async () => {
  const obedient = await started(...OBEDIENT);
  const deaf = await started(...DEAF);
  assertEndedBy(await obedient.shutdown(20_000), "SIGTERM");
  const began = performance.now();
  assertEndedBy(await deaf.shutdown(150), "SIGKILL");
  assert.ok(performance.now() - began >= 149);
});

test("with `group`, all that it has started is ended with it", async () => {
  for (const how of ["shut down", "killed"]) {
    const child = await start(
      "sleep 300 & echo child $!; wait",
      `say("child " + start("await sleep()")); await sleep()`,
      { detached: !onWindows, stdio: ["ignore", "pipe", "inherit"] },
    );
    const [, pid] = /child (\d+)/.exec(await said(child, /child \d+\r?\n/))!;
    const grandchild = identityOf(Number(pid))!;
    if (how === "shut down") assert.equal((await child.shutdown(10_000, { group: true })).exited, true);
    else assert.equal(child.forceKill({ group: true }), true);
    assert.equal((await child.waitForExit()).exited, true);
    await eventually(() => !isAlive(grandchild), `the grandchild is ${how}`);
  }
});

test("with `group`, a request lets it finish what it does at its end", async () => {
  const child = await started(
    "trap 'exit 7' TERM; echo ready; while :; do sleep 0.02; done",
    `onAsked(async () => { await delay(100); process.exit(7); }); say("ready"); await sleep()`,
    { detached: !onWindows },
  );
  assert.deepEqual(await child.shutdown(20_000, { group: true }), {
    exited: true,
    exitCode: 7,
    signaled: false,
    signal: undefined,
  });
});

test("a handle of a process that is no child tells that it has ended and not how, and this process is spared", async () => {
  await using shell = await Shell.start("echo ready; read line; exit 3", `say("ready"); await read(); process.exit(3)`);
  const handle = attach(shell.identity, "shell");
  assert.ok(handle.isAlive());
  assert.equal((await handle.waitForExit(10)).exited, false);
  const ended = handle.waitForExit(20_000);
  shell.goOn();
  assert.deepEqual(await ended, { exited: true, exitCode: undefined, signaled: false, signal: undefined });
  assert.equal(handle.requestShutdown(), false);
  const gone = attach({ ...handle.identity, start: "another time" });
  assert.deepEqual([gone.isAlive(), (await gone.waitForExit(0)).exited], [false, true]);
  const self = attach(identityOf(process.pid)!);
  assert.ok(self.isAlive());
  assert.throws(() => self.forceKill(), (error) => isProcrefError(error, "INVALID_ARGUMENT"));
  await assert.rejects(self.shutdown(), (error) => isProcrefError(error, "INVALID_ARGUMENT"));
});

test("spawnAndWait() gives the child once it has registered itself", async () => {
  await withDirectory(async (directory) => {
    const registry = files(directory);
    const { process: child, entry } = await spawnAndWait(registry, "svc", ...registering(registry.path("svc")), 20_000);
    assert.deepEqual(entry, { pid: child.pid });
    assert.ok(child.isAlive());
    await child.shutdown();
  });
});

test("L3: a child that does not register is ended when the time is over", async () => {
  await withDirectory(async (directory) => {
    const registry = files(directory);
    const [program, ...args] = sleepCommand();
    await assert.rejects(spawnAndWait(registry, "svc", program, args, 100), (error) => {
      assert.ok(isProcrefError(error, "TIMEOUT") && error.message.includes("did not register in 100 ms"));
      assert.ok(!isAlive(error.details.pid!));
      return true;
    });
  });
});

test("L5: the entry of another process under the name is not taken for the child's", async () => {
  await withDirectory(async (directory) => {
    const registry = files(directory);
    writeFileSync(registry.path("svc"), `${process.pid}\n`);
    const [program, ...args] = sleepCommand();
    await assert.rejects(spawnAndWait(registry, "svc", program, args, { timeoutMs: 100 }), (error) => {
      assert.ok(isProcrefError(error, "TIMEOUT") && error.message.includes(`process ${process.pid} is registered`));
      assert.ok(!isAlive(error.details.pid!));
      return true;
    });
  });
});

test("an entry of the same number and another start is not taken for the child's", async () => {
  await withDirectory(async (directory) => {
    const registry = files(directory);
    const others: ProcessRegistry = {
      find(name): ReturnType<ProcessRegistry["find"]> {
        const entry = registry.find(name);
        return entry && { ...entry, identity: { pid: entry.pid, start: "an earlier time" } };
      },
    };
    const late = spawnAndWait(others, "svc", ...registering(registry.path("svc")), 1000);
    await assert.rejects(late, (error) => {
      assert.ok(isProcrefError(error, "TIMEOUT"));
      assert.equal(registry.find("svc")?.pid, error.details.pid, "it was the child's number");
      return true;
    });
  });
});

test("a child that ends before it has registered is no matter of waiting, and its status is told", async () => {
  await withDirectory(async (directory) => {
    const registry = files(directory);
    const [executable, ...args] = onWindows ? programCommand("process.exit(5)") : ["sh", "-c", "exit 5"];
    const began = performance.now();
    await assert.rejects(spawnAndWait(registry, "svc", executable, args, 60_000), (error) => {
      assert.ok(isProcrefError(error, "SPAWN") && error.message.includes("it ended with status 5 before"));
      assert.equal(error.details.exitCode, 5);
      return true;
    });
    assert.ok(performance.now() - began < 20_000);
    const registers = registering(registry.path("svc"), { end: true });
    const late = spawnAndWait({ find: () => undefined }, "svc", ...registers, 60_000);
    await assert.rejects(late, (error) => isProcrefError(error, "SPAWN") && error.details.exitCode === 0);
  });
});

test("an aborted wait and a registry that fails end the child", async () => {
  await withDirectory(async (directory) => {
    const registry = files(directory);
    const reason = new Error("enough");
    const abort = new AbortController();
    const failures = [() => abort.abort(reason), (): never => {
      throw reason;
    }];
    for (const [index, fail] of failures.entries()) {
      const name = `svc${index}`;
      const failing: ProcessRegistry = {
        find(): undefined {
          if (registry.find(name) !== undefined) fail();
        },
      };
      const options = { signal: abort.signal, timeoutMs: 60_000 };
      const waiting = spawnAndWait(failing, name, ...registering(registry.path(name)), index === 0 ? options : {});
      await assert.rejects(waiting, (error) => error === reason);
      assert.ok(!isAlive(registry.find(name)!.pid));
    }
    const [program, ...args] = sleepCommand();
    const late = spawnAndWait(registry, "late", program, args, { signal: abort.signal });
    await assert.rejects(late, (error) => error === reason);
  });
});

for (const each of bothRuntimes) {
  test(`a child that is to end with its parent (in ${each}) is gone when that is SIGKILLed`, async () => {
    await using parent = new Child("managed_spawner.ts", { runtime: each, args: sleepCommand() });
    const child = parseIdentity(await parent.line("child "));
    assert.ok(isAlive(child));
    await parent.kill();
    await eventually(() => !isAlive(child), "the kernel has ended it");
  });
}
