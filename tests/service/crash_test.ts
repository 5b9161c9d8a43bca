import assert from "node:assert/strict";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import { resume, suspend } from "../fixtures/suspend.ts";
import type { Child } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import { notOnWindows } from "../harness/platform.ts";
import { bothRuntimes, runtime, type RuntimeName } from "../harness/runtime.ts";
import { type Acquired, onStage, type ServiceStage } from "../harness/service_clients.ts";

const other: RuntimeName = runtime === "deno" ? "bun" : "deno";

/** A client that was not there before gets a live service, alone, and leaves nothing when it goes. */
async function assertNextClientIsFine(stage: ServiceStage): Promise<void> {
  const client = await stage.client({}, { runtime: other });
  const { handle, pid } = await client.call<Acquired>("acquire", { timeoutMs: 20_000 });
  assert.deepEqual(stage.running(), [pid], "one service runs, the one that was handed out");
  assert.equal(await client.call("count"), 1);
  await client.call("release", handle);
  await stage.assertNothingLeft();
  await client.end();
}

for (const second of bothRuntimes) {
  test(`SIGKILL of one of two clients (the other in ${second}): count 1, no callback, the survivor stops the service`, async () => {
    await onStage(async (stage) => {
      const one = await stage.client();
      const two = await stage.client({}, { runtime: second });
      const first = await one.call<Acquired>("acquire");
      const handle = await two.call<Acquired>("acquire");
      assert.equal(handle.pid, first.pid);
      assert.equal(await two.call("count"), 2);
      await one.kill();
      assert.equal(await two.call("count"), 1, "the kernel has un-counted it by the time it is reaped");
      assert.deepEqual(stage.journal.words(), ["start"]);
      assert.ok(processes.isAlive(first.pid), "the starter is not the owner");
      await two.call("release", handle.handle);
      assert.deepEqual(stage.journal.words(), ["start", "stop"]);
      await stage.assertNothingLeft();
    });
  });
}

test("the starter may leave first", async () => {
  await onStage(async (stage) => {
    const one = await stage.client();
    const two = await stage.client({}, { runtime: other });
    const first = await one.call<Acquired>("acquire");
    const second = await two.call<Acquired>("acquire");
    await one.call("release", first.handle);
    await one.end();
    assert.ok(processes.isAlive(second.pid));
    await two.call("release", second.handle);
    await stage.assertNothingLeft();
  });
});

test(
  "a service survives the SIGKILL of its starter's whole process group",
  { skip: notOnWindows("groups") },
  async () => {
    await onStage(async (stage) => {
      const one = await stage.client({}, { detached: true });
      const two = await stage.client();
      await one.call<Acquired>("acquire");
      const second = await two.call<Acquired>("acquire");
      assert.ok(processes.killGroup(processes.identityOf(one.pid)!));
      await one.exited;
      assert.ok(processes.isAlive(second.pid));
      await two.call("release", second.handle);
      await stage.assertNothingLeft();
    });
  },
);

test("a process that ends without releasing is un-counted, in whatever way it ends", async () => {
  await onStage(async (stage) => {
    const keeper = await stage.client();
    const kept = await keeper.call<Acquired>("acquire");
    for (const end of [(child: Child) => child.end(), (child: Child) => child.kill("SIGTERM")]) {
      const client = await stage.client({}, { runtime: other });
      await client.call<Acquired>("acquire");
      assert.equal(await keeper.call("count"), 2);
      await end(client);
      assert.equal(await keeper.call("count"), 1);
    }
    await keeper.call("release", kept.handle);
    await stage.assertNothingLeft();
  });
});

