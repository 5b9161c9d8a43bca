/** The plan of a round: what is done to whom, in which order and at which moments. It depends on the seed alone. */

import type { Random } from "./random.ts";

export type RuntimeName = "deno" | "bun";

/** How an instance of the service behaves, see service.sh; `missing`: there is no such program. */
export type Behaviour = "ok" | "slow" | "exit" | "crash" | "never" | "stubborn" | "family" | "missing";

/** What ends a round: what the last clients do. */
export type Ending = "release-all" | "crash-all" | "crash-last";

export type Action =
  | "acquire"
  | "use"
  | "release"
  | "kill-client"
  | "kill-acquiring"
  | "kill-releasing"
  | "kill-stopped"
  | "stop-client"
  | "kill-supervisor"
  | "kill-next-supervisor"
  | "kill-supervisor-of-none"
  | "stop-supervisor"
  | "kill-service"
  | "change";

export interface Step {
  readonly action: Action;
  /** Which client, by its place in the group. */
  readonly slot: number;
  /** How long after the step before, in milliseconds. */
  readonly afterMs: number;
  /** How long after what the action waits for, or how long a process stays stopped. */
  readonly delayMs: number;
  /** How instances behave from here on, for `change`. */
  readonly behaviour: Behaviour;
}

export interface Plan {
  readonly number: number;
  readonly mode: "supervised" | "callback";
  readonly ready: "running" | "log";
  readonly lingerMs: number;
  /** How instances behave at first. */
  readonly behaviour: Behaviour;
  readonly runtimes: readonly RuntimeName[];
  readonly steps: readonly Step[];
  readonly ending: Ending;
}

const ACTIONS: Readonly<Record<Action, number>> = {
  "acquire": 26,
  "use": 5,
  "release": 6,
  "kill-client": 16,
  "kill-acquiring": 16,
  "kill-releasing": 7,
  "kill-stopped": 4,
  "stop-client": 4,
  "kill-supervisor": 8,
  "kill-next-supervisor": 7,
  "kill-supervisor-of-none": 9,
  "stop-supervisor": 3,
  "kill-service": 10,
  "change": 14,
};
const SUPERVISED = { ok: 40, slow: 14, exit: 8, crash: 8, never: 6, stubborn: 12, family: 12 } as const;
const CALLBACK = { ok: 50, slow: 20, exit: 10, crash: 8, stubborn: 12 } as const;
const ENDINGS = { "release-all": 30, "crash-all": 25, "crash-last": 45 } as const;

/** How many clients a group has at most. */
const MOST_CLIENTS = 5;
/** How many steps a round has at most, and at least. */
const STEPS = { least: 14, most: 34 } as const;

/** Draws the plan of a round. */
export function planRound(random: Random, number: number): Plan {
  const mode = random.chance(0.75) ? "supervised" : "callback";
  const size = 2 + random.below(MOST_CLIENTS - 1);
  const first = random.below(2);
  const behaviours: Readonly<Record<string, number>> = mode === "supervised" ? SUPERVISED : CALLBACK;
  const amount = STEPS.least + random.below(STEPS.most - STEPS.least + 1);
  return {
    number,
    mode,
    ready: random.chance(0.6) ? "log" : "running",
    behaviour: mode === "supervised" && random.chance(0.05) ? "missing" : random.weighted(behaviours) as Behaviour,
    lingerMs: mode === "supervised" && random.chance(0.25) ? 60 : 0,
    // Of each runtime at least one.
    runtimes: Array.from({ length: size }, (_, index) => (index + first) % 2 === 0 ? "deno" : "bun"),
    steps: Array.from({ length: amount }, () => ({
      action: random.weighted(ACTIONS),
      slot: random.below(size),
      afterMs: random.time(1, 150),
      delayMs: random.time(0.2, 250),
      behaviour: random.weighted(behaviours) as Behaviour,
    })),
    ending: random.weighted(ENDINGS),
  };
}

/** A round in which nobody is killed: for faults that are made on purpose. */
export function planCalmRound(): Plan {
  const steps = [0, 1, 0].map((slot): Step => (
    { action: "acquire", slot, afterMs: 1, delayMs: 1, behaviour: "ok" }
  ));
  return {
    number: 0,
    mode: "supervised",
    ready: "log",
    lingerMs: 0,
    behaviour: "ok",
    runtimes: ["deno", "bun"],
    steps,
    ending: "release-all",
  };
}
