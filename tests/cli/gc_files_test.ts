/** What `procref gc` does with the files that killed processes leave beside services: of semaphores and of groups. */

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { currentUser } from "../../src/kernel/effective_user.ts";
import { objectName } from "../../src/kernel/object_name.ts";
import { PathLock } from "../../src/kernel/path_lock.ts";
import { formatIdentity, ownIdentity } from "../../src/process/identity.ts";
import { FileSemaphore, type HolderInfo } from "../../src/semaphore/mod.ts";
import { resume, suspend } from "../fixtures/suspend.ts";
import { signalChild } from "../harness/child.ts";
import { type CommandOptions, type Outcome, procref, procrefJson, RunningCommand } from "../harness/command.ts";
import { compiledIn } from "../harness/environment.ts";
import { eventually } from "../harness/eventually.ts";
import { onGroupStage } from "../harness/groups.ts";
import { uniqueName, withDirectory } from "../harness/names.ts";
import { notOnWindows, onWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";

const UNIX = { skip: notOnWindows("interpreters") };
/** A program that holds until its input ends. */
const HOLD = ["--", "sh", "-c", "echo up; cat"];
const UNUSED = "nobody holds the semaphore or waits for it";

class Ground {
  readonly name = uniqueName();
  readonly state: string;
  readonly options: CommandOptions;

  constructor(state: string) {
    this.state = state;
    this.options = { env: { PROCREF_DIR: state, ...compiledIn("/nowhere") } };
  }

  /** The name of the file, without its ending. */
  get fileName(): string {
    return objectName(this.name, currentUser()).fileName;
  }

  get path(): string {
    return join(this.state, `${this.fileName}.sem`);
  }

  /** What gc tells of the files, or would do. */
  async files(...args: string[]): Promise<{ removed: boolean; reason: string }[]> {
    return (await procrefJson(["gc", ...args], this.options)).files;
  }

  async gc(...args: string[]): Promise<Outcome> {
    return await procref(["gc", ...args], this.options);
  }

  async hold(words: readonly string[], more: CommandOptions = {}): Promise<RunningCommand> {
    const command = new RunningCommand([...words, this.name, ...HOLD], { ...this.options, ...more });
    await command.says(/up/);
    return command;
  }

  /** Kills it, and lets the program end that it has started. */
  async kill(command: RunningCommand): Promise<void> {
    signalChild(command.process);
    command.process.stdin!.end();
    await command.ended;
  }

  waiting(): number {
    return JSON.parse(readFileSync(this.path, "utf8")).waiting?.length ?? 0;
  }
}

async function onGround(work: (ground: Ground) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    const state = join(realpathSync(directory), "state");
    mkdirSync(state, { mode: 0o700 });
    await work(new Ground(state));
  });
}

test("what a killed lock or sem has left is removed, after a dry run that removes nothing", UNIX, async () => {
  for (const runtime of bothRuntimes) {
    for (const words of [["lock"], ["sem", "-j", "2"]]) {
      await onGround(async (ground) => {
        const { name, path, fileName } = ground;
        await ground.kill(await ground.hold(words, { runtime }));
        const left = readdirSync(ground.state);
        assert.deepEqual(left.sort(), [`${fileName}.sem`, `${fileName}.sem.lock`]);
        writeFileSync(`${path}.tmp`, '{ "capacity": 1, "hol');
        const gone = [{ kind: "semaphore", name: fileName, path, removed: true, reason: UNUSED }];
        assert.deepEqual(await ground.files("--dry-run"), gone);
        assert.deepEqual(await ground.gc("-n"), {
          status: 0,
          signal: null,
          out: `would remove ${fileName}: ${UNUSED}\n`,
          err: "",
        });
        assert.equal(readdirSync(ground.state).length, 3);
        assert.deepEqual(await ground.files(), gone);
        assert.deepEqual(readdirSync(ground.state), []);
        assert.deepEqual(await ground.files(), []);
        assert.equal((await procref(["lock", name, "-n", "--", "true"], ground.options)).status, 0);
      });
    }
  }
});

test("a semaphore that is held is kept, and one that is only waited for", UNIX, async () => {
  await onGround(async (ground) => {
    const { fileName, path } = ground;
    const holder = await ground.hold(["lock"]);
    assert.equal((await ground.gc()).out, `kept ${fileName}: 1 permit is held\n`);
    await using waiter = new RunningCommand(["lock", ground.name, "--", "echo", "mine"], ground.options);
    await eventually(() => ground.waiting() === 1, "it waits");
    suspend(waiter.process.pid!);
    await ground.kill(holder);
    const kept = { kind: "semaphore", name: fileName, path, removed: false };
    assert.deepEqual(await ground.files(), [{ ...kept, reason: "1 process waits for a permit" }]);
    resume(waiter.process.pid!);
    assert.deepEqual(await waiter.ended, { status: 0, signal: null, out: "mine\n", err: "" });
    assert.deepEqual(readdirSync(ground.state), []);
  });
});

test("a semaphore with a live holder beside dead ones is kept as it is", UNIX, async () => {
  await onGround(async (ground) => {
    const dead = await ground.hold(["sem", "-j3"]);
    await using one = await ground.hold(["sem", "-j3"]);
    await using two = await ground.hold(["sem", "-j3"]);
    await ground.kill(dead);
    const text = readFileSync(ground.path, "utf8");
    assert.match((await ground.gc()).out, /: 2 permits are held\n$/);
    assert.equal(readFileSync(ground.path, "utf8"), text);
    for (const each of [one, two]) {
      each.process.stdin!.end();
      assert.equal((await each.ended).status, 0);
    }
    assert.deepEqual((await ground.files()).map(({ removed }) => removed), [true], "the dead one is still in it");
    assert.deepEqual(readdirSync(ground.state), []);
  });
});

