import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { identityOf } from "../../src/process/mod.ts";
import { ask, eachRegistry, namesOf, onRegistry, PAIRS } from "../harness/registries.ts";

eachRegistry("a registry opens, and nothing is made before it is used", (stage) => {
  const registry = stage.open();
  stage.assertNothingLeft();
  assert.deepEqual(registry.list(), []);
  assert.equal(registry.capacity, 32);
});

eachRegistry("what is registered is found with its channels, its metadata and its process", async (stage) => {
  const began = Date.now();
  const registry = stage.open();
  const metadata = { port: 4711, tags: ["a", { b: null }], deep: { yes: true } };
  const given = registry.registerService("mixer", { controlChannel: "in", replyChannel: "/tmp/out", metadata });
  const { registeredAt, ...found } = registry.find("mixer")!;
  assert.deepEqual(found, {
    name: "mixer",
    controlChannel: "in",
    replyChannel: "/tmp/out",
    metadata,
    pid: process.pid,
    identity: identityOf(process.pid),
  });
  assert.ok(registeredAt >= began && registeredAt <= Date.now());
  assert.deepEqual(given, { registeredAt, ...found });
  for (const [runtime] of PAIRS) {
    const other = await stage.start({ runtime });
    assert.deepEqual(await ask(other, "find", "mixer"), { registeredAt, ...found }, runtime);
    await other.end();
  }
});

eachRegistry("a service without channels and metadata says so", (stage) => {
  const registry = stage.open();
  registry.registerService("bare");
  const { controlChannel, replyChannel, metadata } = registry.find("bare")!;
  assert.deepEqual([controlChannel, replyChannel, metadata], [undefined, undefined, {}]);
});

eachRegistry("what is not registered is not found", (stage) => {
  const registry = stage.open();
  registry.registerService("there");
  assert.equal(registry.find("not-there"), undefined);
  assert.equal(registry.find("ther"), undefined);
  assert.equal(registry.find("__proto__"), undefined);
});

eachRegistry("what is unregistered is not found any more, and can be registered again", (stage) => {
  const registry = stage.open();
  registry.registerService("one");
  assert.equal(registry.unregisterService("one"), true);
  assert.equal(registry.find("one"), undefined);
  assert.equal(registry.unregisterService("one"), false);
  assert.equal(registry.registerService("one").name, "one");
});

eachRegistry("a name that a living process has cannot be registered, here and elsewhere", async (stage) => {
  const registry = stage.open();
  registry.registerService("one", { controlChannel: "first" });
  assert.throws(() => registry.registerService("one"), {
    code: "ALREADY_REGISTERED",
    details: { name: "one", pid: process.pid },
  });
  assert.throws(() => stage.open().registerService("one"), { code: "ALREADY_REGISTERED" });
  for (const [runtime] of PAIRS) {
    const other = await stage.start({ runtime });
    await assert.rejects(ask(other, "registerService", "one"), {
      code: "ALREADY_REGISTERED",
      details: { name: "one", pid: process.pid },
    });
    await other.end();
  }
  assert.equal(registry.find("one")?.controlChannel, "first");
});

eachRegistry("all services are listed by name", async (stage) => {
  const registry = stage.open();
  for (const name of ["zebra", "ant", "mouse"]) registry.registerService(name);
  const other = await stage.start({ runtime: "bun" });
  await ask(other, "registerService", "bee");
  assert.deepEqual(namesOf(registry.list()), ["ant", "bee", "mouse", "zebra"]);
  assert.deepEqual(namesOf(await ask(other, "list")), ["ant", "bee", "mouse", "zebra"]);
});

