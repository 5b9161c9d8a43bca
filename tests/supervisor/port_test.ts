import assert from "node:assert/strict";
import { lookup } from "node:dns/promises";
import { createServer, type Server } from "node:net";
import { hostname } from "node:os";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { isProcrefError, SharedService } from "../../mod.ts";
import { findProgram } from "../../src/process/programs.ts";
import { environmentOf } from "../harness/environment.ts";
import { onWindows } from "../harness/platform.ts";
import { programCommand } from "../harness/program.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { sleepCommand } from "../harness/sleeper.ts";
import { type Acquired, onStage } from "../harness/supervised.ts";

const HTTP = fileURLToPath(new URL("../fixtures/http_service.ts", import.meta.url));

/** Listens on a port, any free one unless given. */
async function listen(port = 0, host = "127.0.0.1"): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host }, resolve);
  });
  return { server, port: (server.address() as { port: number }).port };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Some ports in a row of which the first ones are taken, and the rest are free. */
async function portsInARow(taken: number, free: number): Promise<{ servers: Server[]; from: number }> {
  for (;;) {
    const first = await listen();
    const servers = [first.server];
    try {
      for (let next = 1; next < taken + free; next++) servers.push((await listen(first.port + next)).server);
      for (const server of servers.splice(taken)) await close(server);
      return { servers, from: first.port };
    } catch {
      for (const server of servers) await close(server);
    }
  }
}

const NOTE_PORT = `echo "port $1" >>"$JOURNAL"`;
const PROGRAM_NOTES_PORT = `note("port", args[0])`;
/** The words that come before the arguments of a script: its `$0`, which a program does not have. */
const ZERO = onWindows ? [] : ["sh"];
const TAKEN = ["echo EADDRINUSE; exit 1", `say("EADDRINUSE"); process.exit(1)`] as const;

test("port auto: each of many services gets a free one of its own, and the handle has it", async () => {
  await onStage(async (stage) => {
    const service = stage.service(
      stage.script(
        `${NOTE_PORT}; exec sleep 300`,
        { port: "auto", args: [...ZERO, "{port}"] },
        `${PROGRAM_NOTES_PORT}; await sleep()`,
      ),
    );
    const handle = await service.acquire();
    assert.deepEqual(stage.notes("port"), [String(handle.port)]);
    assert.ok(handle.port! > 0 && handle.port! < 65536);
    assert.equal(stage.record()?.info?.port, handle.port);
    await handle.release();
    await stage.assertNothingLeft();
  });
});

test("a number in use: the error says which one, and no process is started", async () => {
  const { server, port } = await listen();
  await onStage(async (stage) => {
    const failure = await stage.service(stage.sleeper({ port })).acquire().then(() => undefined, (error) => error);
    assert.ok(isProcrefError(failure, "SERVICE_START"));
    const why = `port ${port} of 127.0.0.1 is in use by somebody else; give another port, or port: "auto"`;
    assert.equal(failure.message, `Cannot start "${stage.name}": ${why}`);
    assert.equal(failure.details.field, "port");
    assert.deepEqual(stage.starts(), []);
    await stage.assertNothingLeft();
  });
  await close(server);
});

test("a range: the first free one is taken; when none is free the error names the range", async () => {
  const { servers, from } = await portsInARow(2, 1);
  await onStage(async (stage) => {
    const service = stage.service(stage.sleeper({ port: { from, to: from + 2 } }));
    const handle = await service.acquire();
    assert.equal(handle.port, from + 2);
    await handle.release();
    await stage.assertNothingLeft();
    await assert.rejects(stage.service(stage.sleeper({ port: { from, to: from + 1 } })).acquire(), {
      code: "SERVICE_START",
      message: new RegExp(`no port from ${from} to ${from + 1} is free; give another range, or port: "auto"$`),
    });
    await stage.assertNothingLeft();
  });
  for (const server of servers) await close(server);
});

test("a host that is no address of this machine: the error says so", async () => {
  await onStage(async (stage) => {
    for (const port of ["auto", 4711]) {
      await assert.rejects(stage.service(stage.sleeper({ port, host: "192.0.2.1" })).acquire(), {
        code: "SERVICE_START",
        message: /192\.0\.2\.1 is no address of this machine/,
      });
      await stage.assertNothingLeft();
    }
  });
});

