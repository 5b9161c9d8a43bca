import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import { openRefCounter } from "../../src/kernel/open.ts";
import { slotsOf } from "../fixtures/counters.ts";
import { eventually } from "../harness/eventually.ts";
import { isKept } from "../harness/kept.ts";
import { notOnWindows, onWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import {
  type Acquired,
  type Identity,
  onStage,
  type Options,
  other,
  type SupervisedStage,
} from "../harness/supervised.ts";

/** How services are counted here unless somebody says otherwise. */
const native = onWindows ? "handles" : "sysv";

/** A service that is counted by lock files. */
function sleeper(stage: SupervisedStage, more: Options = {}): Options {
  return stage.sleeper({ mechanism: "slots", ...more });
}

for (const runtime of bothRuntimes) {
  test(`a command (in ${runtime}) is shared by lock files alone, and stopped when the last client has left`, async () => {
    await onStage(async (stage) => {
      const first = await stage.client(sleeper(stage), { runtime });
      const second = await stage.client(sleeper(stage), { runtime: runtime === "deno" ? "bun" : "deno" });
      const [one, two] = await Promise.all([first, second].map((client) => client.call<Acquired>("acquire")));
      assert.equal(one.pid, two.pid);
      assert.equal(await second.call("count"), 2);
      assert.equal(isKept(stage.name, { directory: stage.state }), false, "nothing else is used");
      assert.equal(readFileSync(stage.file("mechanism")!, "utf8"), "slots");
      await first.call("release", 0);
      assert.ok(processes.isAlive(one.pid));
      assert.equal(await second.call("count"), 1);
      const again = await first.call<Acquired>("acquire");
      assert.equal(again.pid, one.pid);
      await first.call("release", 1);
      await second.call("release", 0);
      await stage.assertNothingLeft();
    });
  });

  test(`the last client (in ${runtime}) is SIGKILLed: the supervisor, asleep in the kernel, stops the service`, async () => {
    await onStage(async (stage) => {
      const client = await stage.client(sleeper(stage), { runtime });
      const { pid } = await client.call<Acquired>("acquire");
      assert.ok(processes.isAlive(pid));
      await client.kill();
      await stage.assertNothingLeft();
    });
  });

  test(`the supervisor (in ${runtime}) is SIGKILLed: a holder brings up another one, which takes the seat`, async () => {
    await onStage(async (stage) => {
      const client = await stage.client(sleeper(stage), { runtime });
      const { pid } = await client.call<Acquired>("acquire");
      await stage.killSupervisor();
      const fresh = Number(await client.line("restart "));
      assert.notEqual(fresh, pid);
      assert.deepEqual(stage.running(), [fresh]);
      assert.equal((await client.call<Identity>("info", 0)).pid, fresh);
      await client.call("release", 0);
      await stage.assertNothingLeft();
    });
  });
}

test("supervisor and last client are SIGKILLed together: the next client gets a service of its own", async () => {
  await onStage(async (stage) => {
    const one = await stage.client(sleeper(stage));
    const { pid } = await one.call<Acquired>("acquire");
    process.kill(stage.supervisor().pid, "SIGKILL");
    await one.kill();
    await eventually(() => !processes.isAlive(pid), "the kernel has killed the service");
    const two = await stage.client(sleeper(stage), { runtime: other });
    const fresh = await two.call<Acquired>("acquire");
    assert.deepEqual(stage.running(), [fresh.pid]);
    await two.call("release", 0);
    await stage.assertNothingLeft();
  });
});

test("a service that is kept warm goes on when somebody comes, and is stopped when nobody does", async () => {
  await onStage(async (stage) => {
    const client = await stage.client(sleeper(stage, { lingerMs: 400 }));
    const { pid } = await client.call<Acquired>("acquire");
    await client.call("release", 0);
    assert.equal((await client.call<Acquired>("acquire")).pid, pid);
    await client.call("release", 1);
    await stage.assertNothingLeft();
  });
});

test("sixteen clients at once share one service; all are SIGKILLed, and nothing is left", async () => {
  await onStage(async (stage) => {
    const clients = await Promise.all(
      Array.from({ length: 16 }, (_, index) => stage.client(sleeper(stage), { runtime: bothRuntimes[index % 2] })),
    );
    const acquired = await Promise.all(clients.map((client) => client.call<Acquired>("acquire")));
    assert.equal(new Set(acquired.map(({ pid }) => pid)).size, 1);
    assert.equal(await clients[0].call("count"), 16);
    await Promise.all(clients.map((client) => client.kill()));
    await stage.assertNothingLeft();
  });
});

for (const [ours, theirs] of [[native, "slots"], ["slots", native]] as const) {
  test(`a client that would count by ${ours} is refused while others count by ${theirs}, and disturbs nobody`, async () => {
    await onStage(async (stage) => {
      const holder = await stage.client(stage.sleeper({ mechanism: theirs }));
      const { pid } = await holder.call<Acquired>("acquire");
      const before = readdirSync(stage.state).sort();
      const stranger = await stage.client(stage.sleeper({ mechanism: ours }), { runtime: other });
      await assert.rejects(stranger.call("acquire"), {
        code: "MECHANISM_MISMATCH",
        message: new RegExp(
          `^Cannot count "${stage.name}" by the mechanism ${ours}: others count it by ${theirs} \\(.*procref gc`,
        ),
      });
      assert.deepEqual(readdirSync(stage.state).sort(), before);
      assert.equal(isKept(stage.name, { directory: stage.state }), theirs === native);
      assert.ok(processes.isAlive(pid));
      assert.equal(await holder.call("count"), 1);
      await holder.call("release", 0);
      await stage.assertNothingLeft();
      await stranger.call<Acquired>("acquire");
      await stranger.kill();
      await stage.assertNothingLeft();
    });
  });
}

test("what is written down refuses also who cannot ask for the other's kernel object", {
  skip: notOnWindows("denied"),
}, async () => {
  await onStage(async (stage) => {
    const holder = await stage.client(stage.sleeper({ mechanism: "sysv" }));
    await holder.call<Acquired>("acquire");
    // It is told that semaphores are denied, and does not know that others may use them.
    const denied = await stage.client(stage.sleeper(), { deny: "semget" });
    await assert.rejects(denied.call("acquire"), {
      code: "MECHANISM_MISMATCH",
      message: /by the mechanism slots: others count it by sysv \(as .* says\)/,
    });
    assert.equal(existsSync(slotsOf(stage.name, stage.state)), false);
    await holder.call("release", 0);
    await stage.assertNothingLeft();
  });
});

test("where semaphores are denied a service is counted by lock files, without being told", {
  skip: notOnWindows("denied"),
}, async () => {
  await onStage(async (stage) => {
    const clients = await Promise.all(
      bothRuntimes.map((runtime) => stage.client(stage.sleeper(), { runtime, deny: "semget" })),
    );
    for (const client of clients) await client.call<Acquired>("acquire");
    assert.equal(readFileSync(stage.file("mechanism")!, "utf8"), "slots");
    assert.equal(await clients[0].call("count"), 2);
    for (const client of clients) await client.kill();
    await stage.assertNothingLeft();
  });
});

test("the lock files are removed under a holder: it counts itself again, and so does the supervisor", {
  skip: notOnWindows("open-lock-files"),
}, async () => {
  await onStage(async (stage) => {
    const client = await stage.client(sleeper(stage));
    const { pid } = await client.call<Acquired>("acquire");
    // All at once: of a holder whose file alone is gone nobody could know.
    const aside = join(stage.directory, "removed");
    renameSync(slotsOf(stage.name, stage.state), aside);
    rmSync(aside, { recursive: true });
    assert.match(await client.line("warning "), /^ACQUIRE The kernel object of .* was removed while it was held/);
    assert.equal(await client.call("count"), 1);
    assert.ok(processes.isAlive(pid));
    await client.kill();
    await stage.assertNothingLeft();
  });
});

test("callbacks are shared by lock files as well, and a reaper stops what the last client leaves", async () => {
  await onStage(async (stage) => {
    const counter = await openRefCounter(stage.name, { mechanism: "slots", directory: stage.state });
    const child = stage.child("callback_holder.ts", { args: [stage.name, stage.state] });
    const pid = Number(await child.line("holds "));
    assert.equal(counter.count(), 1);
    assert.equal(counter.snapshot().seated, true, "a reaper waits");
    await child.kill();
    await eventually(() => !processes.isAlive(pid), "the reaper has stopped the service");
    await eventually(() => readdirSync(stage.state).length === 0, "nothing is left");
    assert.equal(existsSync(join(stage.state, stage.name)), false);
    counter.close();
  });
});
