import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { LINUX_ERRNO as E } from "../../ffi/symbols/linux_libc.ts";
import { listedSet } from "../fixtures/sets.ts";
import { Child } from "../harness/child.ts";
import { withDirectory } from "../harness/names.ts";
import { bothRuntimes, type RuntimeName } from "../harness/runtime.ts";

interface Chosen {
  readonly mechanism?: string;
  readonly reason?: string;
  readonly used?: string;
  readonly acquired?: boolean;
  readonly count?: number;
  readonly semgets: number;
  readonly error?: { readonly code: string; readonly message: string };
}

interface Machine {
  readonly amiss?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** What comes before the words that run the fixture. */
  readonly within?: readonly string[];
}

const COMMANDS: { readonly [R in RuntimeName]: readonly string[] } = {
  deno: ["deno", "run", "-A", "--no-check", "--quiet"],
  bun: ["bun", "run"],
};

/** What is chosen on a machine, in both runtimes alike. */
async function chosenOn({ amiss = {}, env = {}, within = [] }: Machine): Promise<Chosen> {
  const found: Chosen[] = [];
  for (const runtime of bothRuntimes) {
    await withDirectory(async (directory) => {
      const command = [...within, ...COMMANDS[runtime]];
      await using child = new Child("choose_mechanism.ts", { command, env, args: [directory, JSON.stringify(amiss)] });
      // The directory, which is another one each time, and what comes from it.
      const line = (await child.line("")).replaceAll(directory, "DIRECTORY").replaceAll(/0x\w+|\b[0-9a-f]{32}\b/g, "?");
      found.push(JSON.parse(line));
      assert.deepEqual(await child.exited, { code: 0, signal: null });
      assert.deepEqual(readdirSync(directory), []);
    });
  }
  assert.deepEqual(found[0], found[1]);
  return found[0];
}

test("where semaphores work they are chosen, and the probe makes none", async () => {
  const { reason, ...rest } = await chosenOn({});
  assert.deepEqual(rest, { mechanism: "sysv", used: "sysv", acquired: true, count: 1, semgets: rest.semgets });
  assert.match(reason!, /System V/);
  assert.equal(listedSet(0x70726f63), undefined);
});

for (const [name, number] of [["ENOSYS", E.ENOSYS], ["EPERM", E.EPERM], ["EACCES", E.EACCES]] as const) {
  test(`where semget is answered with ${name}, lock files are chosen, and the reason says so`, async () => {
    const { mechanism, used, acquired, count, reason } = await chosenOn({ amiss: { deny: number } });
    assert.deepEqual([mechanism, used, acquired, count], ["slots", "slots", true, 1]);
    assert.match(reason!, new RegExp(`^lock files, for System V semaphores are denied here .*${name}`));
  });
}

test("where the kernel may not undo what the dead have done (gVisor), lock files are chosen", async () => {
  const { mechanism, acquired, reason } = await chosenOn({ amiss: { missing: "/proc/sysvipc/sem" } });
  assert.deepEqual([mechanism, acquired], ["slots", true]);
  assert.match(reason!, /gVisor/);
});

for (
  const [what, machine] of [
    ["its environment", { env: { ANDROID_ROOT: "/system" } }],
    ["its files", { amiss: { present: "/system/build.prop" } }],
  ] as const
) {
  test(`on Android, known by ${what}, semget is not called even once`, async () => {
    const { mechanism, acquired, semgets, reason } = await chosenOn(machine);
    assert.deepEqual([mechanism, acquired, semgets], ["slots", true, 0]);
    assert.match(reason!, /Android/);
  });
}

/** In an IPC namespace of its own the limits can be changed without disturbing anybody. */
function limited(sets: number, more = ""): string[] {
  return [
    "unshare",
    "-i",
    "sh",
    "-c",
    `echo "32000 1024000000 500 ${sets}" >/proc/sys/kernel/sem; ${more} exec "$@"`,
    "sh",
  ];
}
const cannotLimit = spawnSync(limited(0)[0], [...limited(0).slice(1), "true"]).status !== 0 &&
  "the limits of semaphores cannot be changed here";

test("where the kernel is set to have no semaphores, lock files are chosen", { skip: cannotLimit }, async () => {
  const { mechanism, acquired, reason } = await chosenOn({ within: limited(0) });
  assert.deepEqual([mechanism, acquired], ["slots", true]);
  assert.match(reason!, /kernel\.sem/);
});

test("where the table of semaphores is merely full, nothing else is chosen: the error says what to do", {
  skip: cannotLimit,
}, async () => {
  const { error } = await chosenOn({ within: limited(1, "ipcmk -S 1 >/dev/null;") });
  assert.equal(error?.code, "REF_COUNTER_INIT");
  assert.match(
    error.message,
    /ENOSPC .*limit of semaphore sets is reached; see `ipcs -s` for leftovers and kernel\.sem/,
  );
});

/** In a mount namespace of its own the state directory (the only word of that form) is on a file system of 64 KiB. */
function onSmallDisk(more: string): string[] {
  const find = 'for word in "$@"; do case "$word" in */procref-test-*) at="$word" ;; esac; done';
  const script = `${find}; mount -t tmpfs -o size=64k,mode=700 none "\${at:-/mnt}" && ${more}; exec "$@"`;
  return ["unshare", "-m", "sh", "-c", script, "sh"];
}
const cannotMount = spawnSync(onSmallDisk("true")[0], [...onSmallDisk("true").slice(1), "mountpoint", "-q", "/mnt"])
      .status !== 0 && "file systems cannot be mounted here";

test("on a full disk lock files count all the same", { skip: cannotMount }, async () => {
  const fill = 'head -c 1m /dev/zero >"$at/fill" 2>/dev/null';
  const { mechanism, acquired, count } = await chosenOn({ amiss: { deny: E.EPERM }, within: onSmallDisk(fill) });
  assert.deepEqual([mechanism, acquired, count], ["slots", true, 1]);
});

test("on a disk that is read-only the error says which directory cannot be made", { skip: cannotMount }, async () => {
  const within = onSmallDisk('mount -o remount,ro "$at"');
  const { error } = await chosenOn({ amiss: { deny: E.EPERM }, within });
  assert.equal(error?.code, "ACQUIRE");
  assert.match(error.message, /: Cannot make DIRECTORY\/.*\.slots: EROFS: read-only file system/);
});
