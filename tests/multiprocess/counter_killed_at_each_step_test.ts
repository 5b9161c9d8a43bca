import assert from "node:assert/strict";
import type { CounterSnapshot, RefCounter } from "../../src/kernel/ref_counter.ts";
import {
  ask,
  eachMechanism,
  EMPTY,
  PAIRS,
  type SharedMechanism,
  startCounter,
  STEPS,
  withCounter,
} from "../fixtures/counters.ts";
import type { RecordedCall } from "../fixtures/faults.ts";
import { Child } from "../harness/child.ts";
import { uniqueName } from "../harness/names.ts";
import { onWindows } from "../harness/platform.ts";

type Call = readonly [method: keyof RefCounter, ...args: unknown[]];

/** What a process does when it is killed: all before is done, and the deed itself is stopped at some kernel call. */
interface Deed {
  readonly what: string;
  readonly before: readonly Call[];
  readonly deed: Call;
  /** What the kernel holds of the process before its decisive call, and after it. */
  readonly from: Partial<CounterSnapshot>;
  readonly to: Partial<CounterSnapshot>;
}

const DEEDS: readonly Deed[] = [
  { what: "a first acquire", before: [], deed: ["acquire"], from: {}, to: { references: 1 } },
  {
    what: "another acquire",
    before: [["acquire"]],
    deed: ["acquire"],
    from: { references: 1 },
    to: { references: 2 },
  },
  { what: "an acquire of a generation", before: [], deed: ["tryAcquire", 0], from: {}, to: { references: 1 } },
  { what: "a release", before: [["acquire"]], deed: ["release"], from: { references: 1 }, to: {} },
  {
    what: "a release unless last",
    before: [["acquire"], ["acquire"]],
    deed: ["releaseUnlessLast"],
    from: { references: 2 },
    to: { references: 1 },
  },
  {
    what: "a last release that takes the gate",
    before: [["acquire"]],
    deed: ["tryReleaseLastAndLock"],
    from: { references: 1 },
    to: { locked: true },
  },
  { what: "a lock", before: [], deed: ["lock"], from: {}, to: { locked: true } },
  { what: "an unlock", before: [["lock"]], deed: ["unlock"], from: { locked: true }, to: {} },
  { what: "a seat", before: [], deed: ["trySeat"], from: {}, to: { seated: true } },
  { what: "a removal", before: [["lock"]], deed: ["remove"], from: { locked: true }, to: {} },
  {
    what: "a close",
    before: [["acquire"], ["trySeat"], ["lock"]],
    deed: ["close"],
    from: { references: 1, seated: true, locked: true },
    to: {},
  },
];

/** In an acquire on Windows: the reference is there, and the latch not given back yet. */
const IN_THE_MIDDLE = "CreateEventW:1:after";

/**
 * Calls of a first acquire. Semaphores are made known as ours by the first call, and entered by the second one; with lock
 * files the mutex is held between those two, and on Windows the latch.
 */
const STEPS_OF_ACQUIRE: { readonly [M in SharedMechanism]: readonly string[] } = {
  sysv: ["semop:2:before", "semop:2:after"],
  slots: onWindows ? ["LockFileEx:1:after", "UnlockFileEx:1:after"] : ["flock:1:after", "flock:3:after"],
  handles: [STEPS.handles.before, STEPS.handles.after, IN_THE_MIDDLE],
};

/** Calls that change nothing: on Windows every look at what a path leads to takes three of them. */
const LOOKS = /^(CreateFileW|GetFileInformationByHandle|CloseHandle|ReadFile|GetDriveTypeW):/;

/**
 * The kernel calls of a deed, in order, each with its number among those of its name: `semop:2`. Those of lock files
 * that only look are left out.
 */
async function stepsOf({ before, deed }: Deed, mechanism: SharedMechanism): Promise<string[]> {
  await using child = new Child("hooked_counter.ts", { args: [uniqueName("steps"), JSON.stringify({ mechanism })] });
  await child.line("ready");
  for (const call of before) await ask(child, ...call);
  await child.call("takeCalls");
  await ask(child, ...deed);
  const calls = await child.call<RecordedCall[]>("takeCalls");
  await ask(child, "close");
  const symbols = calls.map(({ symbol }) => symbol);
  return symbols.map((symbol, index) =>
    `${symbol}:${symbols.slice(0, index + 1).filter((each) => each === symbol).length}`
  ).filter((step) => mechanism !== "slots" || !LOOKS.test(step));
}

