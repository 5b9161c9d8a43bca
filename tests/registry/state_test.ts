import assert from "node:assert/strict";
import {
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../harness/eventually.ts";
import { notOnWindows } from "../harness/platform.ts";
import { ask, eachRegistry, namesOf, onRegistry, type RegistryStage } from "../harness/registries.ts";
import { ServiceRegistry } from "../../src/registry/mod.ts";
import { keyOf, removeKey } from "../fixtures/sets.ts";

eachRegistry("a change is seen by others at once", async (stage) => {
  const registry = stage.open();
  const other = await stage.start();
  for (let round = 0; round < 50; round++) {
    await ask(other, "registerService", "service", { metadata: { round } });
    assert.equal(registry.find("service")?.metadata.round, round);
    await ask(other, "unregisterService", "service");
    assert.equal(registry.find("service"), undefined);
  }
});

eachRegistry("no two files of a registry that follow each other have one size", (stage) => {
  const registry = stage.open();
  let last = 0;
  for (let round = 0; round < 10; round++) {
    registry.registerService(`s${round % 10}`);
    const { size } = statSync(stage.file);
    assert.notEqual(size, last);
    last = size;
    registry.unregisterService(`s${round % 10}`);
    assert.notEqual(statSync(stage.file).size, last);
  }
});

test("a find on a registry that has not changed asks the kernel three times", {
  skip: notOnWindows("calls"),
}, async () => {
  await onRegistry(async (stage) => {
    stage.open().registerService("service");
    const finder = await stage.start({ env: { PROCREF_TEST_STOP: "trace" } });
    await ask(finder, "find", "service");
    finder.takeLines("native ");
    for (let times = 0; times < 10; times++) await ask(finder, "find", "service");
    const calls = finder.takeLines("native ");
    assert.equal(calls.length, 30);
    assert.deepEqual([...new Set(calls)].sort(), ["poll", "semctl"]);
  }, "sysv");
});

eachRegistry("1,000 services of several processes are registered, found and listed", async (stage) => {
  const registry = stage.open({ capacity: 1000 });
  const other = await stage.start({}, { capacity: 1000 });
  await ask(other, "registerService", "other");
  for (let index = 1; index < 1000; index++) registry.registerService(`s${index}`, { metadata: { index } });
  assert.equal((await ask<unknown[]>(other, "list")).length, 1000);
  assert.equal(registry.list().length, 1000);
  assert.equal(registry.find("s999")?.metadata.index, 999);
  assert.equal(registry.find("other")?.pid, other.pid);
  assert.throws(() => registry.registerService("one-more"), { code: "FULL" });
  assert.equal(registry.clear(), 999);
});

eachRegistry("the capacity is what those who have registered have given", async (stage) => {
  const small = stage.open({ capacity: 1 });
  small.registerService("one");
  const unsaid = stage.open();
  assert.equal(unsaid.capacity, 1);
  assert.throws(() => unsaid.registerService("two"), { code: "FULL", message: /capacity of 1 / });
  const large = stage.open({ capacity: 2 });
  assert.throws(() => large.registerService("two"), { code: "CONFIG_MISMATCH" });
  assert.equal(large.find("one")?.name, "one", "to look needs no agreement");
  small.unregisterService("one");
  // Nobody needs the old one any more.
  large.registerService("two");
  assert.equal(small.capacity, 2);
  const dead = await stage.start({}, { capacity: 2 });
  await ask(dead, "registerService", "dead");
  large.unregisterService("two");
  await dead.kill();
  stage.open({ capacity: 3 }).registerService("three");
  assert.equal(small.capacity, 3);
});

test("what cannot be used as an option is refused", () => {
  for (const capacity of [0, -1, 1.5, 8193, NaN, "3"]) {
    assert.throws(() => new ServiceRegistry("x", { capacity: capacity as number }), { code: "INVALID_ARGUMENT" });
  }
  for (const lockTimeoutMs of [-1, NaN, Infinity, "3"]) {
    assert.throws(() => new ServiceRegistry("x", { lockTimeoutMs: lockTimeoutMs as number }), {
      code: "INVALID_ARGUMENT",
    });
  }
  assert.throws(() => new ServiceRegistry("x", { mechanism: "memory" as "sysv" }), { code: "INVALID_ARGUMENT" });
  assert.throws(() => new ServiceRegistry("x", { directory: "relative" }).list(), { code: "INVALID_ARGUMENT" });
  for (const name of ["a/b", " ", "a".repeat(201), 3, null]) {
    assert.throws(() => new ServiceRegistry(name as string), { code: "INVALID_NAME" });
  }
});

eachRegistry("what JSON cannot say, or what is too large, is refused, and nothing is registered", (stage) => {
  const registry = stage.open();
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const values = [
    circle,
    { a: 1n },
    { a: undefined },
    { a: NaN },
    { a: new Date() },
    { a: () => 1 },
    [1],
    "text",
    3,
    null,
  ];
  for (const metadata of values) {
    assert.throws(() => registry.registerService("bad", { metadata: metadata as never }), { code: "INVALID_ARGUMENT" });
  }
  for (const channel of ["", 3, null, {}]) {
    assert.throws(() => registry.registerService("bad", { controlChannel: channel as string }), {
      code: "INVALID_ARGUMENT",
    });
    assert.throws(() => registry.registerService("bad", { replyChannel: channel as string }), {
      code: "INVALID_ARGUMENT",
    });
  }
  for (const size of [8192, 1e6]) {
    const large = { metadata: { text: "x".repeat(size) } };
    assert.throws(() => registry.registerService("bad", large), { code: "INVALID_ARGUMENT", message: /8192 fit/ });
  }
  assert.deepEqual(registry.list(), []);
  registry.registerService("good", { metadata: JSON.parse('{ "__proto__": { "evil": 1 }, "text": "ä\\u0000😀" }') });
  assert.equal(JSON.stringify(registry.find("good")!.metadata), '{"__proto__":{"evil":1},"text":"ä\\u0000😀"}');
  registry.registerService("large", { metadata: { text: "x".repeat(7000) } });
});

function breakings(stage: RegistryStage): [what: string, work: () => void][] {
  const text = readFileSync(stage.file, "utf8");
  const write = (value: unknown): void => writeFileSync(stage.file, JSON.stringify(value));
  const state = JSON.parse(text);
  return [
    ["empty", () => truncateSync(stage.file)],
    ["half", () => truncateSync(stage.file, 100)],
    ["nothing", () => write(null)],
    ["of a later version", () => write({ ...state, procref: 2 })],
    ["of another registry", () => write({ ...state, registry: "other" })],
    ["without a capacity", () => write({ ...state, capacity: "32" })],
    ["without entries", () => write({ ...state, entries: {} })],
    ["with a bad entry", () => write({ ...state, entries: [{ name: "one" }] })],
  ];
}

eachRegistry("a damaged file is an error of every call, until it is destroyed by force", async (stage) => {
  for (let at = 0;; at++) {
    const maker = await stage.start();
    await ask(maker, "registerService", "one");
    const [what, damage] = breakings(stage)[at] ?? [];
    if (damage === undefined) return void await ask(maker, "close");
    damage();
    const registry = stage.open();
    const works = [
      () => registry.find("one"),
      () => registry.list(),
      () => registry.findAll(""),
      () => registry.capacity,
      () => registry.registerService("two"),
      () => registry.unregisterService("one"),
      () => registry.gc(),
      () => registry.clear({ force: true }),
      () => registry.destroy(),
    ];
    for (const work of works) assert.throws(work, { code: "BROKEN_FILE", message: /nothing is taken for free/ }, what);
    registry.destroy({ force: true });
    assert.deepEqual(await ask(maker, "list"), [], what);
    await ask(maker, "registerService", "again");
    await ask(maker, "close");
    stage.assertNothingLeft();
    await maker.end();
  }
});

test("a link in the place of the file is not followed", { skip: notOnWindows("links") }, async () => {
  await onRegistry((stage) => {
    const registry = stage.open();
    registry.registerService("one");
    const elsewhere = join(stage.state, "elsewhere");
    writeFileSync(elsewhere, readFileSync(stage.file));
    unlinkSync(stage.file);
    symlinkSync(elsewhere, stage.file);
    assert.throws(() => stage.open().list(), { code: "BROKEN_FILE" });
    registry.destroy({ force: true });
    assert.ok(existsSync(elsewhere));
    unlinkSync(elsewhere);
  });
});

eachRegistry("entries of an earlier boot count for nothing", (stage) => {
  const registry = stage.open();
  registry.registerService("old");
  const state = JSON.parse(readFileSync(stage.file, "utf8"));
  const earlier = (text: string): string => text.replace(state.domain.boot, "an-earlier-boot");
  state.entries[0].start = earlier(state.entries[0].start);
  state.domain = { boot: "an-earlier-boot", pid: "pid:[1]", ipc: "ipc:[1]" };
  writeFileSync(stage.file, JSON.stringify(state));
  const other = stage.open();
  assert.deepEqual(other.list(), []);
  other.registerService("old");
  assert.equal(other.list().length, 1);
});

test("a registry whose kernel object a stranger removes goes on, and loses nothing", {
  skip: notOnWindows("removal"),
}, async () => {
  await onRegistry(async (stage) => {
    const key = keyOf(stage.domain, { directory: stage.folder });
    const registry = stage.open();
    const other = await stage.start();
    registry.registerService("mine");
    await ask(other, "registerService", "theirs");
    removeKey(key);
    assert.deepEqual(namesOf(registry.list()), ["mine", "theirs"]);
    // The other one is not counted before it comes back; what it has registered stays all the same.
    registry.registerService("more");
    registry.close();
    assert.equal(await ask(other, "find", "mine"), undefined);
    assert.deepEqual(namesOf(await ask(other, "list")), ["theirs"]);
    removeKey(key);
    const [{ removed, reason }] = stage.gc();
    assert.equal(removed, false, reason);
    assert.deepEqual(namesOf(await ask(other, "list")), ["theirs"]);
    await ask(other, "close");
    stage.assertNothingLeft();
  }, "sysv");
});

test("a directory that a cleaner of temporary files has removed is made again", {
  skip: notOnWindows("open-files"),
}, async () => {
  await onRegistry(async (stage) => {
    const registry = stage.open();
    registry.registerService("one");
    rmSync(stage.folder, { recursive: true });
    await eventually(() => registry.find("one") === undefined, "what was removed is gone");
    registry.registerService("one");
    assert.equal(stage.open().find("one")?.name, "one");
  }, "sysv");
});

test("processes that count in another way are refused", { skip: notOnWindows("semaphores") }, async () => {
  for (const [ours, theirs] of [["sysv", "slots"], ["slots", "sysv"]] as const) {
    await onRegistry(async (stage) => {
      stage.open().registerService("one");
      assert.throws(() => stage.open({ mechanism: theirs }).list(), { code: "MECHANISM_MISMATCH" });
      const other = await stage.start({}, { mechanism: theirs });
      await assert.rejects(ask(other, "find", "one"), { code: "MECHANISM_MISMATCH" });
      await other.end();
    }, ours);
  }
});
