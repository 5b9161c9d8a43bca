import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import { eventually } from "../harness/eventually.ts";
import { askToEnd, notOnWindows, onWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { type Acquired, onStage, other } from "../harness/supervised.ts";

/** A shell that notes the signals it gets and ends by them. */
const TRAPS = ["TERM", "INT", "QUIT", "HUP"]
  .map((signal) => `trap 'echo "got SIG${signal}" >>"$JOURNAL"; exit 0' ${signal}`).join("\n");
/** Not one that does nothing else than wait for a child: that would be told by the group signal. */
const WAIT = "echo usable; while :; do sleep 0.02; done";
const USABLE = { ready: { log: "usable" } };
/** The same in a program. */
const PROGRAM = `onRequest(() => { note("got", "SIGINT"); process.exit(0); }); say("usable"); await sleep()`;
/** What a service gets that is asked to end: on Windows Ctrl-C, whatever was wanted. */
const received = (signal: string): string => onWindows ? "SIGINT" : signal;

for (const stopSignal of ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP"]) {
  test(`a service is asked to end by its stopSignal (${stopSignal})`, async () => {
    await onStage(async (stage) => {
      const options = stage.script(`${TRAPS}\n${WAIT}`, { ...USABLE, stopSignal }, PROGRAM);
      const handle = await stage.service(options).acquire();
      await handle.release();
      await stage.assertNothingLeft();
      assert.deepEqual(stage.notes("got"), [received(stopSignal)]);
    });
  });
}

for (
  const [when, isKilled] of [["whose client was killed while it started", true], [
    "that is not ready in time",
    false,
  ]] as const
) {
  test(`a service ${when} is asked to end by its stopSignal, and has its grace`, async () => {
    await onStage(async (stage) => {
      const options = stage.script(
        `trap 'sleep 0.3; echo "got SIGINT" >>"$JOURNAL"; exit 0' INT\necho "trapped $$" >>"$JOURNAL"\n${WAIT}`,
        { ready: { log: "never" }, stopSignal: "SIGINT", startTimeoutMs: isKilled ? 60_000 : 2000 },
        `onRequest(async () => { await delay(300); note("got", "SIGINT"); process.exit(0); });
        note("trapped", process.pid); await sleep()`,
      );
      const client = await stage.client(options);
      const acquiring = client.call("acquire").then(() => "ready", () => "not ready");
      await eventually(() => stage.notes("trapped").length === 1, "it runs and is not ready");
      if (isKilled) await client.kill();
      assert.equal(await acquiring, "not ready");
      await stage.assertNothingLeft();
      assert.deepEqual(stage.notes("got"), ["SIGINT"]);
    });
  });
}

test("a service may take its time to end, and who comes meanwhile waits and gets another one", async () => {
  await onStage(async (stage) => {
    const script = `trap 'sleep 0.5; echo "end $$" >>"$JOURNAL"; exit 0' TERM\n${WAIT}`;
    const options = stage.script(
      script,
      USABLE,
      `onRequest(async () => { await delay(500); note("end", process.pid); process.exit(0); });
      say("usable"); await sleep()`,
    );
    const one = await stage.client(options);
    const { pid } = await one.call<Acquired>("acquire");
    await one.call("release", 0);
    await stage.phase("STOP");
    const two = await stage.client(options, { runtime: other });
    const fresh = await two.call<Acquired>("acquire");
    assert.notEqual(fresh.pid, pid);
    assert.deepEqual(stage.notes("end"), [String(pid)], "the first one had ended in its own way");
    await two.call("release", 0);
    await stage.assertNothingLeft();
  });
});

for (const runtime of bothRuntimes) {
  test(`a service that ignores its signal is killed after its grace, with its whole group (supervisor in ${runtime})`, async () => {
    await onStage(async (stage) => {
      const child = `sh -c 'trap "" TERM; echo "child $$" >>"$JOURNAL"; while :; do sleep 0.1; done' &`;
      const options = stage.script(
        `trap "" TERM; ${child} until grep -q ^child "$JOURNAL"; do sleep 0.02; done; ${WAIT}`,
        { ...USABLE, stopTimeoutMs: 700 },
        `onRequest(() => {}); start('onRequest(() => {}); note("child", process.pid); await sleep()');
        while (notes("child").length === 0) await delay(20);
        say("usable"); await sleep()`,
      );
      const client = await stage.client(options, { runtime });
      await client.call("acquire");
      assert.equal(stage.running().length, 2);
      const began = performance.now();
      await client.kill();
      await stage.phase("STOP");
      assert.equal(stage.running().length, 2, "it has its grace");
      await stage.assertNothingLeft();
      assert.ok(performance.now() - began >= 650, `gone after ${performance.now() - began} ms`);
    });
  });
}

test("what left the group by setsid and ignores signals is gone with the service", async () => {
  await onStage(async (stage) => {
    const script = `setsid sh -c 'trap "" TERM HUP; echo "child $$" >>"$JOURNAL"; while :; do sleep 0.1; done' &
      until grep -q ^child "$JOURNAL"; do sleep 0.02; done; ${WAIT}`;
    const program = `start('note("child", process.pid); await sleep()', { away: true });
      while (notes("child").length === 0) await delay(20);
      onRequest(() => process.exit(0)); say("usable"); await sleep()`;
    const handle = await stage.service(stage.script(script, USABLE, program)).acquire();
    assert.equal(stage.running().length, 2);
    await handle.release();
    await stage.assertNothingLeft();
  });
});

for (
  const [signal, runtime] of [["SIGTERM", "deno"], ["SIGTERM", "bun"], ["SIGINT", "deno"], ["SIGINT", "bun"]] as const
) {
  test(`${signal} to the supervisor (in ${runtime}) while held: the service stops, the holders lose it, no restart`, {
    skip: signal === "SIGTERM" ? false : notOnWindows("signals"),
  }, async () => {
    await onStage(async (stage) => {
      const options = stage.script(`${TRAPS}\n${WAIT}`, USABLE, PROGRAM);
      const one = await stage.client(options, { runtime });
      const two = await stage.client(options);
      const { pid } = await one.call<Acquired>("acquire");
      await two.call<Acquired>("acquire");
      const supervisor = stage.supervisor();
      if (onWindows) askToEnd(supervisor.pid);
      else process.kill(supervisor.pid, signal);
      await eventually(() => !processes.isAlive(pid), "the service is stopped");
      for (const client of [one, two]) {
        assert.match(
          await client.line("lost "),
          new RegExp(`^SERVICE_LOST .*by force.*${onWindows ? "a request to end" : signal}`),
        );
        assert.equal(await client.line("aborted "), "0 SERVICE_LOST");
      }
      assert.deepEqual(stage.notes("got"), [received("SIGTERM")], "it was asked to end, once");
      assert.equal(stage.starts().length, 1, "it is not started again");
      assert.equal(stage.record()?.phase, "FAIL");
      for (const client of [one, two]) await client.call("release", 0);
      await stage.assertNothingLeft();
    });
  });
}

test("SIGHUP to the supervisor means nothing", { skip: notOnWindows("signals") }, async () => {
  await onStage(async (stage) => {
    const handle = await stage.service().acquire();
    const supervisor = stage.supervisor();
    process.kill(supervisor.pid, "SIGHUP");
    const client = await stage.client(undefined, { runtime: other });
    assert.equal((await client.call<Acquired>("acquire")).pid, handle.pid);
    assert.deepEqual(stage.supervisor(), supervisor);
    await client.kill();
    await handle.release();
    await stage.assertNothingLeft();
  });
});

test("SIGTERM to the supervisor while it starts the service: who waits gets the error, nothing is left", async () => {
  await onStage(async (stage) => {
    const client = await stage.client(stage.sleeper({ ready: { log: "never" } }), { runtime: other });
    const acquiring = client.call("acquire");
    await eventually(() => stage.starts().length === 1, "it runs and is not ready");
    askToEnd(stage.supervisor().pid);
    await assert.rejects(acquiring, { code: "SERVICE_LOST", message: /by force/ });
    await stage.assertNothingLeft();
  });
});
