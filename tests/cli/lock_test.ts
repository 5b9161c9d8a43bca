import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import { signalChild } from "../harness/child.ts";
import { type CommandOptions, procref, RunningCommand } from "../harness/command.ts";
import { eventually } from "../harness/eventually.ts";
import { uniqueName, withDirectory } from "../harness/names.ts";
import { notOnWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";

/** A state directory that is empty again in the end. */
async function onGround(work: (options: CommandOptions, name: string, state: string) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    const state = join(directory, "state");
    mkdirSync(state, { mode: 0o700 });
    await work({ env: { PROCREF_DIR: state } }, uniqueName(), state);
    await eventually(() => readdirSync(state).length === 0, "nothing is left");
  });
}

const UNIX = { skip: notOnWindows("interpreters") };
/** A program that holds until its input ends. */
const HOLD = ["--", "sh", "-c", "echo up; cat"];

/** How many wait, as the only file of a semaphore there says. */
function queueLength(state: string): number {
  const file = readdirSync(state).find((name) => name.endsWith(".sem"));
  if (file === undefined) return 0;
  const text = readFileSync(join(state, file), "utf8");
  return JSON.parse(text).waiting?.length ?? 0;
}

async function holding(args: readonly string[], options: CommandOptions): Promise<RunningCommand> {
  const command = new RunningCommand([...args, ...HOLD], options);
  await command.says(/up/);
  return command;
}

test("lock runs a command and ends with its status; one that cannot be run is 126 or 127", UNIX, async () => {
  await onGround(async (options, name, state) => {
    const { status, out, err } = await procref(["lock", name, "--", "sh", "-c", "echo done; exit 7"], options);
    assert.deepEqual([status, out, err], [7, "done\n", ""]);
    const killed = await procref(["lock", name, "--", "sh", "-c", "kill -TERM $$"], options);
    assert.equal(killed.status, 128 + 15);
    const missing = await procref(["lock", name, "--", "no-such-program-anywhere"], options);
    assert.deepEqual([missing.status, missing.err], [
      127,
      "procref: cannot run no-such-program-anywhere: it is not found\n",
    ]);
    assert.equal((await procref(["sem", name, "--", state], options)).status, 126);
  });
});

test("a lock that is held is 75, at once or when the time is over, and it is said who holds it", UNIX, async () => {
  await onGround(async (options, name) => {
    for (const runtime of bothRuntimes) {
      await using holder = await holding(["lock", name], { ...options, runtime });
      const message = `procref: cannot have ${name}: it is held by process ${holder.process.pid} `;
      const refused = await procref(["lock", name, "-n", "--", "echo", "never"], options);
      assert.deepEqual([refused.status, refused.out, refused.err], [75, "", `${message}[NO_CAPACITY]\n`]);
      const late = await procref(["sem", name, "--timeout", "50ms", "--", "echo", "never"], options);
      assert.deepEqual([late.status, late.out, late.err], [75, "", `${message}[TIMEOUT]\n`]);
      const other = await procref(["lock", name, "-n", "--namespace", "other", "--", "true"], options);
      assert.equal(other.status, 0);
      holder.process.stdin!.end();
      assert.equal((await holder.ended).status, 0);
    }
  });
});

test("who waits has the lock when the command before it ends, by priority", UNIX, async () => {
  await onGround(async (options, name, state) => {
    await using holder = await holding(["lock", name], options);
    const order = join(state, "..", "order");
    writeFileSync(order, "");
    const waiting = async (word: string, priority: number): Promise<RunningCommand> => {
      const before = queueLength(state);
      const command = new RunningCommand(
        ["lock", name, `--priority=${priority}`, "--", "sh", "-c", `echo ${word} >> '${order}'; cat '${order}'`],
        options,
      );
      await eventually(() => queueLength(state) === before + 1, `${word} waits`);
      return command;
    };
    await using last = await waiting("last", -1);
    await using middle = await waiting("middle", 0);
    await using first = await waiting("first", 1);
    holder.process.stdin!.end();
    assert.equal((await first.ended).out, "first\n");
    assert.equal((await middle.ended).out, "first\nmiddle\n");
    assert.equal((await last.ended).out, "first\nmiddle\nlast\n");
  });
});

