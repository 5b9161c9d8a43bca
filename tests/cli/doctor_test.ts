import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { PROCREF, procref, procrefJson } from "../harness/command.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows, onWindows } from "../harness/platform.ts";
import { runtime } from "../harness/runtime.ts";

const CHECKS = [
  "versions",
  "mechanism",
  "directory",
  "files",
  "exclusion",
  "crash release",
  "processes",
  "supervisors",
  "limits",
  "namespaces",
];

interface Check {
  readonly check: string;
  readonly verdict: string;
  readonly message: string;
}

test("doctor finds this machine well, and leaves nothing behind", async () => {
  await withDirectory(async (directory) => {
    const env = { PROCREF_DIR: directory };
    const report = await procrefJson(["doctor"], { env });
    assert.deepEqual(Object.keys(report), ["procref", "healthy", "checks"]);
    assert.equal(report.healthy, true);
    assert.deepEqual(report.checks.map(({ check }: Check) => check), CHECKS);
    for (const each of report.checks as Check[]) {
      assert.deepEqual(Object.keys(each), ["check", "verdict", "message"]);
      assert.equal(each.verdict, "ok", `${each.check}: ${each.message}`);
    }
    const message = (name: string): string => report.checks.find(({ check }: Check) => check === name).message;
    assert.match(message("mechanism"), onWindows ? /^handles: / : /^sysv: /);
    assert.match(message("crash release"), onWindows ? /killed by TerminateProcess$/ : /killed by SIGKILL$/);
    assert.ok(message("directory").startsWith(directory));
    const { status, out } = await procref(["doctor"], { env });
    assert.equal(status, 0);
    assert.equal(out.trimEnd().split("\n").length, CHECKS.length);
    assert.deepEqual(readdirSync(directory), []);
  });
});

const OTHERS_MAY_ENTER =
  /^failed +directory +Cannot keep state in .*: others may enter it \(mode 755\); use chmod 700$/m;

test("doctor says what is wrong with a directory, and still checks the rest", async () => {
  await withDirectory(async (directory) => {
    const open = join(directory, "open");
    if (onWindows) writeFileSync(open, "");
    else mkdirSync(open);
    chmodSync(open, 0o755);
    const { status, out } = await procref(["doctor", "--directory", open]);
    assert.equal(status, 1);
    const why = onWindows ? /^failed +directory +Cannot keep state in .*: it is not a directory/m : OTHERS_MAY_ENTER;
    assert.match(out, why);
    assert.match(out, /^ok +crash release /m);
  });
});

/** Inside an IPC namespace of its own the limit can be lowered without disturbing anybody. */
function lowered(sets: number, more = ""): string[] {
  const script = `echo "32000 1024000000 500 ${sets}" > /proc/sys/kernel/sem && ${more} exec "$@"`;
  return ["unshare", "-i", "sh", "-c", script, "sh"];
}
const cannotLower = spawnSync(lowered(0)[0], [...lowered(0).slice(1), "true"]).status !== 0 &&
  "the limits cannot be lowered here";

test("doctor fails where all semaphore sets are in use", {
  skip: notOnWindows("semaphores") || cannotLower,
}, async () => {
  await withDirectory(async (directory) => {
    const command = [...lowered(1, "ipcmk -S 1 >/dev/null;"), ...PROCREF[runtime]];
    const { status, out } = await procref(["doctor", "--directory", directory], { command });
    assert.equal(status, 1);
    assert.match(out, /^failed +exclusion .*limit of semaphore sets is reached/m);
    assert.match(out, /^failed +crash release /m);
    assert.match(out, /^failed +limits +1 of 1 semaphore sets in use.*raise kernel.sem/m);
    assert.match(out, /^ok +files /m);
  });
});

test("doctor says why it counts by lock files where the kernel has no semaphores, and that they do", {
  skip: notOnWindows("semaphores") || cannotLower,
}, async () => {
  await withDirectory(async (directory) => {
    const command = [...lowered(0), ...PROCREF[runtime]];
    const { status, out } = await procref(["doctor"], { command, env: { PROCREF_DIR: directory } });
    assert.equal(status, 0, out);
    assert.match(out, /^ok +mechanism +slots: lock files, for the kernel is set to have no semaphores/m);
    assert.match(out, /^ok +exclusion /m);
    assert.match(out, /^ok +crash release /m);
    assert.match(out, /^ok +limits +semaphores are not used here$/m);
    assert.deepEqual(readdirSync(directory), []);
  });
});
