import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, parse } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import { PROCREF, procref, procrefJson, RunningCommand } from "../harness/command.ts";
import { onGround } from "../harness/command_ground.ts";
import { asText, NOTHING, SLEEP, UP_AND_COPY, words } from "../harness/command_words.ts";
import { environmentOf } from "../harness/environment.ts";
import { eventually } from "../harness/eventually.ts";
import { askToEnd, notOnWindows, onWindows } from "../harness/platform.ts";
import { runtime } from "../harness/runtime.ts";
import { type Acquired, onStage } from "../harness/service_clients.ts";
import { sleepCommand } from "../harness/sleeper.ts";

/** Sends a signal to a process, in a way that does not tell the runtime how it will end. */
function send(command: RunningCommand, signal: NodeJS.Signals): void {
  process.kill(command.process.pid!, signal);
}

/** Whether a process handles a signal by now. */
function catches(pid: number, signal: number): boolean {
  const mask = /^SigCgt:\s*(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1];
  return (BigInt(`0x${mask}`) >> BigInt(signal - 1) & 1n) === 1n;
}

/** Asks a command to end, and waits for the status of whatever that ended. */
async function ask(command: RunningCommand): Promise<number | null> {
  askToEnd(command.process.pid!);
  return (await command.ended).status;
}

/** Says what a client is told. */
const SHOW = 'echo "$PROCREF_NAME $PROCREF_HOST $PROCREF_PORT $PROCREF_PID $URL"';
const SHOW_PROGRAM = `const { PROCREF_NAME, PROCREF_HOST, PROCREF_PORT = "", PROCREF_PID, URL = "" } = process.env;
say([PROCREF_NAME, PROCREF_HOST, PROCREF_PORT, PROCREF_PID, URL].join(" "));`;
const SHOWER = words(SHOW, SHOW_PROGRAM);
const SHOW_AND_COPY = words(
  `${SHOW}; cat`,
  `${SHOW_PROGRAM} for await (const bytes of process.stdin) process.stdout.write(bytes)`,
);

test("run starts the service, tells the client where it is, ends with its status, and lets go", async () => {
  await onGround(async (_, options, name) => {
    const service = [...words("exec sleep 300", "await sleep()"), "x", "{port}"];
    const args = ["run", name, "--start", asText(service), "--ready", "running"];
    const shower = words(`${SHOW}; exit 7`, `${SHOW_PROGRAM} process.exitCode = 7`);
    const client = ["--env", "URL=http://{host}:{port}/{name}", "--", ...shower];
    const { status, out, err } = await procref([...args, ...client], options);
    assert.equal(err, "");
    assert.equal(status, 7);
    const [, port, pid] = new RegExp(`^${name} 127.0.0.1 (\\d+) (\\d+) http://127.0.0.1:\\1/${name}\n$`).exec(out) ??
      [];
    assert.ok(Number(port) > 0, out);
    await eventually(() => !processes.isAlive(Number(pid)), "the service is stopped");
  });
});

test("a second run joins the same service, with --start or without", async () => {
  await onGround(async (_, options, name) => {
    await using first = new RunningCommand(["run", name, ...SLEEP, "--", ...SHOW_AND_COPY], options);
    const [line] = (await first.says(/\n/)).split("\n");
    const again = ["run", name, ...SLEEP, "--", ...SHOWER];
    assert.equal((await procref(again, options)).out, `${line}\n`);
    assert.equal((await procref(["run", name, "--", ...SHOWER], options)).out, `${line}\n`);
    const { holders, references, supervisor } = await procrefJson(["status", name], options);
    assert.equal(references, 1);
    assert.equal(holders[0].pid, first.process.pid);
    assert.ok(processes.isAlive(supervisor));
    first.process.stdin!.end();
    assert.equal((await first.ended).status, 0);
  });
});

