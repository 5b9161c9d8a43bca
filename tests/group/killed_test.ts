/** Whoever dies at the worst moment. */

import assert from "node:assert/strict";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { isProcrefError, type ProcrefError } from "../../src/errors.ts";
import type { Failover } from "../../src/group/mod.ts";
import { isAlive, kill } from "../../src/process/mod.ts";
import { eventually } from "../harness/eventually.ts";
import { block, next, onGroupStage } from "../harness/groups.ts";
import { notOnWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";

test("an instance that is killed while the others start comes back, and whoever is elected is alive", async () => {
  await onGroupStage(async (stage) => {
    stage.tell("wait.svc.1");
    const group = stage.group();
    const starting = group.start();
    await eventually(() => stage.registry.find("svc.0") !== undefined, "the first one is registered");
    const { pid } = stage.registry.find("svc.0")!;
    kill(pid);
    await eventually(() => stage.notes("start").length === 3, "another one is started in its place");
    stage.tell("wait.svc.1", false);
    await starting;
    assert.ok(isAlive(group.primary()!.pid));
    assert.notEqual(group.primary()!.pid, pid);
    await eventually(() => group.aliveCount() === 2, "all are there");
    assert.deepEqual(stage.failovers, [], "nobody was elected before");
  });
});

test("primary and first standby are killed at one moment: the one that is elected is alive", async () => {
  await onGroupStage(async (stage) => {
    const group = stage.group({ replicas: 3 });
    await group.start();
    const [first, second, third] = group.instances();
    const told = next<Failover>(group, "failover");
    for (const { pid } of [second, first]) kill(pid!);
    block(() => [first, second].every(({ pid }) => !isAlive(pid!)));
    assert.equal((await told).primary.pid, third.pid);
    assert.equal(stage.failovers.length, 1);
  });
});

test("the elected one is killed in the middle of the failover: the next one is elected, and the chain is whole", async () => {
  await onGroupStage(async (stage) => {
    const group = stage.group({ replicas: 3 });
    await group.start();
    stage.tell("wait");
    const [first, second, third] = group.instances().map(({ pid }) => pid!);
    group.addEventListener("failover", (event) => {
      const { primary } = event.detail;
      if (primary.pid === second) kill(second);
    });
    kill(first);
    await eventually(() => group.primary()?.pid === third, "the third one is the primary");
    assert.deepEqual(stage.failovers.map(({ previous, primary }) => [previous.pid, primary.pid]), [
      [first, second],
      [second, third],
    ]);
  });
});

test("a group that is stopped while it starts, or while an instance is started again, leaves nothing", async () => {
  await onGroupStage(async (stage) => {
    stage.tell("wait");
    const group = stage.group();
    const starting = group.start();
    starting.catch(() => {});
    await eventually(() => stage.notes("start").length === 2, "both are being started");
    await group.stop();
    await assert.rejects(starting, (error) => isProcrefError(error, "CLOSED"));
    stage.assertNothingLeft();

    stage.tell("wait", false);
    const other = stage.group();
    await other.start();
    stage.tell("wait");
    const before = stage.notes("start").length;
    kill(other.primary()!.pid);
    await eventually(() => stage.notes("start").length > before, "one is started again");
    await other.stop();
    stage.assertNothingLeft();
  });
});

for (const runtime of bothRuntimes) {
  test(`the host (in ${runtime}) is SIGKILLed: its instances end, and the next host ends what they have left`, async () => {
    await onGroupStage(async (stage) => {
      stage.tell("grandchild.svc.0");
      const host = await stage.host({}, runtime);
      await host.call("start");
      const instances = stage.registry.findAll({ group: "svc" }).map(({ pid }) => pid);
      const [grandchild] = stage.notes("grandchild").map(Number);
      stage.tell("grandchild.svc.0", false);
      await host.kill();
      await eventually(() => instances.every((pid) => !isAlive(pid)), "the kernel has ended the instances");
      assert.deepEqual(stage.registry.findAll({ group: "svc" }), []);
      const next = stage.group();
      await next.start();
      assert.ok(!isAlive(grandchild));
      assert.equal(stage.running().length, 2);
      assert.equal(next.aliveCount(), 2);
    });
  });
}

test("the host is SIGKILLed while it starts: nothing of it stands in the way of the next one", async () => {
  await onGroupStage(async (stage) => {
    // At several moments: before, while and after the instances are started.
    for (const afterMs of [0, 10, 20, 40, 80]) {
      const host = await stage.host({}, "bun");
      host.send(JSON.stringify({ id: 0, name: "start", args: [] }));
      await delay(afterMs);
      await host.kill();
      const group = stage.group();
      await group.start();
      await eventually(() => stage.running().length === 2, "the instances of the new host alone are left");
      assert.equal(group.aliveCount(), 2);
      await group.stop();
      stage.assertNothingLeft();
    }
  });
});

test("the host is SIGKILLed during a failover: the next one starts with a primary", async () => {
  await onGroupStage(async (stage) => {
    const host = await stage.host({}, "bun");
    await host.call("start");
    const [{ pid }] = stage.registry.findAll("svc.0");
    kill(pid);
    await host.line("failover ");
    await host.kill();
    const group = stage.group();
    await group.start();
    assert.ok(isAlive(group.primary()!.pid));
    await eventually(() => stage.running().length === 2, "the instances of the new host alone are left");
  });
});

test("a registry that is damaged is no reason to take anybody for dead, and a failover happens all the same", async () => {
  await onGroupStage(async (stage) => {
    const group = stage.group();
    await group.start();
    const [first, second] = group.instances().map(({ pid }) => pid!);
    const [path] = stage.files(/entries\.json$/);
    const text = readFileSync(path, "utf8");
    // Another file, as somebody else would write it.
    writeFileSync(`${path}.bad`, "{");
    renameSync(`${path}.bad`, path);
    const isBroken = (error: ProcrefError): boolean => isProcrefError(error, "BROKEN_FILE");
    await eventually(() => group.aliveCount() === 2 && stage.warnings.filter(isBroken).length === 2, "it is noticed");
    assert.equal(group.healthCheck(), false);
    const told = next<Failover>(group, "failover");
    kill(first);
    assert.equal((await told).primary.pid, second);
    assert.equal(stage.warnings.filter(isBroken).length, 2, "each instance tells it once");
    writeFileSync(`${path}.good`, text, { mode: 0o600 });
    renameSync(`${path}.good`, path);
    await eventually(() => group.aliveCount() === 2, "all is well again");
  });
});

test("a host whose seat a stranger has removed takes it again, or gives way to who was faster", {
  skip: notOnWindows("open-lock-files"),
}, async () => {
  await onGroupStage(async (stage) => {
    const group = stage.group();
    await group.start();
    rmSync(stage.seats()[0]);
    assert.equal(await group.forceFailover(), true);
    await eventually(() => group.aliveCount() === 2, "the instance is back");
    assert.equal(stage.seats().length, 1, "and so is the seat");
    const host = await stage.host();
    await assert.rejects(host.call("start"));

    rmSync(stage.seats()[0]);
    const lost = next(group, "lost");
    await host.call("start");
    assert.ok(isProcrefError(await lost, "ALREADY_RUNNING"));
    assert.equal(group.signal.aborted, true);
    await group.stop();
    assert.equal(await host.call("aliveCount"), 2, "the other one's are spared");
  });
});
