/** The end of a round: the clients go in one of several ways, and then nothing may be left. */

import { setTimeout as delay } from "node:timers/promises";
import { isAlive } from "../../src/process/identity.ts";
import { processSystem } from "../../src/process/platform.ts";
import { signalProcess } from "./client_process.ts";
import { Slot } from "./group.ts";
import { onWindows, SLOWNESS } from "./platform.ts";
import type { Round } from "./round.ts";

/** How long it may take until nothing is left. */
export const SETTLE_MS = onWindows ? 20_000 : 10_000;
/** How long what is left has to stay the same, with no process that could change it, to be judged. */
const STILL_MS = 300 * SLOWNESS;
/** How long the service of a holder may take to be alive again. */
const HEAL_MS = onWindows ? 20_000 : 10_000;
const SIGKILL = 9;
/** The command line of the host of a console. */
const HOST = /[/\\]conhost\.exe /i;
/** Whether a service ends when its supervisor is killed. */
const endsWithSupervisor = processSystem().endsWithSupervisor() !== undefined;

/** Ends a round. */
export async function endRound(round: Round): Promise<void> {
  const { slots, observer, plan: { ending }, stage: { statistics } } = round;
  observer.note(`the end: ${ending}`);
  if (ending === "release-all") {
    await Promise.all(slots.map((slot) => slot.awaitIdle()));
    await checkHealing(round);
    await Promise.all(slots.map((slot) => slot.leave()));
  } else if (ending === "crash-last") {
    await crashLast(round);
  }
  for (const slot of slots) {
    if (slot.state === "none" || slot.state === "idle") slot.dismiss();
    else slot.kill();
  }
  if (round.stage.fault === "leave-behind") await leaveBehind(round);
  const began = performance.now();
  await settle(round);
  statistics.settle.push(performance.now() - began);
}

/** Leaves a process behind, which is to be found out: it begins to be looked for once it can be seen. */
async function leaveBehind(round: Round): Promise<void> {
  const pid = round.startForgotten();
  while (!round.stage.scanner.of(round.directory).some(({ identity }) => identity.pid === pid)) await delay(1);
}

/** Every holder but one goes; that one is killed, and the time until its service is gone is taken. */
async function crashLast(round: Round): Promise<void> {
  const { slots, observer, stage: { statistics } } = round;
  await Promise.all(slots.map((slot) => slot.awaitIdle()));
  await checkHealing(round);
  const last = slots.find((slot) => slot.state === "holding");
  await Promise.all(slots.filter((slot) => slot !== last).map((slot) => slot.leave()));
  if (last === undefined) return;
  const seen = await last.use();
  const instance = seen && round.instances.find(seen.pid, seen.ticks);
  const supervised = round.stage.scanner.supervisors(round.directory).length === 1;
  const measured = seen?.alive && instance !== undefined && supervised && round.plan.lingerMs === 0;
  const began = performance.now();
  last.kill("client, the last one");
  if (!measured) return;
  while (isAlive(instance.identity) && performance.now() - began < SETTLE_MS) await delay(1);
  const ms = performance.now() - began;
  observer.note(`the service is gone ${ms.toFixed(1)} ms after its last client was killed`);
  // One that ignores the request to end is given its time first.
  if (instance.behaviour !== "stubborn") statistics.lastClient.push(ms);
}

/** The supervised service of a holder is alive again within a while, whatever was killed; or it is lost, and says so. */
async function checkHealing({ slots, plan, observer }: Round): Promise<void> {
  if (plan.mode !== "supervised") return;
  await Promise.all(slots.map(async (slot) => {
    const deadline = performance.now() + HEAL_MS;
    while (slot.state === "holding") {
      const seen = await slot.use();
      if (seen === undefined || seen.alive || seen.lost) return;
      if (performance.now() > deadline) return observer.violate(`the service of ${slot.label} does not come back`);
      await delay(50);
    }
  }));
}

/** Waits until nothing is left, and judges what stays. */
async function settle(round: Round): Promise<void> {
  const { observer, stage: { statistics } } = round;
  const left = await leftAfterSettling(round);
  if (left === undefined) return;
  const why = `left behind: ${left.words}`;
  observer.note(why);
  if (left.byItself) {
    observer.violate(why);
    return await clear(round);
  }
  const orphans = round.plan.mode === "supervised" && endsWithSupervisor ? round.instances.alive() : [];
  if (orphans.length > 0) observer.violate(`instance ${orphans[0].identity.pid} outlives its supervisor`);
  if (observer.hasKilled("supervisor")) {
    // Its supervisor was killed and then its last client: nobody is there to notice, and the next client clears up.
    statistics.left.nextClient++;
    await comeOnceMore(round);
    const still = await leftAfterSettling(round);
    if (still === undefined) return;
    observer.violate(`left behind in spite of another client: ${still.words}`);
  } else if (left.isEmpty && observer.wasKilledAcquiring) {
    statistics.left.gc++;
  } else {
    observer.violate(why);
  }
  await clear(round);
}

