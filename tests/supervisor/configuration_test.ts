import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isProcrefError, SharedService } from "../../mod.ts";
import { processSystem } from "../../src/process/platform.ts";
import { environmentOf } from "../harness/environment.ts";
import { eventually } from "../harness/eventually.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { startSleeper } from "../harness/sleeper.ts";
import { type Acquired, onStage, type Options, other, type SupervisedStage } from "../harness/supervised.ts";

const SCRIPT = "exec sleep 300";
const PROGRAM = "await sleep()";

/** For each option that clients have to agree on: another value of it. */
const DIFFERENT: { readonly [field: string]: (stage: SupervisedStage) => Options } = {
  command: (stage) => stage.script("exec sleep 301", { port: "auto" }, "await delay(301_000)"),
  "command (by args)": (stage) => stage.script(SCRIPT, { port: "auto", args: ["more"] }, PROGRAM),
  cwd: (stage) => stage.script(SCRIPT, { port: "auto", cwd: "/" }, PROGRAM),
  env: (stage) => stage.script(SCRIPT, { port: "auto", env: { MORE: "1" } }, PROGRAM),
  host: (stage) => stage.script(SCRIPT, { port: "auto", host: "localhost" }, PROGRAM),
  port: (stage) => stage.script(SCRIPT, { port: 4711 }, PROGRAM),
  ready: (stage) => stage.script(SCRIPT, { port: "auto", ready: "running" }, PROGRAM),
  stopSignal: (stage) => stage.script(SCRIPT, { port: "auto", stopSignal: "SIGINT" }, PROGRAM),
  lingerMs: (stage) => stage.script(SCRIPT, { port: "auto", lingerMs: 1 }, PROGRAM),
  restart: (stage) => stage.script(SCRIPT, { port: "auto", restart: false }, PROGRAM),
};

for (const [what, different] of Object.entries(DIFFERENT)) {
  const field = what.split(" ")[0];
  test(`another ${what}: CONFIG_MISMATCH names the ${field}, and the service is not concerned`, async () => {
    await onStage(async (stage) => {
      const handle = await stage.service(stage.script(SCRIPT, { port: "auto" }, PROGRAM)).acquire();
      const service = stage.service(different(stage));
      const failure = await service.acquire().then(() => undefined, (error) => error);
      assert.ok(isProcrefError(failure, "CONFIG_MISMATCH"), String(failure));
      assert.equal(failure.details.field, field);
      assert.match(failure.message, new RegExp(`"${field}"`));
      assert.equal(await service.count(), 1);
      assert.deepEqual(stage.running(), [handle.pid]);
      const joined = await stage.service({ ...different(stage), onMismatch: "join" }).acquire();
      assert.equal(joined.pid, handle.pid, "join takes what runs");
      await joined.release();
      await handle.release();
      await stage.assertNothingLeft();
      assert.equal(stage.starts().length, 1);
    });
  });
}

test("a mismatch tells both values, cut to where they differ, and of variables the names alone", async () => {
  await onStage(async (stage) => {
    const refusal = async (running: Options, wanted: Options): Promise<{ running?: string; message: string }> => {
      const handle = await stage.service(stage.sleeper(running)).acquire();
      const failure = await stage.service(stage.sleeper(wanted)).acquire().then(() => undefined, (error) => error);
      assert.ok(isProcrefError(failure, "CONFIG_MISMATCH"), String(failure));
      await handle.release();
      await stage.assertNothingLeft();
      return { ...failure.details, message: failure.message };
    };
    const linger = await refusal({ lingerMs: 1 }, { lingerMs: 2 });
    assert.match(linger.message, /its "lingerMs" is 1, and here it is 2; /);
    const env = await refusal({ env: { TOKEN: "secret-one" } }, { env: { TOKEN: "secret-two" } });
    assert.match(env.message, /its "env" is another one; /);
    assert.equal(env.running, '["JOURNAL","TOKEN"]');
    assert.ok(!JSON.stringify(env).includes("secret"));
    const long = "x".repeat(600);
    const folder = await refusal({ cwd: `/`, args: [long, "one"] }, { cwd: `/`, args: [long, "two"] });
    assert.match(folder.message, /is …x{1,60}","one"], and here it is …x{1,60}","two"]; /);
    const late = "x".repeat(5000);
    const cut = await refusal({ args: [late, "one"] }, { args: [late, "two"] });
    assert.match(cut.message, /its "command" is another one; /);
    assert.equal(cut.running!.length, 1000);
  });
});

