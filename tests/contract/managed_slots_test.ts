import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openRefCounter } from "../../src/kernel/open.ts";
import { ask, EMPTY } from "../fixtures/counters.ts";
import { Child } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import { uniqueName, withDirectory } from "../harness/names.ts";

/** All that a counter over lock files asks Deno for. Who may exchange the directory is seen in the one above it. */
function permissions(directory: string): string[] {
  return [`--allow-read=${dirname(directory)}`, `--allow-write=${directory}`, "--allow-env", "--allow-sys=uid,statfs"];
}

/** A counter in a process of Deno that may make no native calls. */
async function startManaged(name: string, directory: string): Promise<Child> {
  const command = ["deno", "run", "--no-prompt", "--no-check", "--quiet", ...permissions(directory)];
  const child = new Child("counter.ts", { command, args: [name, JSON.stringify({ directory })] });
  await child.line("ready");
  return child;
}

test("the contract holds in Deno without native calls", async () => {
  await withDirectory(async (directory) => {
    const fixture = fileURLToPath(new URL("../fixtures/managed_contract.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(
      "deno",
      ["test", "--no-prompt", "--no-check", ...permissions(directory), fixture],
      { env: { ...process.env, NO_COLOR: "1", PROCREF_TEST_STATE: directory } },
    );
    const [, passed, failed] = /(\d+) passed[^|]*\| (\d+) failed/.exec(stdout) ?? assert.fail(stdout);
    assert.ok(Number(passed) > 20, stdout);
    assert.equal(failed, "0");
    assert.deepEqual(readdirSync(directory), []);
  });
});

test("processes with and without native calls share one counter, and exclude each other", async () => {
  await withDirectory(async (directory) => {
    const name = uniqueName();
    using ours = await openRefCounter(name, { mechanism: "slots", directory });
    await using theirs = await startManaged(name, directory);
    assert.equal(ours.tryAcquire(), true);
    assert.equal(await ask(theirs, "releaseUnlessLast").catch(({ code }) => code), "RELEASE");
    await ask(theirs, "acquire");
    await ask(theirs, "acquire");
    assert.equal(ours.count(), 3);
    assert.equal(await ask(theirs, "count"), 3);
    assert.equal(await ask(theirs, "tryLock"), true);
    assert.equal(ours.tryLock(), false);
    assert.equal(ours.tryAcquire(), false);
    assert.equal(ours.trySeat(), true);
    assert.equal(await ask(theirs, "trySeat"), false);
    assert.equal(await ask(theirs, "advanceGeneration", true), 1);
    assert.equal(ours.snapshot().generation, 1);
    await ask(theirs, "unlock");
    assert.equal(ours.releaseUnlessLast(), true);
    assert.equal(await ask(theirs, "tryLockIfUnused"), false);
    const unused = ours.blockUntilUnused();
    await theirs.kill();
    assert.equal(await unused, true);
    assert.deepEqual(ours.snapshot(), { ...EMPTY, locked: true, seated: true, generation: 1 });
    ours.leaveSeat();
    ours.close();
    assert.deepEqual(readdirSync(directory), []);
  });
});

test("a process without native calls waits inside the kernel for one that is killed", async () => {
  await withDirectory(async (directory) => {
    const name = uniqueName();
    await using holder = new Child("counter.ts", { args: [name, JSON.stringify({ mechanism: "slots", directory })] });
    await holder.line("ready");
    await using waiter = await startManaged(name, directory);
    await ask(holder, "acquire");
    const unused = ask(waiter, "blockUntilUnused");
    await eventually(async () => await ask(waiter, "count") === 1, "it sees the holder");
    await holder.kill();
    assert.equal(await unused, true);
    assert.equal(await ask(waiter, "holdsLock"), true);
    await ask(waiter, "close");
  });
});

test("what a worker thread without native calls holds goes with the thread", async () => {
  await withDirectory(async (directory) => {
    const name = uniqueName();
    using ours = await openRefCounter(name, { mechanism: "slots", directory });
    const command = ["deno", "run", "--no-prompt", "--no-check", "--quiet", ...permissions(directory)];
    // The source of the thread is read as well.
    command.splice(command.findIndex((word) => word.startsWith("--allow-read")), 1, "--allow-read");
    await using child = new Child("counter_in_worker.ts", { command, args: [name, JSON.stringify({ directory })] });
    await child.line("ready");
    await child.call("worker", "acquire");
    await child.call("main", "acquire");
    assert.equal(ours.count(), 2);
    await child.call("terminate");
    await eventually(() => ours.count() === 1, "the reference of the thread is gone");
  });
});