eachRegistry("a text finds all names that begin with it, and a group its members alone", (stage) => {
  const registry = stage.open();
  for (const name of ["audio", "audio.0", "audio.1", "audio2", "video.0"]) registry.registerService(name);
  assert.deepEqual(namesOf(registry.findAll("audio")), ["audio", "audio.0", "audio.1", "audio2"]);
  assert.deepEqual(namesOf(registry.findAll("audio.")), ["audio.0", "audio.1"]);
  assert.deepEqual(namesOf(registry.findAll({ group: "audio" })), ["audio", "audio.0", "audio.1"]);
  assert.deepEqual(namesOf(registry.findAll("video")), ["video.0"]);
  assert.deepEqual(registry.findAll({ group: "aud" }), []);
  assert.equal(registry.findAll("").length, 5);
  for (const bad of [{ group: "" }, {}, undefined, 3]) {
    assert.throws(() => registry.findAll(bad as string), { code: "INVALID_ARGUMENT" });
  }
});

eachRegistry("clear empties what this process has, and with force everything", async (stage) => {
  const registry = stage.open();
  const other = await stage.start();
  registry.registerService("mine");
  stage.open().registerService("mine-too");
  await ask(other, "registerService", "theirs");
  assert.equal(registry.clear(), 2);
  assert.deepEqual(namesOf(registry.list()), ["theirs"]);
  assert.equal(registry.clear({ force: true }), 1);
  assert.deepEqual([registry.find("theirs"), registry.list()], [undefined, []]);
  assert.equal(await ask(other, "unregisterService", "theirs"), false);
  await ask(other, "registerService", "theirs");
  assert.equal(registry.find("theirs")?.pid, other.pid);
});

eachRegistry("gc removes the entries of those who were killed, and says how many", async (stage) => {
  const registry = stage.open();
  registry.registerService("mine");
  const other = await stage.start();
  for (const name of ["a", "b"]) await ask(other, "registerService", name);
  assert.equal(registry.gc(), 0);
  await other.kill();
  assert.deepEqual([registry.find("a"), namesOf(registry.list())], [undefined, ["mine"]]);
  assert.equal(registry.gc(), 2);
  assert.equal(registry.gc(), 0);
});

test("what a thread has registered is found by the others, until the thread closes its registry", async () => {
  await onRegistry(async (stage) => {
    const registry = stage.open();
    assert.deepEqual(registry.list(), []);
    const worker = new Worker(new URL("../fixtures/registry_in_thread.ts", import.meta.url), {
      workerData: { domain: stage.domain, options: stage.options },
    });
    const said = (): Promise<unknown> =>
      new Promise((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      });
    assert.equal(await said(), "registered");
    assert.equal(registry.find("from-thread")?.pid, process.pid);
    worker.postMessage("close");
    assert.equal(await said(), "closed");
    assert.equal(registry.find("from-thread"), undefined);
    await worker.terminate();
  });
});

eachRegistry("close takes out what this object has registered, and nothing else", (stage) => {
  const [one, other] = [stage.open(), stage.open()];
  one.registerService("one");
  other.registerService("other");
  one.registerService("given-up");
  one.unregisterService("given-up");
  other.registerService("given-up");
  one.close();
  one.close();
  assert.deepEqual(namesOf(other.list()), ["given-up", "other"]);
  assert.throws(() => one.find("one"), { code: "CLOSED" });
  assert.throws(() => one.registerService("one"), { code: "CLOSED" });
});

eachRegistry(
  "destroy removes the storage; what others have needs force, and they go on with an empty one",
  async (stage) => {
    const mine = stage.open();
    mine.registerService("mine");
    mine.destroy();
    stage.assertNothingLeft();
    assert.throws(() => mine.list(), { code: "CLOSED" });

    const other = await stage.start();
    await ask(other, "registerService", "theirs");
    const again = stage.open();
    assert.throws(() => again.destroy(), { code: "ALREADY_REGISTERED", details: { name: "theirs", pid: other.pid } });
    assert.equal(again.find("theirs")?.pid, other.pid);
    again.destroy({ force: true });
    assert.deepEqual(await ask(other, "list"), []);
    await ask(other, "registerService", "theirs", { controlChannel: "anew" });
    assert.equal(stage.open().find("theirs")?.controlChannel, "anew");
  },
);
