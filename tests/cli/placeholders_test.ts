import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import { procref, procrefJson, RunningCommand } from "../harness/command.ts";
import { onGround } from "../harness/command_ground.ts";
import { asText, NOTHING, SLEEP, words } from "../harness/command_words.ts";
import { eventually } from "../harness/eventually.ts";
import { onWindows } from "../harness/platform.ts";

/** A program that prints its arguments; a script's first word after it is its own name. */
const ECHO = [...words('echo "$*"', 'say(args.join(" "))'), ...(onWindows ? [] : ["sh"])];
const PORT = ["--port", "auto", "--ready", "running"];

test("the client's arguments get port and host of a service that has a port, and keep all other braces", async () => {
  await onGround(async (_, options, name) => {
    const client = [...ECHO, "-h", "{host}", "-p", "{port}", "x{port}y", "{name}", "{}", "{pid}", "{dir}"];
    const { status, out, err } = await procref(["run", name, ...SLEEP, ...PORT, "--", ...client], options);
    assert.equal(status, 0, err);
    assert.match(out, /^-h 127\.0\.0\.1 -p (\d{2,5}) x\1y \{name\} \{\} \{pid\} \{dir\}\n$/);
    const without = await procref(["run", name, ...SLEEP, "--", ...ECHO, "{host}", "{port}"], options);
    assert.equal(without.out, "{host} {port}\n");
  });
});

test("a variable of --env gets what the command of --start gets", async () => {
  await onGround(async (state, options, name) => {
    const env = ["--env", "FOO={dir}|{name}|{namespace}|{host}|{port}|{pid}|{other}"];
    const client = words('echo "$FOO"', "say(process.env.FOO)");
    const args = ["run", name, ...SLEEP, ...PORT, "--namespace", "my project", ...env, "--", ...client];
    const { status, out, err } = await procref(args, options);
    assert.equal(status, 0, err);
    const [dir, ...more] = out.trimEnd().split("|");
    assert.ok(dir.startsWith(state) && dir.length > state.length + 1, dir);
    assert.match(more.join("|"), new RegExp(`^${name}\\|my project\\|127.0.0.1\\|\\d{2,5}\\|\\d+\\|\\{other\\}$`));
  });
});

test("a variable that asks for the port of a service without one is refused, and its value is not told", async () => {
  await onGround(async (_, options, name) => {
    const inner = ["run", name, "--env", "U=redis://:secret@x:{port}", "--", ...NOTHING];
    await using first = new RunningCommand(["run", name, ...SLEEP, "--", ...words("echo up; cat", COPY)], options);
    await first.says(/up/);
    const { status, err } = await procref(inner, options);
    assert.equal(status, 2);
    const [line] = err.split("\n");
    const why = `asks for {port}, and "${name}" has no port; whoever starts it has to give --port auto or a number`;
    assert.equal(line, `procref: --env U ${why}`);
    first.process.stdin!.end();
    await first.ended;
  });
});

const COPY = 'say("up"); for await (const bytes of process.stdin) process.stdout.write(bytes)';

test("a service that comes back on another port is told once on standard error, with both ports", async () => {
  await onGround(async (_, options, name) => {
    const service = words("exec sleep 300", "await sleep()");
    const start = ["--start", asText(service), ...PORT];
    const program = `say("port " + process.env.PROCREF_PORT);${COPY}`;
    const client = words('echo "port $PROCREF_PORT"; cat', program);
    await using command = new RunningCommand(["run", name, ...start, "--", ...client], options);
    const given = Number(/port (\d+)/.exec(await command.says(/port \d+\n/))![1]);
    // Somebody else has that port by now: it cannot be given again.
    const stranger = createServer().listen(given, "127.0.0.1");
    await once(stranger, "listening");
    try {
      const { pid } = await procrefJson(["status", name], options);
      processes.kill(pid);
      await command.complains(/restarted/);
      const { port } = await procrefJson(["status", name], options);
      assert.notEqual(port, given);
      command.process.stdin!.end();
      const { status, err } = await command.ended;
      assert.equal(status, 0);
      assert.equal(err, `procref: warning: ${name} was restarted on port ${port}; the client was given ${given}\n`);
    } finally {
      stranger.close();
    }
  });
});

test("a service that comes back on the same port is not worth a word", async () => {
  await onGround(async (_, options, name) => {
    const given = await freePort();
    const start = [
      "--start",
      asText(words("exec sleep 300", "await sleep()")),
      "--port",
      `${given}`,
      "--ready",
      "running",
    ];
    await using command = new RunningCommand(["run", name, ...start, "--", ...words("echo up; cat", COPY)], options);
    await command.says(/up/);
    const { pid } = await procrefJson(["status", name], options);
    processes.kill(pid);
    await eventually(async () => {
      const status = await procrefJson(["status", name], options);
      return status.state === "running" && status.pid !== pid;
    }, "it runs again");
    command.process.stdin!.end();
    assert.equal((await command.ended).err, "");
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return address.port;
}
