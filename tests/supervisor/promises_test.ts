/** What users of shared services suffer from elsewhere: each in their words, with the supervised mode's answer. */

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { listServices, process as processes } from "../../mod.ts";
import { stateOf } from "../fixtures/shell.ts";
import { resume, suspend } from "../fixtures/suspend.ts";
import { eventually } from "../harness/eventually.ts";
import { endGroup, onWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { startSleeper } from "../harness/sleeper.ts";
import { type Acquired, onStage, other } from "../harness/supervised.ts";

const HTTP = fileURLToPath(new URL("../fixtures/http_service.ts", import.meta.url));

test("Last client crashed -> service must still stop", async () => {
  await onStage(async (stage) => {
    const client = await stage.client();
    const { pid } = await client.call<Acquired>("acquire");
    // What runtimes end themselves by. A SIGSEGV of somebody else is no crash: V8 takes the first one for its own.
    const { signal } = await client.kill("SIGABRT");
    if (!onWindows) assert.equal(signal, "SIGABRT");
    await eventually(() => !processes.isAlive(pid), "nobody had to look for it");
    await stage.assertNothingLeft();
  });
});

test("Starter's exit must not kill a shared service", async () => {
  await onStage(async (stage) => {
    const starter = await stage.client(undefined, { detached: true });
    const user = await stage.client(undefined, { runtime: other });
    const { pid } = await starter.call<Acquired>("acquire");
    await user.call("acquire");
    endGroup(starter.pid, "SIGTERM");
    await starter.exited;
    assert.equal((await user.call<Acquired>("acquire")).pid, pid);
    await user.kill();
    await stage.assertNothingLeft();
  });
});

test("No double start under a burst", async () => {
  await onStage(async (stage) => {
    const clients = await Promise.all(
      Array.from({ length: 8 }, (_, index) => stage.client(undefined, { runtime: bothRuntimes[index % 2] })),
    );
    for (let round = 1; round <= 3; round++) {
      const acquired = await Promise.all(clients.map((client) => client.call<Acquired>("acquire")));
      assert.equal(new Set(acquired.map(({ pid }) => pid)).size, 1);
      assert.equal(stage.starts().length, round);
      await Promise.all(clients.map((client, index) => client.call("release", acquired[index].handle)));
      await stage.assertNothingLeft();
    }
  });
});

test("Stale PID / lock files, PID reuse", async () => {
  await onStage(async (stage) => {
    const handle = await stage.service().acquire();
    const record = stage.record()!;
    await handle.release();
    await stage.assertNothingLeft();
    const stranger = startSleeper();
    const { start } = processes.identityOf(stranger)!;
    // The number of a process that runs now; when its owner began says that it was another one.
    const old = { pid: stranger, start: start.replace(/^\d+/, (ticks) => String(BigInt(ticks) - 1n)) };
    mkdirSync(stage.folder, { mode: 0o700 });
    const stale = { ...record, phase: "READY", info: { ...record.info, ...old }, supervisor: old };
    writeFileSync(`${stage.folder}/record.json`, JSON.stringify(stale), { mode: 0o600 });
    const fresh = await stage.service().acquire();
    assert.notEqual(fresh.pid, stranger, "it is not taken for the service");
    await fresh.release();
    await stage.assertNothingLeft();
    assert.ok(processes.isAlive(stranger), "nor stopped in its place");
    processes.kill(stranger);
  });
});

test("Never kill a live sibling", async () => {
  await onStage(async (stage) => {
    const siblings = [stage.sleeper({ namespace: "sibling" }), stage.sleeper({ namespace: "another" })];
    const kept = await Promise.all(siblings.map((options) => stage.service(options).acquire()));
    const same = startSleeper();
    const client = await stage.client(stage.sleeper({ namespace: "mine" }));
    const { pid } = await client.call<Acquired>("acquire");
    await client.kill();
    await eventually(() => !processes.isAlive(pid), "the one is stopped");
    for (const handle of kept) assert.ok(processes.isAlive(handle.pid!));
    assert.ok(processes.isAlive(same));
    processes.kill(same);
    for (const handle of kept) await handle.release();
    await stage.assertAllStopped();
  });
});

test("Linger / warm-keeping", async () => {
  await onStage(async (stage) => {
    const service = stage.service(stage.sleeper({ lingerMs: 3000 }));
    const first = await service.acquire();
    const { pid } = first;
    for (let round = 0; round < 5; round++) {
      await (round === 0 ? first : await service.acquire()).release();
      assert.equal(stage.running()[0], pid);
    }
    assert.equal(stage.starts().length, 1);
    await stage.assertNothingLeft();
  });
});

test("Sleep / hibernate breaks TTLs", async () => {
  await onStage(async (stage) => {
    const clients = await Promise.all(bothRuntimes.map((runtime) => stage.client(undefined, { runtime })));
    const [{ pid }] = await Promise.all(clients.map((client) => client.call<Acquired>("acquire")));
    const supervisor = stage.supervisor();
    const all = [...clients.map((client) => client.pid), supervisor.pid];
    for (const one of all) suspend(one);
    if (!onWindows) await eventually(() => all.every((one) => stateOf(one) === "T"), "all of them stand still");
    // Here time itself is what is tested: longer than any look, lease or timer of theirs.
    await delay(4000);
    for (const one of all.toReversed()) resume(one);
    for (const client of clients) assert.equal((await client.call<Acquired>("acquire")).pid, pid);
    assert.equal(await clients[0].call("count"), 4);
    assert.deepEqual(stage.supervisor(), supervisor);
    assert.deepEqual(stage.starts(), [pid], "nothing was stopped or started");
    for (const client of clients) assert.deepEqual(client.takeLines("warning "), []);
    for (const client of clients) await client.kill();
    await stage.assertNothingLeft();
  });
});

test("Silent start failure, lost logs", async () => {
  await onStage(async (stage) => {
    const options = stage.script(
      "echo cannot open the database >&2; exit 78",
      { ready: { log: "never" } },
      `console.error("cannot open the database"); process.exit(78)`,
    );
    await assert.rejects(stage.service(options).acquire(), (error: Error & { details?: { exitCode?: number } }) => {
      assert.match(error.message, /cannot open the database/);
      assert.equal(error.details?.exitCode, 78);
      return true;
    });
    await stage.assertNothingLeft();
  });
});

test("Readiness, not just port open", async () => {
  await onStage(async (stage) => {
    const options = {
      command: ["bun", "run", HTTP, "{host}", "{port}", "unready:4"],
      directory: stage.state,
      port: "auto",
      ready: { http: "/health" },
    };
    const handle = await stage.service(options).acquire();
    const answer = await fetch(`http://${handle.host}:${handle.port}/`);
    await answer.body?.cancel();
    assert.equal(answer.status, 200, "the port was open before, with a 503");
    await handle.release();
    await stage.assertNothingLeft();
  });
});

test("Namespacing by project/worktree", async () => {
  await onStage(async (stage) => {
    const worktrees = ["/project/one", "/project/two"].map((path) => path.replaceAll("/", "_"));
    const handles = [];
    for (const namespace of worktrees) handles.push(await stage.service(stage.sleeper({ namespace })).acquire());
    assert.notEqual(handles[0].pid, handles[1].pid);
    const again = await stage.service(stage.sleeper({ namespace: worktrees[0] })).acquire();
    assert.equal(again.pid, handles[0].pid);
    for (const handle of [...handles, again]) await handle.release();
    await stage.assertAllStopped();
  });
});

test("Version skew / config fingerprint", async () => {
  await onStage(async (stage) => {
    const old = await stage.service(stage.sleeper({ env: { VERSION: "1" } })).acquire();
    const skewed = stage.service(stage.sleeper({ env: { VERSION: "2" } }));
    await assert.rejects(skewed.acquire(), { code: "CONFIG_MISMATCH", message: /"env"/ });
    await old.release();
    await stage.assertNothingLeft();
    await (await skewed.acquire()).release();
    await stage.assertNothingLeft();
  });
});

test("Who is holding it?", async () => {
  await onStage(async (stage) => {
    const [one, two] = [await stage.client(), await stage.client(undefined, { runtime: other })];
    for (const client of [one, two]) await client.call("acquire");
    const holders = (): number[] =>
      listServices({ directory: stage.state }).flatMap(({ holders }) => holders.map(({ pid }) => pid)).sort();
    await eventually(() => holders().length === 2, "both have left their hints");
    assert.deepEqual(holders(), [one.pid, two.pid].sort());
    const [{ state, references, holders: [{ command, since }] }] = listServices({ directory: stage.state });
    assert.deepEqual([state, references], ["running", 2]);
    assert.ok(command.some((word) => word.endsWith("supervised_client.ts")), command.join(" "));
    assert.ok(Math.abs(Date.now() - Date.parse(since)) < 60_000);
    // A hint is believed only while that very process is alive.
    await one.kill();
    assert.deepEqual(holders(), [two.pid]);
    await two.kill();
    await stage.assertNothingLeft();
  });
});