test("counterexample 1: nobody enters while the last one is stopping", async () => {
  await onStage(async (stage) => {
    const leaving = await stage.client({ stop: "block" });
    const { handle, pid } = await leaving.call<Acquired>("acquire");
    const releasing = leaving.call("release", handle);
    await leaving.line("in stop");
    const late = await stage.client({}, { runtime: other });
    const acquiring = late.call<Acquired>("acquire");
    assert.equal(await late.call("count"), 0, "it waits outside");
    await leaving.call("go");
    await releasing;
    const fresh = await acquiring;
    assert.notEqual(fresh.pid, pid);
    assert.deepEqual(stage.running(), [fresh.pid]);
    await late.call("release", fresh.handle);
    await stage.assertNothingLeft();
  });
});

test("SIGKILL in onFirstAcquire: the gate is free at once and the next client starts the service", async () => {
  await onStage(async (stage) => {
    const one = await stage.client({ start: "block" });
    one.call("acquire").catch(() => {});
    await one.line("in start");
    const two = await stage.client({}, { runtime: other });
    const acquiring = two.call<Acquired>("acquire");
    await one.kill();
    const { pid, handle } = await acquiring;
    assert.deepEqual(stage.running(), [pid]);
    await two.call("release", handle);
    await stage.assertNothingLeft();
  });
});

test("SIGKILL between the spawn and the end of onFirstAcquire: the one window that is documented", async () => {
  await onStage(async (stage) => {
    const one = await stage.client({ start: "spawned" });
    one.call("acquire").catch(() => {});
    await one.line("in start");
    const [unknown] = stage.running();
    await one.kill();
    const two = await stage.client({}, { runtime: other });
    const { pid, handle } = await two.call<Acquired>("acquire");
    assert.notEqual(pid, unknown, "nobody knows of the first process");
    assert.ok(processes.isAlive(unknown));
    processes.kill(unknown);
    await two.call("release", handle);
    await stage.assertNothingLeft();
  });
});

test("counterexample 7: SIGKILL in onLastRelease: the next client stops the old one before it starts a new one", async () => {
  await onStage(async (stage) => {
    const one = await stage.client({ stop: "block", options: { reaper: false } });
    const { handle, pid } = await one.call<Acquired>("acquire");
    one.call("release", handle).catch(() => {});
    await one.line("in stop");
    await one.kill();
    assert.ok(processes.isAlive(pid));
    await assertNextClientIsFine(stage);
    assert.deepEqual(stage.journal.words(), ["start", "stop", "stop", "start", "stop"]);
    assert.equal(stage.journal.entries("stop")[1].service, pid);
  });
});

test("SIGKILL in onRecover: the next client recovers the old one", async () => {
  await onStage(async (stage) => {
    const one = await stage.client();
    const { pid } = await one.call<Acquired>("acquire");
    const two = await stage.client({ health: "false", recover: "block" });
    two.call("acquire").catch(() => {});
    await two.line("in recover");
    await two.kill();
    const three = await stage.client({ health: "true", recover: "do" }, { runtime: other });
    const fresh = await three.call<Acquired>("acquire");
    assert.notEqual(fresh.pid, pid);
    assert.deepEqual(stage.running(), [fresh.pid]);
    await one.kill();
    await three.call("release", fresh.handle);
    await stage.assertNothingLeft();
  });
});

test("SIGKILL in onHealthCheck: nothing is held meanwhile but a reference", async () => {
  await onStage(async (stage) => {
    const one = await stage.client();
    const { handle } = await one.call<Acquired>("acquire");
    const two = await stage.client({ health: "block" }, { runtime: other });
    two.call("acquire").catch(() => {});
    await two.line("in health");
    assert.equal(await one.call("count"), 2);
    const again = await one.call<Acquired>("acquire");
    await two.kill();
    assert.equal(await one.call("count"), 2);
    await one.call("release", again.handle);
    await one.call("release", handle);
    await stage.assertNothingLeft();
  });
});

