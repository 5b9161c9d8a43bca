import assert from "node:assert/strict";
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { isProcrefError, process as processes } from "../../mod.ts";
import type { ErrorDetails } from "../../mod.ts";
import { allDetails } from "../../src/errors.ts";
import { findProgram } from "../../src/process/programs.ts";
import { eventually } from "../harness/eventually.ts";
import { limitMs, notOnWindows, onWindows } from "../harness/platform.ts";
import { programCommand } from "../harness/program.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { sleepCommand } from "../harness/sleeper.ts";
import { type Acquired, onStage, type Options, other, type SupervisedStage } from "../harness/supervised.ts";

/** The error of an acquire that fails to start the service; the reference is given back and nothing is left. */
async function failedStart(stage: SupervisedStage, options: Options): Promise<ErrorDetails & { message: string }> {
  const service = stage.service(options);
  const failure = await service.acquire().then(() => undefined, (error) => error);
  assert.ok(isProcrefError(failure, "SERVICE_START"), String(failure));
  assert.equal(await service.count(), 0, "the reference is given back");
  await stage.assertNothingLeft();
  assert.equal(failure.details.name, stage.name);
  return { ...allDetails(failure), message: failure.message };
}

/** A command that says whether a file is there. */
function isThere(path: string): string[] {
  if (!onWindows) return ["test", "-e", path];
  return [...programCommand("process.exit(existsSync(args[0]) ? 0 : 1)"), path];
}

test("a service that ends before it is ready: its status and the last lines of its log are in the error", async () => {
  await onStage(async (stage) => {
    // What comes by two pipes is in no order but that in which it is seen to arrive.
    const script = `for i in $(seq 1 50); do echo "line $i"; done
      until grep -q "^line 50" "$LOG"; do sleep 0.02; done; echo "to stderr" >&2; exit 42`;
    const program = `for (let i = 1; i <= 50; i++) say("line " + i);
      const { readFileSync } = await import("node:fs");
      while (!existsSync(process.env.LOG) || !readFileSync(process.env.LOG, "utf8").includes("line 50")) await delay(20);
      console.error("to stderr"); process.exit(42)`;
    const more = { ready: { log: "never" }, env: { LOG: "{dir}/service.log" } };
    const options = stage.script(script, more, program);
    const { exitCode, log, message } = await failedStart(stage, options);
    assert.equal(exitCode, 42);
    assert.match(log!, /line 50/);
    assert.match(log!, /to stderr/);
    assert.doesNotMatch(log!, /^line 1$/m, "only the last lines");
    assert.match(message, /status 42/);
    assert.match(message, /line 50/);
    assert.equal(stage.starts().length, 1, "it was tried once");
  });
});

test("a service that is ended by a signal before it is ready: 128 and the number of the signal", {
  skip: notOnWindows("signals"),
}, async () => {
  await onStage(async (stage) => {
    const script = "kill -SEGV $$; sleep 300";
    const { exitCode, message } = await failedStart(stage, stage.script(script, { ready: { log: "never" } }));
    assert.equal(exitCode, 139);
    assert.match(message, /SIGSEGV/);
  });
});

test("a service that ends with 0 before it is ready has failed as well, and says that it wrote nothing", async () => {
  await onStage(async (stage) => {
    const { exitCode, log, message } = await failedStart(stage, {
      command: onWindows ? ["bun", "-e", "0"] : ["true"],
      directory: stage.state,
      ready: { log: "never" },
    });
    assert.equal(exitCode, 0);
    assert.equal(log, "");
    assert.match(message, /wrote nothing/);
  });
});

