import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { LINUX_ERRNO as E } from "../../ffi/symbols/linux_libc.ts";
import { isProcrefError } from "../../src/errors.ts";
import { identityOf, isAlive, killGroup, stop, terminate } from "../../src/process/mod.ts";
import { ProcessWatch } from "../../src/process/process_watch.ts";
import { compile, withoutCompiler } from "../fixtures/c_compiler.ts";
import { becomesSleep, becomesZombie, Shell, stateOf } from "../fixtures/shell.ts";
import { NOBODY, withoutRoot } from "../fixtures/user.ts";
import { Child } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows, onWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";

test("this process is alive, by number and by identity", () => {
  const self = identityOf(process.pid)!;
  assert.equal(self.pid, process.pid);
  assert.ok(isAlive(process.pid));
  assert.ok(isAlive(self));
  assert.deepEqual(identityOf(process.pid), self, "it is the same whenever it is asked for");
});

for (const runtime of bothRuntimes) {
  test(`a process in ${runtime} knows itself as others know it`, async () => {
    await using child = new Child("process_calls.ts", { runtime });
    await child.line("ready");
    assert.deepEqual(await child.call("identityOf", child.pid), identityOf(child.pid));
    assert.deepEqual(await child.call("identityOf", process.pid), identityOf(process.pid));
    assert.equal(await child.call("isAlive", identityOf(process.pid)), true);
  });
}

test("the first process is alive, whoever owns it: in a container it may be this one", {
  skip: notOnWindows("first"),
}, () => {
  assert.ok(isAlive(1));
  assert.ok(isAlive(identityOf(1)!));
});

test("a process that has ended and been reaped is not alive", async () => {
  await using shell = await Shell.start("echo ready; read line", `say("ready"); await read()`);
  const { identity } = shell;
  assert.ok(isAlive(identity));
  shell.goOn();
  await shell.exited();
  assert.equal(isAlive(shell.pid), false);
  assert.equal(isAlive(identity), false);
  assert.equal(identityOf(shell.pid), undefined);
});

test("a number that no process has is not alive", () => {
  assert.equal(isAlive(2 ** 31 - 1), false);
  assert.equal(identityOf(2 ** 31 - 1), undefined);
});

test(
  "a zombie is not alive, though the kernel still takes signals for it",
  { skip: notOnWindows("zombies") },
  async () => {
    await using shell = await Shell.start("sleep 300 & echo child $!; echo ready; exec sleep 300");
    // A shell reaps its children; this program does not.
    await becomesSleep(shell.pid);
    const child = shell.identityOf("child");
    using watch = ProcessWatch.open(child)!;
    assert.ok(isAlive(child) && watch.isAlive());
    process.kill(child.pid, "SIGKILL");
    await becomesZombie(child.pid);
    process.kill(child.pid, 0);
    assert.equal(isAlive(child.pid), false);
    assert.equal(isAlive(child), false);
    assert.equal(watch.isAlive(), false);
    assert.equal(identityOf(child.pid), undefined);
    assert.equal(terminate(child), false);
    assert.equal(watch.signal(15), false);
    assert.equal(await stop(child, 1000), "not-running");
    assert.equal(ProcessWatch.open(child), undefined);
  },
);

test("a process whose main thread alone has ended is alive, though it looks like a zombie", {
  skip: notOnWindows("zombies") || withoutCompiler,
}, async () => {
  await withDirectory(async (directory) => {
    const program = compile("main_thread_gone.c", directory);
    await using shell = await Shell.start(`exec ${program}`);
    await eventually(() => stateOf(shell.pid) === "Z", "it looks like a zombie");
    const { identity } = shell;
    assert.ok(isAlive(shell.pid));
    assert.ok(isAlive(identity));
    using watch = ProcessWatch.open(identity)!;
    assert.ok(watch.isAlive());
    assert.equal(await stop(identity, 20_000), "terminated");
    assert.equal(isAlive(identity), false);
  });
});

test("a process that has the number of another one, started at another time, is not that one", () => {
  const self = identityOf(process.pid)!;
  const [ticks, ...place] = self.start.split(" ");
  const starts = [[BigInt(ticks) - 1n, ...place].join(" "), `${ticks} pid:[1] ${place[1]}`, ""];
  for (const start of onWindows ? starts : [...starts, ticks]) {
    assert.equal(isAlive({ pid: process.pid, start }), false, start);
  }
  assert.equal(isAlive({ pid: 1, start: self.start }), false);
});

test("a process that the system hides (hidepid) is alive when the kernel knows it as somebody else's", {
  skip: notOnWindows("owners") || withoutRoot,
}, async () => {
  await using child = new Child("process_calls.ts", { env: { PROCREF_TEST_UID: String(NOBODY) } });
  await child.line("ready");
  await using shell = await Shell.start("echo ready; read line", `say("ready"); await read()`);
  const { pid } = shell;
  await child.call("plan", { symbol: "open", times: 1e9, errno: E.ENOENT });
  assert.equal(await child.call("isAlive", pid), true);
  assert.equal(await child.call("isAlive", { pid, start: "hidden" }), true, "what cannot be told is believed");
  assert.equal(await child.call("identityOf", pid), undefined);
  shell.goOn();
  await shell.exited();
  assert.equal(await child.call("isAlive", pid), false);
});

const NO_PIDS = [0, -1, -2, 1.5, NaN, Infinity, 2 ** 31, 2 ** 53, "12", null, undefined, {}, true];

for (const value of NO_PIDS) {
  const shown = typeof value === "string" ? `"${value}"` : JSON.stringify(value) ?? String(value);
  test(`${Number.isFinite(value) || typeof value !== "number" ? shown : value} is no process`, async () => {
    const refused = (error: unknown): boolean => {
      assert.ok(isProcrefError(error, "INVALID_ARGUMENT"), String(error));
      assert.match(error.message, /as a process: a PID is an integer from [12] to 2147483647$/);
      return true;
    };
    const pid = value as number;
    assert.throws(() => identityOf(pid), refused);
    // An object is an identity, whose number is looked at.
    if (value !== null && value !== undefined) assert.throws(() => isAlive(pid), refused);
    assert.throws(() => isAlive({ pid, start: "x" }), refused);
    assert.throws(() => terminate({ pid, start: "x" }), refused);
    assert.throws(() => killGroup({ pid, start: "x" }), refused);
    await assert.rejects(stop({ pid, start: "x" }, 1000), refused);
  });
}
