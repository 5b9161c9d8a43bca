import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import { markedProcesses } from "../../src/process/marks.ts";
import { startSupervisor } from "../../src/service/start_supervisor.ts";
import { compile, withoutCompiler } from "../fixtures/c_compiler.ts";
import { listedSet, removeSet } from "../fixtures/sets.ts";
import { eventually } from "../harness/eventually.ts";
import { ordersFor } from "../harness/orders.ts";
import { notOnWindows } from "../harness/platform.ts";
import { bothRuntimes, runtime, type RuntimeName } from "../harness/runtime.ts";
import { startSleeper } from "../harness/sleeper.ts";
import { type Acquired, type Identity, onStage, other, type SupervisedStage } from "../harness/supervised.ts";

/** Starts a grandchild that leaves the group and the session of the service, notes it, and sleeps on. */
const WITH_GRANDCHILD = `setsid sh -c 'echo "child $$" >>"$JOURNAL"; exec sleep 300' & exec sleep 300`;
const PROGRAM_WITH_GRANDCHILD = `start('note("child", process.pid); await sleep()', { away: true }); await sleep()`;

for (const runtime of bothRuntimes) {
  test(`the supervisor (in ${runtime}) is SIGKILLed while held: its service dies with it, a holder brings up another`, async () => {
    await onStage(async (stage) => {
      const starter = await stage.client(undefined, { runtime });
      const second = await stage.client(undefined, { runtime: runtime === "deno" ? "bun" : "deno" });
      const { pid } = await starter.call<Acquired>("acquire");
      await second.call<Acquired>("acquire");
      const stranger = startSleeper();
      await stage.killSupervisor();
      await eventually(() => !processes.isAlive(pid), "the kernel has killed the service");
      const fresh = await Promise.all([starter.line("restart "), second.line("restart ")]);
      assert.equal(fresh[0], fresh[1]);
      const after = Number(fresh[0]);
      assert.notEqual(after, pid);
      assert.deepEqual(stage.running(), [after]);
      for (const client of [starter, second]) {
        assert.equal((await client.call<Identity>("info", 0)).pid, after, "the handle knows it");
      }
      assert.equal(await second.call("count"), 2);
      assert.ok(processes.isAlive(stranger), "nobody else's process is harmed");
      processes.kill(stranger);
      for (const client of [starter, second]) await client.call("release", 0);
      await stage.assertNothingLeft();
    });
  });
}

test("a service that takes the zombie of a killed one for a living one is started again once that is gone", {
  skip: notOnWindows("zombies") || withoutCompiler,
}, async () => {
  await onStage(async (stage) => {
    const pidFile = join(stage.directory, "pid");
    const reap = join(stage.directory, "reap");
    const script = `if kill -0 "$(cat ${pidFile})"; then echo "refused $$" >>"$JOURNAL"; touch ${reap}; exit 1; fi
      echo $$ >${pidFile}; echo usable; exec sleep 300`;
    const reaper = compile("late_reaper.c", stage.directory);
    const command = [reaper, reap, ...(runtime === "deno" ? ["deno", "run", "-A", "--no-check"] : ["bun", "run"])];
    const client = await stage.client(stage.script(script, { ready: { log: "^usable$" } }), { command });
    const { pid } = await client.call<Acquired>("acquire");
    await stage.killSupervisor();
    const after = Number(await client.line("restart "));
    assert.notEqual(after, pid);
    assert.equal(stage.notes("refused").length, 1);
    assert.deepEqual(stage.running(), [after]);
    await client.call("release", 0);
    await stage.assertNothingLeft();
    await client.end();
  });
});

test("an acquire after the supervisor was SIGKILLed does not wait for the holders to look", async () => {
  await onStage(async (stage) => {
    const keeper = await stage.client();
    const { pid } = await keeper.call<Acquired>("acquire");
    await stage.killSupervisor();
    const next = await stage.client(undefined, { runtime: other });
    const fresh = await next.call<Acquired>("acquire");
    assert.notEqual(fresh.pid, pid);
    assert.equal(Number(await keeper.line("restart ")), fresh.pid);
    await keeper.kill();
    await next.kill();
    await stage.assertNothingLeft();
  });
});

test("supervisor and last client are SIGKILLed together: nothing of the service runs on, the next client gets another", async () => {
  await onStage(async (stage) => {
    const one = await stage.client();
    const { pid } = await one.call<Acquired>("acquire");
    const supervisor = stage.supervisor();
    process.kill(supervisor.pid, "SIGKILL");
    await one.kill();
    await eventually(() => !processes.isAlive(pid), "the kernel has killed the service");
    const two = await stage.client(undefined, { runtime: other });
    const fresh = await two.call<Acquired>("acquire");
    assert.deepEqual(stage.running(), [fresh.pid]);
    await two.call("release", 0);
    await stage.assertNothingLeft();
  });
});

