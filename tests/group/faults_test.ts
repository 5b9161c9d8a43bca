/** What service groups are known to get wrong. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { isProcrefError, type ProcrefError } from "../../src/errors.ts";
import type { Failover } from "../../src/group/mod.ts";
import { isAlive, kill } from "../../src/process/mod.ts";
import { ServiceRegistry } from "../../src/registry/mod.ts";
import { eventually } from "../harness/eventually.ts";
import { block, next, onGroupStage } from "../harness/groups.ts";
import { limitMs, onWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";

test("L1: a crashed primary is found though it is a zombie, and nobody finds it any more", async () => {
  await onGroupStage(async (stage) => {
    const group = stage.group();
    await group.start();
    assert.equal(group.healthCheck(), false);
    const [first, second] = group.instances();
    assert.equal(group.primary()!.pid, first.pid);
    kill(first.pid!);
    block(() => !isAlive(first.pid!));
    assert.equal(group.primary(), undefined, "the runtime has taken no note of it yet");
    assert.equal(group.aliveCount(), 1);
    assert.equal(stage.registry.find("svc.0"), undefined);
    assert.equal(group.healthCheck(), true);
    assert.equal(group.primary()!.pid, second.pid);
    assert.equal(group.healthCheck(), false, "it is told once");
    await eventually(() => group.aliveCount() === 2, "it was started again");
    assert.equal(group.instances()[0].role, "standby");
    assert.equal(stage.failovers.length, 1);
  });
});

test("L2: when all instances are dead at once, the group recovers and has a primary again", async () => {
  await onGroupStage(async (stage) => {
    const group = stage.group();
    await group.start();
    const before = group.instances();
    stage.tell("wait");
    for (const { pid } of before) kill(pid!);
    block(() => before.every(({ pid }) => !isAlive(pid!)));
    assert.equal(group.healthCheck(), false);
    assert.deepEqual([group.primary(), group.aliveCount()], [undefined, 0]);
    assert.equal(await group.forceFailover(), false);
    const failover = next<Failover>(group, "failover");
    stage.tell("wait", false);
    const { previous, primary } = await failover;
    assert.equal(previous.pid, before[0].pid);
    assert.ok(isAlive(primary.pid));
    assert.equal(group.healthCheck(), true);
    assert.equal(group.primary()!.pid, primary.pid);
    await eventually(() => group.aliveCount() === 2, "all are back");
    assert.equal(await group.forceFailover(), true);
  });
});

test("L3: a replacement that never registers is ended, and there is one process for each place", async () => {
  await onGroupStage(async (stage) => {
    const group = stage.group({ spawnTimeoutMs: onWindows ? 4000 : 1500 });
    await group.start();
    stage.tell("never");
    kill(group.instances()[1].pid!);
    const isLate = (error: ProcrefError): boolean => isProcrefError(error, "TIMEOUT");
    await eventually(
      () => {
        group.healthCheck();
        assert.ok(stage.running().length <= 2, "the primary, and one that does not register");
        return stage.warnings.filter(isLate).length >= 3;
      },
      "three replacements were given up",
      60_000,
    );
    assert.ok(stage.notes("start").length >= 5);
    assert.deepEqual(group.instances().map(({ role }) => role), ["primary", "dead"]);
    await group.stop();
    stage.assertNothingLeft();
  });
});

test("L4: an instance that is not registered is never elected, neither at the start nor later", async () => {
  await onGroupStage(async (stage) => {
    stage.tell("never.svc.0");
    const group = stage.group({ spawnTimeoutMs: limitMs(2000) });
    await group.start();
    assert.deepEqual(group.instances().map(({ role, pid }) => [role, pid !== undefined]), [["dead", false], [
      "primary",
      true,
    ]]);
    assert.match(group.primary()!.entry.controlChannel!, /channel of \d+/);
    stage.tell("never.svc.0", false);
    await eventually(() => group.aliveCount() === 2, "it registers itself at last");

    stage.tell("hide.svc.1");
    await eventually(() => group.healthCheck(), "the primary has taken itself out");
    assert.equal(group.primary()!.name, "svc.0");
    assert.equal(group.aliveCount(), 1);
    assert.equal(stage.running().length, 2, "it was not ended for that");
    stage.tell("hide.svc.1", false);
    await eventually(() => group.aliveCount() === 2, "it is back");
    assert.equal(group.instances()[1].role, "standby");
  });
});

test("L4: a group of which nobody registers does not start, and leaves nothing; it can be started again", async () => {
  await onGroupStage(async (stage) => {
    stage.tell("never");
    const group = stage.group({ spawnTimeoutMs: limitMs(2000) });
    await assert.rejects(group.start(), (error) => isProcrefError(error, "SERVICE_START"));
    assert.equal(group.primary(), undefined);
    stage.assertNothingLeft();
    stage.tell("never", false);
    stage.tell("crash");
    await assert.rejects(group.start(), (error) => {
      assert.ok(isProcrefError(error, "SERVICE_START") && error.message.includes("status 9"), String(error));
      return error.details.exitCode === 9;
    });
    stage.assertNothingLeft();
  });
});

for (const runtime of bothRuntimes) {
  test(`L5: a second host (in ${runtime}) is refused and told who has the group, which goes on undisturbed`, async () => {
    await onGroupStage(async (stage) => {
      const first = await stage.host({}, runtime === "deno" ? "bun" : "deno");
      await first.call("start");
      const before = stage.running().map(({ pid }) => pid);
      const second = await stage.host({}, runtime);
      await assert.rejects(second.call("start"), (error: ProcrefError) => {
        assert.deepEqual([error.code, error.details.pid], ["ALREADY_RUNNING", first.pid]);
        return true;
      });
      const here = stage.group();
      await assert.rejects(here.start(), (error) => isProcrefError(error, "ALREADY_RUNNING"));
      assert.deepEqual(stage.running().map(({ pid }) => pid), before);
      assert.equal(stage.notes("start").length, 2, "nobody has started anything beside");
      await first.call("stop");
      await second.call("start");
      assert.equal(stage.running().length, 2);
      assert.equal(await second.call("aliveCount"), 2);
    });
  });
}

test("L5: a stranger that has registered the name of an instance is not adopted, and not ended", async () => {
  await onGroupStage(async (stage) => {
    using stranger = new ServiceRegistry(stage.domain, { directory: stage.registryDirectory });
    stranger.registerService("svc.0", { controlChannel: "of a stranger" });
    const group = stage.group();
    await group.start();
    assert.equal(group.primary()!.name, "svc.1");
    assert.equal(group.instances()[0].entry, undefined);
    assert.ok(stage.warnings.some(({ message }) => message.includes("is registered under its name")));
    assert.equal(stage.registry.find("svc.0")?.controlChannel, "of a stranger");
    stranger.unregisterService("svc.0");
    await eventually(() => group.aliveCount() === 2, "the place is free");
  });
});

test("L6: no process is left when a group is disposed", async () => {
  await onGroupStage(async (stage) => {
    {
      await using group = stage.group({ replicas: 3 });
      await group.start();
      assert.equal(stage.running().length, 3);
    }
    stage.assertNothingLeft();
    assert.deepEqual(stage.registry.findAll({ group: "svc" }), []);
  });
});

test("L6: no process is left when the host ends without stopping its group", async () => {
  await onGroupStage(async (stage) => {
    for (const runtime of bothRuntimes) {
      const host = await stage.host({}, runtime);
      await host.call("start");
      assert.equal(stage.running().length, 2);
      host.send(JSON.stringify({ id: 0, name: "exit", args: [] }));
      assert.equal((await host.exited).code, 0);
      await eventually(() => stage.running().length === 0, "the instances are gone");
    }
  });
});

test("L6: a second start is refused, and changes nothing", async () => {
  await onGroupStage(async (stage) => {
    const group = stage.group();
    const starting = group.start();
    await assert.rejects(group.start(), (error) => isProcrefError(error, "ALREADY_RUNNING"));
    await starting;
    const primary = group.primary();
    await assert.rejects(group.start(), (error) => isProcrefError(error, "ALREADY_RUNNING"));
    assert.deepEqual(group.primary(), primary);
    assert.equal(stage.running().length, 2);
    await group.stop();
    await assert.rejects(group.start(), (error) => isProcrefError(error, "CLOSED"));
  });
});

test("L7: a health check waits for no replacement", async () => {
  await onGroupStage(async (stage) => {
    const group = stage.group({ replicas: 4, spawnTimeoutMs: 60_000 });
    await group.start();
    stage.tell("wait");
    const dead = group.instances().slice(0, 3);
    for (const { pid } of dead) kill(pid!);
    block(() => dead.every(({ pid }) => !isAlive(pid!)));
    const began = performance.now();
    assert.equal(group.healthCheck(), true);
    assert.ok(performance.now() - began < limitMs(200), `it took ${performance.now() - began} ms`);
    assert.equal(group.primary()!.name, "svc.3");
    await eventually(() => stage.running().length === 4, "the replacements run, and have not registered themselves");
    const again = performance.now();
    assert.equal(group.healthCheck(), false);
    assert.ok(performance.now() - again < limitMs(200));
    assert.equal(group.aliveCount(), 1);
  });
});
