import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { SharedService } from "../../mod.ts";
import { Child } from "../harness/child.ts";
import { uniqueName, withDirectory } from "../harness/names.ts";
import { notOnWindows } from "../harness/platform.ts";
import { type Acquired, onStage } from "../harness/service_clients.ts";
import { startSleeper } from "../harness/sleeper.ts";

test("a warm acquire is two system calls, a warm release one, and no file is read", {
  skip: notOnWindows("calls"),
}, async () => {
  await onStage(async (stage) => {
    const client = await stage.client({}, { env: { PROCREF_TEST_STOP: "trace" } });
    await client.call<Acquired>("acquire");
    client.takeLines("native ");
    const { handle } = await client.call<Acquired>("acquire");
    assert.deepEqual(client.takeLines("native "), ["semop", "poll"]);
    await client.call("release", handle);
    assert.deepEqual(client.takeLines("native "), ["semop"]);
    await client.call("release", 0);
  });
});

test("a held handle does not keep the event loop alive, and the kernel takes the reference back", async () => {
  await onStage(async (stage) => {
    const keeper = await stage.client();
    await keeper.call("acquire");
    const child = new Child("hold_and_end.ts", { args: [stage.name, stage.state] });
    await child.line("held");
    assert.deepEqual(await child.exited, { code: 0, signal: null });
    assert.equal(await keeper.call("count"), 1);
    await keeper.call("release", 0);
    await stage.assertNothingLeft();
  });
});

test("waiting for a start does not block the event loop", async () => {
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const service = new SharedService(uniqueName(), {
    onFirstAcquire: () => arrived.then(() => ({ pid: startSleeper() })),
  });
  const first = service.acquire();
  const waiting = new SharedService(service.name, { onFirstAcquire: () => ({}) }).acquire();
  // Fifty turns of the loop pass while both wait; then the start ends.
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
  arrive();
  for (const handle of await Promise.all([first, waiting])) await handle.release();
});

test("a worker thread acquires and releases; what it holds when it ends belongs to the process", async () => {
  await onStage(async (stage) => {
    const keeper = await stage.client();
    await keeper.call("acquire");
    const child = new Child("service_in_worker.ts", { args: [stage.name, stage.state] });
    await child.line("worker holds");
    assert.equal(await keeper.call("count"), 2);
    child.send("release");
    await child.line("worker released");
    assert.equal(await keeper.call("count"), 1);
    child.send("acquire");
    await child.line("worker holds");
    child.send("terminate");
    await child.line("worker ended");
    assert.equal(await keeper.call("count"), 2, "the reference outlives the thread");
    await child.kill();
    assert.equal(await keeper.call("count"), 1);
    await keeper.call("release", 0);
    await stage.assertNothingLeft();
  });
});

test("ten thousand acquires and releases leave no descriptor behind", { skip: notOnWindows("procfs") }, async () => {
  await withDirectory(async (directory) => {
    const make = (name: string): SharedService =>
      new SharedService(name, {
        directory,
        onFirstAcquire: () => ({ pid: sleeper }),
        onLastRelease: () => {},
        stopTimeoutMs: 1,
        reaper: false,
      });
    const sleeper = startSleeper();
    const name = uniqueName();
    const keep = await make(name).acquire();
    const descriptors = (): number => readdirSync("/proc/self/fd").length;
    const service = make(name);
    await service.use(() => {});
    const before = descriptors();
    for (let round = 0; round < 10_000; round++) await (await service.acquire()).release();
    assert.equal(descriptors(), before);
    await keep.release().catch(() => {});
    await new SharedService(name, { directory, onFirstAcquire: () => ({}) }).use(() => {});
  });
});
