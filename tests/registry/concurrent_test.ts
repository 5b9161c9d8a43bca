import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { Child } from "../harness/child.ts";
import { onWindows } from "../harness/platform.ts";
import { ask, eachRegistry, namesOf, type RegistryStage } from "../harness/registries.ts";
import { bothRuntimes } from "../harness/runtime.ts";

const PROCESSES = 8;

function runtimeOf(index: number): typeof bothRuntimes[number] {
  return bothRuntimes[index % 2];
}

/** Processes that wait for a line to begin. */
async function cycling(stage: RegistryStage, rounds: number): Promise<Child[]> {
  const children = Array.from(
    { length: PROCESSES },
    (_, index) => stage.run("registry_cycles.ts", { runtime: runtimeOf(index) }, [`cycler.${index}`, String(rounds)]),
  );
  await Promise.all(children.map((child) => child.line("ready")));
  return children;
}

eachRegistry(
  "L10: of 8 processes that open a registry at once, the first ones, no registration is lost",
  async (stage) => {
    const names = Array.from({ length: PROCESSES }, (_, index) => `service.${index}`);
    for (let round = 0; round < 3; round++) {
      const children = await Promise.all(names.map((_, index) => stage.start({ runtime: runtimeOf(index) })));
      await Promise.all(children.map((child, index) => ask(child, "registerService", names[index])));
      for (const child of children) assert.deepEqual(namesOf(await ask(child, "list")), names);
      await Promise.all(children.map((child) => ask(child, "close")));
      stage.assertNothingLeft();
      await Promise.all(children.map((child) => child.end()));
    }
  },
);

eachRegistry(
  "L12: processes that come while the last one leaves are in one registry, and the last leaves nothing",
  async (stage) => {
    const children = await cycling(stage, onWindows ? 10 : 60);
    for (const child of children) child.send("go");
    for (const child of children) {
      await child.line("done");
      assert.equal((await child.exited).code, 0, child.errors);
    }
    stage.assertNothingLeft();
  },
);

eachRegistry("processes that are SIGKILLed at any moment take nothing along and keep nobody waiting", async (stage) => {
  const keeper = await stage.start({ runtime: "bun" });
  await ask(keeper, "registerService", "kept", { controlChannel: "here" });
  for (let round = 0; round < 3; round++) {
    const children = await cycling(stage, 1e6);
    for (const child of children) child.send("go");
    await Promise.all(children.map((child) => child.line("round 0")));
    // Everybody is in the middle of something: who is killed when is left to chance.
    for (const child of children) {
      await delay(Math.random() * 20);
      await child.kill();
      assert.equal(child.errors, "");
    }
    // Who had to wait for the lock would be refused after 5 s.
    assert.deepEqual(namesOf(await ask(keeper, "list")), ["kept"]);
    await ask(keeper, "registerService", "another");
    await ask(keeper, "unregisterService", "another");
    const registry = stage.open();
    assert.equal(registry.find("kept")?.controlChannel, "here");
    registry.close();
  }
  await ask(keeper, "close");
  stage.assertNothingLeft();
});

eachRegistry("when all are SIGKILLed, the next one finds an empty registry and leaves nothing", async (stage) => {
  const children = await cycling(stage, 1e6);
  for (const child of children) child.send("go");
  await Promise.all(children.map((child) => child.line("round 0")));
  await Promise.all(children.map((child) => child.kill()));
  const registry = stage.open();
  assert.deepEqual(registry.list(), []);
  registry.registerService("next");
  registry.close();
  stage.assertNothingLeft();
});
