import assert from "node:assert/strict";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import { libc } from "../../ffi/libc.ts";
import { LINUX } from "../../ffi/symbols/linux_libc.ts";
import { notOnWindows } from "../harness/platform.ts";
import { runtime, type RuntimeName } from "../harness/runtime.ts";
import { type Acquired, onStage, type ServiceStage } from "../harness/service_clients.ts";
import { objectName } from "../../src/kernel/object_name.ts";
import { SysvSet } from "../../src/kernel/sysv_set.ts";

const other: RuntimeName = runtime === "deno" ? "bun" : "deno";

/** What `ipcrm` does, and systemd-logind at a user's last logout: the set goes, whoever holds. */
function removeSet(stage: ServiceStage): void {
  const native = libc();
  const uid = native.geteuid();
  const set = new SysvSet(native, objectName(stage.name, uid, { directory: stage.state }), uid);
  const id = set.open(false);
  assert.ok(id !== undefined, "there is a set to remove");
  assert.equal(native.semctl(id, 0, LINUX.IPC_RMID, null), 0);
}

test("a counter that is removed while it is held is made again, and its holders count again", {
  skip: notOnWindows("removal"),
}, async () => {
  await onStage(async (stage) => {
    const one = await stage.client();
    const { pid } = await one.call<Acquired>("acquire");
    removeSet(stage);
    await one.line("warning The kernel object");
    assert.equal(await one.call("count"), 1);
    const two = await stage.client({}, { runtime: other });
    const second = await two.call<Acquired>("acquire");
    assert.equal(second.pid, pid);
    await two.call("release", second.handle);
    assert.ok(processes.isAlive(pid));
    await one.call("release", 0);
    await stage.assertNothingLeft();
  });
});

test("who comes right after the removal does not stop the service under holders that have not noticed yet", {
  skip: notOnWindows("removal"),
}, async () => {
  await onStage(async (stage) => {
    const one = await stage.client();
    const { pid } = await one.call<Acquired>("acquire");
    const two = await stage.client({}, { runtime: other });
    removeSet(stage);
    const second = await two.call<Acquired>("acquire");
    assert.equal(second.pid, pid);
    await two.call("release", second.handle);
    assert.ok(processes.isAlive(pid), "it is held");
    assert.equal(await one.call("count"), 1);
    await one.call("release", 0);
    await stage.assertNothingLeft();
    assert.deepEqual(stage.journal.words(), ["start", "stop"]);
  });
});

test(
  "a release after the removal counts the holder again and stops the service",
  { skip: notOnWindows("removal") },
  async () => {
    await onStage(async (stage) => {
      const one = await stage.client();
      await one.call<Acquired>("acquire");
      removeSet(stage);
      await one.call("release", 0);
      await stage.assertNothingLeft();
    });
  },
);

test(
  "counter and record removed together (as at a logout) come back both",
  { skip: notOnWindows("removal") },
  async () => {
    await onStage(async (stage) => {
      const one = await stage.client();
      const { pid } = await one.call<Acquired>("acquire");
      removeSet(stage);
      stage.removeRecord();
      await one.line("warning The kernel object");
      const two = await stage.client({}, { runtime: other });
      const second = await two.call<Acquired>("acquire");
      assert.equal(second.pid, pid);
      await one.call("release", 0);
      await two.call("release", second.handle);
      await stage.assertNothingLeft();
    });
  },
);

test("a counter that is removed during a start is noticed: the service that came of it does not stand beside another", {
  skip: notOnWindows("removal"),
}, async () => {
  await onStage(async (stage) => {
    const one = await stage.client({ start: "block" });
    const starting = one.call<Acquired>("acquire");
    await one.line("in start");
    removeSet(stage);
    const two = await stage.client({}, { runtime: other });
    const second = await two.call<Acquired>("acquire");
    await one.call("go");
    const first = await starting;
    assert.equal(first.pid, second.pid);
    assert.deepEqual(stage.running(), [second.pid]);
    await one.call("release", first.handle);
    await two.call("release", second.handle);
    await stage.assertNothingLeft();
  });
});
