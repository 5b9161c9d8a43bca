import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { Agent, createServer, get, type Server } from "node:http";
import { type AddressInfo, createServer as createNetServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import { isProcrefError } from "../../src/errors.ts";
import { Lifecycle, serveGracefully } from "../../src/lifecycle/mod.ts";
import type { Child } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import { withDirectory } from "../harness/names.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { runProgram } from "../harness/written_program.ts";

/** How a server is made: by the runtime, or by node:http. */
const MAKES = {
  native: `(cut) => globalThis.Bun
    ? Bun.serve({ port, hostname: "127.0.0.1", fetch: (request) => answer(new URL(request.url).pathname).then((text) => new Response(text)) })
    : Deno.serve({ port, hostname: "127.0.0.1", onListen() {}, signal: cut }, (request) => answer(new URL(request.url).pathname).then((text) => new Response(text)))`,
  "node:http":
    `() => createServer((request, response) => void answer(request.url).then((text) => response.end(text))).listen(port, "127.0.0.1")`,
} as const;

/** A program that serves. /slow is answered when standard input says so, /never never. */
function serves(make: keyof typeof MAKES, options: string, port = 0): string {
  return `import { createServer } from "node:http";
  const port = ${port};
  const answer = async (path) => {
    say("got " + path);
    if (path === "/slow") await new Promise((resolve) => process.stdin.once("data", resolve));
    if (path === "/never") await new Promise(() => {});
    return "answer to " + path;
  };
  await lifecycle.runMain(async (life) => {
    life.registerShutdownHook(() => say("database closed, file " + existsSync("service.pid")), { name: "database" });
    let server;
    const make = ${MAKES[make]};
    const { outcome } = await lifecycle.serveGracefully((cut) => server = make(cut), {
      ${options}
      onServing: () => say("port " + (server.port ?? server.addr?.port ?? server.address().port)),
    });
    say("outcome " + outcome);
  }, { instance: "service.pid" });`;
}

interface Reply {
  readonly text?: string;
  readonly error?: string;
}

/** One request; what went wrong is an answer too. */
function ask(port: number, path: string, agent: Agent): Promise<Reply> {
  return new Promise((resolve) => {
    const request = get({ host: "127.0.0.1", port, path, agent }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => text += part);
      response.on("end", () => resolve({ text })).on("error", ({ message }) => resolve({ error: message }));
      response.on("aborted", () => resolve({ error: "aborted" }));
    });
    request.on("error", ({ message }) => resolve({ error: message }));
  });
}

/** Runs a program that serves, with clients that keep their connections alive. */
async function whileServing(
  program: Child,
  work: (port: number, client: () => Agent) => Promise<void>,
): Promise<void> {
  const agents: Agent[] = [];
  try {
    const port = Number(await program.line("port "));
    await work(port, () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      agents.push(agent);
      return agent;
    });
  } finally {
    for (const agent of agents) agent.destroy();
  }
}

async function assertRefused(port: number): Promise<void> {
  await eventually(
    async () => (await ask(port, "/", new Agent())).error !== undefined,
    "new connections are refused",
  );
}

