import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import { removeKey } from "../fixtures/sets.ts";
import { removeTree } from "../harness/names.ts";
import { notOnWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { startSleeper } from "../harness/sleeper.ts";
import { type Acquired, onStage, other, type SupervisedStage } from "../harness/supervised.ts";

/** Removes the directory of the service with all that is in it. It is written to meanwhile, so it is moved first. */
function removeFolder(stage: SupervisedStage): void {
  const elsewhere = join(stage.directory, "removed");
  renameSync(stage.folder, elsewhere);
  removeTree(elsewhere);
}

for (const what of ["file", "directory"]) {
  test(`the record's ${what} is removed while held: it is written again, and who comes gets the same process`, {
    skip: what === "directory" && notOnWindows("open-files"),
  }, async () => {
    await onStage(async (stage) => {
      const handle = await stage.service().acquire();
      const before = stage.record()!;
      if (what === "file") rmSync(stage.file("record.json")!);
      else removeFolder(stage);
      const client = await stage.client(undefined, { runtime: other });
      assert.equal((await client.call<Acquired>("acquire")).pid, handle.pid);
      assert.deepEqual(stage.record(), before);
      await client.call("release", 0);
      await handle.release();
      await stage.assertNothingLeft();
      assert.equal(stage.starts().length, 1);
    });
  });
}

test("the record is removed and all clients are SIGKILLed: the supervisor clears up all the same", {
  skip: notOnWindows("open-files"),
}, async () => {
  await onStage(async (stage) => {
    const client = await stage.client();
    await client.call("acquire");
    stage.supervisor();
    removeFolder(stage);
    await client.kill();
    await stage.assertNothingLeft();
  });
});

for (const runtime of bothRuntimes) {
  test(
    `the semaphores are removed while held: supervisor (in ${runtime}) and holders come together again, same process`,
    { skip: notOnWindows("removal") },
    async () => {
      await onStage(async (stage) => {
        const one = await stage.client(undefined, { runtime });
        const two = await stage.client();
        const { pid } = await one.call<Acquired>("acquire");
        await two.call<Acquired>("acquire");
        const supervisor = stage.supervisor();
        removeKey(stage.key);
        for (const client of [one, two]) await client.line("warning ACQUIRE The kernel object");
        assert.equal(await one.call("count"), 2);
        const three = await stage.client(undefined, { runtime: "bun" });
        assert.equal((await three.call<Acquired>("acquire")).pid, pid);
        assert.deepEqual(stage.supervisor(), supervisor);
        for (const client of [one, two, three]) await client.kill();
        await stage.assertNothingLeft();
        assert.equal(stage.starts().length, 1);
      });
    },
  );
}

test("who comes right after the semaphores were removed gets the same process, before any holder has looked", {
  skip: notOnWindows("removal"),
}, async () => {
  await onStage(async (stage) => {
    const keeper = await stage.client();
    const { pid } = await keeper.call<Acquired>("acquire");
    const late = await stage.client(undefined, { runtime: other });
    removeKey(stage.key);
    const second = await late.call<Acquired>("acquire");
    assert.equal(second.pid, pid);
    await late.call("release", second.handle);
    await keeper.line("warning ACQUIRE The kernel object");
    assert.ok(processes.isAlive(pid), "it is held");
    await keeper.call("release", 0);
    await stage.assertNothingLeft();
    assert.equal(stage.starts().length, 1);
  });
});

test("semaphores and record are removed together (a logout): both come back, same process", {
  skip: notOnWindows("removal"),
}, async () => {
  await onStage(async (stage) => {
    const keeper = await stage.client();
    const { pid } = await keeper.call<Acquired>("acquire");
    removeFolder(stage);
    removeKey(stage.key);
    await keeper.line("warning ACQUIRE The kernel object");
    const late = await stage.client(undefined, { runtime: other });
    assert.equal((await late.call<Acquired>("acquire")).pid, pid);
    await late.kill();
    await keeper.kill();
    await stage.assertNothingLeft();
    assert.equal(stage.starts().length, 1);
  });
});

test("the semaphores are removed and all clients SIGKILLed: the supervisor clears up", {
  skip: notOnWindows("removal"),
}, async () => {
  await onStage(async (stage) => {
    const keeper = await stage.client();
    await keeper.call<Acquired>("acquire");
    process.kill(keeper.pid, "SIGSTOP");
    removeKey(stage.key);
    await keeper.kill();
    await stage.assertNothingLeft();
  });
});

test("a record that is spoilt while held is written again, and the service goes on", async () => {
  await onStage(async (stage) => {
    const keeper = await stage.client();
    const { pid } = await keeper.call<Acquired>("acquire");
    const supervisor = stage.supervisor();
    const before = stage.record();
    writeFileSync(stage.file("record.json")!, "no record");
    const late = await stage.client(undefined, { runtime: other });
    assert.equal((await late.call<Acquired>("acquire", { timeoutMs: 20_000 })).pid, pid);
    assert.deepEqual(stage.record(), before);
    assert.deepEqual(stage.supervisor(), supervisor);
    await late.kill();
    await keeper.kill();
    await stage.assertNothingLeft();
    assert.equal(stage.starts().length, 1);
  });
});

test("a record of a service that never was, with processes of somebody else: none of them is touched", async () => {
  await onStage(async (stage) => {
    const handle = await stage.service().acquire();
    const record = stage.record()!;
    await handle.release();
    await stage.assertNothingLeft();
    const stranger = startSleeper();
    const { start } = processes.identityOf(stranger)!;
    const { folder } = stage;
    mkdirSync(folder, { mode: 0o700 });
    // The numbers are those of a process that runs; when it began says that it is another one.
    const identity = { pid: stranger, start: start.replace(/^\d+/, (ticks) => String(BigInt(ticks) - 1n)) };
    const reused = { ...record, info: { ...record.info, ...identity }, supervisor: identity };
    writeFileSync(`${folder}/record.json`, JSON.stringify(reused), { mode: 0o600 });
    const again = await stage.service().acquire();
    assert.notEqual(again.pid, stranger);
    await again.release();
    await stage.assertNothingLeft();
    assert.ok(processes.isAlive(stranger));
    processes.kill(stranger);
  });
});
