import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { LINUX, LINUX_ERRNO as E } from "../../ffi/symbols/linux_libc.ts";
import { isAlive, kill, stop, terminate } from "../../src/process/mod.ts";
import { ProcessWatch } from "../../src/process/process_watch.ts";
import type { RecordedCall } from "../fixtures/faults.ts";
import { Shell } from "../fixtures/shell.ts";
import { Child } from "../harness/child.ts";
import { notOnWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";

const SLEEP = ["echo ready; exec sleep 300", `say("ready"); await sleep()`] as const;
const PIDFD_OPEN = String(LINUX.SYS_pidfd_open);

/** How many PID descriptors of a process this one has; of those that have ended, unless one is given. */
function descriptorsOf(pid = -1): number {
  // Those of the runtime, for its own children, come and go.
  return readdirSync("/proc/self/fdinfo").filter((number) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${number}`, "utf8").includes(`\nPid:\t${pid}\n`);
    } catch {
      // The descriptor of the listing itself, which is gone.
      return false;
    }
  }).length;
}

test("a watch sees its process run and end", async () => {
  await using shell = await Shell.start(...SLEEP);
  using watch = ProcessWatch.ofPid(shell.pid)!;
  assert.deepEqual(watch.identity, shell.identity);
  assert.equal(watch.isAlive(), true);
  assert.equal(watch.signal(LINUX.SIGTERM), true);
  await shell.exited();
  assert.equal(watch.isAlive(), false);
  assert.equal(watch.signal(LINUX.SIGTERM), false);
});

test("a watch can watch this very process", () => {
  using watch = ProcessWatch.ofPid(process.pid)!;
  assert.equal(watch.isAlive(), true);
});

test("a watch that is closed says no more, and signals nobody", async () => {
  await using shell = await Shell.start(...SLEEP);
  const watch = ProcessWatch.ofPid(shell.pid)!;
  watch.close();
  watch.close();
  assert.equal(watch.isAlive(), false);
  assert.equal(watch.signal(LINUX.SIGKILL), false);
  assert.ok(isAlive(shell.pid));
});

test("who has ended, or is another one, cannot be watched", async () => {
  await using shell = await Shell.start(...SLEEP);
  const { identity } = shell;
  assert.equal(ProcessWatch.open({ ...identity, start: "another time" }), undefined);
  process.kill(shell.pid, "SIGKILL");
  await shell.exited();
  assert.equal(ProcessWatch.open(identity), undefined);
  assert.equal(ProcessWatch.ofPid(shell.pid), undefined);
});

test("no descriptor stays open, however a watch ends", { skip: notOnWindows("procfs") }, async () => {
  // Not a child of ours: the runtime has a descriptor of its own for each of those.
  await using shell = await Shell.start(
    `sh -c "trap '' TERM; echo child \\$\\$; echo ready; exec sleep 300" & exec sleep 300`,
  );
  const child = shell.identityOf("child");
  const watches = Array.from({ length: 50 }, () => ProcessWatch.open(child)!);
  assert.equal(descriptorsOf(child.pid), 50);
  for (const watch of watches) watch.close();
  assert.equal(descriptorsOf(child.pid), 0);
  for (let time = 0; time < 50; time++) {
    ProcessWatch.open({ ...child, start: "another time" });
    isAlive(child);
    terminate(child);
  }
  assert.equal(descriptorsOf(child.pid), 0);
  const ended = descriptorsOf();
  assert.equal(await stop(child, 20), "killed");
  for (let time = 0; time < 50; time++) {
    ProcessWatch.open(child);
    kill(child);
  }
  assert.ok(descriptorsOf() <= ended);
});

test("a watch that is forgotten is closed when it is collected", { skip: notOnWindows("procfs") }, async () => {
  const commands = {
    deno: ["deno", "run", "-A", "--no-check", "--quiet", "--v8-flags=--expose-gc"],
    bun: ["bun", "run"],
  };
  await using shell = await Shell.start(...SLEEP);
  for (const runtime of bothRuntimes) {
    await using child = new Child("forgotten_watch.ts", { command: commands[runtime], args: [String(shell.pid)] });
    assert.equal(await child.line("of "), "20 few are left");
    await child.exited;
  }
});

for (const errno of ["ENOSYS", "EPERM"] as const) {
  test(`where PID descriptors are denied (${errno}), a watch looks the identity up each time`, {
    skip: notOnWindows("pidfd"),
  }, async () => {
    for (const runtime of bothRuntimes) {
      await using child = new Child("process_calls.ts", { runtime });
      await child.line("ready");
      await child.call("plan", { symbol: "syscall", first: PIDFD_OPEN, times: 1e9, errno: E[errno] });
      await using shell = await Shell.start(...SLEEP);
      await using deaf = await Shell.start("trap '' TERM; echo ready; exec sleep 300");
      assert.equal(await child.call("watch", shell.pid), true);
      assert.equal(await child.call("countPidDescriptors"), 0);
      assert.deepEqual(await child.call("watchesAlive"), [true]);
      assert.equal(await child.call("terminate", { ...shell.identity, start: "another time" }), false);
      assert.equal(await child.call("stop", shell.identity, 20_000), "terminated");
      assert.deepEqual(await child.call("watchesAlive"), [false]);
      assert.deepEqual(await child.call("signalWatched", LINUX.SIGKILL), [false]);
      await child.call("closeWatches");
      assert.equal(await child.call("stop", deaf.identity, 20), "killed");
      const calls = await child.call<RecordedCall[]>("takeCalls");
      assert.deepEqual(calls.filter(({ symbol, args }) => symbol === "kill" && args[1] !== 0).map(({ args }) => args), [
        [shell.pid, LINUX.SIGTERM],
        [deaf.pid, LINUX.SIGTERM],
        [deaf.pid, LINUX.SIGKILL],
      ]);
    }
  });
}

test(
  "when the system gives no descriptor, a watch is an error and not a guess",
  { skip: notOnWindows("pidfd") },
  async () => {
    await using child = new Child("process_calls.ts");
    await child.line("ready");
    await using shell = await Shell.start(...SLEEP);
    await child.call("plan", { symbol: "syscall", first: PIDFD_OPEN, errno: E.EMFILE });
    await assert.rejects(child.call("terminate", shell.identity), {
      code: "OTHER",
      message: `Cannot watch process ${shell.pid}: pidfd_open failed with EMFILE (24)`,
    });
    assert.ok(isAlive(shell.pid));
    assert.equal(await child.call("terminate", shell.identity), true);
  },
);

test(
  "a process that ends between the look and the signal is not an error",
  { skip: notOnWindows("pidfd") },
  async () => {
    await using child = new Child("process_calls.ts");
    await child.line("ready");
    await using shell = await Shell.start(...SLEEP);
    await child.call("plan", { symbol: "syscall", first: String(LINUX.SYS_pidfd_send_signal), errno: E.ESRCH });
    assert.equal(await child.call("terminate", shell.identity), false);
    await child.call("plan", { symbol: "kill", errno: E.ESRCH });
    assert.equal(await child.call("killGroup", shell.identity), false);
    assert.ok(isAlive(shell.pid));
  },
);
