import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { LINUX_ERRNO as E } from "../../ffi/symbols/linux_libc.ts";
import { compile, withoutCompiler } from "../fixtures/c_compiler.ts";
import { type Failure, type Machine, noNamespaces, onMachine, shell, WORKS } from "../harness/denied.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { type Acquired, onStage } from "../harness/supervised.ts";

/** The sets that others have made. */
const OTHERS = 2000;

/** Runs something with a program in C. */
async function withProgram(source: string, work: (program: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(process.env.PROCREF_TEST_TMP ?? tmpdir(), "procref-program-"));
  try {
    await work(compile(source, directory));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

for (const [name, number] of [["EPERM", E.EPERM], ["ENOSYS", E.ENOSYS]] as const) {
  for (const runtime of bothRuntimes) {
    const law = `where a filter of system calls answers semaphores with ${name}, lock files do (${runtime})`;
    test(law, { skip: withoutCompiler }, async () => {
      await withProgram("deny_semaphores.c", async (program) => {
        await onMachine(() => [program, String(number)], ({ choice, ...found }, doctor) => {
          assert.equal(choice.mechanism, "slots");
          assert.match(choice.reason!, new RegExp(`denied here .*${name}`));
          assert.deepEqual(found, WORKS);
          assert.match(doctor, new RegExp(`^ok +mechanism +slots: .*semget failed with ${name}`, "m"));
          assert.match(doctor, /^ok +crash release /m);
        }, runtime);
      });
    });
  }
}

test("one whom a filter denies semaphores and one who has them do not share by halves", {
  skip: withoutCompiler,
}, async () => {
  await withProgram("deny_semaphores.c", async (program) => {
    const command = [program, String(E.EPERM), "deno", "run", "-A", "--no-check", "--quiet"];
    for (const order of ["denied first", "denied second"]) {
      await onStage(async (stage) => {
        const denied = await stage.client(undefined, { command });
        const free = await stage.client();
        const [first, second] = order === "denied first" ? [denied, free] : [free, denied];
        await first.call<Acquired>("acquire");
        await assert.rejects(second.call("acquire"), { code: "MECHANISM_MISMATCH" });
        assert.equal(await first.call("count"), 1);
        await first.call("release", 0);
        await stage.assertNothingLeft();
        // The first is gone with all that it had written down: now the other one may.
        await second.call<Acquired>("acquire");
        await second.kill();
        await stage.assertNothingLeft();
      });
    }
  });
});

/** A kernel with so many sets at most, of which others have some. */
function limited(most: number, program: string, others = OTHERS): Machine {
  const lines = 'echo "32000 1024000000 500 $1" >/proc/sys/kernel/sem';
  return () => [...shell("-i", lines, String(most)), program, String(others)];
}

for (const runtime of bothRuntimes) {
  test(
    `where the kernel is set to have no semaphores, lock files do (${runtime})`,
    { skip: noNamespaces },
    async () => {
      const none = shell("-i", 'echo "0 0 0 0" >/proc/sys/kernel/sem');
      await onMachine(() => none, ({ choice, ...found }, doctor) => {
        assert.equal(choice.mechanism, "slots");
        assert.match(choice.reason!, /kernel\.sem/);
        assert.deepEqual(found, WORKS);
        assert.match(doctor, /^ok +mechanism +slots: .*\(kernel\.sem\)/m);
      }, runtime);
    },
  );
}

test("with 2,000 sets of others, semaphores do", { skip: noNamespaces || withoutCompiler }, async () => {
  await withProgram("occupy_sets.c", async (program) => {
    await onMachine(limited(32_000, program), ({ choice, ...found }, doctor) => {
      assert.equal(choice.mechanism, "sysv");
      assert.deepEqual(found, WORKS);
      assert.match(doctor, /^ok +limits +2000 of 32000 semaphore sets in use/m);
    });
  });
});

test("with 2,000 sets of others and one that is left, semaphores do, and doctor warns", {
  skip: noNamespaces || withoutCompiler,
}, async () => {
  await withProgram("occupy_sets.c", async (program) => {
    await onMachine(limited(OTHERS + 1, program), ({ choice, ...found }, doctor) => {
      assert.equal(choice.mechanism, "sysv");
      assert.deepEqual(found, WORKS);
      assert.match(doctor, /^warning +limits +2000 of 2001 semaphore sets in use.* they run short; raise kernel\.sem/m);
    });
  });
});

for (const runtime of bothRuntimes) {
  test(`with 2,000 sets of others and no more allowed, the error names the limit (${runtime})`, {
    skip: noNamespaces || withoutCompiler,
  }, async () => {
    await withProgram("occupy_sets.c", async (program) => {
      await onMachine(limited(OTHERS, program), ({ choice, counted, shared, left }, doctor) => {
        // Not lock files: others may count by a set that was there before.
        assert.equal(choice.mechanism, "sysv");
        for (const failure of [counted, shared] as Failure[]) {
          assert.equal(failure.code, "REF_COUNTER_INIT");
          assert.match(failure.message, /ENOSPC .*limit of semaphore sets .*`ipcs -s`.*kernel\.sem \(sysctl\)/);
        }
        assert.deepEqual(left, []);
        assert.match(doctor, /^failed +limits +2000 of 2000 semaphore sets in use.*: none is left; raise kernel\.sem/m);
      }, runtime);
    });
  });
}
