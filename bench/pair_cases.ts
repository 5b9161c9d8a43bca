/** What is measured: an acquire and a release, while another reference is held, and what they may cost. */

import process from "node:process";
import { openRefCounter, type RefCounter, SharedService } from "../mod.ts";
import type { NativePair } from "./native_program.ts";
import type { RunPairs } from "./timing.ts";

/** A case that is ready to run, with the other reference taken. */
export interface PreparedCase {
  readonly run: RunPairs;
  /** Gives everything back; nothing is left in the kernel. */
  end(): void | Promise<void>;
}

/** A way to acquire and release. */
export interface PairCase {
  readonly name: string;
  /** The C pairs to compare with. */
  readonly beside: readonly NativePair[];
  /** How many times the C pair it may take. */
  readonly asked: number;
  /** Makes it ready under a name that nobody else uses. */
  prepare(name: string): Promise<PreparedCase>;
}

/** All cases. */
export const PAIR_CASES: readonly PairCase[] = [
  {
    name: "tryAcquire + releaseUnlessLast",
    beside: ["unless-last"],
    asked: 1.3,
    prepare: (name) => prepareCounter(name, tryPairs),
  },
  {
    name: "await acquire + releaseUnlessLast",
    beside: ["unless-last"],
    asked: 1.3,
    prepare: (name) => prepareCounter(name, awaitedPairs),
  },
  {
    name: "tryAcquire + release",
    beside: ["plain"],
    asked: 1.3,
    prepare: (name) => prepareCounter(name, plainPairs),
  },
  {
    name: "await acquire + release",
    beside: ["plain"],
    asked: 1.3,
    prepare: (name) => prepareCounter(name, awaitedPlainPairs),
  },
  {
    name: "SharedService acquire + release, warm",
    beside: ["unless-last", "generation"],
    asked: 4,
    prepare: prepareService,
  },
];

async function prepareCounter(
  name: string,
  run: (counter: RefCounter, pairs: number) => void | Promise<void>,
): Promise<PreparedCase> {
  const [kept, counter] = [await openRefCounter(name), await openRefCounter(name)];
  await kept.acquire();
  return {
    run: (pairs) => run(counter, pairs),
    end: () => [counter, kept].forEach((each) => each.close()),
  };
}

function tryPairs(counter: RefCounter, pairs: number): void {
  for (let done = 0; done < pairs; done++) {
    if (!counter.tryAcquire() || !counter.releaseUnlessLast()) throw refused();
  }
}

async function awaitedPairs(counter: RefCounter, pairs: number): Promise<void> {
  for (let done = 0; done < pairs; done++) {
    await counter.acquire();
    if (!counter.releaseUnlessLast()) throw refused();
  }
}

function plainPairs(counter: RefCounter, pairs: number): void {
  for (let done = 0; done < pairs; done++) {
    if (!counter.tryAcquire()) throw refused();
    counter.release();
  }
}

async function awaitedPlainPairs(counter: RefCounter, pairs: number): Promise<void> {
  for (let done = 0; done < pairs; done++) {
    await counter.acquire();
    counter.release();
  }
}

/** A refused call is a quick one: it would pass for a good result. */
function refused(): Error {
  return new Error("a reference was refused, or the other one is not held");
}

/** This process stands for the service, so that there is none to leave behind. Its state is in `PROCREF_DIR`. */
async function prepareService(name: string): Promise<PreparedCase> {
  const service = new SharedService(name, {
    onFirstAcquire: () => ({ pid: process.pid, port: 4000 }),
    onLastRelease: () => {},
  });
  const kept = await service.acquire();
  return { run: (pairs) => servicePairs(service, pairs), end: () => kept.release() };
}

async function servicePairs(service: SharedService, pairs: number): Promise<void> {
  for (let done = 0; done < pairs; done++) {
    const handle = await service.acquire();
    await handle.release();
  }
}