test("a starter that is stopped (SIGSTOP) makes others wait and time out; continued, it serves them", async () => {
  await onStage(async (stage) => {
    const one = await stage.client({ start: "block" });
    const starting = one.call<Acquired>("acquire");
    await one.line("in start");
    suspend(one.pid);
    const two = await stage.client({}, { runtime: other });
    await assert.rejects(two.call("acquire", { timeoutMs: 100 }), { code: "TIMEOUT" });
    resume(one.pid);
    const acquiring = two.call<Acquired>("acquire");
    await one.call("go");
    const [first, second] = [await starting, await acquiring];
    assert.equal(first.pid, second.pid);
    await one.call("release", first.handle);
    await two.call("release", second.handle);
    await stage.assertNothingLeft();
  });
});

test("counterexample 15: twenty cold clients of both runtimes start one service, and one of them stops it", async () => {
  await onStage(async (stage) => {
    const clients = await Promise.all(
      Array.from({ length: 20 }, (_, index) => stage.client({}, { runtime: bothRuntimes[index % 2] })),
    );
    const acquired = await Promise.all(clients.map((client) => client.call<Acquired>("acquire")));
    assert.equal(new Set(acquired.map(({ pid }) => pid)).size, 1);
    assert.equal(await clients[0].call("count"), 20);
    assert.deepEqual(stage.journal.words(), ["start"]);
    await Promise.all(clients.map((client, index) => client.call("release", acquired[index].handle)));
    assert.deepEqual(stage.journal.words(), ["start", "stop"]);
    await stage.assertNothingLeft();
  });
});

test("counterexample 16: clients that leave at the same moment stop the service once, round after round", async () => {
  await onStage(async (stage) => {
    const clients = await Promise.all(
      Array.from({ length: 6 }, (_, index) => stage.client({}, { runtime: bothRuntimes[index % 2] })),
    );
    const rounds = 40;
    for (let round = 1; round <= rounds; round++) {
      const acquired = await Promise.all(clients.map((client) => client.call<Acquired>("acquire")));
      assert.equal(new Set(acquired.map(({ pid }) => pid)).size, 1, "everybody has the same");
      assert.deepEqual(stage.running(), [acquired[0].pid], "and it is the only one");
      await Promise.all(clients.map((client, index) => client.call("release", acquired[index].handle)));
      assert.equal(stage.journal.entries("start").length, round);
      assert.equal(stage.journal.entries("stop").length, round);
    }
    await stage.assertNothingLeft();
  });
});

test("clients that come and go at random never hold a dead service, and leave nothing", async () => {
  await onStage(async (stage) => {
    const clients = await Promise.all(
      Array.from({ length: 4 }, (_, index) => stage.client({}, { runtime: bothRuntimes[index % 2] })),
    );
    await Promise.all(clients.map(async (client) => {
      for (let round = 0; round < 60; round++) {
        const { handle, pid } = await client.call<Acquired>("acquire");
        assert.ok(processes.isAlive(pid), "a held service is alive");
        await client.call("release", handle);
      }
    }));
    await stage.assertNothingLeft();
    assert.equal(stage.journal.entries("start").length, stage.journal.entries("stop").length);
  });
});

test("a service whose clients were all SIGKILLed is found by the next one if it has no reaper", async () => {
  await onStage(async (stage) => {
    const one = await stage.client({ options: { reaper: false } });
    const { pid } = await one.call<Acquired>("acquire");
    await one.kill();
    const two = await stage.client({ options: { reaper: false } }, { runtime: other });
    assert.equal(await two.call("count"), 0);
    const found = await two.call<Acquired>("acquire");
    assert.equal(found.pid, pid);
    await two.call("release", found.handle);
    await stage.assertNothingLeft();
  });
});

test("a service that died with all its clients is brought up anew, not recovered", async () => {
  await onStage(async (stage) => {
    const one = await stage.client({ recover: "do" });
    const { pid } = await one.call<Acquired>("acquire");
    await one.kill();
    processes.kill(pid);
    await eventually(() => !processes.isAlive(pid), "the service is dead");
    const two = await stage.client({ recover: "do" }, { runtime: other });
    const { handle } = await two.call<Acquired>("acquire");
    assert.deepEqual(stage.journal.words(), ["start", "start"]);
    await two.call("release", handle);
    await stage.assertNothingLeft();
  });
});
