import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import { keyOf, removeKey } from "../fixtures/sets.ts";
import { procref, procrefJson } from "../harness/command.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows } from "../harness/platform.ts";
import { type Acquired, onStage, type ServiceStage } from "../harness/service_clients.ts";

function env(stage: ServiceStage): { env: Record<string, string> } {
  return { env: { PROCREF_DIR: stage.state } };
}

test("there is nothing to stop where nothing runs", async () => {
  await withDirectory(async (directory) => {
    const { status, err } = await procref(["stop", "none"], { env: { PROCREF_DIR: directory } });
    assert.equal(status, 3);
    assert.equal(err, "procref: none is not running\n");
    assert.deepEqual(readdirSync(directory), []);
  });
});

test("a service that is held is not stopped, and its holders are listed", async () => {
  await onStage(async (stage) => {
    const client = await stage.client({ options: { reaper: false } });
    const { pid } = await client.call<Acquired>("acquire");
    const { status, out, err } = await procref(["stop", stage.name], env(stage));
    assert.equal(status, 1);
    assert.equal(out, "");
    assert.ok(err.includes(`${stage.name} is not stopped, for 1 reference is held; --force stops it even so`), err);
    assert.match(err, /^ *PID +FOR +SINCE +COMMAND$/m);
    assert.match(err, new RegExp(`^ *${client.pid} .*service_client`, "m"));
    assert.ok(processes.isAlive(pid));
    assert.equal(await client.call("count"), 1);
    await client.end();
  });
});

test("a service of callbacks that is held is stopped by force, and its holders are not disturbed", async () => {
  await onStage(async (stage) => {
    const client = await stage.client();
    const { pid, handle } = await client.call<Acquired>("acquire");
    const { status, out } = await procref(["stop", stage.name, "--force"], env(stage));
    assert.equal(status, 0);
    assert.equal(out, `stopped ${stage.name}\n`);
    assert.ok(!processes.isAlive(pid));
    assert.equal(stage.record(), undefined);
    assert.equal(await client.call("count"), 1, "the reference is still held");
    // A client that comes now gets another service, as after a crash.
    const other = await stage.client();
    const next = await other.call<Acquired>("acquire");
    assert.notEqual(next.pid, pid);
    await client.call("release", handle);
    await other.call("release", next.handle);
    await stage.assertNothingLeft();
    await client.end();
    await other.end();
  });
});

test("a service of callbacks that nobody holds is stopped, and nothing is left", async () => {
  await onStage(async (stage) => {
    const client = await stage.client({ options: { reaper: false } });
    const { pid } = await client.call<Acquired>("acquire");
    await client.kill();
    assert.ok(processes.isAlive(pid), "it runs on without a reaper");
    const { state, references } = await procrefJson(["status", stage.name], env(stage));
    assert.deepEqual([state, references], ["running", 0]);
    const { status } = await procref(["stop", stage.name], env(stage));
    assert.equal(status, 0);
    assert.ok(!processes.isAlive(pid));
    await stage.assertNothingLeft();
  });
});

test("while somebody has the gate, stop leaves the service alone", async () => {
  await onStage(async (stage) => {
    const client = await stage.client({ start: "block" });
    const acquiring = client.call<Acquired>("acquire");
    await client.line("in start");
    const { status, err } = await procref(["stop", stage.name], env(stage));
    assert.equal(status, 1, err);
    await client.call("go");
    const { handle } = await acquiring;
    await client.call("release", handle);
    await client.end();
  });
});

test("holders whose counter a stranger removed a moment ago still hold", {
  skip: notOnWindows("removal"),
}, async () => {
  await onStage(async (stage) => {
    const client = await stage.client({ options: { reaper: false } });
    const { pid, handle } = await client.call<Acquired>("acquire");
    removeKey(keyOf(stage.name, { directory: stage.state }));
    const { status, err } = await procref(["stop", stage.name], env(stage));
    assert.equal(status, 1, err);
    assert.match(err, /1 reference is held/);
    assert.ok(processes.isAlive(pid));
    await client.call("release", handle);
    await client.end();
  });
});
