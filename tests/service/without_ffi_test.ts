import assert from "node:assert/strict";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import { processSystem } from "../../src/process/platform.ts";
import type { Child } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { type Acquired, type Behaviour, onStage, type ServiceStage } from "../harness/service_clients.ts";
import { flagsOf, narrowPermissions, type Permissions, withoutFfi } from "../harness/without_ffi.ts";

/** A client whose callbacks start `sleep` and write a journal. */
async function client(
  stage: ServiceStage,
  behaviour: Behaviour = {},
  change: Partial<Permissions> = {},
): Promise<Child> {
  const { run, write, env: _, ...others } = narrowPermissions(stage.state);
  const command = withoutFfi({
    ...others,
    env: [],
    run: [...run, "sleep"],
    write: [...write, stage.journal.path],
    ...change,
  });
  // The fixture gives its whole environment to what it starts.
  return await stage.client(behaviour, { runtime: "deno", command: [...command, "--allow-env"] });
}

/** The permissions of the processes that may write just the state directory: the reaper's. */
function reaperFlags(stage: ServiceStage): string[][] {
  return processSystem().list().map(flagsOf).filter((flags) => flags.includes(`--allow-write=${stage.state}`));
}

function onSlots(work: (stage: ServiceStage) => Promise<void>): Promise<void> {
  return onStage(work, "slots");
}

test("callbacks bring a service up and down in Deno without native calls", async () => {
  await onSlots(async (stage) => {
    const [one, two] = [await client(stage), await client(stage)];
    const first = await one.call<Acquired>("acquire");
    const second = await two.call<Acquired>("acquire");
    assert.equal(second.pid, first.pid);
    assert.equal(await one.call("count"), 2);
    await one.call("release", first.handle);
    assert.deepEqual(stage.running(), [first.pid]);
    await two.call("release", second.handle);
    assert.deepEqual(stage.journal.words(), ["start", "stop"]);
    await stage.assertNothingLeft();
  });
});

test("SIGKILL of the last client without native calls: its reaper, which has none either, stops the service", async () => {
  await onSlots(async (stage) => {
    const last = await client(stage);
    const { pid } = await last.call<Acquired>("acquire");
    assert.deepEqual(reaperFlags(stage), [[
      "--allow-env=NODE_V8_COVERAGE",
      `--allow-read=${stage.state}`,
      "--allow-run=/bin/sh",
      "--allow-sys=uid",
      `--allow-write=${stage.state}`,
    ]]);
    await last.kill();
    await eventually(() => !processes.isAlive(pid), "the service is stopped");
    await stage.assertNothingLeft();
    assert.deepEqual(stage.journal.words(), ["start"]);
  });
});

test("SIGKILL of one of two clients without native calls: the other one holds on", async () => {
  await onSlots(async (stage) => {
    const [one, two] = [await client(stage), await client(stage)];
    await one.call<Acquired>("acquire");
    const { pid, handle } = await two.call<Acquired>("acquire");
    await one.kill();
    assert.equal(await two.call("count"), 1);
    assert.deepEqual(stage.running(), [pid]);
    await two.call("release", handle);
    assert.deepEqual(stage.journal.words(), ["start", "stop"]);
    await stage.assertNothingLeft();
  });
});

test("without native calls and without a reaper no setsid is needed; the next client clears up after a killed one", async () => {
  await onSlots(async (stage) => {
    const behaviour = { options: { reaper: false } };
    const change = { run: ["/bin/sh", "sleep"] };
    const first = await client(stage, behaviour, change);
    const { pid } = await first.call<Acquired>("acquire");
    await first.kill();
    assert.deepEqual(stage.running(), [pid], "nobody is there to notice");
    const next = await client(stage, behaviour, change);
    const { handle } = await next.call<Acquired>("acquire");
    await next.call("release", handle);
    await stage.assertNothingLeft();
  });
});

for (const runtime of bothRuntimes) {
  test(`clients with native calls (${runtime}) and without share what their callbacks bring up`, async () => {
    await onSlots(async (stage) => {
      const native = await stage.client({ options: { mechanism: "slots" } }, { runtime });
      const other = await client(stage);
      const first = await native.call<Acquired>("acquire");
      assert.equal((await other.call<Acquired>("acquire")).pid, first.pid);
      await native.kill();
      assert.equal(await other.call("count"), 1);
      await other.kill();
      await stage.assertNothingLeft();
    });
  });
}