/**
 * Whether who is stopped at a point keeps others from looking: on Windows, from the call that takes the latch to the
 * one that gives it back. With lock files it is so from the first call to the last.
 */
function isInTheMiddle(mechanism: SharedMechanism, points: readonly string[], index: number): boolean {
  if (mechanism === "slots") return index > 0 && index < points.length - 1;
  const before = points.slice(0, index + 1);
  const times = (call: RegExp): number => before.filter((point) => call.test(point)).length;
  return times(/^WaitForSingleObject:.*:after$/) > times(/^ReleaseMutex:.*:after$/);
}

/** Runs a deed up to a point, looks at the kernel there, kills, and looks again. */
async function killAt(
  mechanism: SharedMechanism,
  deed: Deed,
  points: readonly string[],
  index: number,
): Promise<CounterSnapshot> {
  const stop = points[index];
  const [theirs, ours] = PAIRS[index % PAIRS.length];
  let at = EMPTY;
  await withCounter(mechanism, async (counter) => {
    const child = await startCounter(counter, { runtime: theirs, env: { PROCREF_TEST_STOP: stop } });
    for (const call of deed.before) await ask(child, ...call);
    await child.call("arm");
    const answer = ask(child, ...deed.deed).catch(() => "killed");
    await child.line("stopped");
    if (!isInTheMiddle(mechanism, points, index)) at = counter.snapshot();
    await child.kill();
    assert.equal(await answer, "killed");
    assert.deepEqual(counter.snapshot(), EMPTY, `${stop}: all is given back`);

    // Nobody is stuck: another process does the same, and whatever else.
    if (index % 4 === 0) {
      await using next = await startCounter(counter, { runtime: ours });
      for (const call of [...deed.before, deed.deed]) await ask(next, ...call);
      await ask(next, "close");
    }
    for (const take of ["tryLockIfUnused", "trySeat"] as const) assert.equal(counter[take](), true, stop);
    counter.unlock();
    assert.equal(counter.tryAcquire(), true, stop);
  });
  return at;
}

for (const deed of DEEDS) {
  eachMechanism(
    `SIGKILL before and after every kernel call of ${deed.what} gives all back and leaves nobody stuck`,
    async (mechanism) => {
      const steps = await stepsOf(deed, mechanism);
      const points = steps.flatMap((step) => [`${step}:before`, `${step}:after`]);
      assert.ok(
        steps.some((step) => /^(sem(op|ctl)|flock|(Unl|L)ockFileEx|ReleaseMutex|CloseHandle):/.test(step)),
        "there is something to be killed at",
      );
      const seen: CounterSnapshot[] = [];
      for (const index of points.keys()) seen.push(await killAt(mechanism, deed, points, index));
      assert.deepEqual(seen[0], { ...EMPTY, ...deed.from }, "before the first call nothing has happened yet");
      assert.deepEqual(seen.at(-1), { ...EMPTY, ...deed.to }, "after the last call all has happened");
    },
  );
}

eachMechanism("SIGKILL at a step of one process leaves what others hold", async (mechanism) => {
  for (const [index, point] of STEPS_OF_ACQUIRE[mechanism].entries()) {
    await withCounter(mechanism, async (counter) => {
      counter.tryAcquire();
      counter.trySeat();
      const [theirs] = PAIRS[index % PAIRS.length];
      const child = await startCounter(counter, { runtime: theirs, env: { PROCREF_TEST_STOP: point } });
      await child.call("arm");
      ask(child, "acquire").catch(() => {});
      await child.line("stopped");
      const canLook = mechanism !== "slots" && point !== IN_THE_MIDDLE;
      if (canLook) assert.equal(counter.count(), point.endsWith("after") ? 2 : 1);
      await child.kill();
      assert.deepEqual(counter.snapshot(), { ...EMPTY, references: 1, seated: true });
    });
  }
});
