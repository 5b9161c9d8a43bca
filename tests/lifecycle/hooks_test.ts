import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isProcrefError } from "../../src/errors.ts";
import { Lifecycle } from "../../src/lifecycle/mod.ts";
import { withDirectory } from "../harness/names.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { runProgram } from "../harness/written_program.ts";

/** Never resolves, and keeps nothing running. */
function hang(): Promise<never> {
  return new Promise(() => {});
}

test("R5: hooks run the newest first, one after the other, and the last ones after all", async () => {
  const lifecycle = new Lifecycle();
  const order: string[] = [];
  const slow = async (name: string): Promise<void> => {
    order.push(`${name} begins`);
    await new Promise((resolve) => setTimeout(resolve, 5));
    order.push(`${name} ends`);
  };
  lifecycle.registerShutdownHook(() => slow("one"));
  lifecycle.registerShutdownHook(() => order.push("last"), { last: true });
  lifecycle.registerShutdownHook(() => slow("two"), { name: "second" });
  const report = await lifecycle.shutdown({ reason: "a test", exitCode: 7 });
  assert.deepEqual(order, ["two begins", "two ends", "one begins", "one ends", "last"]);
  assert.deepEqual([report.reason, report.exitCode, report.errors], ["a test", 7, []]);
  assert.deepEqual(report.hooks.map(({ name, outcome }) => [name, outcome]), [
    ["second", "done"],
    ["(unnamed)", "done"],
    ["(unnamed)", "done"],
  ]);
});

test("R12: a hook that throws, rejects or hangs stops no other one, and is reported", async () => {
  const lifecycle = new Lifecycle();
  const ran: string[] = [];
  const cause = new Error("no");
  lifecycle.registerShutdownHook(() => ran.push("first"), { name: "first" });
  lifecycle.registerShutdownHook(() => Promise.reject("a text"), { name: "rejects" });
  lifecycle.registerShutdownHook(({ signal }) => {
    signal.addEventListener("abort", () => ran.push("told that it is late"));
    return hang();
  }, { name: "hangs", timeoutMs: 10 });
  lifecycle.registerShutdownHook(() => {
    throw cause;
  }, { name: "throws" });
  const { errors, hooks, exitCode } = await lifecycle.shutdown();
  assert.deepEqual(ran, ["told that it is late", "first"]);
  assert.deepEqual(hooks.map(({ outcome }) => outcome), ["failed", "late", "failed", "done"]);
  assert.deepEqual(errors.map(({ code, details }) => [code, details.name]), [
    ["OTHER", "throws"],
    ["TIMEOUT", "hangs"],
    ["OTHER", "rejects"],
  ]);
  assert.equal(errors[0].cause, cause);
  assert.equal(errors[2].message, 'Cannot finish the shutdown hook "rejects": a text');
  assert.equal(exitCode, 1);
});

test("a hook can be taken away again, once", async () => {
  const lifecycle = new Lifecycle();
  const ran: number[] = [];
  const unregister = lifecycle.registerShutdownHook(() => ran.push(1));
  lifecycle.registerShutdownHook(() => ran.push(2));
  assert.deepEqual([unregister(), unregister()], [true, false]);
  await lifecycle.shutdown();
  assert.deepEqual(ran, [2]);
});

test("one function may be two hooks, and each is taken away by itself", async () => {
  const lifecycle = new Lifecycle();
  let calls = 0;
  const hook = (): number => ++calls;
  lifecycle.registerShutdownHook(hook);
  const unregister = lifecycle.registerShutdownHook(hook);
  unregister();
  await lifecycle.shutdown();
  assert.equal(calls, 1);
});

test("R12: a hook that is registered during the shutdown is the next one; afterwards none is taken", async () => {
  const lifecycle = new Lifecycle();
  const order: string[] = [];
  lifecycle.registerShutdownHook(() => order.push("first"));
  const unregister = lifecycle.registerShutdownHook(() => order.push("never"));
  lifecycle.registerShutdownHook(() => {
    order.push("second");
    lifecycle.registerShutdownHook(() => order.push("late"));
    unregister();
  });
  await lifecycle.shutdown();
  assert.deepEqual(order, ["second", "late", "first"]);
  assert.equal(lifecycle.state, "ended");
  assert.throws(() => lifecycle.registerShutdownHook(() => {}), (error) => isProcrefError(error, "CLOSED"));
});

test("a shutdown is one: all who ask get the same promise, also from within a hook", async () => {
  const lifecycle = new Lifecycle();
  let runs = 0;
  let within: unknown;
  lifecycle.registerShutdownHook(() => {
    runs++;
    within = lifecycle.shutdown({ exitCode: 9 });
  });
  const first = lifecycle.shutdown({ reason: "first", exitCode: 3 });
  assert.equal(lifecycle.shutdown({ reason: "second" }), first);
  const { reason, exitCode } = await first;
  assert.deepEqual([reason, exitCode, runs, within === first], ["first", 3, 1, true]);
  assert.equal(lifecycle.shutdown(), first);
});