test("a grandchild that left the group by setsid is ended by the successor of a SIGKILLed supervisor", async () => {
  await onStage(async (stage) => {
    const options = stage.script(WITH_GRANDCHILD, {}, PROGRAM_WITH_GRANDCHILD);
    const one = await stage.client(options);
    await one.call<Acquired>("acquire");
    await eventually(() => stage.notes("child").length === 1, "the grandchild runs");
    const [grandchild] = stage.notes("child").map(Number);
    const supervisor = stage.supervisor();
    process.kill(supervisor.pid, "SIGKILL");
    await one.kill();
    await eventually(() => !processes.isAlive(supervisor), "the supervisor is gone");
    const two = await stage.client(options, { runtime: other });
    const fresh = await two.call<Acquired>("acquire");
    assert.ok(!processes.isAlive(grandchild), "it was ended before the next life");
    await eventually(() => stage.notes("child").length === 2, "the next one has a grandchild as well");
    assert.equal(stage.running().length, 2);
    assert.ok(stage.running().includes(fresh.pid));
    await two.call("release", 0);
    await stage.assertNothingLeft();
  });
});

test("the supervisor is SIGKILLed with a holder: its look ends a grandchild that left the group", async () => {
  await onStage(async (stage) => {
    const one = await stage.client(stage.script(WITH_GRANDCHILD, {}, PROGRAM_WITH_GRANDCHILD));
    await one.call<Acquired>("acquire");
    await eventually(() => stage.notes("child").length === 1, "the grandchild runs");
    const [grandchild] = stage.notes("child").map(Number);
    await stage.killSupervisor();
    await one.line("restart ");
    assert.ok(!processes.isAlive(grandchild));
    await one.call("release", 0);
    await stage.assertNothingLeft();
  });
});

test("who releases last after the supervisor was SIGKILLed sees to it that nothing is left", async () => {
  await onStage(async (stage) => {
    const one = await stage.client(stage.script(WITH_GRANDCHILD, {}, PROGRAM_WITH_GRANDCHILD));
    await one.call<Acquired>("acquire");
    await eventually(() => stage.notes("child").length === 1, "the grandchild runs");
    await stage.killSupervisor();
    await one.call("release", 0);
    await stage.assertNothingLeft();
  });
});

/** Starts a supervisor whose service has no parent-death signal, and acquires the service in a client. */
async function withoutParentDeathSignal(stage: SupervisedStage, runtime: RuntimeName): Promise<void> {
  const counter = await stage.counter();
  await counter.acquire();
  const supervisor = await startSupervisor(ordersFor(stage, stage.sleeper(), { setpriv: undefined }));
  assert.ok(supervisor, "it is in office");
  await stage.phase("READY");
  const client = await stage.client(undefined, { runtime });
  await client.call<Acquired>("acquire");
  counter.close();
  assert.deepEqual(stage.supervisor(), supervisor);
}

test(
  "without a parent-death signal the service outlives its supervisor, and is ended before the next life: never two at once",
  {
    skip: notOnWindows("death-signal"),
  },
  async () => {
    await onStage(async (stage) => {
      await withoutParentDeathSignal(stage, other);
      const [orphan] = stage.starts();
      const marks = stage.record()!.marks!;
      assert.deepEqual(markedProcesses(marks).map(({ pid }) => pid), [orphan]);
      // Stopped, it cannot end by itself: only SIGKILL helps, and only from the successor.
      process.kill(orphan, "SIGSTOP");
      await stage.killSupervisor();
      assert.ok(processes.isAlive(orphan), "nothing else ends it");
      const next = await stage.client();
      const { pid } = await next.call<Acquired>("acquire");
      assert.ok(!processes.isAlive(orphan));
      assert.deepEqual(stage.running(), [pid]);
      assert.deepEqual(stage.notes("beside"), [], "it was gone before the next one began");
      await next.kill();
    });
  },
);

test("a successor writes down CLEAN with the old marks and its own, then START, then READY", {
  skip: notOnWindows("removal"),
}, async () => {
  await onStage(async (stage) => {
    const counter = await stage.counter();
    await counter.acquire();
    const options = stage.script("exec sleep 300", { ready: { exec: ["test", "-e", `${stage.directory}/go`] } });
    // A predecessor that has lost its seat and is not gone yet: the successor waits for it in CLEAN.
    const predecessor = await startSupervisor(ordersFor(stage, options));
    const first = await stage.phase("START");
    await eventually(() => stage.starts().length === 1, "the service runs");
    process.kill(predecessor!.pid, "SIGSTOP");
    const orders = ordersFor(stage, options);
    const key = stage.key;
    removeSet(listedSet(key)!.id);
    counter.verify();
    const successor = await startSupervisor(orders);
    const clean = await stage.phase("CLEAN");
    assert.deepEqual(clean.supervisor, { ...successor });
    assert.equal(clean.marks!.length, 2);
    assert.equal(clean.marks![0], first.marks![0]);
    assert.equal(stage.starts().length, 1, "nothing is started before the predecessor is gone");
    process.kill(predecessor!.pid, "SIGKILL");
    const start = await stage.phase("START");
    assert.deepEqual(start.marks, [clean.marks![1]], "what was left is gone");
    await eventually(() => stage.starts().length === 2, "the next life has begun");
    writeFileSync(`${stage.directory}/go`, "");
    await stage.phase("READY");
    assert.deepEqual(stage.running(), stage.starts().slice(1));
    counter.close();
    await stage.assertNothingLeft();
  });
});
