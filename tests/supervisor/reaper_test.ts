import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { process as processes, SharedService } from "../../mod.ts";
import { suspend } from "../fixtures/suspend.ts";
import type { Child } from "../harness/child.ts";
import { onWindows } from "../harness/platform.ts";
import { programCommand } from "../harness/program.ts";
import { Journal } from "../harness/journal.ts";
import { eventually } from "../harness/eventually.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { type Acquired, onStage, type ServiceStage } from "../harness/service_clients.ts";
import { other } from "../harness/supervised.ts";

/** Nothing is left, not even the semaphores. */
async function assertAllGone(stage: ServiceStage): Promise<void> {
  await eventually(() => !stage.isKept(), "the kernel object is gone");
  await stage.assertNothingLeft();
}

async function acquire(client: Child): Promise<Acquired> {
  return await client.call<Acquired>("acquire", { timeoutMs: 20_000 });
}

for (const runtime of bothRuntimes) {
  test(`the last client is SIGKILLed: the reaper (in ${runtime}) stops the service and leaves nothing`, async () => {
    await onStage(async (stage) => {
      const one = await stage.client({}, { runtime });
      const two = await stage.client();
      const { pid } = await acquire(one);
      await acquire(two);
      const reaper = await stage.reaper();
      await one.kill();
      assert.equal(await two.call("count"), 1);
      assert.ok(processes.isAlive(pid), "somebody holds it");
      await two.kill();
      await assertAllGone(stage);
      await eventually(() => !processes.isAlive(reaper), "the reaper has gone as well");
      assert.deepEqual(stage.journal.words(), ["start"], "no callback ran: there was nobody left");
    });
  });

  test(`the reaper (in ${runtime}) outlives a SIGKILL of its client's process group`, async () => {
    await onStage(async (stage) => {
      const client = await stage.client({}, { runtime, detached: true });
      await acquire(client);
      assert.ok(processes.killGroup(processes.identityOf(client.pid)!));
      await client.exited;
      await assertAllGone(stage);
    });
  });
}

test("a reaper goes when the clients have cleared up themselves", async () => {
  await onStage(async (stage) => {
    const client = await stage.client();
    const { handle } = await acquire(client);
    const reaper = await stage.reaper();
    await client.call("release", handle);
    await eventually(() => !processes.isAlive(reaper), "the reaper has gone");
    await assertAllGone(stage);
    assert.deepEqual(stage.journal.words(), ["start", "stop"]);
  });
});

test("the reaper is SIGKILLed: a holder's look starts another one", async () => {
  await onStage(async (stage) => {
    const client = await stage.client();
    const { pid } = await acquire(client);
    const reaper = await stage.reaper();
    processes.kill(reaper);
    const counter = await stage.counter();
    await eventually(() => !counter.snapshot().seated, "the seat is free");
    await eventually(() => counter.snapshot().seated, "somebody has it again");
    assert.notEqual(await stage.reaper(), reaper);
    assert.ok(processes.isAlive(pid));
    await client.kill();
    await assertAllGone(stage);
  });
});

test("the reaper is SIGKILLed: the next acquire starts another one", async () => {
  await onStage(async (stage) => {
    const client = await stage.client();
    await acquire(client);
    // Stopped, the holder cannot look.
    suspend(client.pid);
    const reaper = await stage.reaper();
    processes.kill(reaper);
    await eventually(() => !processes.isAlive(reaper), "it is gone");
    const next = await stage.client({}, { runtime: other });
    await acquire(next);
    assert.notEqual(await stage.reaper(), reaper);
    await next.kill();
    await client.kill();
    await assertAllGone(stage);
    assert.deepEqual(stage.journal.words(), ["start"]);
  });
});

test("reaper and last client are SIGKILLed: the next client finds the service, as without a reaper", async () => {
  await onStage(async (stage) => {
    const client = await stage.client();
    const { pid } = await acquire(client);
    suspend(client.pid);
    const reaper = await stage.reaper();
    processes.kill(reaper);
    await client.kill();
    await eventually(() => !processes.isAlive(reaper), "it is gone");
    assert.ok(processes.isAlive(pid));
    const next = await stage.client({}, { runtime: other });
    assert.equal((await acquire(next)).pid, pid);
    await next.kill();
    await assertAllGone(stage);
  });
});