for (
  const [what, program, exitCode] of [
    ["is not on the PATH", "procref-no-such-program", 127],
    ["is no file", onWindows ? "C:\\nowhere\\program.exe" : "/nowhere/program", 127],
    ["is not executable", "{plain}", 126],
    ["is a directory", "{directory}", 126],
  ] as const
) {
  test(`a program that ${what}: status ${exitCode}`, async () => {
    await onStage(async (stage) => {
      const plain = `${stage.directory}/plain`;
      writeFileSync(plain, "no program", { mode: 0o600 });
      const path = program.replace("{plain}", plain).replace("{directory}", stage.directory);
      const failure = await failedStart(stage, { command: [path], directory: stage.state });
      // A directory may be entered, and is no program all the same.
      if (program !== "{directory}") assert.equal(failure.exitCode, exitCode);
      else assert.ok([126, 127].includes(failure.exitCode!), String(failure.exitCode));
      assert.ok(failure.message.includes(path));
    });
  });
}

test("a program whose name has a placeholder is looked for by the supervisor: 127 and 126 all the same", async () => {
  await onStage(async (stage) => {
    const plain = `${stage.directory}/${stage.name}`;
    writeFileSync(plain, "no program", { mode: 0o600 });
    for (const [program, exitCode] of [[`${stage.directory}/{name}`, 126], ["/nowhere/{name}", 127]] as const) {
      assert.equal((await failedStart(stage, { command: [program], directory: stage.state })).exitCode, exitCode);
    }
    const [sleep, ...words] = sleepCommand();
    const search = findProgram(sleep, process.env.PATH);
    assert.ok("found" in search);
    if (onWindows) copyFileSync(search.found, `${plain}.exe`);
    else writeFileSync(plain, `#!/bin/sh\nexec ${search.found} "$@"\n`);
    chmodSync(plain, 0o700);
    const service = stage.service({ command: [`${stage.directory}/{name}`, ...words], directory: stage.state });
    const handle = await service.acquire();
    await handle.release();
    await stage.assertNothingLeft();
  });
});

test("a program whose interpreter is missing cannot be executed: the error says which program", {
  skip: notOnWindows("interpreters"),
}, async () => {
  await onStage(async (stage) => {
    const path = `${stage.directory}/script`;
    writeFileSync(path, "#!/nowhere/interpreter\n");
    chmodSync(path, 0o700);
    const { exitCode, message } = await failedStart(stage, { command: [path], directory: stage.state });
    assert.ok(exitCode === 127 || exitCode === 126, String(exitCode));
    assert.ok(message.includes(path), message);
  });
});

for (const [what, place] of [["whose name has a placeholder", "{name}"], ["that is a plain path", "program"]]) {
  test(`a text without #! ${what} is given to no shell: status 126, and nothing of it is run`, {
    skip: notOnWindows("interpreters"),
  }, async () => {
    await onStage(async (stage) => {
      const path = `${stage.directory}/${place.replace("{name}", stage.name)}`;
      const mark = `${stage.directory}/it-was-run`;
      writeFileSync(path, `echo run >> '${mark}'\nexec sleep 300\n`);
      chmodSync(path, 0o700);
      const message = `Cannot start "${stage.name}": ${path} is a text that names no interpreter (#!)`;
      const command = [`${stage.directory}/${place}`];
      for (const runtime of bothRuntimes) {
        const client = await stage.client({ command, directory: stage.state }, { runtime });
        await assert.rejects(client.call("acquire"), (error: Error & { details: ErrorDetails }) => {
          assert.equal(error.message, message);
          assert.deepEqual([error.details.exitCode, error.details.path], [126, path]);
          return true;
        });
        await client.kill();
        const asked = stage.sleeper({ ready: { exec: command } });
        const failure = await stage.service(asked).acquire().then(() => undefined, (error) => error);
        assert.deepEqual([failure.code, failure.message, failure.details.exitCode], ["SERVICE_START", message, 126]);
      }
      assert.equal(existsSync(mark), false);
      assert.deepEqual(stage.running(), []);
      await stage.assertNothingLeft();
    });
  });
}

