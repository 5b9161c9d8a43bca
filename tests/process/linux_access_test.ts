import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { isProcrefError } from "../../src/errors.ts";
import { markedProcesses } from "../../src/process/marks.ts";
import type { LinuxAccess } from "../../src/process/linux/linux_access.ts";
import { NativeAccess } from "../../src/process/linux/native_access.ts";
import { splitStatusLines } from "../../src/process/linux/proc_files.ts";
import { ShellAccess } from "../../src/process/linux/shell_access.ts";
import { becomesSleep, Shell } from "../fixtures/shell.ts";
import { Child } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import { withDirectory } from "../harness/names.ts";

const ACCESSES: readonly (readonly [string, LinuxAccess])[] = [
  ["native calls", new NativeAccess()],
  ["the shell", new ShellAccess()],
];
const NOBODYS_PID = 2 ** 31 - 1;

for (const [by, access] of ACCESSES) {
  test(`by ${by}, files and links of /proc are read, and what is not there is undefined`, () => {
    const self = `/proc/${process.pid}`;
    assert.match(new TextDecoder().decode(access.bytes(`${self}/stat`)), new RegExp(`^${process.pid} \\(`));
    assert.ok(access.bytes(`${self}/environ`)!.includes(0), "bytes are bytes");
    assert.match(access.link(`${self}/ns/pid`)!, /^pid:\[\d+\]$/);
    assert.equal(access.bytes(`/proc/${NOBODYS_PID}/stat`), undefined);
    assert.equal(access.link(`/proc/${NOBODYS_PID}/ns/pid`), undefined);
    assert.throws(() => access.bytes("/proc"), (error) => isProcrefError(error, "IO"));
    const pids = access.processes();
    assert.ok(pids.includes(process.pid) && pids.includes(1) && pids.every(Number.isInteger));
  });

  test(`by ${by}, a signal reaches a process or a group, and a number that nobody has is told`, async () => {
    await using shell = await Shell.start("sleep 300 & echo child $!; echo ready; wait");
    assert.equal(access.signal(shell.pidOf("child"), 0), true);
    assert.equal(access.signal(-shell.pid, 15), true);
    await shell.exited();
    assert.equal(access.signal(NOBODYS_PID, 15), false);
    assert.equal(access.signal(-NOBODYS_PID, 15), false);
    assert.equal(access.isForeign(NOBODYS_PID), false);
    assert.equal(access.isForeign(process.pid), false);
    assert.throws(() => access.signal(process.pid, 4711), (error) => isProcrefError(error, "OTHER"));
  });

  test(`by ${by}, a program is told from what is none`, async () => {
    await withDirectory((directory) => {
      const path = (name: string): string => join(directory, name);
      for (const name of ["plain", "program", 'it\'s $(a) "program"']) writeFileSync(path(name), "");
      for (const name of ["program", 'it\'s $(a) "program"']) chmodSync(path(name), 0o700);
      mkdirSync(path("directory"));
      symlinkSync(path("program"), path("link"));
      symlinkSync(path("nothing"), path("dangling"));
      const answers = ["program", 'it\'s $(a) "program"', "link", "plain", "directory", "dangling", "nothing"]
        .map((name) => access.canRun(path(name)));
      assert.deepEqual(answers, [true, true, true, "denied", "denied", false, false]);
    });
  });
}

test("the shell finds processes by an entry of their environment, and by nothing that only looks like it", async () => {
  const { searchEnvironments } = new ShellAccess().sweeps;
  const mark = crypto.randomUUID();
  const start = (entry: string): Promise<Shell> =>
    Shell.start(`exec env '${entry}' sh -c 'echo ready; exec sleep 300'`);
  await using marked = await start(`PROCREF_TEST_MARK=${mark}`);
  await using longer = await start(`PROCREF_TEST_MARK=${mark}x`);
  await using inside = await start(`OTHER=PROCREF_TEST_MARK=${mark}`);
  await using lines = await start(`OTHER=line\n/proc/${process.pid}/environ:PROCREF_TEST_MARK=${mark}`);
  await using bare = await Shell.start("echo ready; exec env -i sleep 300");
  await becomesSleep(bare.pid);
  const { found, empty } = searchEnvironments([`PROCREF_TEST_MARK=${mark}`, "PROCREF_TEST_MARK=another"]);
  assert.deepEqual(found, [marked.pid]);
  for (const { pid } of [marked, longer, inside, lines]) assert.ok(!empty.includes(pid));
  assert.ok(empty.includes(bare.pid), "one without any environment cannot be told from one that shows none yet");
});

test("the shell finds a marked process also while it changes its program, when the kernel shows no environment", async () => {
  await withDirectory(async (directory) => {
    const script = join(directory, "again");
    const mark = crypto.randomUUID();
    writeFileSync(script, `exec /bin/sh '${script}'\n`);
    await using shell = await Shell.start(`echo ready; PROCREF_MARK=${mark} exec /bin/sh '${script}'`);
    await eventually(() => markedProcesses([mark]).length === 1, "it runs the script");
    const command = ["deno", "run", "-A", "--deny-ffi", "--no-check", "--quiet"];
    await using looker = new Child("find_marked.ts", { command, args: [mark, String(shell.pid)] });
    const { looks, found, met } = JSON.parse(await looker.line(""));
    assert.equal(found, looks);
    assert.ok(met > 0, `it was met in ${looks} looks`);
    await looker.exited;
  });
});

test("the lines of many processes are told apart, whatever the processes are called", () => {
  const rest = Array.from({ length: 50 }, (_, index) => index).join(" ");
  const names = ["sleep", "a b", "x\n7 (y) Z 1 2", ")\n8 (", "\n\n", "(\n", ""];
  const lines = names.map((name, index): [number, string] => [100 + index, `${100 + index} (${name}) S ${rest}`]);
  assert.deepEqual(splitStatusLines(lines.map(([, line]) => `${line}\n`).join("")), lines);
  assert.deepEqual(splitStatusLines(""), []);
});

test("the list of all statuses that the shell gives has each process once", () => {
  const { statusLines } = new ShellAccess().sweeps;
  const pids = splitStatusLines(statusLines()).map(([pid]) => pid);
  assert.equal(new Set(pids).size, pids.length);
  assert.ok(pids.includes(process.pid) && pids.includes(1));
});

test("the laws of processes hold in Deno without native calls", async () => {
  const files = ["group", "is_alive", "manager", "stop"].map((name) =>
    fileURLToPath(new URL(`${name}_test.ts`, import.meta.url))
  );
  const { stdout } = await promisify(execFile)(
    "deno",
    ["test", "--no-prompt", "--no-check", "-A", "--deny-ffi", ...files],
    { env: { ...process.env, NO_COLOR: "1", PROCREF_TEST_RUNTIME: "deno" } },
  );
  const [, passed, failed] = /(\d+) passed[^|]*\| (\d+) failed/.exec(stdout) ?? assert.fail(stdout);
  assert.ok(Number(passed) > 60, stdout);
  assert.equal(failed, "0");
});
