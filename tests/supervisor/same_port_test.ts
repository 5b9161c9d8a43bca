import assert from "node:assert/strict";
import { connect, createServer, type Server } from "node:net";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ServiceHandle } from "../../mod.ts";
import { eventually } from "../harness/eventually.ts";
import { onWindows } from "../harness/platform.ts";
import { onStage, type Options, type SupervisedStage } from "../harness/supervised.ts";

const HTTP = fileURLToPath(new URL("../fixtures/http_service.ts", import.meta.url));

function web(stage: SupervisedStage, more: Options = {}): Options {
  return {
    command: ["bun", "run", HTTP, "{host}", "{port}"],
    directory: stage.state,
    port: "auto",
    restart: { delayMs: 1 },
    ...more,
  };
}

/** Kills the service, and resolves when the holder knows its next life. */
async function crash(handle: ServiceHandle, meanwhile?: () => Promise<void>): Promise<void> {
  const { pid } = handle;
  process.kill(pid!, "SIGKILL");
  await meanwhile?.();
  await eventually(() => handle.pid !== pid, "the holder knows the next life");
}

/** Listens on a port as soon as nobody else does. */
async function take(port: number): Promise<Server> {
  let server: Server | undefined;
  await eventually(async () => {
    const candidate = createServer();
    server = await new Promise<Server | undefined>((resolve) => {
      candidate.once("error", () => resolve(undefined));
      candidate.listen({ host: "127.0.0.1", port, exclusive: true }, () => resolve(candidate));
    });
    return server !== undefined;
  }, `port ${port} is free`);
  return server!;
}

async function answers({ host, port }: ServiceHandle): Promise<void> {
  assert.equal(await (await fetch(`http://${host}:${port}/hello`)).text(), "/hello");
}

/** Twenty ports, of which the first was free a moment ago. */
async function someRange(): Promise<{ from: number; to: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const from = Math.min(port, 65516);
  return { from, to: from + 19 };
}

for (const which of ["auto", "a range"]) {
  test(`a service that is started again has the port that it had (${which}), also with connections to it`, async () => {
    await onStage(async (stage) => {
      const service = stage.service(web(stage, { port: which === "auto" ? which : await someRange() }));
      const handle = await service.acquire();
      const { port } = handle;
      for (let life = 0; life < 3; life++) {
        // It leaves the server's side of this one behind in the kernel, and a closed one of each request.
        const open = connect({ host: "127.0.0.1", port: port! });
        open.on("error", () => {});
        await new Promise((resolve) => open.once("connect", resolve));
        await answers(handle);
        await crash(handle);
        assert.equal(handle.port, port);
        await answers(handle);
        open.destroy();
      }
      await handle.release();
      await stage.assertNothingLeft();
    });
  });
}

test("a port that a stranger took in between is left to them: the service gets another one", async () => {
  await onStage(async (stage) => {
    const service = stage.service(web(stage, { restart: { delayMs: 2000 } }));
    const handle = await service.acquire();
    const { port } = handle;
    let stranger: Server | undefined;
    await crash(handle, async () => {
      stranger = await take(port!);
    });
    assert.notEqual(handle.port, port);
    await answers(handle);
    await new Promise((resolve) => stranger!.close(resolve));
    await handle.release();
    await stage.assertNothingLeft();
  });
});

test("a service that dies of its own port when it is started again gets another one", async () => {
  await onStage(async (stage) => {
    const zero = onWindows ? [] : ["sh"];
    const service = stage.service(stage.script(
      `echo "port $1" >>"$JOURNAL"
      test "$(grep -c ^start "$JOURNAL")" -ne 2 || { echo "Address already in use" >&2; exit 1; }
      echo usable; exec sleep 300`,
      { port: "auto", args: [...zero, "{port}"], ready: { log: "^usable$" }, restart: { delayMs: 1 } },
      `note("port", args[0]);
      if (notes("start").length === 2) { console.error("Address already in use"); process.exit(1); }
      say("usable"); await sleep()`,
    ));
    const handle = await service.acquire();
    await crash(handle);
    const [first, second, third, ...more] = stage.notes("port").map(Number);
    assert.deepEqual(more, []);
    assert.equal(second, first);
    assert.notEqual(third, first);
    assert.equal(handle.port, third);
    await handle.release();
    await stage.assertNothingLeft();
  });
});

test("the supervisor is killed: the one that takes its place starts the service on the same port", async () => {
  await onStage(async (stage) => {
    const service = stage.service(web(stage));
    const handle = await service.acquire();
    const { port, pid } = handle;
    await stage.killSupervisor();
    await eventually(() => handle.pid !== pid, "the holder knows the next life");
    assert.equal(handle.port, port);
    await answers(handle);
    await handle.release();
    await stage.assertNothingLeft();
  });
});
