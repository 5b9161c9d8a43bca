/** The instances of a round's service, as their journal tells of them. */

import { appendFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import "../../src/process/every_system.ts";
import { isAlive, ownIdentity, type ProcessIdentity } from "../../src/process/identity.ts";
import type { Behaviour } from "./plan.ts";

export interface Instance {
  readonly identity: ProcessIdentity;
  readonly ticks: string;
  /** Its supervisor; the client that started it where there is none. */
  readonly parent: number;
  readonly behaviour: Behaviour;
  /** Whether another instance had the lock when it began. */
  readonly overlaps: boolean;
  readonly seenAt: number;
  /** When the run killed it. */
  killedAt?: number;
  /** When it was seen to have ended. */
  endedAt?: number;
  /** Whether a client was given it. */
  handedOut: boolean;
}

/** All instances of one round. */
export class Instances {
  readonly all: Instance[] = [];
  readonly #directory: string;
  readonly #path: string;
  readonly #place: string;
  #lines = 0;

  constructor(directory: string) {
    this.#directory = directory;
    this.#path = join(directory, "journal");
    // On Windows the time alone says when and where it was.
    this.#place = ownIdentity().start.replace(/^\S+/, "");
    appendFileSync(this.#path, "");
  }

  get journal(): string {
    return readFileSync(this.#path, "utf8");
  }

  /** How instances behave that begin from here on. */
  behave(behaviour: Behaviour): void {
    const path = join(this.#directory, "behaviour");
    writeFileSync(`${path}.new`, `${behaviour}\n`);
    renameSync(`${path}.new`, path);
  }

  /** Reads on; the instances that are new. */
  refresh(): Instance[] {
    const lines = this.journal.split("\n").slice(0, -1);
    const fresh = lines.slice(this.#lines).map((line) => this.#parse(line));
    this.#lines = lines.length;
    this.all.push(...fresh);
    return fresh;
  }

  find(pid: number | undefined, ticks: string | undefined): Instance | undefined {
    return this.all.find((each) => each.identity.pid === pid && each.ticks === ticks);
  }

  /** Those that run. */
  alive(): Instance[] {
    return this.all.filter((each) => each.endedAt === undefined && isAlive(each.identity));
  }

  #parse(line: string): Instance {
    const [, pid, ticks, parent, behaviour, overlap] = line.split(" ");
    return {
      identity: { pid: Number(pid), start: `${ticks}${this.#place}` },
      ticks,
      parent: Number(parent),
      behaviour: behaviour as Behaviour,
      overlaps: overlap !== "alone",
      seenAt: Date.now(),
      handedOut: false,
    };
  }
}
