import assert from "node:assert/strict";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import { eventually } from "../harness/eventually.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { type Acquired, onStage, other } from "../harness/supervised.ts";

test("twelve cold clients of both runtimes at once start one service, and all have the same process", async () => {
  await onStage(async (stage) => {
    const clients = await Promise.all(
      Array.from({ length: 12 }, (_, index) => stage.client(undefined, { runtime: bothRuntimes[index % 2] })),
    );
    const acquired = await Promise.all(clients.map((client) => client.call<Acquired>("acquire")));
    assert.equal(new Set(acquired.map(({ pid }) => pid)).size, 1);
    assert.deepEqual(stage.starts(), [acquired[0].pid], "one start");
    assert.equal(await clients[0].call("count"), 12);
    await Promise.all(clients.map((client) => client.call("release", 0)));
    await stage.assertNothingLeft();
  });
});

for (const leaves of ["leaves", "is SIGKILLed"]) {
  test(`the starter ${leaves} first: the others keep the same process`, async () => {
    await onStage(async (stage) => {
      const starter = await stage.client();
      const others = await Promise.all(bothRuntimes.map((runtime) => stage.client(undefined, { runtime })));
      const { pid } = await starter.call<Acquired>("acquire");
      for (const client of others) assert.equal((await client.call<Acquired>("acquire")).pid, pid);
      if (leaves === "leaves") await starter.end();
      else await starter.kill();
      assert.equal(await others[0].call("count"), 2);
      const again = await others[1].call<Acquired>("acquire");
      assert.equal(again.pid, pid);
      assert.deepEqual(stage.running(), [pid]);
      await others[1].call("release", again.handle);
      for (const client of others) await client.call("release", 0);
      await stage.assertNothingLeft();
      assert.deepEqual(stage.starts(), [pid]);
    });
  });
}

test("a client SIGKILLed while it starts the supervisor: who waits gets a service, the only one", async () => {
  await onStage(async (stage) => {
    const options = stage.script(
      "sleep 0.3; exec sleep 300",
      { ready: { log: "never" }, startTimeoutMs: 60_000 },
      "await sleep()",
    );
    const one = await stage.client(options);
    one.call("acquire").catch(() => {});
    await eventually(() => stage.record() !== undefined, "a supervisor is in office");
    await one.kill();
    const two = await stage.client(stage.sleeper(), { runtime: other });
    const { pid } = await two.call<Acquired>("acquire", { timeoutMs: 30_000 });
    assert.deepEqual(stage.running(), [pid]);
    await two.call("release", 0);
    await stage.assertNothingLeft();
  });
});

test("the last client is SIGKILLed: service, supervisor, semaphores and files go", async () => {
  await onStage(async (stage) => {
    const client = await stage.client();
    const { pid } = await client.call<Acquired>("acquire");
    const supervisor = stage.supervisor();
    assert.ok(processes.isAlive(pid));
    await client.kill();
    await stage.assertNothingLeft();
    assert.ok(!processes.isAlive(supervisor));
  });
});

test("with a linger, who comes in time finds the same process and the linger begins anew; who is late another", async () => {
  await onStage(async (stage) => {
    const lingerMs = 1500;
    const options = stage.sleeper({ lingerMs });
    const one = await stage.client(options);
    const two = await stage.client(options, { runtime: other });
    const { pid } = await one.call<Acquired>("acquire");
    await one.kill();
    const killed = performance.now();
    assert.equal((await two.call<Acquired>("acquire")).pid, pid, "it was kept warm");
    // Held past the end of the first linger: that one must not count any more.
    await eventually(() => performance.now() - killed > lingerMs + 200, "the first linger would be over");
    assert.ok(processes.isAlive(pid));
    const left = performance.now();
    await two.call("release", 0);
    await eventually(() => !processes.isAlive(pid), "the second linger is over");
    assert.ok(performance.now() - left >= lingerMs - 100, `it was kept for ${performance.now() - left} ms`);
    await stage.assertNothingLeft();
    const late = await two.call<Acquired>("acquire");
    assert.notEqual(late.pid, pid);
    await two.kill();
    await stage.assertNothingLeft();
    assert.deepEqual(stage.starts(), [pid, late.pid]);
  });
});

test("clients that come and go at random never hold a dead service, and leave nothing", async () => {
  await onStage(async (stage) => {
    const clients = await Promise.all(
      Array.from({ length: 4 }, (_, index) => stage.client(undefined, { runtime: bothRuntimes[index % 2] })),
    );
    await Promise.all(clients.map(async (client) => {
      for (let round = 0; round < 12; round++) {
        const { handle, pid } = await client.call<Acquired>("acquire");
        assert.ok(processes.isAlive(pid), "a held service is alive");
        await client.call("release", handle);
      }
    }));
    await stage.assertNothingLeft();
  });
});
