import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openRefCounter, process as processes } from "../../mod.ts";
import { keyOf, makeSet, removeKey, removeSet } from "../fixtures/sets.ts";
import { resume, suspend } from "../fixtures/suspend.ts";
import { procref, procrefJson } from "../harness/command.ts";
import { compiledIn } from "../harness/environment.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows, onWindows } from "../harness/platform.ts";
import { ask, onRegistry } from "../harness/registries.ts";
import { type Acquired, onStage, type ServiceStage } from "../harness/service_clients.ts";

function env(stage: ServiceStage): { env: Record<string, string> } {
  return { env: { PROCREF_DIR: stage.state, ...compiledIn("/nowhere") } };
}

function recordPath(stage: ServiceStage): string {
  const [name] = readdirSync(stage.state);
  return join(stage.state, name, "record.json");
}

/** Changes the record as it stands on disk. */
function edit(stage: ServiceStage, change: (record: Record<string, unknown>) => void): void {
  const path = recordPath(stage);
  const record = JSON.parse(readFileSync(path, "utf8"));
  change(record);
  writeFileSync(path, JSON.stringify(record));
}

/** A service whose client and process are gone, and whose record and kernel object are left. */
async function leaveDead(stage: ServiceStage): Promise<void> {
  const client = await stage.client({ options: { reaper: false } });
  const { pid } = await client.call<Acquired>("acquire");
  await client.kill();
  processes.kill(pid);
}

/** Whether kernel objects last when nobody has them open any more. */
const LASTS = !onWindows;

/** Whether the kernel has a set of this service: a new one starts with generation 0. */
async function generation(stage: ServiceStage): Promise<number> {
  return (await openRefCounter(stage.name, { directory: stage.state })).snapshot().generation;
}

test("gc of an empty directory does nothing and says nothing", async () => {
  await withDirectory(async (directory) => {
    const outcome = await procref(["gc"], { env: { PROCREF_DIR: directory, ...compiledIn("/nowhere") } });
    assert.deepEqual(outcome, { status: 0, signal: null, out: "", err: "" });
  });
});

test("what is left of a service whose process and clients are dead is removed, after a dry run that removes nothing", async () => {
  await onStage(async (stage) => {
    await leaveDead(stage);
    assert.equal((await procrefJson(["status", stage.name], env(stage))).state, "dead");
    const before = await generation(stage);
    assert.equal(before > 0, LASTS);
    const reason = "its process has ended, and nobody holds it";
    const dry = await procrefJson(["gc", "--dry-run"], env(stage));
    assert.equal(dry.dryRun, true);
    assert.deepEqual(Object.keys(dry), ["procref", "directory", "dryRun", "services", "registries", "files"]);
    assert.deepEqual(Object.keys(dry.services[0]), ["name", "namespace", "directory", "removed", "reason", "hints"]);
    assert.deepEqual([dry.services[0].removed, dry.services[0].reason], [true, reason]);
    assert.equal(readdirSync(stage.state).length, 1);
    assert.equal(await generation(stage), before);
    assert.equal((await procref(["gc"], env(stage))).out, `removed ${stage.name}: ${reason}\n`);
    assert.deepEqual(readdirSync(stage.state), []);
    assert.equal(await generation(stage), 0, "the kernel object is gone");
  });
});

test("a directory without a record, or with one that is none, goes with its kernel object", async () => {
  await onStage(async (stage) => {
    await leaveDead(stage);
    writeFileSync(recordPath(stage), "{");
    assert.equal((await procrefJson(["ls"], env(stage))).services[0].state, "unknown");
    const { out } = await procref(["gc"], env(stage));
    assert.match(out, /^removed .*: it has no record that can be used, and nobody holds it\n$/);
    assert.deepEqual(readdirSync(stage.state), []);
    assert.equal(await generation(stage), 0, "its key was computed from the directory's name");
  });
});

test("a record of an earlier boot is stale and goes", async () => {
  await onStage(async (stage) => {
    const client = await stage.client({ options: { reaper: false } });
    const { pid } = await client.call<Acquired>("acquire");
    await client.kill();
    edit(stage, (record) => record.domain = { ...record.domain as object, boot: "an earlier one" });
    assert.equal((await procrefJson(["ls"], env(stage))).services[0].state, "stale");
    assert.match((await procref(["gc"], env(stage))).out, /: its record is of an earlier boot\n$/);
    assert.deepEqual(readdirSync(stage.state), []);
    assert.ok(processes.isAlive(pid), "a process of that number is another one now, and is not touched");
  });
});

test("a record of another container is listed and not touched", async () => {
  await onStage(async (stage) => {
    await leaveDead(stage);
    edit(stage, (record) => record.domain = { ...record.domain as object, ipc: "ipc:[1]" });
    const [service] = (await procrefJson(["ls"], env(stage))).services;
    assert.deepEqual([service.state, service.problem.code], ["elsewhere", "DOMAIN_MISMATCH"]);
    const text = readFileSync(recordPath(stage), "utf8");
    assert.match((await procref(["gc"], env(stage))).out, /^kept .*: it belongs to another container\n$/);
    assert.equal(readFileSync(recordPath(stage), "utf8"), text);
    const { status, err } = await procref(["stop", stage.name, "--force"], env(stage));
    assert.equal(status, 1);
    assert.match(err, /DOMAIN_MISMATCH/);
  });
});