for (const runtime of bothRuntimes) {
  for (const make of ["native", "node:http"] as const) {
    test(`R6: a ${make} server of ${runtime} answers what it has begun, holds no idle connection, and takes no new ones`, async () => {
      await withDirectory(async (directory) => {
        await using program = runProgram(directory, serves(make, "graceMs: 60_000,"), { runtime });
        await whileServing(program, async (port, client) => {
          const idle = client();
          assert.deepEqual(await ask(port, "/", idle), { text: "answer to /" });
          const slow = ask(port, "/slow", client());
          await program.line("got /slow");
          processes.terminate(program.pid);
          await assertRefused(port);
          program.send("go");
          assert.deepEqual(await slow, { text: "answer to /slow" });
          assert.equal((await program.exited).code, 143, program.errors);
          await program.line("outcome drained");
          assert.equal(await program.line("database closed, file "), "true", "R5: after the server, before the file");
          assert.ok(!existsSync(join(directory, "service.pid")));
        });
      });
    });

    test(`what a ${make} server of ${runtime} does not answer within the grace is cut off`, async () => {
      await withDirectory(async (directory) => {
        await using program = runProgram(directory, serves(make, "graceMs: 50,"), { runtime });
        await whileServing(program, async (port, client) => {
          const never = ask(port, "/never", client());
          await program.line("got /never");
          processes.terminate(program.pid);
          assert.notEqual((await never).error, undefined);
          assert.equal((await program.exited).code, 143, program.errors);
          await program.line("outcome forced");
          await program.line("database closed");
        });
      });
    });

    test(`R8: a ${make} server of ${runtime} whose port is taken is a failure, with its reason`, async () => {
      await withDirectory(async (directory) => {
        await using taken = await listening();
        await using program = runProgram(directory, serves(make, "", taken.port), { runtime });
        assert.deepEqual(await program.exited, { code: 1, signal: null });
        assert.match(program.errors, /Cannot start the server: .*(EADDRINUSE|os error 10048)/);
        await program.line("database closed, file true");
        assert.ok(!existsSync(join(directory, "service.pid")), "no file is left");
      });
    });
  }
}

/** A port that somebody has. */
async function listening(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createNetServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose](): Promise<void> {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function hello(): Server {
  return createServer((_, response) => response.end("hello"));
}

test("a signal of the caller's ends the server, and no hook is registered", async () => {
  const lifecycle = new Lifecycle();
  const stop = new AbortController();
  const server = hello().listen(0, "127.0.0.1");
  const served = serveGracefully(server, { signal: stop.signal, lifecycle, onServing: () => stop.abort() });
  assert.deepEqual(lifecycle.waitingHooks, []);
  assert.deepEqual(await served, { outcome: "drained" });
  assert.equal(server.listening, false);
});

test("a signal that has aborted before starts nothing", async () => {
  let started = false;
  const reason = new Error("over");
  const source = (): Server => {
    started = true;
    return hello();
  };
  await assert.rejects(serveGracefully(source, { signal: AbortSignal.abort(reason) }), (error) => error === reason);
  assert.equal(started, false);
});

test("a server that others close ends the serving, and takes its hook with it", async () => {
  const lifecycle = new Lifecycle();
  const server = hello().listen(0, "127.0.0.1");
  const served = serveGracefully(server, { lifecycle, onServing: () => server.close() });
  assert.deepEqual(lifecycle.waitingHooks, ["server"]);
  assert.deepEqual(await served, { outcome: "ended" });
  assert.deepEqual(lifecycle.waitingHooks, []);
});

test("what fails when it serves closes the server again", async () => {
  const lifecycle = new Lifecycle();
  const server = hello().listen(0, "127.0.0.1");
  const failing = serveGracefully(server, {
    lifecycle,
    onServing: () => {
      throw new Error("cannot announce it");
    },
  });
  await assert.rejects(failing, { message: "cannot announce it" });
  assert.deepEqual([server.listening, lifecycle.waitingHooks], [false, []]);
});

test("a shutdown that comes while the server starts is met as soon as it serves", async () => {
  const lifecycle = new Lifecycle();
  const opened = Promise.withResolvers<Server>();
  const served = serveGracefully(() => opened.promise, { lifecycle });
  const ending = lifecycle.shutdown();
  opened.resolve(hello().listen(0, "127.0.0.1"));
  assert.deepEqual(await served, { outcome: "drained" });
  assert.deepEqual((await ending).hooks.map(({ outcome }) => outcome), ["done"]);
});

test("what is no server is refused", async () => {
  const lifecycle = new Lifecycle();
  for (const source of [{}, 5, undefined, { close: () => {} }]) {
    const serving = serveGracefully(source as unknown as Server, { lifecycle });
    await assert.rejects(serving, (error) => isProcrefError(error, "INVALID_ARGUMENT"));
  }
  assert.deepEqual(lifecycle.waitingHooks, []);
});
