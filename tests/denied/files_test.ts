import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { test } from "node:test";
import {
  type Failure,
  type Found,
  type Machine,
  noNamespaces,
  onMachine,
  runOn,
  shell,
  WORKS,
} from "../harness/denied.ts";
import { bothRuntimes, type RuntimeName } from "../harness/runtime.ts";

/** With native calls references need no file; without them they are files. */
const CLIENTS: readonly (readonly [what: string, runtime: RuntimeName, flags: readonly string[]])[] = [
  ...bothRuntimes.map((runtime) => [runtime, runtime, []] as const),
  ["deno without native calls", "deno", ["--deny-ffi"]],
];

const READ_ONLY: Machine = (state) => shell("-m", 'mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"', state);

/** A small disk of which not a byte is free. */
const FULL: Machine = (state) =>
  shell(
    "-m",
    'mount -t tmpfs -o size=64k,mode=700 none "$1"; head -c 1000000 /dev/zero >"$1/filler" 2>/dev/null || :',
    state,
  );

/** A small disk with room. */
const SMALL: Machine = (state) => shell("-m", 'mount -t tmpfs -o size=64k,mode=700 none "$1"', state);

/** A disk with room, but not for one more file. */
const CROWDED: Machine = (state) => shell("-m", 'mount -t tmpfs -o nr_inodes=1,mode=700 none "$1"', state);

/** A directory that its owner may only read, who cannot put himself above that as root can. */
const LOCKED: Machine = (state) => {
  chmodSync(state, 0o500);
  return ["setpriv", "--bounding-set", "-dac_override"];
};

/** References need no file that is written, and with semaphores no file at all; a service does. */
function assertRefused({ choice, counted, shared }: Found, native: boolean, countable: boolean, why: RegExp): void {
  assert.equal(choice.mechanism, native ? "sysv" : "slots");
  if (countable) assert.equal(counted, 1);
  for (const failure of (countable ? [shared] : [counted, shared]) as Failure[]) {
    assert.equal(failure.code, countable ? "IO" : "ACQUIRE");
    assert.match(failure.message, why);
    assert.match(failure.message, /machine-(counter|service)/, "it says where");
  }
}

for (const [client, runtime, flags] of CLIENTS) {
  const native = flags.length === 0;
  for (
    const [what, machine, why] of [
      ["on a read-only file system", READ_ONLY, /EROFS/],
      ["on a disk without room for a file", CROWDED, /ENOSPC/],
    ] as const
  ) {
    test(
      `${client}: with the state ${what}, the error says so, and nothing is left`,
      { skip: noNamespaces },
      async () => {
        await onMachine(
          machine,
          (found, doctor) => {
            assertRefused(found, native, native, why);
            assert.deepEqual(found.left, []);
            assert.match(doctor, new RegExp(`^failed +files +Cannot keep state in .*${why.source}`, "m"));
          },
          runtime,
          flags,
        );
      },
    );
  }

  test(`${client}: on a full disk the error says so; with room again all works, and nothing is left`, {
    skip: noNamespaces,
  }, async () => {
    await onMachine(
      FULL,
      (found, doctor) => {
        assertRefused(found, native, true, /ENOSPC|No space left/);
        assert.deepEqual(found.withRoom, WORKS);
        assert.match(doctor, /^failed +files +Cannot keep state in .*ENOSPC/m);
      },
      runtime,
      flags,
    );
  });

  test(`${client}: a service whose disk fills up while it is held is stopped all the same`, {
    skip: noNamespaces,
  }, async () => {
    const { full, ...rest } = await runOn<{ full: string }>(SMALL, "fill_disk.ts", runtime, flags);
    assert.match(full, /ENOSPC|No space left/);
    assert.deepEqual(rest, { held: { count: 1, runs: true }, left: ["filler"] });
  });

  test(`${client}: with the state in a directory that its owner may not write, the error says so`, {
    skip: noNamespaces,
  }, async () => {
    await onMachine(
      LOCKED,
      (found, doctor) => {
        assertRefused(found, native, native, /EACCES|Permission denied/);
        assert.deepEqual(found.left, []);
        assert.match(doctor, /^failed +files +Cannot keep state in .*(EACCES|Permission denied)/m);
      },
      runtime,
      flags,
    );
  });
}

test("with all permissions but native calls, Deno counts by lock files, and doctor says why", async () => {
  await onMachine(
    () => [],
    ({ choice, ...found }, doctor) => {
      assert.equal(choice.mechanism, "slots");
      assert.deepEqual(found, WORKS);
      assert.match(doctor, /^ok +mechanism +slots: lock files, for native calls are not allowed here/m);
      assert.match(doctor, /^ok +crash release /m);
      assert.match(doctor, /^warning +processes +native calls are not allowed, so \/bin\/sh is asked/m);
      assert.doesNotMatch(doctor, /^failed/m);
    },
    "deno",
    ["--deny-ffi"],
  );
});