test("what is not running cannot be joined: 125, and it says why", async () => {
  await onGround(async (_, options, name) => {
    const { status, out, err } = await procref(["run", name, "--", ...NOTHING], options);
    assert.equal(status, 125);
    assert.equal(out, "");
    assert.match(err, /^procref: Cannot join ".*": it is not running; give --start to start it \[SERVICE_START\]\n$/);
  });
});

test("a service that is starting is joined when it is ready", async () => {
  await onGround(async (state, options, name) => {
    const ready = join(state, "..", "ready");
    const service = words(
      `until test -e ${ready}; do sleep 0.02; done; echo up; exec sleep 300`,
      `while (!existsSync(${JSON.stringify(ready)})) await delay(20); say("up"); await sleep()`,
    );
    const starting = ["run", name, "--start", asText(service), "--ready", "log:up", "--", ...SHOW_AND_COPY];
    await using first = new RunningCommand(starting, options);
    await eventually(async () => (await procrefJson(["status", name], options)).state === "starting", "it is starting");
    await using second = new RunningCommand(["run", name, "--", ...SHOWER], options);
    // It holds nothing while it waits; a third one that gives up shows that the wait can be ended.
    await using third = new RunningCommand(["run", name, "--", ...NOTHING], options);
    // The runtime itself catches some signals from its start on; SIGUSR2 is the last one that the command asks for.
    // Windows has none to catch: there it is ended at any moment.
    if (!onWindows) await eventually(() => catches(third.process.pid!, 12), "it waits");
    assert.equal(await ask(third), 128 + 15);
    writeFileSync(ready, "");
    const line = (await first.says(/\n/)).split("\n")[0];
    assert.deepEqual([(await second.ended).out, (await second.ended).status], [`${line}\n`, 0]);
    first.process.stdin!.end();
    await first.ended;
  });
});

test("a service of callbacks is joined as well", async () => {
  await onStage(async (stage) => {
    const client = await stage.client();
    const { pid, handle } = await client.call<Acquired>("acquire");
    const options = { env: { PROCREF_DIR: stage.state } };
    const { status, out, err } = await procref(["run", stage.name, "--", ...SHOWER], options);
    assert.equal(status, 0, err);
    assert.equal(out, `${stage.name} 127.0.0.1 4000 ${pid} \n`);
    const started = await procref(["run", stage.name, ...SLEEP, "--", ...NOTHING], options);
    assert.equal(started.status, 125);
    assert.match(started.err, /CONFIG_MISMATCH/);
    await client.call("release", handle);
    await stage.assertNothingLeft();
    await client.end();
  });
});

test("another command under the same name is refused with 125, and the option is named", async () => {
  await onGround(async (_, options, name) => {
    await using first = new RunningCommand(["run", name, ...SLEEP, "--", ...UP_AND_COPY], options);
    await first.says(/up/);
    const another = asText([...sleepCommand(), "1"]);
    const { status, err } = await procref(["run", name, "--start", another, "--", ...NOTHING], options);
    assert.equal(status, 125);
    assert.match(
      err,
      /it runs with --start '.*', you gave '.* 1'; give the same, .*leave out --start to join it as it is \[CONFIG_MISMATCH\]/,
    );
    const linger = await procref(["run", name, ...SLEEP, "--linger", "1s", "--", ...NOTHING], options);
    assert.match(linger.err, /it runs without --linger, you gave 1s; /);
    const signal = await procref(["run", name, ...SLEEP, "--stop-signal", "SIGINT", "--", "true"], options);
    assert.match(signal.err, /it runs with --stop-signal SIGTERM, you gave SIGINT; /);
    first.process.stdin!.end();
    await first.ended;
  });
});

test("the command of a service is told its namespace", async () => {
  await onGround(async (_, options, name) => {
    const program = words("echo up $1; exec sleep 300", "say(`up ${args[0]}`); await sleep()");
    // A script's first word after it is its own name.
    const service = [...program, ...(onWindows ? [] : ["sh"]), "{namespace}/{name}"];
    const start = ["--start", asText(service), "--namespace", "my project"];
    const args = ["run", name, ...start, "--ready", `log:^up my project/${name}$`, "--", ...SHOWER];
    const { status, out, err } = await procref(args, options);
    assert.equal(status, 0, err);
    assert.ok(out.startsWith(name));
  });
});