test("at most N run at a time under sem, and another N is refused while they run", UNIX, async () => {
  await onGround(async (options, name) => {
    await using one = await holding(["sem", name, "-j", "2"], options);
    await using two = await holding(["sem", name, "-j2"], options);
    const third = await procref(["sem", name, "-j", "2", "-n", "--", "true"], options);
    assert.equal(third.status, 75);
    assert.match(third.err, /is held by the processes \d+, \d+ /);
    const { status, err } = await procref(["sem", name, "-j", "3", "-n", "--", "true"], options);
    assert.equal(status, 125);
    assert.match(
      err,
      /^procref: Cannot use ".*" with -j 3: it is in use with another number; .* \[CONFIG_MISMATCH\]\n$/,
    );
    one.process.stdin!.end();
    assert.equal((await one.ended).status, 0);
    assert.equal((await procref(["sem", name, "-j", "2", "-n", "--", "true"], options)).status, 0);
    two.process.stdin!.end();
    assert.equal((await two.ended).status, 0);
    assert.equal((await procref(["sem", name, "-j", "3", "-n", "--", "true"], options)).status, 0);
  });
});

test("a SIGKILLed procref holds nothing, its command runs on, and the next one takes the lock", UNIX, async () => {
  await onGround(async (options, name, state) => {
    const holder = new RunningCommand(["lock", name, "--", "sh", "-c", "echo up $$; exec sleep 300"], options);
    const [, pid] = /up (\d+)/.exec(await holder.says(/up \d+\n/))!;
    try {
      await using waiter = new RunningCommand(["lock", name, "--", "echo", "mine"], options);
      await eventually(() => queueLength(state) === 1, "it waits");
      signalChild(holder.process);
      const { status, out } = await waiter.ended;
      assert.deepEqual([status, out], [0, "mine\n"]);
      assert.ok(processes.isAlive(Number(pid)));
    } finally {
      processes.kill(Number(pid));
      await holder.ended;
    }
  });
});

test("what a dead procref has left is in nobody's way, whatever its number was", UNIX, async () => {
  await onGround(async (options, name, state) => {
    const holder = await holding(["sem", name, "-j", "2"], options);
    signalChild(holder.process);
    holder.process.stdin!.end();
    await holder.ended;
    assert.notDeepEqual(readdirSync(state), []);
    assert.equal((await procref(["lock", name, "-n", "--", "true"], options)).status, 0);
  });
});

test(
  "a wait that a signal ends is 128+n, and leaves the queue; a command that a signal is sent to decides",
  UNIX,
  async () => {
    await onGround(async (options, name, state) => {
      const trap = ["--", "sh", "-c", "trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done"];
      await using holder = new RunningCommand(["lock", name, ...trap], options);
      await holder.says(/up/);
      await using waiter = new RunningCommand(["lock", name, "--", "true"], options);
      await eventually(() => queueLength(state) === 1, "it waits");
      process.kill(waiter.process.pid!, "SIGTERM");
      assert.equal((await waiter.ended).status, 128 + 15);
      assert.equal(queueLength(state), 0);
      process.kill(holder.process.pid!, "SIGTERM");
      assert.equal((await holder.ended).status, 9);
    });
  },
);

test("what a command leaves in the background does not keep the lock", UNIX, async () => {
  await onGround(async (options, name) => {
    const { status, out } = await procref(
      ["lock", name, "--", "sh", "-c", "sleep 300 >/dev/null 2>&1 & echo $!"],
      options,
    );
    try {
      assert.equal(status, 0);
      assert.equal((await procref(["lock", name, "-n", "--", "true"], options)).status, 0);
    } finally {
      processes.kill(Number(out));
    }
  });
});
