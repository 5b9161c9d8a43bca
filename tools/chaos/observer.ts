/**
 * What happens to a round's service, judged by what the run did: every kill is noted here, and every end of an
 * instance, every handle and every refusal is held against that.
 */

import { isAlive } from "../../src/process/identity.ts";
import type { CallError, Seen } from "./calls.ts";
import type { Instance, Instances } from "./instances.ts";
import type { Plan, RuntimeName } from "./plan.ts";
import { SLOWNESS } from "./platform.ts";
import type { KillRow, Statistics } from "./statistics.ts";
import type { Traces } from "./traces.ts";

interface Kill {
  readonly what: "client" | "supervisor" | "service";
  readonly pid: number;
  readonly at: number;
}

/** A client as far as it matters here. */
export interface Holder {
  readonly label: string;
  /** Since when it is sure to hold a reference; undefined when it may hold none. */
  readonly heldSince: number | undefined;
}

/** How long after a kill a handle may still be given: the time from the library's last look to the client's own. */
const MOMENT_MS = 500 * SLOWNESS;
/** How long a kill or a failed start may explain that somebody else's acquire fails. */
const REFUSAL_MS = 5000 * SLOWNESS;
/** How many supervisors in a row may be killed at their start before a client gives up. */
const MOST_KILLED = 3;
/** A supervised instance that runs so long was ready: starts are given up earlier. */
const READY_MS = 1500 * SLOWNESS;

/** Judges one round. */
export class Observer {
  readonly history: string[] = [];
  readonly violations: string[] = [];
  readonly #plan: Plan;
  readonly #instances: Instances;
  readonly #traces: Traces;
  readonly #statistics: Statistics;
  readonly #holders: () => readonly Holder[];
  readonly #kills: Kill[] = [];
  readonly #began = Date.now();
  /** Whether a client was killed in an acquire after all that left in their own time. */
  wasKilledAcquiring = false;
  #lastRow: KillRow | undefined;
  #lastLook = Date.now();
  /** Instances that nobody could know of: see README, "killed while it starts the service". */
  readonly #unknown = new Set<Instance>();

  constructor(
    plan: Plan,
    instances: Instances,
    traces: Traces,
    statistics: Statistics,
    holders: () => readonly Holder[],
  ) {
    this.#plan = plan;
    this.#instances = instances;
    this.#traces = traces;
    this.#statistics = statistics;
    this.#holders = holders;
  }

  note(text: string): void {
    this.history.push(`${String(Date.now() - this.#began).padStart(6)} ms  ${text}`);
  }