test("what is held is kept, and hints of dead clients go", async () => {
  await onStage(async (stage) => {
    const options = { options: { reaper: false } };
    const [one, two] = [await stage.client(options), await stage.client(options)];
    await one.call("acquire");
    await two.call("acquire");
    // Who holds a service removes such hints as well, in its turn.
    suspend(one.pid);
    await two.kill();
    const folder = join(recordPath(stage), "..", "holders");
    assert.equal(readdirSync(folder).length, 2);
    assert.match((await procref(["gc", "-n"], env(stage))).out, /1 reference is held; would remove 1 hint of dead/);
    assert.equal(readdirSync(folder).length, 2);
    assert.match(
      (await procref(["gc"], env(stage))).out,
      /^kept .*: 1 reference is held; removed 1 hint of dead clients\n$/,
    );
    assert.deepEqual(readdirSync(folder), [`${one.pid}.json`]);
    resume(one.pid);
    assert.equal(await one.call("count"), 1);
    await one.end();
  });
});

test("a service without clients that still runs is kept", async () => {
  await onStage(async (stage) => {
    const client = await stage.client({ options: { reaper: false } });
    const { pid } = await client.call<Acquired>("acquire");
    await client.kill();
    assert.match((await procref(["gc"], env(stage))).out, new RegExp(`^kept .*: process ${pid} runs`));
    assert.ok(processes.isAlive(pid));
    assert.equal((await procrefJson(["status", stage.name], env(stage))).state, "running");
  });
});

test("what somebody starts, stops or supervises is kept", async () => {
  await onStage(async (stage) => {
    await leaveDead(stage);
    const counter = await openRefCounter(stage.name, { directory: stage.state });
    assert.ok(counter.tryLock());
    assert.match((await procref(["gc"], env(stage))).out, /somebody is starting, stopping or cleaning it/);
    counter.unlock();
    assert.ok(counter.trySeat());
    assert.match((await procref(["gc"], env(stage))).out, /its supervisor is in office/);
    counter.leaveSeat();
    assert.match((await procref(["gc"], env(stage))).out, /^removed/);
    counter.close();
  });
});

test("what others have put into the state directory stays", async () => {
  await onStage(async (stage) => {
    await leaveDead(stage);
    const [service] = readdirSync(stage.state);
    mkdirSync(join(stage.state, "mine"));
    writeFileSync(join(stage.state, service, "notes"), "mine");
    await procref(["gc"], env(stage));
    assert.deepEqual(readdirSync(stage.state).sort(), [service, "mine"].sort());
    assert.deepEqual(readdirSync(join(stage.state, service)), ["notes"]);
  });
});

test("what cannot be removed is told with its reason, the rest is removed, and the exit code is 1", async () => {
  await onStage(async (stage) => {
    await leaveDead(stage);
    const path = recordPath(stage);
    rmSync(path);
    mkdirSync(path);
    const empty = `empty.${"0".repeat(31)}1`;
    mkdirSync(join(stage.state, empty), { mode: 0o700 });
    const { status, out } = await procref(["gc"], env(stage));
    assert.equal(status, 1);
    assert.match(out, /^kept test-.*: Cannot remove .*record\.json/m);
    assert.match(out, new RegExp(`^removed ${empty}: `, "m"));
    assert.equal(await generation(stage) > 0, LASTS);
  });
});

test("what is left of a registry is removed when nobody uses it, after a dry run that removes nothing", async () => {
  await onRegistry(async (stage) => {
    const where = { env: { PROCREF_DIR: stage.state } };
    const [user, dead] = [await stage.start(), await stage.start()];
    await ask(user, "registerService", "alive");
    await ask(dead, "registerService", "dead");
    await dead.kill();
    const gc = async (...args: string[]): Promise<unknown> => (await procrefJson(["gc", ...args], where)).registries;
    const told = { name: stage.domain, directory: stage.directory };
    assert.deepEqual(await gc(), [{ ...told, removed: false, reason: "the registry is in use" }]);
    await user.kill();
    const gone = [{ ...told, removed: true, reason: "nobody uses the registry" }];
    assert.deepEqual(await gc("--dry-run"), gone);
    assert.ok(existsSync(stage.file));
    assert.equal((await procref(["gc", "-n"], where)).out, `would remove ${stage.domain}: nobody uses the registry\n`);
    assert.deepEqual(await gc(), gone);
    stage.assertNothingLeft();
    assert.deepEqual(await gc(), []);
  });
});

test("a kernel object of somebody else under a service's key is told, and nothing is touched", {
  skip: notOnWindows("removal"),
}, async () => {
  await onStage(async (stage) => {
    await leaveDead(stage);
    const key = keyOf(stage.name, { directory: stage.state });
    removeKey(key);
    const foreign = makeSet(key, 3);
    try {
      const { services } = await procrefJson(["ls"], env(stage));
      assert.deepEqual([services[0].state, services[0].problem.code], ["unknown", "FOREIGN_OBJECT"]);
      assert.match((await procref(["gc"], env(stage))).out, /^kept .*: .* is not ours: it has 3 semaphores/);
      assert.equal(readdirSync(stage.state).length, 1);
    } finally {
      removeSet(foreign);
    }
  });
});
