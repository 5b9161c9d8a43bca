import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { isProcrefError } from "../../src/errors.ts";
import { identityOf, isAlive, stop } from "../../src/process/mod.ts";
import { LinuxProcesses } from "../../src/process/linux/linux_processes.ts";
import {
  hasEnded,
  hasNoEnvironment,
  listProcesses,
  parseStatus,
  readProcFile,
  readProcLink,
  readStatusLine,
  type StatusFields,
} from "../../src/process/linux/proc_files.ts";
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
      parent: 1,
      group: 4700,
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
    assert.deepEqual(
      new LinuxProcesses().status(shell.pid)!.group,
      shell.pid,
      "it leads the group that it was started with",
    );
    assert.equal(await stop(identityOf(shell.pid)!, 20_000), "terminated");
  });
});

test("what a process reads of itself is what others read of it, also where an emulator makes up its own file", () => {
  const { pid } = process;
  const others = execFileSync("/bin/cat", [`/proc/${pid}/stat`], { encoding: "utf8" });
  // It runs while it reads, and sleeps or not while others do; a runtime starts and ends threads as it likes.
  const lasting = ({ state: _state, threads: _threads, ...fields }: StatusFields): object => fields;
  assert.deepEqual(lasting(parseStatus(readStatusLine(pid)!)!), lasting(parseStatus(others)!));
  assert.equal(hasEnded(parseStatus(readStatusLine(pid)!)!), false);
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
  assert.equal(new LinuxProcesses().status(2 ** 31 - 1), undefined);
});

test("the environment of a process is told while it changes its program, when the kernel shows none", async () => {
  await withDirectory(async (directory) => {
    const script = join(directory, "again");
    writeFileSync(script, `exec /bin/sh '${script}'\n`);
    await using shell = await Shell.start(`echo ready; THE_MARK=here exec /bin/sh '${script}'`);
    const linux = new LinuxProcesses();
    const mark = (): boolean => Buffer.from(linux.environment(shell.pid)!).includes("\0THE_MARK=here\0");
    await eventually(mark, "it runs the script");
    let hidden = 0;
    // Until the kernel has shown none a few times: then the many others were not luck.
    await eventually(() => {
      for (let looks = 0; looks < 100; looks++) {
        if (readProcFile(`/proc/${shell.pid}/environ`) === "") hidden++;
        assert.ok(mark());
      }
      return hidden >= 3;
    }, "it is met while it changes its program");
  });
});

test("a thread of the kernel, and a process without any environment, are not waited for", async () => {
  const linux = new LinuxProcesses();
  await using shell = await Shell.start("echo ready; exec env -i /bin/sleep 300");
  await eventually(() => linux.command(shell.pid)?.[0] === "/bin/sleep", "it has its program");
  assert.equal(linux.environment(shell.pid)!.length, 0);
  const line = readProcFile(`/proc/${shell.pid}/stat`)!;
  assert.equal(hasNoEnvironment(line), true);
  const fields = line.slice(line.lastIndexOf(")") + 2).trimEnd().split(" ");
  const withFields = (flags: number, code: string, begin: string, end: string): string =>
    `1 (x) ${fields.with(6, String(flags)).with(23, code).with(47, begin).with(48, end).join(" ")}\n`;
  assert.equal(hasNoEnvironment(withFields(0x400000, "0", "0", "0")), false, "it is changing its program");
  assert.equal(hasNoEnvironment(withFields(0x400000, "0", "4096", "4096")), false, "it is nearly done");
  assert.equal(hasNoEnvironment(withFields(0x400000, "1024", "4096", "5000")), false, "it has one");
  assert.equal(hasNoEnvironment(withFields(0x400000, "1024", "4096", "4096")), true, "it has none");
  assert.equal(hasNoEnvironment(withFields(0x200040, "0", "0", "0")), true, "a thread of the kernel");
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
