import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import process from "node:process";
import { test } from "node:test";
import { isProcrefError, type ProcrefError } from "../../src/errors.ts";
import { type Failover, groupInstance, ServiceGroup, type ServiceGroupOptions } from "../../src/group/mod.ts";
import { isAlive, kill } from "../../src/process/mod.ts";
import { eventually } from "../harness/eventually.ts";
import { next, onGroupStage } from "../harness/groups.ts";
import { limitMs } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";

for (const runtime of bothRuntimes) {
  test(`instances (in ${runtime}) are told who they are, and register themselves`, async () => {
    await onGroupStage(async (stage) => {
      const group = stage.group({ replicas: 3 }, runtime);
      await group.start();
      assert.deepEqual(group.instances().map(({ index, name, role, restarts }) => [index, name, role, restarts]), [
        [0, "svc.0", "primary", 0],
        [1, "svc.1", "standby", 0],
        [2, "svc.2", "standby", 0],
      ]);
      assert.equal(group.aliveCount(), 3);
      const told = stage.notes("told").map((text) => JSON.parse(text)).sort(([one], [other]) =>
        one.index - other.index
      );
      assert.deepEqual(
        told,
        [0, 1, 2].map((index) => [
          { name: `svc.${index}`, index, serviceName: "svc", domain: stage.domain },
          String(index),
        ]),
      );
      const primary = group.primary()!;
      assert.deepEqual(stage.registry.find("svc.0"), primary.entry);
      assert.equal(primary.entry.controlChannel, `channel of ${primary.pid}`);
      assert.equal(groupInstance(), undefined, "this process is none");
      await group.stop();
      assert.deepEqual(stage.notes("stopped").sort(), ["svc.0", "svc.1", "svc.2"], "each was asked to end");
      stage.assertNothingLeft();
    });
  });
}

test("a failover is told by an event and on a channel as it happens, without any health check", async () => {
  await onGroupStage(async (stage) => {
    const group = stage.group();
    const messages: unknown[] = [];
    const hear = (message: unknown): void => void messages.push(message);
    subscribe("procref:failover", hear);
    try {
      await group.start();
      const [first, second] = group.instances();
      const told = next<Failover>(group, "failover");
      process.kill(first.pid!, "SIGKILL");
      const failover = await told;
      assert.deepEqual([failover.previous.pid, failover.primary.pid], [first.pid, second.pid]);
      assert.equal(group.primary()!.pid, second.pid);
      assert.deepEqual(messages, [{ service: "svc", failover }]);
      assert.equal(group.healthCheck(), true, "who asks from time to time hears of it as well");
    } finally {
      unsubscribe("procref:failover", hear);
    }
  });
});

test("forceFailover() ends the primary and resolves with another one in its place; without a standby it does nothing", async () => {
  await onGroupStage(async (stage) => {
    const group = stage.group();
    await group.start();
    const before = group.primary()!;
    assert.equal(await group.forceFailover(), true);
    assert.ok(!isAlive(before.pid), "it is gone, and has been reaped");
    assert.notEqual(group.primary()!.pid, before.pid);
    await eventually(() => group.aliveCount() === 2, "it is started again");
    assert.equal(await group.forceFailover(), true);
    assert.equal(group.primary()!.name, "svc.0");
    await eventually(() => group.aliveCount() === 2, "and this one too");
    stage.tell("wait");
    kill(group.instances()[1].pid!);
    await eventually(() => group.aliveCount() === 1, "there is no standby");
    const alone = group.primary()!;
    assert.equal(await group.forceFailover(), false);
    assert.ok(isAlive(alone.pid));
  });
});

test("stop() stops all at once, and uses force when the grace is over", async () => {
  await onGroupStage(async (stage) => {
    const [replicas, graceMs] = [4, limitMs(500)];
    stage.tell("deaf");
    const group = stage.group({ replicas });
    await group.start();
    const began = performance.now();
    const [reason] = await Promise.all([next<ProcrefError>(group.signal, "abort"), group.stop(graceMs), group.stop()]);
    const took = performance.now() - began;
    assert.ok(took >= graceMs - 1 && took < (replicas - 1) * graceMs, `it took ${took} ms`);
    assert.equal(reason, undefined);
    assert.ok(isProcrefError(group.signal.reason, "CLOSED"));
    stage.assertNothingLeft();
    assert.deepEqual([group.primary(), group.healthCheck(), group.aliveCount()], [undefined, false, 0]);
    assert.equal(await group.forceFailover(), false);
  });
});