test("a service is asked to end by the signal of --stop-signal", { skip: notOnWindows("signals") }, async () => {
  await onGround(async (state, options, name) => {
    const got = join(state, "..", "got");
    const script = ["INT", "TERM"].map((signal) => `trap "echo ${signal} >${got}; exit" ${signal}`).join("; ");
    const start = `sh -c '${script}; echo up; while :; do sleep 0.02; done'`;
    const args = ["--start", start, "--ready", "log:up", "--stop-signal", "SIGINT", "--", "true"];
    assert.equal((await procref(["run", name, ...args], options)).status, 0);
    await eventually(() => readdirSync(state).length === 0, "the service is stopped");
    assert.equal(readFileSync(got, "utf8"), "INT\n");
  });
});

test("a client that is not found is 127, one that is not executable 126, and the service is let go", async () => {
  await onGround(async (state, options, name) => {
    const file = join(state, "..", "file");
    writeFileSync(file, "#!/bin/sh\nexit 3\n");
    const run = ["run", name, ...SLEEP, "--"];
    for (const missing of ["no-such-program-anywhere", "/no/such/program"]) {
      const { status, err } = await procref([...run, missing], options);
      assert.equal(status, 127);
      assert.equal(err, `procref: cannot run ${missing}: it is not found\n`);
    }
    for (const wrong of [file, state]) {
      const { status, err } = await procref([...run, wrong], options);
      assert.equal(status, 126);
      assert.equal(err, `procref: cannot run ${wrong}: it is not executable\n`);
    }
    // Windows knows programs by their ending.
    if (onWindows) return;
    chmodSync(file, 0o755);
    assert.equal((await procref([...run, file], options)).status, 3);
  });
});

test("a service that cannot be started is 125, with what it wrote", async () => {
  await onGround(async (_, options, name) => {
    const none = await procref(["run", name, "--start", "no-such-program-anywhere", "--", ...NOTHING], options);
    assert.equal(none.status, 125);
    assert.match(none.err, /no-such-program-anywhere is not found \[SERVICE_START\]/);
    const start = asText(
      words(`echo "the disk is on fire"; exit 9`, `say("the disk is on fire"); process.exitCode = 9`),
    );
    const failing = await procref(["run", name, "--start", start, "--ready", "log:up", "--", ...NOTHING], options);
    assert.equal(failing.status, 125);
    assert.match(failing.err, /the disk is on fire/);
    const late = [...SLEEP, "--ready", "log:up", "--start-timeout", "100ms"];
    const slow = await procref(["run", name, ...late, "--", ...NOTHING], options);
    assert.equal(slow.status, 125);
    assert.match(slow.err, /100 ms/);
  });
});

test("a client that a signal ended is 128+n", { skip: notOnWindows("signals") }, async () => {
  await onGround(async (_, options, name) => {
    for (const [signal, number] of [["TERM", 15], ["KILL", 9], ["USR1", 10], ["SEGV", 11]] as const) {
      const client = ["sh", "-c", `kill -${signal} $$`];
      assert.equal((await procref(["run", name, ...SLEEP, "--", ...client], options)).status, 128 + number);
    }
  });
});

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const) {
  test(`${signal} is passed on to the client, whose status counts`, { skip: notOnWindows("signals") }, async () => {
    await onGround(async (_, options, name) => {
      const script = `trap 'echo got; exit 42' ${
        signal.slice(3)
      }; echo ready; while :; do read -r line || sleep 0.02; done`;
      await using command = new RunningCommand(["run", name, ...SLEEP, "--", "sh", "-c", script], options);
      await command.says(/ready/);
      send(command, signal);
      const { status, out, err } = await command.ended;
      assert.equal(status, 42, err);
      assert.equal(out, "ready\ngot\n");
    });
  });
}

