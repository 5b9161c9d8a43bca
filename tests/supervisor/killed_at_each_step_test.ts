import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import type { Child } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import { notOnWindows, onWindows } from "../harness/platform.ts";
import { programCommand } from "../harness/program.ts";
import { suspend } from "../fixtures/suspend.ts";
import { ordersFor } from "../harness/orders.ts";
import { runtime } from "../harness/runtime.ts";
import { type Acquired, onStage, other, type SupervisedStage } from "../harness/supervised.ts";

/** Whoever comes next gets a live service, the only one, and nothing is left of all that. */
async function assertNextIsFine(stage: SupervisedStage, options = stage.sleeper()): Promise<void> {
  const handle = await stage.service(options).acquire({ timeoutMs: 20_000 });
  assert.deepEqual(stage.running(), [handle.pid], "one service runs, the one that was handed out");
  await handle.release();
  await stage.assertNothingLeft();
}

/** Runs a supervisor through its whole life, or up to where it is told to stop. */
async function live(stage: SupervisedStage, stop: string): Promise<Child> {
  const counter = await stage.counter();
  await counter.acquire();
  const args = [JSON.stringify(ordersFor(stage, stage.sleeper()))];
  const child = stage.child("stepped_supervisor.ts", { args, env: { PROCREF_TEST_STOP: stop } });
  let stopped = false;
  const stopping = child.line("stopped ").then(() => stopped = true, () => stopped = true);
  await eventually(() => stopped || stage.record()?.phase === "READY", "it has gone as far as it goes");
  counter.release();
  counter.close();
  await stopping;
  return child;
}

test("the supervisor is SIGKILLed before and after every step that it makes in the kernel: the next client is fine", {
  skip: notOnWindows("calls"),
}, async () => {
  let steps = 0;
  await onStage(async (stage) => {
    const child = await live(stage, "trace");
    assert.equal((await child.exited).code, 0);
    steps = child.takeLines("native semop").length;
    await stage.assertNothingLeft();
  });
  assert.ok(steps >= 7, `${steps} steps: seat, START (two), READY, STOP (two), and the end`);
  for (let step = 1; step <= steps; step++) {
    for (const when of ["before", "after"]) {
      await onStage(async (stage) => {
        const child = await live(stage, `semop:${step}:${when}`);
        await child.kill();
        await assertNextIsFine(stage);
      });
    }
  }
});

test("the supervisor is SIGKILLed in START, with a service that is not ready: who waits gets the next one", async () => {
  await onStage(async (stage) => {
    const go = `${stage.directory}/go`;
    const options = stage.sleeper({
      ready: {
        exec: onWindows
          ? programCommand(`process.exit(existsSync(${JSON.stringify(go)}) ? 0 : 1)`)
          : ["test", "-e", go],
      },
    });
    const client = await stage.client(options, { runtime: other });
    const acquiring = client.call<Acquired>("acquire");
    await eventually(() => stage.record()?.phase === "START" && stage.starts().length === 1, "it is being started");
    const [first] = stage.starts();
    await stage.killSupervisor();
    writeFileSync(go, "");
    const { pid } = await acquiring;
    assert.notEqual(pid, first);
    // It is ready for another reason than its own note.
    await eventually(() => stage.starts().length === 2, "the next one has made its note");
    assert.deepEqual(stage.running(), [pid]);
    await client.call("release", 0);
    await stage.assertNothingLeft();
  });
});

test("the supervisor is SIGKILLed in START with its only client: nothing runs on, and the next one is fine", async () => {
  await onStage(async (stage) => {
    const client = await stage.client(stage.sleeper({ ready: { log: "never" } }), { runtime: other });
    client.call("acquire").catch(() => {});
    await eventually(() => stage.starts().length === 1, "it is being started");
    suspend(client.pid);
    await stage.killSupervisor();
    await client.kill();
    await eventually(() => stage.running().length === 0, "the kernel has killed the service");
    await assertNextIsFine(stage);
  });
});

test("the supervisor is SIGKILLed in STOP: the service dies with it, and the next client is fine", async () => {
  await onStage(async (stage) => {
    const options = stage.script(`trap "" TERM; echo usable; while :; do sleep 0.1; done`, {
      ready: { log: "usable" },
      stopTimeoutMs: 30_000,
    }, `onRequest(() => {}); say("usable"); await sleep()`);
    const client = await stage.client(options, { runtime: other });
    const { pid } = await client.call<Acquired>("acquire");
    await client.kill();
    await stage.phase("STOP");
    assert.ok(processes.isAlive(pid), "it does not listen");
    await stage.killSupervisor();
    await eventually(() => !processes.isAlive(pid), "the kernel has killed it");
    await assertNextIsFine(stage);
  });
});

test(`the supervisor is SIGKILLed in FAIL: the next client is fine, and nothing is left`, async () => {
  await onStage(async (stage) => {
    const holder = await stage.client(stage.sleeper({ restart: false }), { runtime });
    const { pid } = await holder.call<Acquired>("acquire");
    processes.kill(pid);
    await holder.line("lost ");
    await stage.phase("FAIL");
    suspend(holder.pid);
    await stage.killSupervisor();
    const next = await stage.client(stage.sleeper({ restart: false }), { runtime: other });
    const fresh = await next.call<Acquired>("acquire");
    assert.deepEqual(stage.running(), [fresh.pid]);
    await next.call("release", 0);
    await holder.kill();
    await stage.assertNothingLeft();
  });
});
