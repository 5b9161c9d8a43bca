import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { isProcrefError } from "../../src/errors.ts";
import { identityOf, isAlive, stop } from "../../src/process/mod.ts";
import {
  hasEnded,
  listProcesses,
  parseStatus,
  processStatus,
  readProcFile,
  readProcLink,
} from "../../src/process/proc_files.ts";
import { Shell } from "../fixtures/shell.ts";
import { eventually } from "../harness/eventually.ts";
import { withDirectory } from "../harness/names.ts";

/** A line as proc_pid_stat(5) describes it. */
function line(name: string, state = "S"): string {
  return `4711 (${name}) ${state} 1 4700 4600 0 -1 4194304 100 0 0 0 1 2 3 4 20 0 7 0 123456789 999 10 18446744073709551615\n`;
}

for (const name of ["sleep", "my program", ") Z 1 (", "a) Z 1 2 3", "((()))", ")", "", "\n) R"]) {
  test(`the status of a process that is called ${JSON.stringify(name)} is read right`, () => {
    assert.deepEqual(parseStatus(line(name)), {
      state: "S",
      group: 4700,
      session: 4600,
      threads: 7,
      startTicks: "123456789",
    });
  });
}

test("a status that is cut off is none", () => {
  for (const text of ["", "4711", "4711 (sleep", "4711 (sleep) S 1 4700", line("sleep").slice(0, 60)]) {
    assert.equal(parseStatus(text), undefined, text);
  }
});

test("a process with a name like a status is told right by the kernel's own file", async () => {
  await withDirectory(async (directory) => {
    const program = join(directory, "a) Z 1 (");
    copyFileSync("/bin/sleep", program);
    await using shell = await Shell.start(`echo ready; exec '${program}' 300`);
    await eventually(() => readProcFile(`/proc/${shell.pid}/stat`)!.includes("(a) Z 1 ()"), "it has that name");
    assert.ok(isAlive(shell.pid));
    assert.deepEqual(processStatus(shell.pid)!.group, shell.pid, "it leads the group that it was started with");
    assert.equal(await stop(identityOf(shell.pid)!, 20_000), "terminated");
  });
});

test("a process has ended as a zombie without threads, or when it is just gone", () => {
  const ended = (state: string, threads: number): boolean => hasEnded({ ...parseStatus(line("x"))!, state, threads });
  assert.deepEqual(["R", "S", "D", "T", "t", "I"].map((state) => ended(state, 1)), Array(6).fill(false));
  assert.equal(ended("Z", 2), false);
  assert.equal(ended("Z", 1), true);
  assert.equal(ended("Z", 0), true);
  assert.equal(ended("X", 1), true);
  assert.equal(ended("x", 1), true);
});

test("files and links of /proc are read as a whole, and what is not there is undefined", () => {
  assert.match(readProcFile("/proc/sys/kernel/random/boot_id")!, /^[0-9a-f-]{36}\n$/);
  assert.equal(readProcFile("/proc/2147483647/stat"), undefined);
  assert.match(readProcLink("/proc/self/ns/pid")!, /^pid:\[\d+\]$/);
  assert.equal(readProcLink("/proc/self/ns/none"), undefined);
  assert.equal(processStatus(2 ** 31 - 1), undefined);
});

test("what cannot be read at all is an error with its path", () => {
  assert.throws(() => readProcFile("/proc"), (error) => {
    assert.ok(isProcrefError(error, "IO"), String(error));
    assert.equal(error.message, "Cannot read /proc: read failed with EISDIR (21)");
    assert.equal(error.details.path, "/proc");
    return true;
  });
});

test("the list of processes has this one, its parent and the first one, and only numbers", () => {
  const pids = listProcesses();
  for (const pid of [1, process.pid, process.ppid]) assert.ok(pids.includes(pid), `process ${pid}`);
  assert.ok(pids.every((pid) => Number.isInteger(pid) && pid > 0));
  assert.equal(new Set(pids).size, pids.length);
});
