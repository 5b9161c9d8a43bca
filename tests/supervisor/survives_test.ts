import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { process as processes } from "../../mod.ts";
import { readProcFile } from "../../src/process/linux/proc_files.ts";
import { signalChild } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import { notOnWindows } from "../harness/platform.ts";
import { bothRuntimes, type RuntimeName } from "../harness/runtime.ts";
import { type Acquired, onStage, other, type SupervisedStage } from "../harness/supervised.ts";

const FIXTURE = fileURLToPath(new URL("../fixtures/supervised_client.ts", import.meta.url));
const RUN: { readonly [R in RuntimeName]: string } = { deno: "deno run -A --no-check --quiet", bun: "bun run" };

/** A second client keeps the service; whatever ends the starter, the second one must not notice. */
async function assertSurvives(
  stage: SupervisedStage,
  start: () => Promise<() => Promise<void>>,
): Promise<void> {
  const keeper = await stage.client();
  const end = await start();
  const [pid] = stage.starts();
  const supervisor = stage.supervisor();
  assert.equal((await keeper.call<Acquired>("acquire")).pid, pid, "the starter has started it");
  await end();
  await eventually(async () => await keeper.call("count") === 1, "the starter is un-counted");
  assert.ok(processes.isAlive(pid), "the service runs on");
  assert.deepEqual(stage.supervisor(), supervisor, "and so does its supervisor");
  await keeper.call("release", 0);
  await stage.assertNothingLeft();
  assert.deepEqual(stage.starts(), [pid]);
}

for (const runtime of bothRuntimes) {
  test(`SIGKILL of the process group of a starter in ${runtime} reaches neither supervisor nor service`, async () => {
    await onStage(async (stage) => {
      await assertSurvives(stage, async () => {
        const starter = await stage.client(undefined, { detached: true, runtime });
        await starter.call<Acquired>("acquire");
        return async (): Promise<void> => {
          assert.ok(processes.killGroup(processes.identityOf(starter.pid)!));
          await starter.exited;
        };
      });
    });
  });

  test(`SIGHUP and SIGINT to the process group of a starter in ${runtime} reach neither supervisor nor service`, {
    skip: notOnWindows("groups"),
  }, async () => {
    await onStage(async (stage) => {
      await assertSurvives(stage, async () => {
        const starter = await stage.client(undefined, { detached: true, runtime });
        await starter.call<Acquired>("acquire");
        return async (): Promise<void> => {
          for (const signal of ["SIGHUP", "SIGINT"] as const) process.kill(-starter.pid, signal);
          await starter.exited;
        };
      });
    });
  });

  test(`the terminal of a starter in ${runtime} is closed: supervisor and service have none to lose`, {
    skip: notOnWindows("sessions"),
  }, async () => {
    await onStage(async (stage) => {
      await assertSurvives(stage, async () => {
        const options = JSON.stringify({ options: stage.sleeper() });
        const command = `${RUN[runtime]} "$FIXTURE" "$NAME" "$OPTIONS"`;
        const terminal = spawn("script", ["--quiet", "--command", command, "/dev/null"], {
          env: { ...process.env, FIXTURE, NAME: stage.name, OPTIONS: options, SHELL: "/bin/sh" },
          stdio: ["pipe", "ignore", "ignore"],
        });
        stage.atEnd(() => signalChild(terminal));
        const exited = new Promise((resolve) => terminal.once("exit", resolve));
        terminal.stdin!.write(`${JSON.stringify({ id: 1, name: "acquire", args: [] })}\n`);
        await eventually(() => stage.record()?.phase === "READY", "the starter in the terminal has acquired");
        const terminalOf = (pid: number): number =>
          Number(readProcFile(`/proc/${pid}/stat`)!.replace(/^.*\) /s, "").split(" ")[4]);
        assert.equal(terminalOf(stage.supervisor().pid), 0, "the supervisor has no terminal");
        assert.equal(terminalOf(stage.starts()[0]), 0, "nor has the service");
        return async (): Promise<void> => {
          // Without its master the terminal hangs up: SIGHUP to whoever is in its session.
          signalChild(terminal);
          await exited;
        };
      });
    });
  });
}

for (const end of ["ends by itself", "is ended by SIGTERM", "is ended by SIGKILL"]) {
  test(`a client of Bun with --no-orphans ${end}: what it started outlives it`, {
    skip: end.endsWith("SIGTERM") && notOnWindows("signals"),
  }, async () => {
    await onStage(async (stage) => {
      await assertSurvives(stage, async () => {
        const starter = await stage.client(undefined, {
          runtime: "bun",
          command: ["bun", "--no-orphans", "run"],
        });
        await starter.call<Acquired>("acquire");
        return async (): Promise<void> => {
          if (end === "ends by itself") await starter.end();
          else await starter.kill(end.endsWith("SIGTERM") ? "SIGTERM" : "SIGKILL");
        };
      });
    });
  });
}

test("the supervisor and the service are in sessions of their own, and children of none of the clients", {
  skip: notOnWindows("sessions"),
}, async () => {
  await onStage(async (stage) => {
    const client = await stage.client(undefined, { runtime: other });
    const { pid } = await client.call<Acquired>("acquire");
    const status = (pid: number): number[] =>
      readProcFile(`/proc/${pid}/stat`)!.replace(/^.*\) /s, "").split(" ").slice(1, 4).map(Number);
    const supervisor = stage.supervisor();
    const [parent, group, session] = status(supervisor.pid);
    assert.notEqual(parent, client.pid);
    assert.deepEqual([group, session], [supervisor.pid, supervisor.pid]);
    assert.deepEqual(status(pid), [supervisor.pid, pid, pid]);
    await client.kill();
    await stage.assertNothingLeft();
  });
});
