import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ask } from "../../src/supervisor/readiness.ts";
import { eventually } from "../harness/eventually.ts";
import { limitMs, notOnWindows, onWindows } from "../harness/platform.ts";
import { programCommand } from "../harness/program.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { type Acquired, onStage, type Options, other, type SupervisedStage } from "../harness/supervised.ts";

const HTTP = fileURLToPath(new URL("../fixtures/http_service.ts", import.meta.url));

/** An HTTP server in Bun, which starts fast. */
function web(stage: SupervisedStage, ready: unknown, more: Options = {}, what = ""): Options {
  return {
    command: ["bun", "run", HTTP, "{host}", "{port}", what],
    directory: stage.state,
    port: "auto",
    ready,
    ...more,
  };
}

/** A command that says no. */
const FALSE = onWindows ? ["bun", "-e", "process.exit(1)"] : ["false"];

async function acquires(stage: SupervisedStage, options: Options): Promise<void> {
  const service = stage.service(options);
  const handle = await service.acquire();
  const { host, port } = handle;
  assert.equal(await (await fetch(`http://${host}:${port}/hello`)).text(), "/hello", "it answers once it is held");
  await handle.release();
  await stage.assertNothingLeft();
}

async function isLate(stage: SupervisedStage, options: Options): Promise<void> {
  const service = stage.service({ ...options, startTimeoutMs: limitMs(1000) });
  await assert.rejects(service.acquire(), {
    code: "SERVICE_START",
    message: new RegExp(`not ready after ${limitMs(1000)} ms`),
  });
  await stage.assertNothingLeft();
}

test("tcp, the usual for a service with a port: it is held once it accepts connections", async () => {
  await onStage(async (stage) => {
    await acquires(stage, web(stage, undefined));
  });
});

test("tcp: a service that listens on nothing is never ready, however long it runs", async () => {
  await onStage(async (stage) => {
    await isLate(stage, stage.sleeper({ port: "auto", ready: "tcp", readyIntervalMs: 1 }));
  });
});

test("tcp: a connection of the asking socket to itself is no answer", { skip: notOnWindows("ports") }, async () => {
  // The kernel gives the ports of connections in order, those of one parity first: within that many attempts a socket
  // gets the port that it is about to connect to.
  const server = createServer();
  const port = await new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port))
  );
  await new Promise((resolve) => server.close(resolve));
  const question = { ready: { kind: "tcp" }, host: "127.0.0.1", cwd: "/", env: {} } as const;
  for (let round = 0; round < 400; round++) {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => ask({ ...question, port: port + (index % 2) })),
    );
    assert.ok(!answers.includes("yes"), "nobody listens");
  }
});

test("http: any status from 200 to 399 unless one is given", async () => {
  await onStage(async (stage) => {
    await acquires(stage, web(stage, { http: "/" }));
    await acquires(stage, web(stage, { http: "/status/302" }));
    await isLate(stage, web(stage, { http: "/status/404" }));
  });
});

test("http: with a status given, that one and no other", async () => {
  await onStage(async (stage) => {
    await acquires(stage, web(stage, { http: "/status/404", status: 404 }));
    await isLate(stage, web(stage, { http: "/", status: 204 }));
  });
});

test("http: it is asked again until it says yes", async () => {
  await onStage(async (stage) => {
    await acquires(stage, web(stage, { http: "/", status: 200 }, { readyIntervalMs: 5 }, "unready:5"));
  });
});

test("exec: the command is asked until it ends with 0, in the service's directory and environment", async () => {
  await onStage(async (stage) => {
    const ask = `test "$PWD" = "$WHERE" && test "$1" = "{name}" && echo "asked $1" >>"$JOURNAL" && test -e go`;
    const question = `process.cwd() === process.env.WHERE && args[0] === "${stage.name}" && note("asked", args[0]);
      process.exit(existsSync("go") ? 0 : 1)`;
    const options = stage.sleeper({
      cwd: stage.directory,
      env: { WHERE: stage.directory },
      ready: { exec: [...(onWindows ? programCommand(question) : ["sh", "-c", ask, "sh"]), "{name}"] },
      readyIntervalMs: 10,
    });
    const client = await stage.client(options, { runtime: other });
    const acquiring = client.call<Acquired>("acquire");
    await eventually(() => stage.notes("asked").length >= 3, "it was asked some times");
    assert.equal(stage.record()?.phase, "START", "the answer was no");
    writeFileSync(`${stage.directory}/go`, "");
    await acquiring;
    await client.call("release", 0);
    await stage.assertNothingLeft();
  });
});