test("what an instance has started is ended with the group, wherever it went, and before a replacement begins", async () => {
  await onGroupStage(async (stage) => {
    stage.tell("grandchild.svc.1");
    const group = stage.group();
    await group.start();
    const [grandchild] = stage.notes("grandchild").map(Number);
    assert.ok(isAlive(grandchild));
    stage.tell("grandchild.svc.1", false);
    kill(group.instances()[1].pid!);
    await eventually(() => group.aliveCount() === 2 && group.instances()[1].restarts === 1, "it is back");
    assert.ok(!isAlive(grandchild));
    assert.equal(stage.running().length, 2, "nothing of the primary was touched");
    stage.tell("grandchild");
    assert.equal(await group.forceFailover(), true);
    await eventually(() => stage.running().length === 3, "there is another one");
    await group.stop();
    stage.assertNothingLeft();
  });
});

test("an instance that dies too often is given up, and a group of which all are is lost", async () => {
  await onGroupStage(async (stage) => {
    const group = stage.group({ restartLimit: 2 });
    await group.start();
    stage.tell("crash");
    kill(group.instances()[1].pid!);
    const isGivenUp = (error: ProcrefError): boolean =>
      isProcrefError(error, "SERVICE_LOST") && error.message.includes("started again 2 times");
    await eventually(() => stage.warnings.some(isGivenUp), "it is given up");
    assert.equal(stage.notes("start").length, 4);
    assert.ok(!group.signal.aborted);
    const lost = next<ProcrefError>(group, "lost");
    kill(group.primary()!.pid);
    const error = await lost;
    assert.ok(isProcrefError(error, "SERVICE_LOST"));
    assert.equal(group.signal.reason, error);
    await eventually(() => stage.seats().length === 0, "another host may try");
    stage.assertNothingLeft();
    assert.equal(stage.notes("start").length, 6);
  });
});

test("without respawn, dead instances stay dead, and the group is lost with the last one", async () => {
  await onGroupStage(async (stage) => {
    const group = stage.group({ autoRespawn: false });
    await group.start();
    const lost = next<ProcrefError>(group, "lost");
    assert.equal(await group.forceFailover(), true);
    assert.deepEqual(group.instances().map(({ role }) => role), ["dead", "primary"]);
    kill(group.primary()!.pid);
    assert.ok(isProcrefError(await lost, "SERVICE_LOST"));
    assert.equal(stage.notes("start").length, 2);
  });
});

test("an instance that stayed alive for long begins anew with its pauses and its limit", async () => {
  await onGroupStage(async (stage) => {
    const group = stage.group({ restartLimit: 1, backoff: { delayMs: 1, resetAfterMs: 0 } });
    await group.start();
    for (let round = 1; round <= 3; round++) {
      assert.equal(await group.forceFailover(), true);
      await eventually(() => group.aliveCount() === 2, "it is back");
    }
    assert.deepEqual(group.instances().map(({ restarts }) => restarts), [2, 1]);
  });
});

test("wrong options are refused before anything is started", async () => {
  await onGroupStage((stage) => {
    const wrong: readonly (readonly [Partial<Record<keyof ServiceGroupOptions, unknown>>, string])[] = [
      [{ serviceName: "" }, "INVALID_NAME"],
      [{ serviceName: "a/b" }, "INVALID_NAME"],
      [{ serviceName: "x".repeat(199) }, "INVALID_NAME"],
      [{ executable: "" }, "INVALID_ARGUMENT"],
      [{ args: "text" }, "INVALID_ARGUMENT"],
      [{ replicas: 0 }, "INVALID_ARGUMENT"],
      [{ replicas: 1.5 }, "INVALID_ARGUMENT"],
      [{ autoRespawn: 1 }, "INVALID_ARGUMENT"],
      [{ spawnTimeoutMs: 0 }, "INVALID_ARGUMENT"],
      [{ restartLimit: -1 }, "INVALID_ARGUMENT"],
      [{ backoff: { delayMs: -1 } }, "INVALID_ARGUMENT"],
    ];
    for (const [options, code] of wrong) {
      assert.throws(
        () => new ServiceGroup(stage.registry, { ...stage.options(), ...options } as ServiceGroupOptions),
        (error) => isProcrefError(error) && error.code === code,
        JSON.stringify(options),
      );
    }
    return Promise.resolve();
  });
});

test("a program that is not there is an error of the start, with the status of shells", async () => {
  await onGroupStage(async (stage) => {
    const group = stage.group({ executable: "procref-no-such-program" });
    await assert.rejects(group.start(), (error) => {
      assert.ok(isProcrefError(error, "SERVICE_START") && error.message.includes("procref-no-such-program"));
      return error.details.exitCode === 127;
    });
    stage.assertNothingLeft();
  });
});
