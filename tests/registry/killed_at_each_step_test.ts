import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import type { Child } from "../harness/child.ts";
import {
  ask,
  eachRegistry,
  namesOf,
  PAIRS,
  type RegistryMechanism,
  type RegistryStage,
} from "../harness/registries.ts";
import type { RuntimeName } from "../harness/runtime.ts";

/** The calls that change or decide something in the kernel. The file is written between two of them. */
const DECISIVE: { readonly [M in RegistryMechanism]: readonly string[] } = {
  sysv: ["semget", "semop", "semctl"],
  slots: ["flock"],
  handles: ["CreateEventW", "ReleaseMutex"],
};

/** What a process does when it is killed: everything before is done, everything in it is stopped at some call. */
interface Deed {
  readonly what: string;
  /** Whether another process uses the registry meanwhile. */
  readonly beside: boolean;
  readonly prepare: (child: Child) => Promise<unknown>;
  readonly act: (child: Child) => Promise<unknown>;
}

const register = (child: Child): Promise<unknown> => ask(child, "registerService", "dead");

const DEEDS: readonly Deed[] = [
  { what: "the first registration", beside: false, prepare: () => Promise.resolve(), act: register },
  { what: "a registration beside others", beside: true, prepare: (child) => ask(child, "list"), act: register },
  {
    what: "the removal of an entry",
    beside: true,
    prepare: register,
    act: (child) => ask(child, "unregisterService", "dead"),
  },
  { what: "leaving others", beside: true, prepare: register, act: (child) => ask(child, "close") },
  { what: "leaving as the last", beside: false, prepare: register, act: (child) => ask(child, "close") },
];

/** Which decisive calls a deed makes, in order, each with its number among those of its name. */
async function stepsOf(stage: RegistryStage, deed: Deed, runtime: RuntimeName): Promise<string[]> {
  const child = await stage.start({ runtime, env: { PROCREF_TEST_STOP: "trace" } });
  await deed.prepare(child);
  child.takeLines("native ");
  await child.call("arm");
  await deed.act(child);
  const counts = new Map<string, number>();
  const symbols = child.takeLines("native ").filter((symbol) => DECISIVE[stage.options.mechanism!].includes(symbol));
  const steps = symbols.map((symbol) => {
    counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
    return `${symbol}:${counts.get(symbol)}`;
  });
  await child.kill();
  stage.gc();
  return steps;
}

for (const deed of DEEDS) {
  eachRegistry(
    `SIGKILL at every kernel call of ${deed.what} leaves the others right, and gc all clean`,
    async (stage) => {
      const [[mine, theirs]] = PAIRS;
      const keeper = deed.beside ? await stage.start({ runtime: theirs }) : undefined;
      if (keeper) await ask(keeper, "registerService", "kept");
      const steps = await stepsOf(stage, deed, mine);
      assert.ok(steps.length >= 2, "there is something to be killed at");

      for (const [index, step] of steps.entries()) {
        for (const when of ["before", "after"]) {
          const [killed, next] = PAIRS[index % 2];
          const point = `${step}:${when}`;
          const child = await stage.start({ runtime: killed, env: { PROCREF_TEST_STOP: point } });
          await deed.prepare(child);
          if (keeper) assert.ok(namesOf(await ask(keeper, "list")).includes("kept"), point);
          await child.call("arm");
          const acting = deed.act(child).catch(() => {});
          await child.line("stopped");
          await child.kill();
          await acting;
          if (keeper) {
            // Who has looked before, who changes something, and who comes anew.
            assert.deepEqual(namesOf(await ask(keeper, "list")), ["kept"], point);
            await ask(keeper, "registerService", "dead");
            const other = stage.open();
            assert.deepEqual([other.find("dead")?.pid, other.find("kept")?.pid], [keeper.pid, keeper.pid], point);
            other.close();
            assert.equal(await ask(keeper, "unregisterService", "dead"), true);
          } else if (index % 2 === 0) {
            for (const { reason, removed } of stage.gc()) assert.ok(removed, `${point}: ${reason}`);
            assert.deepEqual(stage.gc(), [], point);
            stage.assertNothingLeft();
          } else {
            const other = await stage.start({ runtime: next });
            assert.deepEqual(await ask(other, "list"), [], point);
            await ask(other, "registerService", "dead");
            await ask(other, "close");
            await other.end();
            assert.equal(existsSync(stage.directory), false, point);
            stage.assertNothingLeft();
          }
        }
      }
    },
  );
}