test("a client is SIGKILLed between its spawn and the record: the process is unknown, but record and semaphores go", async () => {
  await onStage(async (stage) => {
    const client = await stage.client({ start: "spawned" });
    client.call("acquire").catch(() => {});
    await client.line("in start");
    const [unknown] = stage.running();
    await client.kill();
    await eventually(() => !stage.isKept(), "the reaper has cleared up");
    assert.ok(processes.isAlive(unknown), "the one window that is documented");
    processes.kill(unknown);
    await assertAllGone(stage);
  });
});

test("a client is SIGKILLed in its onLastRelease: the reaper stops the service", async () => {
  await onStage(async (stage) => {
    const client = await stage.client({ stop: "block" });
    const { handle } = await acquire(client);
    client.call("release", handle).catch(() => {});
    await client.line("in stop");
    await client.kill();
    await assertAllGone(stage);
  });
});

test("an onLastRelease that fails: the release says so, and the reaper stops the service", async () => {
  await onStage(async (stage) => {
    const client = await stage.client({ stop: "throw" }, { runtime: other });
    const { handle } = await acquire(client);
    await assert.rejects(client.call("release", handle), { code: "SERVICE_STOP" });
    await assertAllGone(stage);
  });
});

test("a service that ignores SIGTERM is killed by the reaper after stopTimeoutMs, with its group", async () => {
  await onStage(async (stage) => {
    const service = new SharedService(stage.name, {
      directory: stage.state,
      stopTimeoutMs: 400,
      onFirstAcquire: async () => {
        const script = `trap "" TERM; echo usable; while :; do sleep 0.1; done`;
        const program = `onAsked(() => {}); say("usable"); await sleep()`;
        const [command, ...args] = onWindows ? programCommand(program) : ["sh", "-c", script];
        const child = spawn(command, args, { detached: true, stdio: ["ignore", "pipe", "ignore"] });
        child.unref();
        await new Promise((resolve) => child.stdout!.once("data", resolve));
        child.stdout!.destroy();
        Journal.append(stage.journal.path, "start", child.pid!, process.pid);
        return { pid: child.pid };
      },
      onLastRelease: () => {
        throw new Error("it does not stop it");
      },
    });
    const handle = await service.acquire();
    await assert.rejects(handle.release(), { code: "SERVICE_STOP" });
    await assertAllGone(stage);
  });
});

test("reaper: false has none: the service outlives its last client, and the next one finds it", async () => {
  await onStage(async (stage) => {
    const client = await stage.client({ options: { reaper: false } });
    const { pid } = await acquire(client);
    const counter = await stage.counter();
    assert.equal(counter.snapshot().seated, false);
    await client.kill();
    const next = await stage.client({ options: { reaper: false } }, { runtime: other });
    assert.equal((await acquire(next)).pid, pid);
    await next.call("release", 0);
    await stage.assertNothingLeft();
  });
});

test("an info without a process dismisses the reaper: there is nothing that it could stop", async () => {
  await onStage(async (stage) => {
    const seated: boolean[] = [];
    const counter = await stage.counter();
    const service = new SharedService(stage.name, {
      directory: stage.state,
      onFirstAcquire: () => {
        seated.push(counter.snapshot().seated);
        return { port: 4711 };
      },
      onLastRelease: () => {},
    });
    const handle = await service.acquire();
    assert.deepEqual(seated, [true], "it was there before the callback");
    await eventually(() => !counter.snapshot().seated, "it has gone");
    await handle.release();
    await stage.assertNothingLeft();
  });
});

test("twelve clients of both runtimes share one reaper, and when all are SIGKILLed at once nothing is left", async () => {
  await onStage(async (stage) => {
    const clients = await Promise.all(
      Array.from({ length: 12 }, (_, index) => stage.client({}, { runtime: bothRuntimes[index % 2] })),
    );
    const acquired = await Promise.all(clients.map(acquire));
    assert.equal(new Set(acquired.map(({ pid }) => pid)).size, 1);
    await Promise.all(clients.map((client) => client.kill()));
    await assertAllGone(stage);
  });
});