test("a client may go on after a signal, and may be killed by one that it does not handle", {
  skip: notOnWindows("signals"),
}, async () => {
  await onGround(async (_, options, name) => {
    const script = "trap 'echo got' HUP; echo ready; while :; do sleep 0.02; done";
    await using command = new RunningCommand(["run", name, ...SLEEP, "--", "sh", "-c", script], options);
    await command.says(/ready/);
    send(command, "SIGHUP");
    await command.says(/got/);
    send(command, "SIGTERM");
    assert.equal((await command.ended).status, 128 + 15);
  });
});

test("a signal that procref was started to ignore is left alone", { skip: notOnWindows("signals") }, async () => {
  await onGround(async (_, options, name) => {
    const command = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", ...PROCREF[runtime]];
    const script = "trap 'echo hup' HUP; trap 'exit 5' TERM; echo ready; while :; do sleep 0.02; done";
    const args = ["run", name, ...SLEEP, "--", "sh", "-c", script];
    await using ignoring = new RunningCommand(args, { ...options, command });
    await ignoring.says(/ready/);
    send(ignoring, "SIGHUP");
    send(ignoring, "SIGTERM");
    const { status, out } = await ignoring.ended;
    assert.deepEqual([status, out], [5, "ready\n"]);
  });
});

test("whoever ends it while the service is starting ends the service", async () => {
  await onGround(async (_, options, name) => {
    const args = ["run", name, ...SLEEP, "--ready", "log:never", "--", ...NOTHING];
    await using command = new RunningCommand(args, options);
    // On Windows it has no time to clear up, and nobody else does it before there is a supervisor.
    await eventually(async () => {
      const { state, supervisor } = await procrefJson(["status", name], options);
      return state === "starting" && supervisor !== null;
    }, "it is starting");
    assert.equal(await ask(command), 128 + 15);
  });
});

test("standard input, output and error are the client's", async () => {
  await onGround(async (_, options, name) => {
    const copy = "for await (const bytes of process.stdin) process.stdout.write(bytes); console.error('to-stderr')";
    const args = ["run", name, ...SLEEP, "--", ...words("cat; echo to-stderr >&2", copy)];
    await using command = new RunningCommand(args, options);
    command.process.stdin!.end("from stdin\n");
    assert.deepEqual(await command.ended, { status: 0, signal: null, out: "from stdin\n", err: "to-stderr\n" });
  });
});

test("--cwd is the service's, the client stays where it is", async () => {
  await onGround(async (state, options, name) => {
    const service = words("pwd > where; exec sleep 300", "await Bun.write('where', process.cwd()); await sleep()");
    const start = ["--start", asText(service), "--cwd", state];
    const cwd = parse(state).root;
    const where = words("pwd", "say(process.cwd())");
    const { out } = await procref(["run", name, ...start, "--", ...where], { ...options, cwd });
    assert.equal(out, `${cwd}\n`);
    await eventually(() => readdirSync(state).includes("where"), "the service was there");
    rmSync(join(state, "where"));
  });
});

test("a service lingers, is joined meanwhile, and is stopped by stop before its time", async () => {
  await onGround(async (_, options, name) => {
    const args = ["run", name, ...SLEEP, "--linger", "10m", "--", ...SHOWER];
    const first = await procref(args, options);
    assert.equal((await procrefJson(["status", name], options)).state, "running");
    assert.equal((await procref(["run", name, "--", ...SHOWER], options)).out, first.out);
    const { pid, supervisor } = await procrefJson(["status", name], options);
    const { status, err } = await procref(["stop", name], options);
    assert.equal(status, 0, err);
    assert.ok(!processes.isAlive(pid), "the service is gone when stop returns");
    await eventually(() => !processes.isAlive(supervisor), "and so is its supervisor, soon");
  });
});

