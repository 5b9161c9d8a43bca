import assert from "node:assert/strict";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import type { Child } from "../harness/child.ts";
import { onWindows } from "../harness/platform.ts";
import { bothRuntimes, type RuntimeName } from "../harness/runtime.ts";
import { type Acquired, onStage, type ServiceStage } from "../harness/service_clients.ts";

/** The calls that change or decide something in the kernel. */
const DECISIVE = onWindows ? ["CreateEventW", "ReleaseMutex"] : ["semget", "semop", "semctl"];

/** What a client does when it is killed: everything before is done, everything in it is stopped at some call. */
interface Deed {
  readonly what: string;
  /** Whether another client holds the service meanwhile. */
  readonly beside: boolean;
  readonly prepare: (client: Child) => Promise<void>;
  readonly act: (client: Child) => Promise<unknown>;
}

const DEEDS: readonly Deed[] = [
  {
    what: "the acquire that brings the service up",
    beside: false,
    prepare: () => Promise.resolve(),
    act: (client) => client.call("acquire"),
  },
  {
    what: "an acquire of a running service",
    beside: true,
    prepare: () => Promise.resolve(),
    act: (client) => client.call("acquire"),
  },
  {
    what: "a warm acquire",
    beside: true,
    prepare: (client) => client.call("acquire"),
    act: (client) => client.call("acquire"),
  },
  {
    what: "a release that is not the last",
    beside: true,
    prepare: (client) => client.call("acquire"),
    act: (client) => client.call("release", 0),
  },
  {
    what: "the last release",
    beside: false,
    prepare: (client) => client.call("acquire"),
    act: (client) => client.call("release", 0),
  },
];

/** Which decisive calls a deed makes, in order, each with its number among those of its name. */
async function stepsOf(stage: ServiceStage, deed: Deed, runtime: RuntimeName): Promise<string[]> {
  const client = await stage.client({}, { runtime, env: { PROCREF_TEST_STOP: "trace" } });
  await deed.prepare(client);
  client.takeLines("native ");
  await client.call("arm");
  await deed.act(client);
  const counts = new Map<string, number>();
  const steps = client.takeLines("native ").filter((symbol) => DECISIVE.includes(symbol)).map((symbol) => {
    counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
    return `${symbol}:${counts.get(symbol)}`;
  });
  await client.kill();
  return steps;
}

/**
 * The one window that user code leaves open and that is documented: a service that was spawned and is not on record yet.
 * It is over as soon as the record names the process; where it does not, the process is ended here.
 */
function endUnknownSpawn(stage: ServiceStage): void {
  const record = stage.record();
  // A reaper may have cleared the record up by now.
  if (record !== undefined && (record.phase !== "START" || record.info !== undefined)) return;
  for (const pid of stage.running()) processes.kill(pid);
}

/** After a death anywhere, whoever comes gets a live service, the only one, and all is gone when they leave. */
async function assertSound(stage: ServiceStage, runtime: RuntimeName, keeper: Child | undefined): Promise<void> {
  const next = await stage.client({}, { runtime });
  const { pid } = await next.call<Acquired>("acquire", { timeoutMs: 20_000 });
  assert.ok(processes.isAlive(pid));
  assert.deepEqual(stage.running(), [pid], "one service runs, the one that was handed out");
  assert.equal(await next.call("count"), keeper ? 2 : 1);
  if (keeper) await keeper.call("release", 0);
  await next.call("release", 0);
  await stage.assertNothingLeft();
  await next.end();
}

for (const deed of DEEDS) {
  test(`SIGKILL at every kernel call of ${deed.what} leaves the others right`, async () => {
    const [mine, theirs] = bothRuntimes;
    let steps: string[] = [];
    await onStage(async (stage) => {
      const keeper = deed.beside ? await stage.client() : undefined;
      await keeper?.call("acquire");
      steps = await stepsOf(stage, deed, mine);
      for (const pid of stage.running()) processes.kill(pid);
    });
    assert.ok(steps.length > 0, "there is something to be killed at");

    for (const [index, step] of steps.entries()) {
      for (const when of ["before", "after"]) {
        // Whoever is killed and whoever comes next take turns in the runtimes.
        const [killed, next] = index % 2 === 0 ? [mine, theirs] : [theirs, mine];
        await onStage(async (stage) => {
          const keeper = deed.beside ? await stage.client({}, { runtime: next }) : undefined;
          await keeper?.call("acquire");
          const env = { PROCREF_TEST_STOP: `${step}:${when}` };
          const client = await stage.client({}, { runtime: killed, env });
          await deed.prepare(client);
          await client.call("arm");
          const acting = deed.act(client).catch(() => {});
          await client.line("stopped");
          await client.kill();
          await acting;
          endUnknownSpawn(stage);
          await assertSound(stage, next, keeper);
        });
      }
    }
  });
}
