import assert from "node:assert/strict";
import { openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { DarwinProcesses } from "../../src/process/darwin/darwin_processes.ts";
import { ExitQueue } from "../../src/process/darwin/exit_queue.ts";
import { parseProcessArguments } from "../../src/process/darwin/process_arguments.ts";
import { ignoredSignals, SIGKILL, SIGTERM } from "../../src/process/signals.ts";
import { spawnDetached } from "../../src/process/unix/spawned_detached.ts";
import { becomesSleep, becomesZombie, Shell } from "../fixtures/shell.ts";
import { xnuProcesses } from "../fixtures/xnu_processes.ts";
import { eventually } from "../harness/eventually.ts";
import { withDirectory } from "../harness/names.ts";

/** What runs on macOS, on the processes of this machine. */
const libc = xnuProcesses();
const processes = new DarwinProcesses(() => libc);

const SLEEP = "echo ready; exec sleep 300";
/** A child that nobody takes note of, in a group with its parent. */
const ZOMBIE = "sleep 300 & echo child $!; echo ready; exec sleep 300";

test("macOS: the status of a process says when it started, its group, and that it runs", async () => {
  await using shell = await Shell.start(SLEEP);
  const status = processes.status(shell.pid)!;
  assert.match(status.start, /^\d{10}\.\d+ 12345678-9ABC$/);
  assert.deepEqual(status, { start: status.start, ended: false, group: shell.pid });
  assert.deepEqual(processes.status(shell.pid), status);
  assert.notEqual(processes.status(process.pid)!.start, status.start);
  const age = processes.ageMs(shell.pid)!;
  assert.ok(age >= 0 && age < 60_000, `${age} ms`);
  assert.equal(processes.owner(shell.pid), process.getuid!());
  assert.ok(processes.list().includes(shell.pid));
});

test("macOS: a zombie has ended, and one that is gone is not there", async () => {
  await using shell = await Shell.start(ZOMBIE);
  // A shell would take the status of its child.
  await becomesSleep(shell.pid);
  const zombie = shell.pidOf("child");
  process.kill(zombie, "SIGKILL");
  await becomesZombie(zombie);
  const status = processes.status(zombie)!;
  assert.deepEqual([status.ended, status.group], [true, shell.pid]);
  assert.equal(processes.hold(zombie), "gone");
  process.kill(shell.pid, "SIGKILL");
  await shell.exited();
  assert.equal(processes.status(shell.pid), undefined);
  assert.equal(processes.isHidden(shell.pid), false);
  assert.equal(processes.hold(shell.pid), "gone");
});

test("macOS: a hold sees its process end, signals it and then nobody, and frees all that it opened", async () => {
  const before = readdirSync("/proc/self/fd").length;
  await using shell = await Shell.start(SLEEP);
  const hold = processes.hold(shell.pid);
  assert.ok(hold instanceof ExitQueue);
  assert.equal(hold.isRunning(), true);
  assert.equal(hold.signal(SIGTERM), true);
  await shell.exited();
  assert.deepEqual([hold.isRunning(), hold.isRunning(), hold.signal(SIGKILL)], [false, false, false]);
  hold.close();
  await eventually(() => readdirSync("/proc/self/fd").length <= before + 2, "what the hold opened is closed");
});

test("macOS: a process shows its command line and environment", async () => {
  await using shell = await Shell.start(`export PROCREF_MARK=one; ${SLEEP}`);
  await eventually(() => processes.command(shell.pid)?.[0] === "sleep", "the shell is sleep");
  assert.deepEqual(processes.command(shell.pid), ["sleep", "300"]);
  const environment = new TextDecoder().decode(processes.environment(shell.pid));
  assert.ok(`\0${environment}`.includes("\0PROCREF_MARK=one\0"));
  assert.ok(!environment.includes("executable_path"), "what the loader is told does not belong to it");
  assert.deepEqual([processes.command(0x7ffffff), processes.environment(0x7ffffff)], [undefined, undefined]);
});

test("macOS: a group is signalled, and one of nothing but zombies is not somebody else's", async () => {
  await using shell = await Shell.start(`setsid ${ZOMBIE}`);
  // A shell would take the status of its child.
  await becomesSleep(shell.pid);
  const leader = shell.pidOf("child");
  await eventually(() => processes.status(leader)?.group === leader, "the child leads a group");
  assert.equal(processes.signal(-leader, SIGTERM), true);
  await becomesZombie(leader);
  assert.equal(processes.signal(-leader, SIGKILL), false);
  assert.equal(processes.signal(0x7fffffff, SIGTERM), false);
});

test("macOS: signals that are ignored, programs that can be run, and where this process lives", () => {
  assert.deepEqual(processes.ignoredSignals(), new Set([...ignoredSignals()].filter((number) => number < 32)));
  assert.deepEqual(["/bin/sh", "/bin", "/etc/passwd", "/nothing"].map((path) => processes.canRun(path)), [
    true,
    "denied",
    "denied",
    false,
  ]);
  assert.deepEqual(processes.domain(), { boot: "12345678-9ABC", pid: "macOS", ipc: "macOS" });
  assert.equal(processes.parentDeathProgram(), undefined);
  assert.equal(processes.terminalSignalsWholeGroup(), false);
});

test("macOS: a detached program has a session of its own, without any program in front of it", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "input");
    writeFileSync(path, "a word\n");
    const program = await spawnDetached([], {
      command: ["sh", "-c", 'read word; echo "$$ $word"; exec sleep 300'],
      env: { PATH: process.env.PATH! },
      input: { text: "a word\n", open: () => openSync(path, "r") },
    });
    const { line } = await program.firstLine(10_000);
    const [pid, ...word] = (line as string).split(" ");
    try {
      assert.deepEqual(word, ["a", "word"]);
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
      assert.deepEqual([fields[2], fields[3]], [pid, pid], "group and session");
    } finally {
      process.kill(Number(pid), "SIGKILL");
      program.release();
    }
  });
});

/** The answer of macOS to the question how a process was started. */
function answer(count: number, ...texts: string[]): Uint8Array {
  return Uint8Array.from([count, 0, 0, 0, ...new TextEncoder().encode(texts.join("\0"))]);
}

test("macOS: arguments and environment are told apart, whatever they hold", () => {
  const parse = (bytes: Uint8Array): unknown => {
    const found = parseProcessArguments(bytes);
    return found && [found.command, new TextDecoder().decode(found.environment)];
  };
  assert.deepEqual(parse(answer(2, "/bin/a", "", "", "a", "x=1", "A=1", "B=", "", "hidden=1", "")), [
    ["a", "x=1"],
    "A=1\0B=\0",
  ]);
  assert.deepEqual(parse(answer(3, "/bin/a", "a", "", "c", "A=1", "")), [["a", "", "c"], "A=1\0"]);
  assert.deepEqual(parse(answer(1, "/bin/sh", "sh", "")), [["sh"], ""], "the environment is hidden");
  assert.deepEqual(parse(answer(1, "/bin/a", "ä", "A=cut o")), [["ä"], "A=cut o"]);
  assert.deepEqual(parse(answer(0, "/bin/a", "")), [[], ""]);
  for (const cut of [answer(2, "/bin/a", "a", "b is cut o"), answer(2, "/bin"), new Uint8Array(3)]) {
    assert.equal(parse(cut), undefined);
  }
});