test("times, the log and what is inherited are no mismatch, and the order of env is none", async () => {
  await onStage(async (stage) => {
    const one = await stage.client(stage.sleeper({ env: { ONE: "1", TWO: "2" }, inheritEnv: true }), {
      env: { OF_THE_CLIENT: "first" },
    });
    const { pid } = await one.call<Acquired>("acquire");
    const more = { startTimeoutMs: 1234, stopTimeoutMs: 2345, lockTimeoutMs: 3456, log: { maxBytes: 8192 } };
    const two = await stage.client(
      stage.sleeper({ ...more, env: { TWO: "2", ONE: "1" }, readyIntervalMs: 7, inheritEnv: false }),
      { env: { OF_THE_CLIENT: "second" }, runtime: other },
    );
    assert.equal((await two.call<Acquired>("acquire")).pid, pid);
    for (const client of [one, two]) await client.call("release", 0);
    await stage.assertNothingLeft();
  });
});

/** What a file holds; nothing when it made way for a newer one since it was listed. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, "ENOENT");
    return "";
  }
}

for (const runtime of bothRuntimes) {
  test(`no value of env or of the environment is written to disk or to be seen in a command line (${runtime})`, async () => {
    await onStage(async (stage) => {
      const secret = "the-secret-of-env";
      const inherited = "the-secret-that-is-inherited";
      const client = await stage.client({ ...stage.sleeper({ env: { TOKEN: secret } }), ready: "running" }, {
        runtime,
        env: { INHERITED: inherited },
      });
      const { pid } = await client.call<Acquired>("acquire");
      assert.equal(environmentOf(pid).TOKEN, secret);
      for (const entry of readdirSync(stage.state, { recursive: true, withFileTypes: true })) {
        // The hint of a client has the client's own command line, in which this test hands its options over.
        if (!entry.isFile() || entry.parentPath.endsWith("holders")) continue;
        const text = readIfThere(join(entry.parentPath, entry.name));
        assert.ok(!text.includes(secret) && !text.includes(inherited), entry.name);
      }
      const { pid: supervisor } = stage.supervisor();
      const system = processSystem();
      const seen = {
        "the supervisor's command line": system.command(supervisor)!.join("\n"),
        "the supervisor's environment": JSON.stringify(environmentOf(supervisor)),
        "the service's command line": system.command(pid)!.join("\n"),
      };
      for (const [where, text] of Object.entries(seen)) {
        assert.ok(text !== "" && !text.includes(secret) && !text.includes(inherited), where);
      }
      await client.kill();
      await stage.assertNothingLeft();
    });
  });
}

test("when the last client has gone, the next one may ask for something else", async () => {
  await onStage(async (stage) => {
    for (const lingerMs of [0, 5]) {
      const handle = await stage.service(stage.sleeper({ lingerMs })).acquire();
      await handle.release();
      await stage.assertNothingLeft();
    }
  });
});

/** A client whose callbacks bring the service of this name up. */
function withCallbacks(stage: SupervisedStage): SharedService {
  return stage.tracked(
    new SharedService(stage.name, {
      directory: stage.state,
      onFirstAcquire: () => {
        const pid = startSleeper();
        stage.note("start", pid);
        return { pid };
      },
    }),
  );
}

test("a client of callbacks meets a supervised service: CONFIG_MISMATCH, and neither stops it", async () => {
  await onStage(async (stage) => {
    const handle = await stage.service().acquire();
    const callbacks = withCallbacks(stage);
    await assert.rejects(callbacks.acquire(), { code: "CONFIG_MISMATCH", message: /a supervisor owns it/ });
    assert.equal(await callbacks.count(), 1);
    assert.deepEqual(stage.running(), [handle.pid]);
    await handle.release();
    await stage.assertNothingLeft();
    const own = await callbacks.acquire();
    assert.ok(own.pid !== undefined, "once it is gone the name is free");
    await own.release();
    await stage.assertNothingLeft();
  });
});

test("a client of a command meets a service of callbacks: CONFIG_MISMATCH, and neither stops it", async () => {
  await onStage(async (stage) => {
    const handle = await withCallbacks(stage).acquire();
    const service = stage.service();
    await assert.rejects(service.acquire(), { code: "CONFIG_MISMATCH", message: /by callbacks/ });
    assert.equal(await service.count(), 1);
    assert.deepEqual(stage.running(), [handle.pid]);
    await handle.release();
    await stage.assertNothingLeft();
    const own = await service.acquire();
    await own.release();
    await stage.assertNothingLeft();
  });
});

test("namespaces, directories and names keep services apart", async () => {
  await onStage(async (stage) => {
    const one = await stage.service(stage.sleeper({ namespace: "one" })).acquire();
    const two = await stage.service(stage.sleeper({ namespace: "two", lingerMs: 1 })).acquire();
    assert.notEqual(one.pid, two.pid);
    await one.release();
    await eventually(() => stage.running().length === 1, "the one is gone");
    assert.deepEqual(stage.running(), [two.pid]);
    await two.release();
    await stage.assertAllStopped();
  });
});