  violate(text: string): void {
    this.note(`VIOLATION: ${text}`);
    this.violations.push(text);
    if (this.#lastRow !== undefined) this.#lastRow.violations++;
  }

  killed(what: Kill["what"], kind: string, runtime: RuntimeName | undefined, pid: number): void {
    this.#kills.push({ what, pid, at: Date.now() });
    this.#lastRow = this.#statistics.kill(kind, runtime);
    this.note(`killed: ${kind} ${runtime ?? ""} (${pid})`);
  }

  hasKilled(what: Kill["what"], since = 0): boolean {
    return this.#kills.some((kill) => kill.what === what && kill.at >= since);
  }

  /** Looks at what has happened since the last look. */
  look(): void {
    const now = Date.now();
    for (const instance of this.#instances.refresh()) this.#begun(instance);
    for (const instance of this.#instances.all) {
      if (instance.endedAt !== undefined) continue;
      this.#checkUnknown(instance);
      if (isAlive(instance.identity)) continue;
      instance.endedAt = now;
      this.#ended(instance);
    }
    this.#lastLook = now;
  }

  /** A handle was given. */
  given(label: string, seen: Seen, stoppedMs: number): void {
    this.look();
    const instance = this.#instances.find(seen.pid, seen.ticks);
    if (instance !== undefined) instance.handedOut = true;
    this.note(`${label} holds process ${seen.pid}${seen.alive ? "" : ", which is dead"}`);
    this.#checkOwner(label, seen);
    if (seen.alive) return;
    const since = seen.checkedAt - MOMENT_MS - stoppedMs;
    const killed = this.#endedByRun(instance, since) || (instance !== undefined && this.#endsItself(instance));
    if (!killed) this.violate(`${label} was given a handle without a live service (process ${seen.pid})`);
  }

  /** A holder looked at its service. */
  used(label: string, seen: Seen): void {
    this.look();
    this.#checkOwner(label, seen);
    if (seen.alive || seen.lost) return;
    const instance = this.#instances.find(seen.pid, seen.ticks);
    if (this.#endedByRun(instance, 0) || (instance !== undefined && this.#endsItself(instance))) return;
    this.violate(`${label} holds process ${seen.pid}, which was stopped under it`);
  }

  /** An acquire was refused. */
  refused(label: string, error: CallError, since: number): void {
    this.look();
    this.note(`${label} was refused: ${error.code}: ${error.message.slice(0, 300)}`);
    this.wasKilledAcquiring = false;
    const from = since - REFUSAL_MS;
    const service = this.hasKilled("supervisor", from) || this.hasKilled("service", from) ||
      this.#instances.all.some((each) => each.seenAt >= from && this.#endsItself(each));
    const missing = this.#plan.behaviour === "missing" && error.code === "SERVICE_START";
    const explained = missing || (["SERVICE_START", "SERVICE_LOST"].includes(error.code) && service) ||
      (error.code === "SUPERVISOR" && this.#supervisorsKilled(since) >= MOST_KILLED);
    if (!explained) this.violate(`${label} was refused for no reason: ${error.code}: ${error.message}`);
  }

  #supervisorsKilled(since: number): number {
    return this.#kills.filter(({ what, at }) => what === "supervisor" && at >= since).length;
  }

  #begun(instance: Instance): void {
    const { identity: { pid }, parent, behaviour, overlaps } = instance;
    this.note(`instance ${pid} of ${parent} begins: ${behaviour}`);
    this.#checkUnknown(instance);
    if (!overlaps) return;
    if (this.#unknown.size > 0) this.note(`it overlaps with one that nobody knew of`);
    else this.violate(`instance ${pid} began while another one ran`);
  }

  #ended(instance: Instance): void {
    const { identity: { pid }, seenAt, handedOut } = instance;
    this.note(`instance ${pid} has ended`);
    if (this.#unknown.has(instance) || this.#endsItself(instance) || this.#endedByRun(instance, 0)) return;
    const wasReady = handedOut || (this.#plan.mode === "supervised" && Date.now() - seenAt > READY_MS);
    const holder = this.#holders().find(({ heldSince = Infinity }) => heldSince < this.#lastLook);
    if (wasReady && holder !== undefined) this.violate(`instance ${pid} was stopped while ${holder.label} held it`);
  }

  /** A client that starts a service by its callback and is killed before that has returned leaves one that none knows. */
  #checkUnknown(instance: Instance): void {
    if (this.#plan.mode !== "callback" || instance.handedOut || this.#unknown.has(instance)) return;
    const starter = this.#kills.some(({ what, pid }) => what === "client" && pid === instance.parent);
    if (!starter || this.#traces.record()?.info?.pid === instance.identity.pid) return;
    this.#unknown.add(instance);
    this.#statistics.unknownStarts++;
    this.note(`instance ${instance.identity.pid} is one that nobody knows of`);
  }

  /** Instances that the run itself has to end. */
  get unknown(): Instance[] {
    return [...this.#unknown].filter(({ endedAt }) => endedAt === undefined);
  }

  #checkOwner(label: string, { pid, alive, theirs }: Seen): void {
    if (alive && !theirs) this.violate(`${label} holds process ${pid}, which is another service's`);
  }

  /** Whether the run killed it, or its supervisor. */
  #endedByRun(instance: Instance | undefined, since: number): boolean {
    // One that had no time for a line in the journal.
    if (instance === undefined) return this.hasKilled("supervisor", since) || this.hasKilled("service", since);
    const { killedAt, parent } = instance;
    if (killedAt !== undefined && killedAt >= since) return true;
    return this.#kills.some(({ what, pid, at }) => what === "supervisor" && pid === parent && at >= since);
  }

  #endsItself({ behaviour }: Instance): boolean {
    return behaviour === "exit" || behaviour === "crash" || (behaviour === "never" && this.#plan.ready === "log");
  }
}
