/** What went wrong in an older registry of this kind, fault by fault. */

import assert from "node:assert/strict";
import { chmodSync, existsSync, lstatSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { identityOf } from "../../src/process/mod.ts";
import { type ServiceEntry, ServiceRegistry } from "../../src/registry/mod.ts";
import { Shell, stateOf } from "../fixtures/shell.ts";
import { Child } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import { notOnWindows } from "../harness/platform.ts";
import { ask, eachRegistry, namesOf, onRegistry, PAIRS, REGISTRY_MECHANISMS } from "../harness/registries.ts";
import { keyOf, listedSet } from "../fixtures/sets.ts";

const HOLDER = fileURLToPath(new URL("../fixtures/registry_holder.ts", import.meta.url));

for (const mechanism of REGISTRY_MECHANISMS) {
  test(`an entry vanishes when its process is SIGKILLed, although it is a zombie (${mechanism})`, {
    skip: notOnWindows("zombies"),
  }, () =>
    onRegistry(async (stage) => {
      const command = `bun run ${HOLDER} ${stage.domain} '${JSON.stringify(stage.options)}' service`;
      // A shell reaps its children; the program that it becomes does not.
      await using shell = await Shell.start(`${command} & echo child $!; exec sleep 300`);
      const pid = shell.pidOf("child");
      const registry = stage.open();
      assert.equal(registry.find("service")?.pid, pid);
      process.kill(pid, "SIGKILL");
      // It looks like a zombie before the last of its threads has ended.
      await eventually(() => registry.find("service") === undefined, "the entry has vanished");
      assert.equal(stateOf(pid), "Z", "nobody has reaped it");
      process.kill(pid, 0);
      assert.deepEqual([registry.list(), registry.findAll("s")], [[], []]);
      assert.equal(registry.registerService("service").pid, process.pid);
    }, mechanism));
}

eachRegistry("L8: a process that is SIGKILLed with the lock keeps nobody waiting", async (stage) => {
  for (const [theirs, ours] of PAIRS) {
    // It has the gate, and has written nothing yet.
    const holder = await stage.start({
      runtime: theirs,
      env: { PROCREF_TEST_STOP: STOP_WITH_GATE[stage.options.mechanism!] },
    });
    assert.deepEqual(await ask(holder, "list"), []);
    await holder.call("arm");
    ask(holder, "registerService", "dead").catch(() => {});
    await holder.line("stopped");
    if (stage.options.mechanism !== "handles") {
      assert.throws(() => stage.open({ lockTimeoutMs: 50 }).registerService("early"), { code: "LOCK" });
    }
    await holder.kill();
    const other = await stage.start({ runtime: ours });
    // Who had to wait for the lock would be refused after 5 s.
    await ask(other, "registerService", "alive");
    assert.deepEqual(namesOf(await ask(other, "list")), ["alive"]);
    assert.equal(await ask(other, "clear", { force: true }), 1);
    await other.end();
  }
});

/** Where a registration has the gate. */
const STOP_WITH_GATE = { sysv: "semop:1:after", slots: "flock:3:after", handles: "ReleaseMutex:1:after" } as const;

eachRegistry("L9: clear does not come between another one's change", (stage) => {
  const counter = stage.counter();
  const registry = stage.open({ lockTimeoutMs: 50 });
  registry.registerService("one");
  assert.equal(counter.tryLock(), true);
  for (
    const work of [
      () => registry.clear({ force: true }),
      () => registry.destroy({ force: true }),
      () => registry.close(),
    ]
  ) {
    assert.throws(work, { code: "LOCK" });
  }
  assert.equal(counter.holdsLock(), true);
  counter.unlock();
  assert.deepEqual(namesOf(registry.list()), ["one"]);
  assert.equal(registry.clear(), 1);
});

eachRegistry(
  "L11: what processes that were SIGKILLed have left is used by the next one, who leaves nothing",
  async (stage) => {
    const dead = await stage.start();
    await ask(dead, "registerService", "dead");
    await dead.kill();
    assert.equal(existsSync(stage.file), true, "the file stays until the next one comes");
    const registry = stage.open();
    assert.deepEqual(registry.list(), []);
    registry.registerService("alive");
    registry.close();
    stage.assertNothingLeft();
  },
);

eachRegistry("L13: names of 63, 64 and 65 bytes are three names, 200 bytes are one, and 201 are refused", (stage) => {
  const registry = stage.open();
  const names = [63, 64, 65, 200].map((length) => "n".repeat(length));
  for (const name of names) registry.registerService(name);
  assert.deepEqual(namesOf(registry.list()), names);
  for (const name of names) {
    assert.equal(registry.find(name)?.name, name);
    assert.throws(() => registry.registerService(name), { code: "ALREADY_REGISTERED" });
  }
  for (const name of ["n".repeat(201), "ä".repeat(101), "", " ", "a/b", "a\\b", "a\0", "a\nb"]) {
    assert.throws(() => registry.registerService(name), { code: "INVALID_NAME" }, JSON.stringify(name));
    assert.equal(registry.find(name), undefined);
  }
  assert.equal(registry.registerService("ä".repeat(100)).name, "ä".repeat(100));
  for (const name of names) assert.equal(registry.unregisterService(name), true);
});

eachRegistry("L14: results are copies, of each other and of what was registered", (stage) => {
  const registry = stage.open();
  const metadata = { list: [1, { deep: true }] };
  const given = registry.registerService("s1", { metadata });
  registry.registerService("s2", { controlChannel: "two" });
  const first = registry.find("s1")!;
  const second = registry.find("s2")!;
  assert.deepEqual([first.name, second.name], ["s1", "s2"]);
  metadata.list.push(2);
  first.name = "changed";
  (first.metadata.list as unknown[]).length = 0;
  (given.metadata.list as { deep: boolean }[])[1].deep = false;
  (first.identity as { pid: number }).pid = 1;
  registry.list().forEach((entry) => entry.controlChannel = "changed");
  const { name, identity, metadata: kept } = registry.find("s1")!;
  assert.deepEqual([name, identity, kept], ["s1", identityOf(process.pid), { list: [1, { deep: true }] }]);
  assert.equal(registry.find("s2")?.controlChannel, "two");
});

eachRegistry("L15: the group s1 is not s10 to s19", (stage) => {
  const registry = stage.open();
  for (let index = 0; index < 32; index++) registry.registerService(`s${index}`);
  assert.deepEqual(namesOf(registry.findAll({ group: "s1" })), ["s1"]);
  assert.equal(registry.findAll("s1").length, 11, "a prefix is a prefix");
});

eachRegistry(
  "L16: nobody registers for another process, and a later process of the same number is not believed",
  (stage) => {
    const registry = stage.open();
    const entry = registry.registerService("mine", { pid: 1, start: "x", identity: { pid: 1, start: "x" } } as object);
    assert.deepEqual(entry.identity, identityOf(process.pid));
    const state = JSON.parse(readFileSync(stage.file, "utf8"));
    state.entries[0].start = "an earlier start";
    state.changes++;
    writeFileSync(stage.file, JSON.stringify(state));
    const other = stage.open();
    assert.equal(other.find("mine"), undefined, "the PID alone is no proof");
    assert.equal(other.gc(), 1);
  },
);

eachRegistry("L16: a reader in another container is refused, and wipes nothing out", async (stage) => {
  const registry = stage.open();
  registry.registerService("mine");
  const text = readFileSync(stage.file, "utf8");
  const state = JSON.parse(text);
  state.domain.pid += "0";
  state.changes++;
  const elsewhere = JSON.stringify(state);
  writeFileSync(stage.file, elsewhere);
  const other = stage.open();
  const works = [
    () => other.find("mine"),
    () => other.list(),
    () => other.gc(),
    () => other.clear({ force: true }),
    () => other.registerService("new"),
    () => other.destroy(),
  ];
  for (const work of works) assert.throws(work, { code: "DOMAIN_MISMATCH" });
  assert.equal(readFileSync(stage.file, "utf8"), elsewhere);
  const [{ removed }] = stage.gc();
  assert.equal(removed, false);
  writeFileSync(stage.file, text);
  await eventually(() => namesOf(other.list()).length === 1, "the file is looked at again");
});

eachRegistry("L17: the 33rd service is refused by name, and places come back", async (stage) => {
  const registry = stage.open();
  const other = await stage.start();
  for (let index = 0; index < 16; index++) await ask(other, "registerService", `theirs.${index}`);
  for (let index = 0; index < 16; index++) registry.registerService(`mine.${index}`);
  assert.throws(() => registry.registerService("the-33rd"), {
    code: "FULL",
    details: { name: "the-33rd" },
    message: /capacity of 32/,
  });
  registry.unregisterService("mine.0");
  registry.registerService("the-33rd");
  assert.throws(() => registry.registerService("the-34th"), { code: "FULL" });
  await other.kill();
  // The dead take no place.
  for (let index = 0; index < 16; index++) registry.registerService(`again.${index}`);
  assert.equal(registry.list().length, 32);
  assert.throws(() => registry.registerService("one-more"), { code: "FULL" });
});

eachRegistry(
  "L24: an empty domain is refused, and no domain is the domain default, in both runtimes",
  async (stage) => {
    assert.throws(() => new ServiceRegistry("", stage.options), { code: "INVALID_NAME" });
    using unnamed = new ServiceRegistry(undefined, stage.options);
    unnamed.registerService("one");
    for (const [runtime] of PAIRS) {
      await using other = new Child("registry.ts", { runtime, args: ["default", JSON.stringify(stage.options)] });
      assert.equal((await ask<ServiceEntry>(other, "find", "one")).pid, process.pid);
      await using empty = new Child("registry.ts", { runtime, args: ["", JSON.stringify(stage.options)] });
      assert.notEqual((await empty.exited).code, 0);
      assert.match(empty.errors, /INVALID_NAME|Cannot use "" as a registry name/);
      await other.call("registry", "close");
    }
  },
);

test("L25: what is kept is the owner's alone", { skip: notOnWindows("modes") }, async () => {
  await onRegistry((stage) => {
    const before = process.umask(0);
    try {
      stage.open().registerService("one");
    } finally {
      process.umask(before);
    }
    const modes = [stage.state, stage.folder, stage.directory, stage.file].map((path) => lstatSync(path).mode & 0o777);
    assert.deepEqual(modes, [0o700, 0o700, 0o700, 0o600]);
    assert.equal(listedSet(keyOf(stage.domain, { directory: stage.folder }))?.mode, "600");
    stage.open().list();
    chmodSync(stage.directory, 0o777);
    assert.throws(() => stage.open().list(), { code: "STATE_DIRECTORY" });
    chmodSync(stage.directory, 0o700);
  });
});