for (const host of ["localhost", "::1", hostname()]) {
  test(`a service may listen on a name or on an IPv6 address (${host === hostname() ? "the host's own name" : host})`, async (context) => {
    const addresses = await lookup(host).then(({ address }) => listen(0, address), () => undefined).catch(() =>
      undefined
    );
    if (addresses === undefined) return context.skip("this machine has no such address");
    await close(addresses.server);
    for (const runtime of bothRuntimes) {
      await onStage(async (stage) => {
        const command = ["bun", "run", HTTP, "{host}", "{port}"];
        const options = { command, directory: stage.state, host, port: "auto", ready: { http: "/" } };
        const client = await stage.client(options, { runtime });
        const { pid } = await client.call<Acquired>("acquire");
        assert.ok(pid > 0);
        await client.call("release", 0);
        await stage.assertNothingLeft();
      });
    }
  });
}

for (const words of ["Error: listen EADDRINUSE: address already in use", "bind: Address already in use", "AddrInUse"]) {
  test(`a service that dies of "${words}" is tried again on another port`, async () => {
    const { servers, from } = await portsInARow(0, 3);
    assert.equal(servers.length, 0);
    await onStage(async (stage) => {
      const script = `${NOTE_PORT}; test "$(grep -c ^start "$JOURNAL")" -ge 3 || { echo "$WORDS" >&2; exit 1; }
        exec sleep 300`;
      const program = `${PROGRAM_NOTES_PORT};
        if (notes("start").length < 3) { console.error(process.env.WORDS); process.exit(1); }
        await sleep()`;
      const enough = `test "$(grep -c ^start "$JOURNAL")" -ge 3`;
      const exec = onWindows ? programCommand("await delay(500)") : ["sh", "-c", enough];
      const more = { env: { WORDS: words }, args: [...ZERO, "{port}"], ready: { exec } };
      const service = stage.service(stage.script(script, { ...more, port: { from, to: from + 2 } }, program));
      const handle = await service.acquire();
      assert.equal(handle.port, from + 2);
      assert.deepEqual(stage.notes("port").map(Number), [from, from + 1, from + 2]);
      await handle.release();
      await stage.assertNothingLeft();
    });
  });
}

test("a service whose only port is taken under it is not tried again: the error has what it said", async () => {
  const { from } = await portsInARow(0, 1);
  await onStage(async (stage) => {
    const options = stage.script(TAKEN[0], { port: from, ready: { log: "never" } }, TAKEN[1]);
    await assert.rejects(stage.service(options).acquire(), { code: "SERVICE_START", message: /EADDRINUSE/ });
    assert.equal(stage.starts().length, 1);
    await stage.assertNothingLeft();
  });
});

test("a service that always dies of a taken port is given up after some ports", async () => {
  await onStage(async (stage) => {
    const options = stage.script(TAKEN[0], { port: "auto", ready: { log: "never" } }, TAKEN[1]);
    await assert.rejects(stage.service(options).acquire(), { code: "SERVICE_START", message: /EADDRINUSE/ });
    assert.ok(stage.starts().length > 1 && stage.starts().length <= 12, `${stage.starts().length} starts`);
    await stage.assertNothingLeft();
  });
});

