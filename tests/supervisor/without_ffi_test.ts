import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import { findProgram } from "../../src/process/programs.ts";
import type { Child } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { type Acquired, type Identity, onStage, type Options, type SupervisedStage } from "../harness/supervised.ts";
import { flagsOf, narrowPermissions, type Permissions, withoutFfi } from "../harness/without_ffi.ts";

const SETPRIV = findProgram("setpriv");

/** What the service runs and finds is named, for a client that may not see its own environment. */
function sleeper(stage: SupervisedStage, more: Options = {}): Options {
  const { command, ...options } = stage.sleeper({ inheritEnv: false, ...more });
  const [, ...args] = command as string[];
  const env = { PATH: process.env.PATH!, ...options.env as Record<string, string> };
  return { ...options, env, command: ["/bin/sh", ...args] };
}

async function client(stage: SupervisedStage, change: Partial<Permissions> = {}, options?: Options): Promise<Child> {
  const command = withoutFfi({ ...narrowPermissions(stage.state), ...change });
  return await stage.client(options ?? sleeper(stage), { runtime: "deno", command });
}

test("a command is shared in Deno without native calls, and its supervisor has none either", async () => {
  await onStage(async (stage) => {
    const first = await client(stage);
    const { pid, handle } = await first.call<Acquired>("acquire");
    const second = await client(stage);
    assert.equal((await second.call<Acquired>("acquire")).pid, pid);
    assert.equal(await first.call("count"), 2);
    assert.deepEqual(flagsOf(stage.supervisor().pid), [
      "--allow-env=NODE_V8_COVERAGE",
      `--allow-read=${stage.state},/bin/sh`,
      `--allow-run=${"found" in SETPRIV ? `${SETPRIV.found},` : ""}/bin/sh`,
      "--allow-sys=uid",
      `--allow-write=${stage.state}`,
    ]);
    await first.call("release", handle);
    assert.deepEqual(stage.running(), [pid], "it is held still");
    await second.call("release", 0);
    await stage.assertNothingLeft();
  });
});

test("SIGKILL of the last client without native calls stops the service", async () => {
  await onStage(async (stage) => {
    const last = await client(stage);
    const { pid } = await last.call<Acquired>("acquire");
    await last.kill();
    await eventually(() => !processes.isAlive(pid), "the service is stopped");
    await stage.assertNothingLeft();
  });
});

test("a service that does not listen is killed with its group and what left it, without native calls", async () => {
  await onStage(async (stage) => {
    const deaf =
      `trap "" TERM; setsid sh -c 'echo "child $$" >>"$JOURNAL"; exec sleep 300' & while :; do sleep 1; done`;
    const { command } = stage.script(deaf) as { command: string[] };
    const options = sleeper(stage, { stopTimeoutMs: 200 });
    const last = await client(stage, {}, { ...options, command: ["/bin/sh", ...command.slice(1)] });
    await last.call<Acquired>("acquire");
    await eventually(() => stage.notes("child").length === 1 && stage.running().length === 2, "both run");
    await last.kill();
    await stage.assertNothingLeft();
  });
});

test("the supervisor is SIGKILLed while clients without native calls hold: they bring up another one", async () => {
  await onStage(async (stage) => {
    const clients = [await client(stage), await client(stage)];
    const [{ pid }] = await Promise.all(clients.map((each) => each.call<Acquired>("acquire")));
    await stage.killSupervisor();
    await eventually(() => !processes.isAlive(pid), "the service dies with it, or is cleared up");
    const fresh = await Promise.all(clients.map((each) => each.line("restart ")));
    assert.equal(fresh[0], fresh[1]);
    assert.deepEqual(stage.running(), [Number(fresh[0])]);
    for (const each of clients) await each.kill();
    await stage.assertNothingLeft();
  });
});

test("a client without native calls that is SIGKILLed while the service starts leaves nothing", async () => {
  await onStage(async (stage) => {
    const starter = await client(stage, {}, sleeper(stage, { ready: { log: "^never$" } }));
    const acquiring = starter.call<Acquired>("acquire");
    acquiring.catch(() => {});
    await eventually(() => stage.running().length === 1, "the service is starting");
    await starter.kill();
    await stage.assertNothingLeft();
  });
});

for (const runtime of bothRuntimes) {
  for (const starter of ["with", "without"] as const) {
    test(`a client with native calls (${runtime}) and one without share a service; the one ${starter} starts it`, async () => {
      await onStage(async (stage) => {
        const native = await stage.client(sleeper(stage, { mechanism: "slots" }), { runtime });
        const other = await client(stage);
        const [first, second] = starter === "with" ? [native, other] : [other, native];
        const { pid } = await first.call<Acquired>("acquire");
        assert.equal((await second.call<Acquired>("acquire")).pid, pid);
        assert.deepEqual([await first.call("count"), await second.call("count")], [2, 2]);
        await stage.killSupervisor();
        const fresh = await Promise.all([native.line("restart "), other.line("restart ")]);
        assert.equal(fresh[0], fresh[1]);
        assert.equal((await other.call<Identity>("info", 0)).pid, Number(fresh[0]));
        await first.kill();
        assert.deepEqual(stage.running(), [Number(fresh[0])]);
        await second.kill();
        await stage.assertNothingLeft();
      });
    });
  }
}

test("who would count by semaphores what others count without native calls is refused, and the other way round", async () => {
  await onStage(async (stage) => {
    const ours = await client(stage);
    const native = await stage.client(sleeper(stage));
    const { handle } = await ours.call<Acquired>("acquire");
    await assert.rejects(native.call("acquire"), { code: "MECHANISM_MISMATCH" });
    assert.equal(await ours.call("count"), 1);
    await ours.call("release", handle);
    await stage.assertNothingLeft();
    await native.call<Acquired>("acquire");
    await assert.rejects(ours.call("acquire"), { code: "MECHANISM_MISMATCH" });
    assert.equal(await native.call("count"), 1);
    await native.kill();
    await stage.assertNothingLeft();
  });
});

for (
  const [what, change, message] of [
    ["the shell", { run: ["setsid"] }, /--allow-run=\/bin\/sh/],
    ["the shell by another name", { run: ["setsid", "sh"] }, /--allow-run=\/bin\/sh/],
    ["setsid", { run: ["/bin/sh"] }, /--allow-run=setsid/],
    ["anything to run", { run: [] }, /--allow-run=\/bin\/sh/],
    ["who the user is", { sys: ["statfs"] }, /--allow-sys=uid,statfs/],
    ["the file system", { sys: ["uid"] }, /--allow-sys=uid,statfs/],
    ["what spawn asks for", { env: [] }, /NODE_V8_COVERAGE/],
    ["writing", { write: [] }, /--allow-write/],
  ] as [string, Partial<Permissions>, RegExp][]
) {
  test(`without native calls and without ${what}, the error names what to allow`, async () => {
    await onStage(async (stage) => {
      const denied = await client(stage, change);
      await assert.rejects(denied.call("acquire"), { code: "PERMISSION", message });
      assert.deepEqual([stage.running(), stage.record()], [[], undefined]);
    });
  });
}
