import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { isProcrefError } from "../../src/errors.ts";
import { PathLock } from "../../src/kernel/path_lock.ts";
import { ensureSingleInstance, Lifecycle, status } from "../../src/lifecycle/mod.ts";
import { isAlive } from "../../src/process/mod.ts";
import { NOBODY, withoutRoot } from "../fixtures/user.ts";
import { Child } from "../harness/child.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows, onWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { startSleeper } from "../harness/sleeper.ts";
import { runProgram } from "../harness/written_program.ts";

interface Answer {
  readonly won: boolean;
  readonly pid?: number;
  readonly code?: string;
}

async function withPath(work: (path: string, directory: string) => Promise<void>): Promise<void> {
  await withDirectory((directory) => work(join(directory, "service.pid"), directory));
}

/** A file that says this is taken over. */
async function assertTakenOver(path: string, text: string): Promise<void> {
  writeFileSync(path, text);
  using instance = await ensureSingleInstance(path, { lifecycle: new Lifecycle() });
  assert.equal(status(path).pid, process.pid);
  assert.ok(instance.isHeld());
}

for (const runtime of bothRuntimes) {
  test(`a live owner in ${runtime} is respected, and named by its PID`, async () => {
    await withPath(async (path) => {
      await using owner = new Child("instance.ts", { runtime });
      await using other = new Child("instance.ts");
      assert.deepEqual(await owner.call("ensure", path), { won: true, pid: owner.pid });
      assert.deepEqual(await other.call("ensure", path), { won: false, code: "ALREADY_RUNNING", pid: owner.pid });
      assert.equal(await owner.call("isHeld"), true);
      await owner.call("release");
      assert.ok(!existsSync(path), "the file is gone");
      assert.deepEqual(await other.call("ensure", path), { won: true, pid: other.pid });
    });
  });

  test(`a SIGKILLed owner in ${runtime} leaves a stale file, and the next one takes over at once`, async () => {
    await withPath(async (path) => {
      await using owner = new Child("instance.ts", { runtime });
      await owner.call("ensure", path);
      await owner.kill();
      assert.deepEqual([existsSync(path), status(path).running, status(path).pid], [true, false, owner.pid]);
      await using next = new Child("instance.ts", { runtime });
      assert.deepEqual(await next.call("ensure", path), { won: true, pid: next.pid });
    });
  });

  test(`the file goes when the program in ${runtime} ends by itself, or by process.exit`, async () => {
    await withPath(async (path, directory) => {
      for (const [end, code] of [["", 0], ["process.exit(3);", 3]] as const) {
        await using program = runProgram(
          directory,
          `await lifecycle.ensureSingleInstance("service.pid"); say(existsSync("service.pid") + ""); ${end}`,
          { runtime },
        );
        assert.equal(await program.line(""), "true");
        assert.equal((await program.exited).code, code);
        assert.ok(!existsSync(path));
      }
    });
  });
}

test("the file says PID and start time, and can be read as a PID file", async () => {
  await withPath(async (path) => {
    const before = Date.now();
    await using owner = new Child("instance.ts");
    await owner.call("ensure", path);
    const text = readFileSync(path, "utf8");
    assert.equal(parseInt(text), owner.pid);
    assert.equal(text.split("\n")[0], String(owner.pid));
    const { running, pid, startedAt } = status(path);
    assert.deepEqual([running, pid], [true, owner.pid]);
    assert.ok(startedAt!.getTime() > before - 1000 && startedAt!.getTime() <= Date.now());
    if (!onWindows) assert.equal(statSync(path).mode & 0o777, 0o600);
  });
});

test("R1: of two that start at the same moment one wins, and the other one names it", async () => {
  await withPath(async (path) => {
    await using one = new Child("instance.ts", { runtime: "deno" });
    await using two = new Child("instance.ts", { runtime: "bun" });
    await Promise.all([one.line("ready"), two.line("ready")]);
    for (let round = 0; round < 100; round++) {
      const answers = await Promise.all([one, two].map((child) => child.call<Answer>("ensure", path)));
      const winners = [one, two].filter((_, index) => answers[index].won);
      assert.equal(winners.length, 1, `round ${round}: ${JSON.stringify(answers)}`);
      const loser = answers.find(({ won }) => !won)!;
      assert.deepEqual(loser, { won: false, code: "ALREADY_RUNNING", pid: winners[0].pid });
      assert.equal(await winners[0].call("isHeld"), true);
      await winners[0].call("release");
    }
  });
});

test("R1: of programs that are started together one runs, also over a stale file", async () => {
  await withPath(async (path) => {
    for (let round = 0; round < 5; round++) {
      const children = bothRuntimes.flatMap((runtime) => [1, 2].map(() => new Child("instance.ts", { runtime })));
      try {
        const answers = await Promise.all(children.map((child) => child.call<Answer>("ensure", path)));
        const winner = children[answers.findIndex(({ won }) => won)];
        assert.deepEqual(
          answers.filter(({ won }) => !won),
          [1, 2, 3].map(() => ({
            won: false,
            code: "ALREADY_RUNNING",
            pid: winner.pid,
          })),
        );
      } finally {
        // By force: the next round finds a stale file.
        await Promise.all(children.map((child) => child.kill()));
      }
      assert.ok(existsSync(path));
    }
  });
});

