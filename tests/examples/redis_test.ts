import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { process as processes } from "../../mod.ts";
import { eventually } from "../harness/eventually.ts";
import { assertInstalled, dataDirectory, type ExampleStage, onStage, ours, theirs } from "./example_stage.ts";

const data = dataDirectory();
after(() => rmSync(data, { recursive: true, force: true }));

/** What the server says at its start of the data that it was to save at its end. */
const LOADED = /Done loading RDB, keys loaded: 1,/;

/** A stage with servers that have no data. */
async function withServers(work: (stage: ExampleStage) => Promise<void>): Promise<void> {
  const remedy = "install Redis, on Debian by apt-get install redis-server";
  assertInstalled(["redis-server", "redis-cli"], remedy);
  for (const each of ["shop", "blog", "crash"]) rmSync(folder(each), { recursive: true, force: true });
  await onStage("redis", data, work);
}

function folder(namespace: string): string {
  return join(data, `redis-${namespace}`);
}

function ask(port: number | string, ...words: string[]): { status: number | null; out: string } {
  const { status, stdout, stderr } = spawnSync("redis-cli", ["-e", "-p", String(port), ...words], { encoding: "utf8" });
  return { status, out: `${stdout}${stderr}`.trim() };
}

test("Redis: two tasks share one server, and the last one has it save what was noted", async () => {
  await withServers(async (stage) => {
    await using one = stage.client(ours);
    const { url, port, notes } = await one.opened();
    assert.deepEqual(notes, []);
    await using two = stage.client(theirs);
    assert.equal((await two.opened()).url, url);
    assert.deepEqual(await one.note("by one"), ["by one"]);
    const { pid, references } = await stage.status();
    assert.match(ask(port, "INFO", "server").out, new RegExp(`^process_id:${pid}\\r?$`, "m"));
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
    assert.match(log, LOADED);
    assert.equal(log, await stage.log());
    assert.equal(await stage.print("redis-cli", ["LLEN", "notes"]), "2\n");
    await next.end();
  });
});

test("Redis: the last client is killed, and the server saves what was noted", async () => {
  await withServers(async (stage) => {
    await using client = stage.library("crash");
    await client.opened();
    await client.note("before the crash");
    const { pid } = await stage.status("crash");
    await client.kill();
    await stage.over();
    assert.ok(!processes.isAlive(pid));
    await using next = stage.library("crash");
    assert.deepEqual((await next.opened()).notes, ["before the crash"]);
    assert.match(await stage.log("crash"), LOADED);
    await next.end();
  });
});

test("Redis: procref is killed while its client stays connected, and the server does not wait for it", async () => {
  await withServers(async (stage) => {
    await using client = stage.client(ours);
    await client.opened();
    await client.note("before the crash");
    processes.kill((await stage.status()).holders[0].pid);
    await stage.over();
    await client.end();
    await using next = stage.client(ours);
    assert.deepEqual((await next.opened()).notes, ["before the crash"]);
    await next.end();
  });
});

test("Redis: the server is killed, and what it had not saved is lost: it is the stop that saves", async () => {
  await withServers(async (stage) => {
    await using client = stage.client(ours);
    await client.opened();
    await client.note("never saved");
    const { pid } = await stage.status();
    processes.kill(pid);
    await eventually(async () => {
      const { state, pid: fresh } = await stage.status();
      return state === "running" && fresh !== pid;
    }, "the supervisor has started it again");
    assert.equal(ask((await stage.status()).port, "LLEN", "notes").out, "0");
    await client.end();
  });
});

test("Redis: two projects have a server each, with a port and data of its own", async () => {
  await withServers(async (stage) => {
    await using shop = stage.client(ours);
    await using blog = stage.client("dev:blog");
    assert.notEqual((await shop.opened()).port, (await blog.opened()).port);
    assert.deepEqual(await shop.note("sold"), ["sold"]);
    assert.deepEqual(await blog.note("written"), ["written"]);
    assert.notEqual((await stage.status("shop")).pid, (await stage.status("blog")).pid);
    await shop.end();
    assert.deepEqual(await blog.note("still there"), ["written", "still there"]);
    await blog.end();
    await stage.over();
    for (const each of ["shop", "blog"]) readFileSync(join(folder(each), "dump.rdb"));
  });
});

test("Redis: a server that listens and still loads its data is not ready", async () => {
  await withServers(async (stage) => {
    await using first = stage.client(ours);
    const { port } = await first.opened();
    const fill = `for i = 1, 100 do
      local value = ''
      for j = 1, 30 do value = value .. redis.sha1hex(100 * i + j) end
      redis.call('SET', i, value)
    end`;
    assert.equal(ask(port, "EVAL", fill, "0").status, 0);
    await first.end();
    await stage.over();
    // 100 ms for each key, and it looks for requests after each of them.
    const slow = "key-load-delay 100000\nloading-process-events-interval-bytes 1024\n";
    mkdirSync(folder("shop"), { recursive: true });
    writeFileSync(join(folder("shop"), "redis.conf"), slow);
    await using client = stage.client(ours);
    const listening = /, port=(\d+)\./;
    let log = "";
    await eventually(async () => listening.test(log = await stage.log()), "it listens");
    const slowPort = listening.exec(log)![1];
    await eventually(() => /LOADING/.test(ask(slowPort, "PING").out), "it answers that it loads");
    assert.equal((await stage.status()).state, "starting");
    assert.ok(await client.isSilent());
    assert.match(ask(slowPort, "PING").out, /LOADING/, "all this was while it loaded");
    assert.equal(ask(slowPort, "CONFIG", "SET", "key-load-delay", "0").out, "OK");
    await client.opened();
    assert.equal(ask(slowPort, "DBSIZE").out, "100");
    await client.end();
  });
});

test("Redis: every task of the example is run here", () => {
  const source = readFileSync(new URL(import.meta.url), "utf8");
  const { tasks } = JSON.parse(readFileSync(new URL("../../examples/redis/deno.json", import.meta.url), "utf8"));
  const run = [...source.matchAll(/stage\.(?:client|print)\("([^"]+)"/g)].map(([, task]) => task);
  const indirectly = ["with-redis", ours, theirs];
  assert.deepEqual(Object.keys(tasks).filter((task) => ![...run, ...indirectly].includes(task)), []);
});