test("a service that is held is stopped by force, and run says so", async () => {
  await onGround(async (_, options, name) => {
    await using command = new RunningCommand(["run", name, ...SLEEP, "--", ...UP_AND_COPY], options);
    await command.says(/up/);
    const { pid } = await procrefJson(["status", name], options);
    assert.equal((await procref(["stop", name], options)).status, 1);
    assert.equal((await procref(["stop", name, "--force"], options)).status, 0);
    assert.ok(!processes.isAlive(pid));
    const { state, failure } = await procrefJson(["status", name], options);
    assert.deepEqual([state, failure.code], ["failed", "SERVICE_LOST"]);
    command.process.stdin!.end();
    const { status } = await command.ended;
    assert.equal(status, 0, "the client's own status");
  });
});

test("a service whose supervisor and clients were killed is cleared up by gc", async () => {
  await onGround(async (_, options, name) => {
    // What is in another session does not die with the supervisor; on Windows all of it does.
    const start = asText(words("setsid sleep 300 & exec sleep 300", "await sleep()"));
    await using command = new RunningCommand(["run", name, "--start", start, "--", ...UP_AND_COPY], options);
    await command.says(/up/);
    const { pid, supervisor } = await procrefJson(["status", name], options);
    processes.kill(supervisor);
    processes.kill(command.process.pid!);
    await command.ended;
    await eventually(() => !processes.isAlive(supervisor), "the supervisor is dead");
    const { services } = await procrefJson(["gc"], options);
    assert.equal(services[0].removed, true, services[0].reason);
    assert.ok(!processes.isAlive(pid));
  });
});

test("the logs are printed, cut to the last lines, and followed until the service is gone", async () => {
  await onGround(async (_, options, name) => {
    const service = words(
      "for i in 1 2 3 4 5; do echo line $i; done; echo up; exec sleep 300",
      "for (const line of [1, 2, 3, 4, 5]) say(`line ${line}`); say('up'); await sleep()",
    );
    const args = ["run", name, "--start", asText(service), "--ready", "log:up", "--", ...UP_AND_COPY];
    await using command = new RunningCommand(args, options);
    await command.says(/up/);
    const { status, out } = await procref(["logs", name], options);
    assert.equal(status, 0);
    assert.match(out, /^line 1\nline 2\nline 3\nline 4\nline 5\nup\n/m);
    const lines = out.trimEnd().split("\n");
    assert.equal((await procref(["logs", name, "-n", "2"], options)).out, lines.slice(-2).join("\n") + "\n");
    assert.equal((await procref(["logs", name, "-n", "0"], options)).out, "");
    await using follower = new RunningCommand(["logs", name, "-f", "-n", "1"], options);
    await follower.says(/./);
    command.process.stdin!.end();
    await command.ended;
    assert.equal((await follower.ended).status, 0);
    const gone = await procref(["logs", name], options);
    assert.equal(gone.status, 1);
    assert.match(gone.err, /there is no log of/);
  });
});

test("a variable of --env takes the place of an inherited one, on Windows in whatever case", async () => {
  await onGround(async (_, { env }, name) => {
    const copy = `say(process.pid); for await (const bytes of process.stdin) process.stdout.write(bytes)`;
    const client = words("echo $$; cat", copy);
    const args = ["run", name, ...SLEEP, "--env", "Some_Variable=ours", "--", ...client];
    await using command = new RunningCommand(args, { env: { ...env, SOME_VARIABLE: "inherited" } });
    const pid = Number(await command.says(/\n/));
    const found = Object.entries(environmentOf(pid)).filter(([variable]) => /^some_variable$/i.test(variable));
    const ours = ["Some_Variable", "ours"];
    assert.deepEqual(found.sort(), onWindows ? [ours] : [["SOME_VARIABLE", "inherited"], ours]);
    command.process.stdin!.end();
    await command.ended;
  });
});
