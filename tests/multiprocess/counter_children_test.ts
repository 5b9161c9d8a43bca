import assert from "node:assert/strict";
import { readdirSync, readlinkSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import type { RefCounter } from "../../src/kernel/ref_counter.ts";
import { isAlive } from "../../src/process/mod.ts";
import { compile, withoutCompiler } from "../fixtures/c_compiler.ts";
import { argumentsFor, ask, eachMechanism, MECHANISMS, withCounter } from "../fixtures/counters.ts";
import { becomesSleep } from "../fixtures/shell.ts";
import { Child } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import { withDirectory } from "../harness/names.ts";
import { bothRuntimes, type RuntimeName } from "../harness/runtime.ts";

const EVERYWHERE = { skip: false } as const;

async function startParent(counter: RefCounter, runtime: RuntimeName, ...args: string[]): Promise<Child> {
  const child = new Child("parent_counter.ts", { runtime, args: [...argumentsFor(counter), ...args] });
  await child.line("ready");
  return child;
}

/** What the descriptors of a process lead to, by number. */
function descriptorsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((number) => `${number} ${readlinkSync(`/proc/${pid}/fd/${number}`)}`);
}

/** Ends a process that is not our child, and waits until it is gone. */
async function end(pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  await eventually(() => !isAlive(pid), `process ${pid} is gone`);
}

eachMechanism(
  "a program that a holder starts inherits no reference: it outlives the holder, which counts no more",
  async (mechanism) => {
    for (const runtime of bothRuntimes) {
      await withCounter(mechanism, async (counter) => {
        await using parent = await startParent(counter, runtime);
        await ask(parent, "acquire");
        await ask(parent, "trySeat");
        const pid = await parent.call<number>("spawn");
        await becomesSleep(pid);
        await parent.kill();
        assert.deepEqual(counter.snapshot(), { references: 0, locked: false, seated: false, generation: 0 });
        assert.ok(isAlive(pid), "the program outlives the holder");
        await end(pid);
      });
    }
  },
);

eachMechanism("the end of a program that a holder has started takes no reference back", async (mechanism) => {
  for (const runtime of bothRuntimes) {
    await withCounter(mechanism, async (counter) => {
      await using parent = await startParent(counter, runtime);
      await ask(parent, "acquire");
      await end(await parent.call<number>("spawn"));
      assert.equal(counter.count(), 1);
    });
  }
});

/** Registers a test of what only Unix has: descriptors that others can see, execve and fork. */
function onUnix(law: string, options: { skip: string | false }, body: () => Promise<void>): void {
  if (process.platform !== "win32") test(law, options, body);
}

for (const mechanism of MECHANISMS) {
  onUnix(`a program that a holder starts inherits no descriptor (${mechanism})`, EVERYWHERE, async () => {
    for (const runtime of bothRuntimes) {
      await withCounter(mechanism, async (counter) => {
        await using parent = await startParent(counter, runtime);
        const first = await parent.call<number>("spawn");
        await becomesSleep(first);
        const before = descriptorsOf(first);
        await ask(parent, "acquire");
        for (let time = 0; time < 3; time++) {
          await parent.call("watch", first);
        }
        assert.equal(
          descriptorsOf(parent.pid).filter((each) => each.endsWith("anon_inode:[pidfd]")).length >= 3,
          true,
        );
        const second = await parent.call<number>("spawn");
        await becomesSleep(second);
        assert.deepEqual(descriptorsOf(second), before);
        for (const pid of [first, second]) await end(pid);
      });
    }
  });
}

onUnix(
  "a holder that becomes another program (execve) keeps its reference until that one ends",
  EVERYWHERE,
  async () => {
    for (const runtime of bothRuntimes) {
      await withCounter("sysv", async (counter) => {
        await using holder = await startParent(counter, runtime);
        await ask(holder, "acquire");
        await ask(holder, "trySeat");
        holder.call("exec").catch(() => {});
        await holder.line("becoming sleep");
        await becomesSleep(holder.pid);
        assert.deepEqual(counter.snapshot(), { references: 1, locked: false, seated: true, generation: 0 });
        assert.equal(counter.tryLockIfUnused(), false);
        await holder.kill();
        assert.equal(counter.count(), 0);
      });
    }
  },
);

for (const mechanism of MECHANISMS) {
  onUnix(`a child by a plain fork inherits no reference (${mechanism})`, { skip: withoutCompiler }, async () => {
    await withDirectory(async (directory) => {
      const library = compile("fork_and_pause.c", directory, ["-shared", "-fPIC"]);
      for (const runtime of bothRuntimes) {
        await withCounter(mechanism, async (counter) => {
          await using parent = await startParent(counter, runtime, library);
          await ask(parent, "acquire");
          await ask(parent, "tryLock");
          const pid = await parent.call<number>("fork");
          assert.equal(counter.count(), 1);
          // It shares its parent's files, and with them locks, until it closes them.
          await eventually(() => readdirSync(`/proc/${pid}/fd`).length === 0, "it has closed what it shares");
          await parent.kill();
          assert.deepEqual(counter.snapshot(), { references: 0, locked: false, seated: false, generation: 0 });
          assert.ok(isAlive(pid), "the child outlives the holder");
          await end(pid);
        });
      }
    });
  });
}

onUnix(
  "a holder that becomes another program (execve) gives its lock files back in that moment",
  EVERYWHERE,
  async () => {
    for (const runtime of bothRuntimes) {
      await withCounter("slots", async (counter) => {
        await using holder = await startParent(counter, runtime);
        assert.equal(counter.capabilities.survivesExec, false);
        await ask(holder, "acquire");
        await ask(holder, "trySeat");
        holder.call("exec").catch(() => {});
        await holder.line("becoming sleep");
        await becomesSleep(holder.pid);
        assert.deepEqual(counter.snapshot(), { references: 0, locked: false, seated: false, generation: 0 });
        await holder.kill();
      });
    }
  },
);
