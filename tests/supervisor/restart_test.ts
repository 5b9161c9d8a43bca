import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { process as processes } from "../../mod.ts";
import { eventually } from "../harness/eventually.ts";
import { notOnWindows, onWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { type Acquired, type Identity, onStage, other, type SupervisedStage } from "../harness/supervised.ts";

/** Kills the service's process. */
function killService(pid: number): void {
  process.kill(pid, "SIGKILL");
}

/** Whether that life of the service is on record as the one in use. */
function isReady(stage: SupervisedStage, life: number): boolean {
  const record = stage.record();
  return stage.starts().length > life && record?.phase === "READY" && record.info?.pid === stage.starts()[life];
}

/** Kills every life of the service as it begins, until it is given up. */
async function killUntilFailed(stage: SupervisedStage, lives: number): Promise<void> {
  for (let life = 0; life < lives; life++) {
    await eventually(() => isReady(stage, life), `life ${life} is ready`);
    killService(stage.starts()[life]);
  }
  await stage.phase("FAIL");
}

for (const runtime of bothRuntimes) {
  test(`the service is SIGKILLed while held (supervisor in ${runtime}): another process, the event, the same count`, async () => {
    await onStage(async (stage) => {
      const clients = [await stage.client(undefined, { runtime }), await stage.client(undefined, { runtime: "bun" })];
      const [{ pid }] = [await clients[0].call<Acquired>("acquire"), await clients[1].call<Acquired>("acquire")];
      const supervisor = stage.supervisor();
      killService(pid);
      const [one, two] = await Promise.all(clients.map((client) => client.line("restart ")));
      assert.equal(one, two);
      assert.notEqual(Number(one), pid);
      assert.deepEqual(stage.running(), [Number(one)]);
      assert.deepEqual(stage.supervisor(), supervisor, "by the same supervisor");
      for (const client of clients) {
        assert.equal((await client.call<Identity>("info", 0)).pid, Number(one));
        assert.equal(await client.call("count"), 2);
      }
      const again = await clients[0].call<Acquired>("acquire");
      assert.equal(again.pid, Number(one));
      await clients[0].call("release", again.handle);
      for (const client of clients) await client.call("release", 0);
      await stage.assertNothingLeft();
      for (const client of clients) assert.deepEqual(client.takeLines("restart "), [], "it was told once");
    });
  });
}

test("an acquire while the service is started again waits for the next life", async () => {
  await onStage(async (stage) => {
    const options = stage.sleeper({ restart: { delayMs: 400 } });
    const keeper = await stage.client(options);
    const { pid } = await keeper.call<Acquired>("acquire");
    const second = await stage.client(options, { runtime: other });
    killService(pid);
    await eventually(() => !processes.isAlive(pid), "it is dead");
    const [cold, warm] = await Promise.all([second.call<Acquired>("acquire"), keeper.call<Acquired>("acquire")]);
    assert.notEqual(cold.pid, pid);
    assert.equal(warm.pid, cold.pid);
    assert.equal(stage.starts().length, 2);
    await keeper.kill();
    await second.kill();
    await stage.assertNothingLeft();
  });
});

test("each further wait is twice as long, up to the longest one", async () => {
  await onStage(async (stage) => {
    const options = stage.script(`echo "at $(date +%s%N)" >>"$JOURNAL"; echo usable; exec sleep 300`, {
      ready: { log: "usable" },
      restart: { limit: 4, delayMs: 150, maxDelayMs: 600 },
    }, `note("at", Date.now() + "000000"); say("usable"); await sleep()`);
    const service = stage.service(options);
    const handle = await service.acquire();
    await killUntilFailed(stage, 5);
    const at = stage.notes("at").map((text) => Number(text) / 1e6);
    const waits = at.slice(1).map((time, index) => time - at[index]);
    for (const [index, least] of [150, 300, 600, 600].entries()) {
      assert.ok(waits[index] >= least, `wait ${index} was ${waits[index]} ms`);
    }
    assert.equal(at.length, 5, "as often as the limit says");
    await eventually(() => handle.signal.aborted, "the holder hears of the end");
    await handle.release();
    await stage.assertNothingLeft();
  });
});

test("a service that proved itself begins to count anew", async () => {
  await onStage(async (stage) => {
    const service = stage.service(stage.sleeper({ restart: { limit: 1, delayMs: 1, resetAfterMs: 1 } }));
    const handle = await service.acquire();
    for (let life = 0; life < 4; life++) {
      await eventually(() => isReady(stage, life), `life ${life} is ready`);
      const ready = performance.now();
      await eventually(() => performance.now() - ready > 5, "it ran for longer than resetAfterMs");
      killService(stage.starts()[life]);
    }
    await eventually(() => stage.starts().length === 5, "it is started again each time");
    await handle.release();
    await stage.assertNothingLeft();
  });
});

for (
  const [what, restart, lives] of [["restart: false", false, 1], ["the limit", { limit: 2, delayMs: 5 }, 3]] as const
) {
  test(`${what} is reached: lost, the signals abort, FAIL is on record, a later client gets a new service`, async () => {
    await onStage(async (stage) => {
      const options = stage.sleeper({ restart });
      const one = await stage.client(options);
      const two = await stage.client(options, { runtime: other });
      await one.call<Acquired>("acquire");
      await two.call<Acquired>("acquire");
      await killUntilFailed(stage, lives);
      for (const client of [one, two]) {
        const line = await client.line("lost ");
        assert.match(line, onWindows ? /^SERVICE_LOST .*ended with status/ : /^SERVICE_LOST .*SIGKILL/);
        // One life has no number.
        if (restart === false) assert.doesNotMatch(line, / times | ends /);
        else assert.match(line, /, 3 times within \d+\.\d s \(restart\.limit 2\)/);
        assert.equal(await client.line("aborted "), "0 SERVICE_LOST");
      }
      assert.deepEqual(stage.running(), []);
      const failed = stage.record()!;
      assert.equal(failed.failure?.code, "SERVICE_LOST");

      const late = await stage.client(options, { runtime: other });
      const fresh = await late.call<Acquired>("acquire");
      assert.equal(stage.starts().length, lives + 1);
      assert.deepEqual(stage.running(), [fresh.pid]);
      const again = await one.call<Acquired>("acquire");
      assert.equal(again.pid, fresh.pid, "also a client that has lost it may have the new one");
      await late.call("release", 0);
      await one.call("release", again.handle);
      for (const client of [one, two]) await client.call("release", 0);
      await stage.assertNothingLeft();
    });
  });
}

test("a service that ends in several ways, and at last does not start: the error says how often", async () => {
  await onStage(async (stage) => {
    const options = stage.script(
      `n=$(grep -c ^start "$JOURNAL"); if [ $n -le $LIVES ]; then echo usable; sleep 0.2; fi; exit $n`,
      { ready: { log: "^usable$" }, restart: { limit: 2, delayMs: 1 } },
      `const n = notes("start").length; if (n <= Number(process.env.LIVES)) { say("usable"); await delay(200); }
      process.exit(n)`,
    );
    const lostWith = async (lives: string): Promise<string> => {
      const env = { ...options.env as Record<string, string>, LIVES: lives };
      const handle = await stage.service({ ...options, env }).acquire();
      await eventually(() => handle.signal.aborted, "it is given up");
      await handle.release();
      await stage.assertNothingLeft();
      return handle.signal.reason.message;
    };
    const often = /within \d+\.\d s \(restart\.limit 2\)/.source;
    assert.match(
      await lostWith("2"),
      new RegExp(
        `^The service ".*" is lost: it failed 3 times ${often}; the last time: Cannot start ".*": it ended with status 3`,
      ),
    );
    writeFileSync(stage.journal, "");
    assert.match(await lostWith("9"), new RegExp(`is lost: it ended with status 3, the last of 3 ends ${often}`));
  });
});

test("a service that ends with 0 while it is held has ended all the same, and is started again", {
  skip: notOnWindows("signals"),
}, async () => {
  await onStage(async (stage) => {
    const script = `trap "exit 0" USR1; echo armed; while :; do sleep 0.02; done`;
    const service = stage.service(stage.script(script, { ready: { log: "^armed$" } }));
    const handle = await service.acquire();
    const pid = handle.pid!;
    const restarted = new Promise<Event>((resolve) => service.addEventListener("restart", resolve));
    process.kill(pid, "SIGUSR1");
    await eventually(() => handle.pid !== pid, "the handle knows the next life");
    assert.equal(((await restarted) as CustomEvent).detail.pid, handle.pid);
    assert.equal(await service.count(), 1);
    await handle.release();
    await stage.assertNothingLeft();
  });
});

test("everybody leaves while the service waits to be started again: it is not", async () => {
  await onStage(async (stage) => {
    const service = stage.service(stage.sleeper({ restart: { delayMs: 60_000, maxDelayMs: 60_000 } }));
    const handle = await service.acquire();
    killService(handle.pid!);
    await eventually(() => !processes.isAlive(handle.pid!), "it is dead");
    await handle.release();
    await stage.assertNothingLeft();
    assert.equal(stage.starts().length, 1);
  });
});

test("everybody leaves while the service is being started again: that life is ended", async () => {
  await onStage(async (stage) => {
    const options = stage.script(
      `test "$(grep -c ^start "$JOURNAL")" = 1 && echo usable; exec sleep 300`,
      { ready: { log: "usable" }, restart: { delayMs: 1 } },
      `if (notes("start").length === 1) say("usable"); await sleep()`,
    );
    const client = await stage.client(options);
    const { pid } = await client.call<Acquired>("acquire");
    killService(pid);
    await eventually(() => stage.starts().length === 2, "the next life begins");
    await client.kill();
    await stage.assertNothingLeft();
  });
});

test("children of a service that died are gone before the next life", async () => {
  await onStage(async (stage) => {
    const script = `setsid sh -c 'echo "child $$" >>"$JOURNAL"; exec sleep 300' &
      until grep -q ^child "$JOURNAL"; do sleep 0.02; done; echo usable; exec sleep 300`;
    const program = `start('note("child", process.pid); await sleep()', { away: true });
      while (notes("child").length === 0) await delay(20);
      say("usable"); await sleep()`;
    const service = stage.service(stage.script(script, { ready: { log: "usable" } }, program));
    const handle = await service.acquire();
    const [child] = stage.notes("child").map(Number);
    killService(handle.pid!);
    await eventually(() => stage.starts().length === 2, "the next life begins");
    assert.ok(!processes.isAlive(child));
    await handle.release();
    await stage.assertNothingLeft();
  });
});

test("a holder that has lost its service hears no more of it: neither of another one, nor of a supervisor killed in FAIL", async () => {
  await onStage(async (stage) => {
    const options = stage.sleeper({ restart: false });
    const holder = await stage.client(options);
    const { pid } = await holder.call<Acquired>("acquire");
    killService(pid);
    await holder.line("lost ");
    await stage.killSupervisor();
    // Time itself is what is tested: for two looks of the holder.
    await delay(2200);
    assert.deepEqual(stage.starts(), [pid], "nobody wants a service");
    const late = await stage.client(options, { runtime: other });
    await late.call<Acquired>("acquire");
    await delay(1200);
    assert.deepEqual(holder.takeLines("restart "), []);
    assert.equal((await holder.call<Identity>("info", 0)).pid, pid);
    await late.call("release", 0);
    await holder.call("release", 0);
    await stage.assertNothingLeft();
  });
});
