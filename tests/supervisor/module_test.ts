import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { process as processes, SharedService } from "../../mod.ts";
import type { ErrorDetails, ModuleServiceOptions } from "../../mod.ts";
import { eventually } from "../harness/eventually.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { type Acquired, onStage, type Options, other, type SupervisedStage } from "../harness/supervised.ts";

const MODULE = new URL("../fixtures/service_module.ts", import.meta.url).href;
/** Deno's supervisor grants a module nothing by itself. */
const PERMISSIONS = ["--allow-read", "--allow-write", "--allow-run", "--allow-net"];

/** Options of the fixture's service, which does what `env` says. */
function options(stage: SupervisedStage, env: Record<string, string> = {}, more: Options = {}): Options {
  return {
    directory: stage.state,
    denoPermissions: PERMISSIONS,
    readyIntervalMs: 5,
    env: { JOURNAL: stage.journal, ...env },
    ...more,
  };
}

/** A client in this process. */
function service(stage: SupervisedStage, given: Options, module = MODULE): SharedService {
  return stage.tracked(SharedService.fromModule(module, { name: stage.name, ...given } as ModuleServiceOptions));
}

for (const runtime of bothRuntimes) {
  test(`a module's server lives in the supervisor (in ${runtime}), without a process of its own`, async () => {
    await onStage(async (stage) => {
      const given = options(stage, { UNHEALTHY: "2" }, { port: "auto" });
      const starter = await stage.client(given, { module: MODULE, runtime });
      const second = await stage.client(given, { module: MODULE });
      const { pid, port } = await starter.call<Acquired>("acquire");
      assert.equal((await second.call<Acquired>("acquire")).port, port);
      assert.equal(pid, undefined);
      const supervisor = stage.supervisor();
      assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), `served by ${supervisor.pid}`);
      assert.deepEqual(stage.notes("start-module"), [`${supervisor.pid} ${stage.name}`]);
      assert.deepEqual(stage.notes("health-module"), ["1", "2", "3"], "asked until it says yes");
      await starter.kill();
      assert.deepEqual(stage.supervisor(), supervisor);
      await second.call("release", 0);
      await stage.assertNothingLeft();
      assert.equal(stage.notes("stop-module").length, 1);
    });
  });

  test(`a module's spawned process (supervisor in ${runtime}) carries the mark and ends with the service`, async () => {
    await onStage(async (stage) => {
      const client = await stage.client(options(stage, { SPAWNS: "1" }), { module: MODULE, runtime });
      const { pid } = await client.call<Acquired>("acquire");
      assert.deepEqual(stage.notes("child"), [String(pid)]);
      await client.kill();
      await stage.assertNothingLeft();
      assert.deepEqual(stage.notes("stop-module"), [String(pid)]);
      assert.ok(!processes.isAlive(pid));
    });
  });
}

test("the supervisor of a module is SIGKILLed: the successor ends the process by its mark and starts another", async () => {
  await onStage(async (stage) => {
    const client = await stage.client(options(stage, { SPAWNS: "1" }), { module: MODULE });
    const { pid } = await client.call<Acquired>("acquire");
    await stage.killSupervisor();
    const fresh = Number(await client.line("restart "));
    assert.notEqual(fresh, pid);
    assert.ok(!processes.isAlive(pid));
    assert.deepEqual(stage.running(), [fresh]);
    await client.call("release", 0);
    await stage.assertNothingLeft();
  });
});

test("a module's process that dies while it is held is brought to life again by recover", async () => {
  await onStage(async (stage) => {
    const shared = service(stage, options(stage, { SPAWNS: "1" }));
    const handle = await shared.acquire();
    const pid = handle.pid!;
    process.kill(pid, "SIGKILL");
    await eventually(() => handle.pid !== pid, "the handle knows the next life");
    assert.equal(handle.info.getMetadata("by"), "recover-module");
    assert.equal(stage.notes("start-module").length, 1);
    assert.deepEqual(stage.running(), [handle.pid]);
    await handle.release();
    await stage.assertNothingLeft();
  });
});

test("a start of a module that fails: the error, and a later client can succeed", async () => {
  await onStage(async (stage) => {
    const fails = `${stage.directory}/fails`;
    writeFileSync(fails, "");
    const shared = service(stage, options(stage, { SPAWNS: "1", FAILS: fails }));
    await assert.rejects(shared.acquire(), { code: "SERVICE_START", message: /it is told to fail/ });
    assert.equal(await shared.count(), 0);
    await stage.assertNothingLeft();
    rmSync(fails);
    const handle = await shared.acquire();
    await handle.release();
    await stage.assertNothingLeft();
  });
});

test("a module that is never healthy: the start fails in time and what it started is stopped", async () => {
  await onStage(async (stage) => {
    const shared = service(stage, options(stage, { SPAWNS: "1", UNHEALTHY: "1000000" }, { startTimeoutMs: 400 }));
    await assert.rejects(shared.acquire(), (error: Error & { code?: string; details?: ErrorDetails }) => {
      assert.equal(error.code, "SERVICE_START");
      assert.match(error.message, /it was not ready after 400 ms \(startTimeoutMs\); health (said false|threw .*)$/);
      assert.equal(error.details?.waitedFor, "health");
      return true;
    });
    await stage.assertNothingLeft();
    assert.equal(stage.notes("child").length, 1);
  });
});

test("a module that cannot be loaded, or has no start: SERVICE_START says which", async () => {
  await onStage(async (stage) => {
    const missing = `${stage.directory}/missing.ts`;
    await assert.rejects(service(stage, options(stage), missing).acquire(), (error: Error & { code?: string }) => {
      assert.equal(error.code, "SERVICE_START");
      assert.match(error.message, /missing\.ts cannot be loaded/);
      return true;
    });
    await stage.assertNothingLeft();
    const empty = `${stage.directory}/empty.ts`;
    writeFileSync(empty, "export default { start: 4 };");
    const given = options(stage);
    await assert.rejects(service(stage, given, empty).acquire(), {
      code: "SERVICE_START",
      message: /no default export with a function start/,
    });
    await stage.assertNothingLeft();
  });
});

test("without a name, the module's own is used: the same for every client, another for another module", async () => {
  const one = SharedService.fromModule(MODULE);
  const two = SharedService.fromModule(new URL(MODULE));
  const third = SharedService.fromModule(MODULE.replace("service_module", "another"));
  assert.equal(one.name, two.name);
  assert.match(one.name, /^service_module\.ts-[0-9a-f]{12}$/);
  assert.notEqual(one.name, third.name);
  await onStage((stage) => {
    assert.throws(() => service(stage, options(stage), "./relative.ts"), { code: "INVALID_ARGUMENT" });
    return Promise.resolve();
  });
});

test("clients of one name and two modules do not share: CONFIG_MISMATCH", async () => {
  await onStage(async (stage) => {
    const given = options(stage, { SPAWNS: "1" });
    const handle = await service(stage, given).acquire();
    const client = await stage.client(given, { module: MODULE.replace("service_", "other_"), runtime: other });
    await assert.rejects(client.call("acquire"), { code: "CONFIG_MISMATCH", message: /"module"/ });
    await handle.release();
    await stage.assertNothingLeft();
  });
});
