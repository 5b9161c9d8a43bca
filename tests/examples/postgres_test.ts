import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { process as processes } from "../../mod.ts";
import { eventually } from "../harness/eventually.ts";
import { runtime } from "../harness/runtime.ts";
import { assertInstalled, copyData, dataDirectory, type ExampleStage, onStage, ours, theirs } from "./example_stage.ts";

const data = dataDirectory();
after(() => rmSync(data, { recursive: true, force: true }));

/** What the server says at its start when it was shut down in order, and what when it was not. */
const SHUT_DOWN = /database system was shut down at/;
const INTERRUPTED = /was interrupted|not properly shut down|automatic recovery|redo starts/;

let isPrepared = false;

/** Makes a database once for all tests of this file, by the example's own first start. */
async function prepare(stage: ExampleStage): Promise<void> {
  if (isPrepared) return;
  const remedy = "install PostgreSQL and its client, on Debian by apt-get install postgresql";
  assertInstalled(
    ["initdb", "postgres", "pg_isready", "psql", ...(process.getuid!() === 0 ? ["setpriv"] : [])],
    remedy,
  );
  await using first = stage.library("template");
  assert.deepEqual((await first.opened()).notes, []);
  assert.equal((await first.end()).status, 0);
  await stage.over();
  isPrepared = true;
}

/** A stage with databases in which nothing is noted. */
async function withDatabases(
  namespaces: readonly string[],
  work: (stage: ExampleStage) => Promise<void>,
): Promise<void> {
  await onStage("postgres", data, async (stage) => {
    await prepare(stage);
    for (const each of namespaces) copyData(folder("template"), folder(each));
    await work(stage);
  });
}

function folder(namespace: string): string {
  return join(data, `postgres-${namespace}`);
}

/** The process that the server says it is. */
function postmaster(namespace: string): number {
  return Number(readFileSync(join(folder(namespace), "postmaster.pid"), "utf8").split("\n")[0]);
}

function assertNothingRecovered(log: string): void {
  assert.match(log, SHUT_DOWN);
  assert.doesNotMatch(log, INTERRUPTED);
}

test("PostgreSQL: two tasks share one server, and after the last one it has nothing to recover", async () => {
  await withDatabases(["shop"], async (stage) => {
    await using one = stage.client(ours);
    const { url, notes } = await one.opened();
    assert.deepEqual(notes, []);
    await using two = stage.client(theirs);
    assert.equal((await two.opened()).url, url);
    assert.deepEqual(await one.note("by one"), ["by one"]);
    const { pid, references } = await stage.status();
    assert.equal(pid, postmaster("shop"), "no shell stands between the supervisor and the server");
    assert.equal(references, 2);

    assert.equal((await one.end()).status, 0);
    assert.deepEqual(await two.note("by two"), ["by one", "by two"], "who came first is not the owner");
    assert.equal((await stage.status()).pid, pid);
    assert.equal((await two.end()).status, 0);
    await stage.over();
    assert.ok(!processes.isAlive(pid));

    await using next = stage.client(ours);
    assert.deepEqual((await next.opened()).notes, ["by one", "by two"]);
    const log = await stage.print("log");
    assertNothingRecovered(log);
    assert.equal(log, await stage.log());
    assert.equal(await stage.print("psql", ["-tAc", "SELECT count(*) FROM notes"]), "2\n");
    await next.end();
  });
});

test("PostgreSQL: the last client is killed, and the server shuts down with all that was noted", async () => {
  await withDatabases(["crash"], async (stage) => {
    await using client = stage.library("crash");
    await client.opened();
    await client.note("before the crash");
    const { pid } = await stage.status("crash");
    await client.kill();
    await stage.over();
    assert.ok(!processes.isAlive(pid));
    await using next = stage.library("crash");
    assert.deepEqual((await next.opened()).notes, ["before the crash"]);
    assertNothingRecovered(await stage.log("crash"));
    await next.end();
  });
});

test("PostgreSQL: procref is killed while its client stays connected, and the server does not wait for it", async () => {
  await withDatabases(["shop"], async (stage) => {
    await using client = stage.client(ours);
    await client.opened();
    await client.note("before the crash");
    const { holders } = await stage.status();
    processes.kill(holders[0].pid);
    // Well before the minute is over after which it would be killed.
    await stage.over();
    await client.end();
    await using next = stage.client(ours);
    assert.deepEqual((await next.opened()).notes, ["before the crash"]);
    assertNothingRecovered(await stage.log());
    await next.end();
  });
});

test("PostgreSQL: the supervisor is killed, the server dies with it, and recovers what was noted", async () => {
  await withDatabases(["shop"], async (stage) => {
    await using client = stage.client(theirs);
    await client.opened();
    await client.note("before the crash");
    const { pid, supervisor } = await stage.status();
    processes.kill(supervisor);
    await eventually(() => !processes.isAlive(pid), "the server is gone");
    await using next = stage.client(ours);
    assert.deepEqual((await next.opened()).notes, ["before the crash"]);
    assert.match(await stage.log(), INTERRUPTED);
    await next.end();
    await client.end();
  });
});

test("PostgreSQL: two projects have a server each, with a port and data of its own", async () => {
  await withDatabases(["shop", "blog"], async (stage) => {
    await using shop = stage.client(ours);
    await using blog = stage.client("dev:blog");
    assert.notEqual((await shop.opened()).port, (await blog.opened()).port);
    assert.deepEqual(await shop.note("sold"), ["sold"]);
    assert.deepEqual(await blog.note("written"), ["written"]);
    assert.notEqual(postmaster("shop"), postmaster("blog"));
    await shop.end();
    assert.deepEqual(await blog.note("still there"), ["written", "still there"]);
    await blog.end();
  });
});

test("PostgreSQL: a server that listens and does not take clients yet is not ready", async () => {
  await withDatabases(["shop"], async (stage) => {
    const release = join(data, `release-${runtime}`);
    // It recovers, with its port open, until its command for old log files says that there is none.
    writeFileSync(join(folder("shop"), "recovery.signal"), "");
    // As after a crash it takes nobody until then; a standby would take those who only read.
    const command = `until test -e ${release}; do sleep 0.02; done; false`;
    appendFileSync(join(folder("shop"), "postgresql.auto.conf"), `restore_command = '${command}'\nhot_standby = off\n`);
    await using client = stage.client(ours);
    const listening = /listening on IPv4 address "127.0.0.1", port (\d+)/;
    let log = "";
    await eventually(async () => listening.test(log = await stage.log()), "it listens");
    const port = listening.exec(log)![1];
    const ask = (): number | null => spawnSync("pg_isready", ["-q", "-h", "127.0.0.1", "-p", port]).status;
    await eventually(() => ask() === 1, "it rejects clients");
    assert.equal((await stage.status()).state, "starting");
    assert.ok(await client.isSilent());
    writeFileSync(release, "");
    assert.deepEqual((await client.opened()).notes, []);
    assert.match(await stage.log(), /archive recovery complete/);
    await client.end();
  });
});

test("PostgreSQL: every task of the example is run here", () => {
  const source = readFileSync(new URL(import.meta.url), "utf8");
  const { tasks } = JSON.parse(readFileSync(new URL("../../examples/postgres/deno.json", import.meta.url), "utf8"));
  const run = [
    "with-db",
    ours,
    theirs,
    ...[...source.matchAll(/stage\.(?:client|print)\("([^"]+)"/g)].map(([, task]) => task),
  ];
  assert.deepEqual(Object.keys(tasks).filter((task) => !run.includes(task)), []);
});