test("a semaphore is kept while somebody is in the middle of a step", async () => {
  await onGround(async (ground) => {
    using lock = new PathLock(`${ground.path}.lock`);
    assert.ok(lock.tryLock());
    for (const args of [["-n"], []]) {
      const { out, status } = await ground.gc(...args);
      assert.deepEqual([out, status], [
        `kept ${ground.fileName}: somebody is acquiring or releasing the semaphore\n`,
        0,
      ]);
    }
    assert.ok(lock.isOurs());
    lock.unlock();
    assert.equal((await ground.gc()).out, `removed ${ground.fileName}: ${UNUSED}\n`);
    assert.deepEqual(readdirSync(ground.state), [], "a lock without a semaphore goes as well");
  });
});

test("a permit of a process that cannot be known stays held, and one whose time is over does not", async () => {
  await onGround(async (ground) => {
    const write = (...holders: HolderInfo[]): void =>
      writeFileSync(ground.path, JSON.stringify({ capacity: 1, holders }), { mode: 0o600 });
    write({ id: "elsewhere", pid: 0x7fffffff, start: "some time", host: "another machine" });
    assert.match((await ground.gc()).out, /^kept .*: 1 permit is held\n$/);
    write({ id: "of another program" });
    assert.match((await ground.gc()).out, /^kept .*: 1 permit is held\n$/);
    assert.deepEqual(readdirSync(ground.state), [`${ground.fileName}.sem`], "nothing was made for it");
    write({ id: "of another program", expires_at: new Date(0).toISOString() });
    assert.match((await ground.gc()).out, /^removed /);
    assert.deepEqual(readdirSync(ground.state), []);
  });
});

test("a semaphore that nobody can read is kept and told, and the exit code is 1", async () => {
  await onGround(async (ground) => {
    writeFileSync(ground.path, "{", { mode: 0o600 });
    const { status, out } = await ground.gc();
    assert.equal(status, 1);
    assert.match(
      out,
      /^kept .*: Cannot use .*\.sem: .*; nothing is taken for free because of that: mend it, or remove/,
    );
    assert.equal(readFileSync(ground.path, "utf8"), "{");
  });
});

test("files that are no semaphores or groups of ours stay, unused semaphores of others among them", async () => {
  await onGround(async (ground) => {
    const { state, fileName } = ground;
    const mine = new FileSemaphore(join(state, "mine.sem"), 1);
    (await mine.acquire()).release();
    mine.close();
    for (
      const name of [`${fileName}.pid`, "notes.group", `${fileName}.sem.old`, `${fileName}.sema`, ".sem", ".group"]
    ) {
      writeFileSync(join(state, name), "mine");
    }
    mkdirSync(join(state, `${fileName}.group`));
    if (!onWindows) symlinkSync(join(state, "notes.group"), ground.path);
    const before = readdirSync(state).sort();
    assert.deepEqual(await ground.gc(), { status: 0, signal: null, out: "", err: "" });
    assert.deepEqual(readdirSync(state).sort(), before);
  });
});

test("the seat of a killed host of a group is removed, after a dry run; that of a live one is kept", async () => {
  for (const runtime of bothRuntimes) {
    await onGroupStage(async (stage) => {
      const options = { env: { PROCREF_DIR: stage.registryDirectory } };
      const host = await stage.host({}, runtime);
      await host.call("start");
      const [path] = stage.seats();
      const gc = async (...args: string[]): Promise<unknown[]> => (await procrefJson(["gc", ...args], options)).files;
      const reason = `process ${host.pid} hosts the group`;
      const [{ name, ...told }] = await gc() as { name: string }[];
      assert.deepEqual(told, { kind: "group", path: realpathSync(path), removed: false, reason });
      assert.match(name, /^svc\.[0-9a-f]{32}$/);
      await host.call("primary");
      await host.kill();
      const gone = [{ ...told, name, removed: true, reason: "nobody hosts the group" }];
      assert.deepEqual(await gc("--dry-run"), gone);
      assert.deepEqual(stage.seats(), [path]);
      assert.deepEqual(await gc(), gone);
      assert.deepEqual(stage.seats(), []);
      const next = await stage.host({}, runtime);
      await next.call("start");
      assert.equal(await next.call("aliveCount"), 2);
      await next.call("stop");
      stage.assertNothingLeft();
    });
  }
});

test("a seat is kept while it is locked, and while the process runs that says it has it", async () => {
  await onGround(async (ground) => {
    const { state, fileName } = ground;
    const path = join(state, `${fileName}.group`);
    using lock = new PathLock(path);
    assert.ok(lock.tryLock());
    for (const args of [["-n"], []]) {
      assert.equal((await ground.gc(...args)).out, `kept ${fileName}: somebody hosts the group\n`);
    }
    assert.ok(lock.isOurs());
    lock.write(`${formatIdentity(ownIdentity())}\n`);
    lock.close();
    assert.equal((await ground.gc()).out, `kept ${fileName}: process ${process.pid} hosts the group\n`);
    writeFileSync(path, `${process.pid} another time\n`);
    assert.equal((await ground.gc()).out, `removed ${fileName}: nobody hosts the group\n`);
    assert.deepEqual(readdirSync(state), []);
  });
});