interface Left {
  readonly words: string;
  /** Whether processes are at work that could still clear up: their time is over. */
  readonly byItself: boolean;
  /** Whether it is a set without references or files without a service: no process. */
  readonly isEmpty: boolean;
}

/** What is left when the time is over, or when nobody is there any more who could clear it up. */
async function leftAfterSettling(round: Round): Promise<Left | undefined> {
  const { traces, directory, stage: { scanner } } = round;
  const began = performance.now();
  let before = "";
  let since = began;
  for (;;) {
    const processes = scanner.of(directory);
    const values = await traces.values();
    const files = traces.files();
    const isUnclear = scanner.isUnclear(began);
    if (processes.length === 0 && values === undefined && files.length === 0 && !isUnclear) return undefined;
    const record = traces.record();
    const words = [
      ...processes.map(({ identity, command }) => `process ${identity.pid}: ${command}`),
      values === undefined ? "" : `a set: ${JSON.stringify(values)}`,
      `files: ${files.join(", ")}`,
      record === undefined ? "" : `record: ${record.phase}`,
    ].filter((text) => text !== "").join("; ");
    const now = performance.now();
    if (words !== before) since = now;
    before = words;
    const attended = isUnclear || processes.some(({ kind }) => kind === "supervisor");
    const isStill = !attended && now - since >= STILL_MS;
    if (isStill && (endUnmade(round) || endForgottenHosts(round))) continue;
    if (isStill || now - began >= SETTLE_MS) {
      const unused = values === undefined || (values.references === 0 && !values.locked && !values.seated);
      const info = record?.info;
      return { words, byItself: !isStill, isEmpty: unused && processes.length === 0 && info === undefined };
    }
    await delay(5);
  }
}

/**
 * Windows makes a process first and lets it run then. Whoever is killed between, in a callback, leaves one that nobody
 * knows of, and that never runs: no instance, for it has done nothing.
 *
 * @returns whether there was one; it is ended
 */
function endUnmade({ plan, observer, instances, directory, stage: { scanner, statistics } }: Round): boolean {
  if (!onWindows || plan.mode !== "callback" || !observer.hasKilled("client")) return false;
  const known = instances.all.map(({ identity }) => identity.pid);
  const unmade = scanner.of(directory).filter(({ kind, identity }) =>
    kind === "service" && !known.includes(identity.pid)
  );
  return unmade.filter(({ identity }) => {
    observer.note(`process ${identity.pid} was never let run`);
    statistics.unknownStarts++;
    return signalProcess(identity, SIGKILL);
  }).length > 0;
}

/**
 * The host of a console is a process of the system's, started for whoever is started with a console, and ended with the
 * last one who has that. Wine forgets a host whose process was killed before it had come to it.
 *
 * @returns whether there was one; it is ended
 */
function endForgottenHosts({ observer, directory, stage: { scanner, statistics } }: Round): boolean {
  if (!onWindows) return false;
  const left = scanner.of(directory);
  // As long as anything else runs it may be that one's.
  if (!left.every(({ command }) => HOST.test(command))) return false;
  return left.filter(({ identity }) => {
    observer.note(`host of a console ${identity.pid} was forgotten`);
    statistics.forgottenHosts++;
    return signalProcess(identity, SIGKILL);
  }).length > 0;
}

/** What the next client does. */
async function comeOnceMore(round: Round): Promise<void> {
  const { stage: { pool }, plan: { runtimes, number }, observer, configuration } = round;
  const slot = new Slot(round.slots.length, runtimes[number % runtimes.length], pool, configuration, () => observer);
  await slot.acquire();
  await slot.awaitIdle();
  await slot.leave();
  slot.dismiss();
}

/** Ends and removes what should not be there, so that the next rounds are not disturbed. */
async function clear({ stage: { scanner }, directory, traces }: Round): Promise<void> {
  for (const { identity } of scanner.of(directory)) signalProcess(identity, SIGKILL);
  await delay(50);
  await traces.removeSet();
}