for (const runtime of bothRuntimes) {
  test(`placeholders are replaced in command, args, exec and env, but not in what is inherited (${runtime})`, async () => {
    await onStage(async (stage) => {
      const text = "{port} {host} {name} ({namespace}) {dir} {else} {port}";
      const ask = `grep -q "^word {" "$JOURNAL" && test "$1" = "$ALL" && echo "asked $1" >>"$JOURNAL"`;
      const question = `const right = notes("word").some((word) => word.startsWith("{")) && args[0] === process.env.ALL;
        if (right) note("asked", args[0]);
        process.exit(right ? 0 : 1)`;
      const options = stage.script(
        `echo "word $1" >>"$JOURNAL"; echo "word $2" >>"$JOURNAL"; exec sleep 300`,
        {
          port: "auto",
          host: "localhost",
          args: [...ZERO, text, "{{name}}"],
          env: { ALL: text },
          ready: { exec: [...(onWindows ? programCommand(question) : ["sh", "-c", ask, "sh"]), text] },
        },
        `for (const word of args) note("word", word); await sleep()`,
      );
      const client = await stage.client(options, { runtime, env: { INHERITED: "{port} {name}" } });
      const { pid, port } = await client.call<Acquired>("acquire");
      const directory = stage.file("")!.replace(/\/$/, "");
      const replaced = `${port} localhost ${stage.name} () ${directory} {else} ${port}`;
      assert.deepEqual(stage.notes("word"), [replaced, `{${stage.name}}`]);
      assert.deepEqual(stage.notes("asked"), [replaced]);
      const environment = environmentOf(pid);
      assert.equal(environment.ALL, replaced);
      assert.equal(environment.INHERITED, "{port} {name}");
      // Deno of Windows puts a folder of its own in front, for what it starts.
      if (onWindows) assert.ok(environment.PATH.endsWith(process.env.PATH!), environment.PATH);
      else assert.equal(environment.PATH, process.env.PATH);
      await client.call("release", 0);
      await stage.assertNothingLeft();
    });
  });
}

for (
  const [field, more] of [
    ["command", { command: ["sleep", "{port}"] }],
    ["command", { command: "serve-{port}" }],
    ["args", { command: "sleep", args: ["{port}"] }],
    ["env", { command: ["sleep", "300"], env: { URL: "http://{host}:{port}/" } }],
    ["ready", { command: ["sleep", "300"], ready: { exec: ["nc", "-z", "{host}", "{port}"] } }],
  ] as const
) {
  test(`without a port, {port} is refused before anything is done (${field}: ${JSON.stringify(more)})`, () => {
    assert.throws(() => new SharedService("ph", more), {
      code: "INVALID_ARGUMENT",
      message: `Cannot use {port} in the ${field} of "ph": it has no port; give port: "auto" or a number`,
    });
  });
}

test("without a port, {port} is refused for a module as well; with one it is not, and {host} needs none", () => {
  const module = new URL("../fixtures/service_module.ts", import.meta.url);
  assert.throws(() => SharedService.fromModule(module, { env: { PORT: "{port}" } }), { code: "INVALID_ARGUMENT" });
  SharedService.fromModule(module, { env: { PORT: "{port}" }, port: "auto" });
  new SharedService("ph", { command: ["sleep", "{host}", "{name}"] });
});

/** What a process finds in its environment that nobody has given it: of a shell, or of Windows and those who make one. */
const ADDED = onWindows
  ? new RegExp(
    "^(WINE.*|PROCESSOR_ARCHITECTURE|SYSTEM(DRIVE|ROOT)|HOME(DRIVE|PATH)|LOGONSERVER|PATH|TEMP|" +
      "USER(DOMAIN|NAME|PROFILE)|WINDIR)$",
    "i",
  )
  : /^(PWD|OLDPWD|SHLVL|_)$/;

test("inheritEnv: false: the service has what env says and the mark, and nothing else", async () => {
  await onStage(async (stage) => {
    // No shell: that adds variables of its own.
    const [program, ...words] = sleepCommand();
    const search = findProgram(program, process.env.PATH);
    assert.ok("found" in search);
    const options = {
      command: [search.found, ...words],
      directory: stage.state,
      inheritEnv: false,
      env: { ONLY: "this {name}" },
    };
    const client = await stage.client(options, { env: { SECRET: "of the client" } });
    const { pid } = await client.call<Acquired>("acquire");
    const { PROCREF_MARK, ...all } = environmentOf(pid);
    const others = Object.fromEntries(Object.entries(all).filter(([variable]) => !ADDED.test(variable)));
    assert.deepEqual(others, { ONLY: `this ${stage.name}` });
    assert.equal(PROCREF_MARK, stage.record()?.marks?.[0]);
    await client.call("release", 0);
    await stage.assertNothingLeft();
  });
});