test("R6: the signal aborts before the first hook and says why; hooks have a signal of their own", async () => {
  const lifecycle = new Lifecycle();
  let seen: unknown[] = [];
  lifecycle.registerShutdownHook(({ signal, reason }) => {
    seen = [lifecycle.signal.aborted, lifecycle.state, signal.aborted, reason];
  });
  assert.deepEqual([lifecycle.signal.aborted, lifecycle.state], [false, "running"]);
  const ending = lifecycle.shutdown({ reason: "SIGTERM" });
  assert.ok(lifecycle.signal.aborted, "at once");
  assert.ok(isProcrefError(lifecycle.signal.reason, "CLOSED"));
  await ending;
  assert.deepEqual(seen, [true, "stopping", false, "SIGTERM"]);
});

test("when the whole grace is over, the hooks that are left are called, and not waited for", async () => {
  const lifecycle = new Lifecycle();
  const ran: string[] = [];
  lifecycle.registerShutdownHook(() => ran.push("remove a file"), { name: "one" });
  lifecycle.registerShutdownHook(hang, { name: "two" });
  lifecycle.registerShutdownHook(hang, { name: "three" });
  const started = performance.now();
  const { hooks, errors } = await lifecycle.shutdown({ graceMs: 30 });
  assert.ok(performance.now() - started < 5000);
  assert.deepEqual(ran, ["remove a file"]);
  assert.deepEqual(hooks.map(({ name, outcome }) => [name, outcome]), [
    ["three", "late"],
    ["two", "late"],
    ["one", "done"],
  ]);
  assert.equal(errors.length, 2);
});

test("times that are none are refused", () => {
  const lifecycle = new Lifecycle();
  for (const timeoutMs of [0, -1, NaN]) {
    const add = (): unknown => lifecycle.registerShutdownHook(() => {}, { timeoutMs });
    assert.throws(add, (error) => isProcrefError(error, "INVALID_ARGUMENT"));
  }
});

for (const runtime of bothRuntimes) {
  test(`R7: while hooks run in ${runtime}, the program ends neither with its main function nor for want of work`, async () => {
    await withDirectory(async (directory) => {
      await using program = runProgram(
        directory,
        `lifecycle.registerShutdownHook(() => say("first"), { name: "first" });
        lifecycle.registerShutdownHook(() => new Promise(() => {}), { name: "waits for nothing", timeoutMs: 300 });
        await lifecycle.runMain((life) => { void life.shutdown({ reason: "enough", exitCode: 4 }); });`,
        { runtime },
      );
      assert.deepEqual(await program.exited, { code: 4, signal: null });
      await program.line("first");
      assert.match(program.errors, /"waits for nothing": it is not done after \d+ ms/);
    });
  });

  test(`process.exit in a hook in ${runtime} ends the program with that status, and tells what was not done`, async () => {
    await withDirectory(async (directory) => {
      await using program = runProgram(
        directory,
        `await lifecycle.runMain((life) => {
          life.registerShutdownHook(() => say("never"), { name: "database" });
          life.registerShutdownHook(() => process.exit(9), { name: "impatient" });
        }, { instance: "service.pid" });`,
        { runtime },
      );
      assert.deepEqual(await program.exited, { code: 9, signal: null });
      assert.deepEqual(program.takeLines("never"), []);
      assert.match(program.errors, /are done: impatient, database\n/);
      assert.ok(!existsSync(join(directory, "service.pid")), "the file goes all the same");
    });
  });

  test(`the exit status of a program in ${runtime} is what its main function gives, or says of its failure`, async () => {
    await withDirectory(async (directory) => {
      const cases = [
        ["() => {}", 0, /^$/],
        ["() => 5", 5, /^$/],
        ["async () => { throw new Error('no such table'); }", 1, /no such table[^]*program-/],
        ["() => new Promise(() => setTimeout(() => { throw new Error('thrown later'); }, 1))", 1, /thrown later/],
        ["() => new Promise(() => void Promise.reject(new Error('rejected')))", 1, /rejected/],
        ["(life) => { life.registerShutdownHook(() => { throw 1; }, { name: 'bad' }); }", 1, /hook "bad": 1/],
        ["(life) => { life.signal.addEventListener('abort', () => say('aborted')); return 3; }", 3, /^$/],
      ] as const;
      for (const [main, code, errors] of cases) {
        const source = `lifecycle.registerShutdownHook(() => say("hook")); await lifecycle.runMain(${main});`;
        await using program = runProgram(directory, source, { runtime });
        assert.deepEqual(await program.exited, { code, signal: null }, main + program.errors);
        assert.match(program.errors, errors, main);
        await program.line("hook");
      }
    });
  });
}