test("log: a line matches, also one that came in pieces, and one of standard error", async () => {
  await onStage(async (stage) => {
    const script = `printf 'listening'; sleep 0.1; printf ' on 17\\n' >&2; printf ' on 4711\\n'; exec sleep 300`;
    const program = `process.stdout.write("listening"); await delay(100);
      process.stderr.write(" on 17\\n"); process.stdout.write(" on 4711\\n"); await sleep()`;
    const client = await stage.client(stage.script(script, { ready: { log: "^listening on \\d+$" } }, program));
    await client.call("acquire");
    await client.call("release", 0);
    await stage.assertNothingLeft();
    const service = stage.service(stage.script(
      "echo READY >&2; exec sleep 300",
      { ready: { log: /^ready$/i } },
      `console.error("READY"); await sleep()`,
    ));
    await (await service.acquire()).release();
    await stage.assertNothingLeft();
  });
});

test("log: what an earlier life wrote makes no later one ready", async () => {
  await onStage(async (stage) => {
    const options = stage.script(
      `test -e "$FIRST" && exec sleep 300; echo >"$FIRST"; echo usable; exec sleep 300`,
      {
        ready: { log: "usable" },
        env: { FIRST: `${stage.directory}/first` },
        startTimeoutMs: limitMs(500),
        restart: { delayMs: 1, limit: 1 },
      },
      `if (notes("start").length === 1) say("usable"); await sleep()`,
    );
    const service = stage.service(options);
    const handle = await service.acquire();
    process.kill(handle.pid!, "SIGKILL");
    await eventually(() => handle.signal.aborted, "the second life never was ready");
    assert.equal(stage.starts().length, 2);
    await handle.release();
    await stage.assertNothingLeft();
  });
});

test("running: it is held as soon as its program runs", { skip: notOnWindows("procfs") }, async () => {
  await onStage(async (stage) => {
    const service = stage.service(stage.sleeper({ ready: "running" }));
    const handle = await service.acquire();
    const program = readFileSync(`/proc/${handle.pid}/cmdline`, "utf8");
    assert.doesNotMatch(program, /setpriv|PPID/, "not what prepares it");
    await handle.release();
    await stage.assertNothingLeft();
  });
});

for (const runtime of bothRuntimes) {
  test(`onReady of a client in ${runtime} is asked after the supervisor's question, until it says yes`, async () => {
    await onStage(async (stage) => {
      const client = await stage.client(undefined, { ready: "ask", runtime });
      const acquiring = client.call<Acquired>("acquire");
      await client.line("in onReady");
      assert.equal(stage.record()?.phase, "READY");
      await client.call("answer", false);
      await client.line("in onReady");
      await client.call("answer", true);
      const { pid } = await acquiring;
      assert.deepEqual(stage.starts(), [pid]);
      await client.call("release", 0);
      await stage.assertNothingLeft();
    });
  });
}

for (const ready of ["false", "throw"] as const) {
  test(`onReady that says no for ever (${ready}): the acquire fails, others are not concerned`, async () => {
    await onStage(async (stage) => {
      const options = stage.sleeper({ startTimeoutMs: limitMs(500), readyIntervalMs: 10 });
      const keeper = await stage.client(options);
      const { pid } = await keeper.call<Acquired>("acquire");
      const picky = await stage.client(options, { ready, runtime: other });
      const said = ready === "false" ? "said false" : "threw Error: onReady is told to fail";
      await assert.rejects(picky.call("acquire"), {
        code: "SERVICE_START",
        message: `Cannot use "${stage.name}": it was not ready after ${
          limitMs(500)
        } ms (startTimeoutMs); onReady ${said}`,
      });
      assert.equal(await keeper.call("count"), 1);
      assert.deepEqual(stage.running(), [pid]);
      await keeper.call("release", 0);
      await stage.assertNothingLeft();
    });
  });
}

for (const ready of ["tcp", { http: "/" }, { exec: FALSE }, { log: "never" }]) {
  test(`a service that dies is not asked on (${JSON.stringify(ready)}): the error comes long before the time is over`, async () => {
    await onStage(async (stage) => {
      const options = stage.script(
        "sleep 0.2; exit 9",
        { port: "auto", ready, startTimeoutMs: 60_000 },
        "await delay(200); process.exit(9)",
      );
      const began = performance.now();
      await assert.rejects(
        stage.service(options).acquire(),
        (error: { code?: string; details?: { exitCode?: number } }) =>
          error.code === "SERVICE_START" && error.details?.exitCode === 9,
      );
      assert.ok(performance.now() - began < 20_000);
      await stage.assertNothingLeft();
    });
  });
}