test("a program that has become a text without #! is not started again", {
  skip: notOnWindows("interpreters"),
}, async () => {
  await onStage(async (stage) => {
    const path = `${stage.directory}/program`;
    const mark = `${stage.directory}/it-was-run`;
    writeFileSync(path, "#!/bin/sh\nexec sleep 300\n");
    chmodSync(path, 0o700);
    const service = stage.service({ command: [path], directory: stage.state, restart: { limit: 1, delayMs: 1 } });
    const handle = await service.acquire();
    writeFileSync(path, `echo run >> '${mark}'\nexec sleep 300\n`);
    process.kill(handle.info.pid!, "SIGKILL");
    await eventually(() => handle.signal.aborted, "it is lost");
    assert.match(handle.signal.reason.message, /is a text that names no interpreter \(#!\)/);
    assert.equal(existsSync(mark), false);
    await handle.release();
    await stage.assertNothingLeft();
  });
});

test("a working directory that does not exist, or is none: the error says so, and nothing is left", async () => {
  await onStage(async (stage) => {
    const cwd = `${stage.directory}/nowhere`;
    const { message, path, field } = await failedStart(stage, stage.sleeper({ cwd }));
    assert.equal(message, `Cannot start "${stage.name}": its cwd ${cwd} does not exist`);
    assert.deepEqual([path, field], [cwd, "cwd"]);
    writeFileSync(cwd, "");
    const none = await failedStart(stage, stage.sleeper({ cwd }));
    // Windows does not tell a file from a directory by what is asked here.
    if (!onWindows) assert.equal(none.message, `Cannot start "${stage.name}": its cwd ${cwd} is no directory`);
    assert.deepEqual(stage.starts(), []);
  });
});

test("a working directory that vanishes while the service is held: the error of its next start says so", async () => {
  await onStage(async (stage) => {
    const cwd = `${stage.directory}/soon-gone`;
    mkdirSync(cwd);
    const service = stage.service(stage.sleeper({ cwd, restart: { limit: 1, delayMs: 1000 } }));
    const handle = await service.acquire();
    process.kill(handle.pid!, "SIGKILL");
    await eventually(() => !processes.isAlive(handle.pid!), "it is dead");
    rmdirSync(cwd);
    await eventually(() => handle.signal.aborted, "the service is given up");
    assert.match(handle.signal.reason.message, /its cwd .*soon-gone does not exist$/);
    await handle.release();
    await stage.assertNothingLeft();
  });
});

for (
  const [command, remedy] of [
    ["procref-none --port 17", '["procref-none", "--port", "17"]'],
    ["procref-none --port {port}", '["procref-none", "--port", "{port}"]'],
    ["procref-none 'a b' | cat", `["sh", "-c", "procref-none 'a b' | cat"]`],
  ] as const
) {
  test(`a line as a command (${command}): no program has that name, and the error says how to split it`, async () => {
    await onStage(async (stage) => {
      const { message, exitCode } = await failedStart(stage, { command, directory: stage.state, port: "auto" });
      assert.equal(exitCode, 127);
      assert.ok(message.includes(`; no shell splits it; give ${remedy}`), message);
    });
  });
}

test("a program whose name has a space is one program all the same", { skip: notOnWindows("modes") }, async () => {
  await onStage(async (stage) => {
    const path = `${stage.directory}/my program`;
    writeFileSync(path, "#!/bin/sh\nexec sleep 300\n", { mode: 0o700 });
    const handle = await stage.service({ command: path, directory: stage.state }).acquire();
    await handle.release();
    await stage.assertNothingLeft();
  });
});

test("a service that is not ready in time is stopped, and the error says how long that was and what it wrote", async () => {
  await onStage(async (stage) => {
    const startTimeoutMs = limitMs(300);
    const options = stage.script(
      "echo still loading; exec sleep 300",
      { ready: { log: "never" }, startTimeoutMs },
      `say("still loading"); await sleep()`,
    );
    const { exitCode, message } = await failedStart(stage, options);
    assert.equal(exitCode, undefined);
    assert.match(message, new RegExp(`not ready after ${startTimeoutMs} ms`));
    assert.match(message, /still loading/);
  });
});

test("all clients that wait get the error of the one start; a later one tries again and can succeed", async () => {
  await onStage(async (stage) => {
    const go = `${stage.directory}/go`;
    const options = stage.script(
      `test -e "$WORKS" && exec sleep 300; until test -e "$GO"; do sleep 0.02; done; echo no luck; exit 3`,
      {
        ready: { exec: isThere(`${stage.directory}/works`) },
        env: { GO: go, WORKS: `${stage.directory}/works` },
      },
      `if (existsSync(process.env.WORKS)) await sleep();
      while (!existsSync(process.env.GO)) await delay(20);
      say("no luck"); process.exit(3)`,
    );
    const clients = await Promise.all(
      Array.from({ length: 6 }, (_, index) => stage.client(options, { runtime: bothRuntimes[index % 2] })),
    );
    const outcomes = clients.map((client) =>
      client.call<Acquired>("acquire").then(() => assert.fail("it cannot start"), (error) => error)
    );
    await eventually(async () => await clients[0].call("count") === 6, "all of them wait");
    writeFileSync(go, "");
    for (const error of await Promise.all(outcomes)) {
      assert.equal(error.code, "SERVICE_START", error.message);
      assert.equal(error.details.exitCode, 3);
      assert.match(error.details.log, /no luck/);
    }
    assert.equal(stage.starts().length, 1, "one start for all of them");
    await stage.assertNothingLeft();

    writeFileSync(`${stage.directory}/works`, "");
    const { pid } = await clients[1].call<Acquired>("acquire");
    // What says that it is ready does not wait until it has noted its start.
    await eventually(() => stage.running().length > 0, "it has noted its start");
    assert.deepEqual(stage.running(), [pid]);
    await clients[1].call("release", 0);
    await stage.assertNothingLeft();
  });
});

test("who comes while others still hold on to a failed start does not get the old error", async () => {
  await onStage(async (stage) => {
    const works = `${stage.directory}/works`;
    const options = stage.script(
      `test -e "$WORKS" || exit 7; exec sleep 300`,
      { ready: { exec: isThere(works) }, env: { WORKS: works } },
      "if (!existsSync(process.env.WORKS)) process.exit(7); await sleep()",
    );
    // Somebody who holds a reference and does not hear of the failure keeps its supervisor in office.
    const counter = await stage.counter();
    await counter.acquire();
    const one = await stage.client(options);
    await assert.rejects(one.call("acquire"), { code: "SERVICE_START" });
    assert.equal(stage.record()?.phase, "FAIL");
    const failed = stage.supervisor();
    writeFileSync(works, "");
    const two = await stage.client(options, { runtime: other });
    const { pid } = await two.call<Acquired>("acquire");
    // What says that it is ready does not wait until it has noted its start.
    await eventually(() => stage.running().length > 0, "it has noted its start");
    assert.deepEqual(stage.running(), [pid]);
    assert.notDeepEqual(stage.supervisor(), failed);
    await two.call("release", 0);
    counter.close();
    await stage.assertNothingLeft();
  });
});

test("an acquire that is given up during the start ends the start", async () => {
  await onStage(async (stage) => {
    const options = stage.sleeper({ ready: { log: "never" } });
    const service = stage.service(options);
    await assert.rejects(service.acquire({ timeoutMs: limitMs(400) }), { code: "TIMEOUT" });
    assert.equal(await service.count(), 0);
    await stage.assertNothingLeft();
    const controller = new AbortController();
    const reason = new Error("no longer wanted");
    const waiting = service.acquire({ signal: controller.signal });
    await stage.phase("START");
    controller.abort(reason);
    await assert.rejects(waiting, (error) => error === reason);
    await stage.assertNothingLeft();
    assert.ok(!existsSync(`${stage.state}/record.json`));
  });
});
