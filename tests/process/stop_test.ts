import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { isProcrefError } from "../../src/errors.ts";
import { identityOf, isAlive, kill, killGroup, stop, stopGroup, terminate } from "../../src/process/mod.ts";
import { assertUntouched, freeze, Shell } from "../fixtures/shell.ts";
import { NOBODY, withoutRoot } from "../fixtures/user.ts";
import { Child } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import { notOnWindows, onWindows } from "../harness/platform.ts";

const OBEDIENT = ["echo ready; exec sleep 300", `say("ready"); await sleep()`] as const;
/** What is ignored stays ignored by the program that takes over. On Windows: who listens for requests, and does nothing. */
const DEAF = ["trap '' TERM; echo ready; exec sleep 300", `onAsked(() => {}); say("ready"); await sleep()`] as const;

/** Checks which signal ended a process; on Windows, as what its exit status says. */
function assertEndedBy({ process: { exitCode, signalCode } }: Shell, signal: "SIGTERM" | "SIGKILL"): void {
  if (onWindows) assert.equal(exitCode, signal === "SIGTERM" ? 143 : 137);
  else assert.equal(signalCode, signal);
}

test("terminate() asks a process to end, once", async () => {
  await using shell = await Shell.start(...OBEDIENT);
  assert.equal(terminate(shell.pid), true);
  await shell.exited();
  assertEndedBy(shell, "SIGTERM");
  assert.equal(terminate(shell.pid), false);
});

test("kill() ends a process that does not listen", async () => {
  await using shell = await Shell.start(...DEAF);
  const { identity } = shell;
  assert.equal(terminate(identity), true);
  assert.equal(kill(identity), true);
  await shell.exited();
  assertEndedBy(shell, "SIGKILL");
  assert.equal(kill(identity), false);
});

test("stop() of an obedient process is over long before its time limit", async () => {
  await using shell = await Shell.start(...OBEDIENT);
  const started = performance.now();
  assert.equal(await stop(shell.identity, 60_000), "terminated");
  assert.ok(performance.now() - started < 10_000);
  assert.equal(isAlive(shell.pid), false);
  await shell.exited();
  assertEndedBy(shell, "SIGTERM");
});

test("stop() lets a process finish what it does at its end", async () => {
  await using shell = await Shell.start(
    "trap 'sleep 0.1; exit 7' TERM; echo ready; sleep 300 & echo child $!; wait",
    `onAsked(async () => { await delay(100); process.exit(7); }); say("ready"); say("child " + start("await sleep()"));
    await sleep()`,
  );
  await eventually(() => shell.named.has("child"), "the shell waits");
  assert.equal(await stop(shell.pid, 60_000), "terminated");
  await shell.exited();
  assert.equal(shell.process.exitCode, 7);
});

test("stop() ends a process that does not listen, when its time is over and not before", async () => {
  await using shell = await Shell.start(...DEAF);
  const started = performance.now();
  assert.equal(await stop(shell.identity, 150), "killed");
  assert.ok(performance.now() - started >= 149);
  assert.equal(isAlive(shell.pid), false);
  await shell.exited();
  assertEndedBy(shell, "SIGKILL");
});

test("stop() of a process that is stopped itself (SIGSTOP) ends it", async () => {
  await using shell = await Shell.start(...OBEDIENT);
  await freeze(shell.pid);
  // It can be ended without its help, which is what asking means on Windows.
  assert.equal(await stop(shell.identity, 50), onWindows ? "terminated" : "killed");
  assert.equal(isAlive(shell.pid), false);
});

test("stop() of a process that has ended does nothing", async () => {
  await using shell = await Shell.start("echo ready; read line", `say("ready"); await read()`);
  const { identity } = shell;
  shell.goOn();
  await shell.exited();
  assert.equal(await stop(identity, 1000), "not-running");
  assert.equal(await stop(shell.pid, 1000), "not-running");
});

test("stop() without any patience asks first all the same", async () => {
  await using shell = await Shell.start(...DEAF);
  assert.equal(await stop(shell.identity, 0), "killed");
});

test("two that stop one process at once both see it end", async () => {
  await using shell = await Shell.start(...OBEDIENT);
  const { identity } = shell;
  const outcomes = await Promise.all([stop(identity, 20_000), stop(identity, 20_000)]);
  assert.ok(outcomes.every((outcome) => outcome === "terminated" || outcome === "not-running"), outcomes.join());
  assert.ok(outcomes.includes("terminated"));
});

test("an identity that is another one's reaches nobody", async () => {
  await using shell = await Shell.start(...OBEDIENT);
  const { pid } = shell;
  await freeze(pid);
  for (const other of [{ pid, start: "an earlier time" }, { pid, start: identityOf(process.pid)!.start }]) {
    assert.equal(terminate(other), false);
    assert.equal(kill(other), false);
    assert.equal(await stop(other, 1000), "not-running");
    assert.equal(killGroup(other), false);
    assert.equal(await stopGroup(other, 1000), "not-running");
  }
  assertUntouched(pid);
  assert.equal(terminate(shell.identity), true);
  assert.throws(() => assertUntouched(pid), "a signal would have been seen");
});

for (
  const [what, pid] of [["this process", process.pid], ["the first process", 1], ["group 0", 0], ["all", -1]] as const
) {
  test(`${what} is never signalled`, { skip: pid === 1 && notOnWindows("first") }, async () => {
    const refused = (error: unknown): boolean => {
      assert.ok(isProcrefError(error, "INVALID_ARGUMENT"), String(error));
      assert.match(error.message, /it is this process itself|as a process: a PID is an integer from 2/);
      return true;
    };
    const start = pid > 0 ? identityOf(pid)!.start : "any";
    for (const target of [pid, { pid, start }]) {
      assert.throws(() => terminate(target), refused);
      assert.throws(() => kill(target), refused);
      await assert.rejects(stop(target, 1000), refused);
    }
    assert.throws(() => killGroup({ pid, start }), refused);
    await assert.rejects(stopGroup({ pid, start }, 1000), refused);
  });
}

for (const time of [-1, NaN, "5", undefined, null]) {
  test(`${typeof time === "string" ? `"${time}"` : time} is no time to wait`, async () => {
    await using shell = await Shell.start(...OBEDIENT);
    await freeze(shell.pid);
    const refused = (error: unknown): boolean => isProcrefError(error, "INVALID_ARGUMENT");
    await assert.rejects(stop(shell.identity, time as number), refused);
    await assert.rejects(stopGroup(shell.identity, time as number), refused);
    assertUntouched(shell.pid);
  });
}

test(
  "somebody else's process is not ended, and the error says why",
  { skip: notOnWindows("owners") || withoutRoot },
  async () => {
    await using child = new Child("process_calls.ts", { env: { PROCREF_TEST_UID: String(NOBODY) } });
    await child.line("ready");
    await using shell = await Shell.start(...OBEDIENT);
    await freeze(shell.pid);
    assert.deepEqual(await child.call("identityOf", shell.pid), shell.identity);
    assert.equal(await child.call("isAlive", shell.pid), true);
    for (
      const [name, ...args] of [
        ["terminate", shell.pid],
        ["terminate", shell.identity],
        ["kill", shell.identity],
        ["stop", shell.identity, 1000],
        ["killGroup", shell.identity],
        ["stopGroup", shell.identity, 1000],
      ] as const
    ) {
      await assert.rejects(child.call(name, ...args), {
        code: "PERMISSION",
        message: new RegExp(
          `^Cannot send signal (9|15) to process (group )?${shell.pid}: .* failed with EPERM \\(1\\)`,
        ),
      });
    }
    assertUntouched(shell.pid);
  },
);