test("R2: an owner that has not written its PID yet keeps its file, and is named once it has", async () => {
  await withPath(async (path) => {
    await using owner = new Child("path_lock.ts", { args: [path] });
    await using other = new Child("instance.ts");
    writeFileSync(path, "");
    await owner.call("tryLock");
    assert.deepEqual(await other.call("ensure", path), { won: false, code: "ALREADY_RUNNING" });
    assert.equal(status(path).running, true);
    const asking = other.call<Answer>("ensure", path);
    await owner.call("write", `${owner.pid}\n`);
    assert.equal((await asking).pid, owner.pid);
    assert.equal(await owner.call("isOurs"), true);
  });
});

test("R3: a PID that may not be signalled: locked it is respected, unlocked it is stale", async () => {
  await withPath(async (path) => {
    await using owner = new Child("path_lock.ts", { args: [path] });
    await using other = new Child("instance.ts");
    await owner.call("tryLock");
    await owner.call("write", "1\n");
    assert.deepEqual(await other.call("ensure", path), { won: false, code: "ALREADY_RUNNING", pid: 1 });
    await owner.kill();
    await assertTakenOver(path, "1\n");
  });
});

test(
  "R3: the live instance of another user keeps its file",
  { skip: notOnWindows("owners") || withoutRoot },
  async () => {
    // Where everybody may go, which is not so for the directories of tests.
    const directory = mkdtempSync(join(tmpdir(), "procref-test-"));
    const path = join(directory, "service.pid");
    try {
      chmodSync(directory, 0o777);
      await using root = new Child("instance.ts");
      await using nobody = new Child("instance.ts", { env: { PROCREF_TEST_UID: String(NOBODY) } });
      await root.call("ensure", path);
      const refused = await nobody.call<Answer>("ensure", path);
      assert.equal(refused.won, false);
      assert.equal(await root.call("isHeld"), true);
      await root.call("release");
      assert.equal((await nobody.call<Answer>("ensure", path)).won, true);
      assert.deepEqual(await root.call("ensure", path), { won: false, code: "ALREADY_RUNNING", pid: nobody.pid });
      assert.equal(await nobody.call("isHeld"), true);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);

test("R4: a file with our own PID, or with that of any living process, is stale when it is not locked", async () => {
  await withPath(async (path) => {
    await using stranger = new Child("instance.ts");
    for (const text of [`${process.pid}`, `${stranger.pid}\n`, `${stranger.pid}\nprocref instance, locked`]) {
      await assertTakenOver(path, text);
    }
  });
});

test("R13: the process of a stale file is never touched", async () => {
  await withPath(async (path) => {
    const pid = startSleeper();
    try {
      await assertTakenOver(path, `${pid}\n`);
      writeFileSync(path, `${pid}\n`);
      assert.equal(status(path).running, false);
      assert.ok(isAlive(pid));
    } finally {
      process.kill(pid, "SIGKILL");
    }
  });
});

test("an empty file, one of a power failure and one cut short are taken over", async () => {
  await withPath(async (path) => {
    for (const text of ["", "\n", "\0\0\0\0", "99999999", " 4711 \n", "4711\nproc", "4711\nprocref instance, lo"]) {
      await assertTakenOver(path, text);
    }
  });
});

test("a file that was never one of an instance is an error, and stays as it is", async () => {
  await withPath(async (path) => {
    for (const text of ["my diary\n", "4711 and more", "4711\nprivate\n", "-5", "x".repeat(100_000), "12345678901"]) {
      writeFileSync(path, text);
      const lifecycle = new Lifecycle();
      await assert.rejects(ensureSingleInstance(path, { lifecycle }), (error) => isProcrefError(error, "BROKEN_FILE"));
      assert.throws(() => status(path), (error) => isProcrefError(error, "BROKEN_FILE"));
      assert.equal(readFileSync(path, "utf8"), text);
      using lock = new PathLock(path);
      assert.ok(lock.tryLock(), "and unlocked");
    }
  });
});

test("a directory in the place of the file is an error", async () => {
  await withPath(async (path) => {
    mkdirSync(path);
    await assert.rejects(ensureSingleInstance(path), (error) => isProcrefError(error));
    assert.ok(statSync(path).isDirectory());
  });
});

test("an owner whose file was replaced knows it, and leaves the new one alone", {
  skip: notOnWindows("open-lock-files"),
}, async () => {
  await withPath(async (path) => {
    const instance = await ensureSingleInstance(path, { lifecycle: new Lifecycle() });
    renameSync(path, `${path}.aside`);
    writeFileSync(path, "4711\n");
    assert.equal(instance.isHeld(), false);
    instance.release();
    instance.release();
    assert.equal(readFileSync(path, "utf8"), "4711\n");
  });
});

test("R11: the status is that of the given file, by its lock; to ask makes nothing and disturbs no starter", async () => {
  await withPath(async (path, directory) => {
    assert.deepEqual(status(join(directory, "not there", "x.pid")), { running: false });
    assert.ok(!existsSync(join(directory, "not there")));
    writeFileSync(path, `${process.pid}\n`);
    assert.equal(status(path).running, false, "a PID alone is not believed");
    await using asker = new Child("instance.ts");
    await using starter = new Child("instance.ts");
    for (let round = 0; round < 50; round++) {
      const asking = Promise.all([1, 2, 3, 4].map(() => asker.call("status", path)));
      assert.equal((await starter.call<Answer>("ensure", path)).won, true);
      await asking;
      await starter.call("release");
    }
  });
});
