/** What a service leaves in the kernel and in its state directory. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type CounterSnapshot, openRefCounter } from "../../mod.ts";
import { objectName } from "../../src/kernel/object_name.ts";
import { currentUser } from "../../src/kernel/open.ts";
import { isKept } from "../../tests/harness/kept.ts";
import { onWindows } from "./platform.ts";

export interface RecordSeen {
  readonly phase: string;
  readonly info?: { readonly pid?: number; readonly start?: string };
  readonly supervisor?: { readonly pid: number; readonly start: string };
}

/** The traces of one service. */
export class Traces {
  readonly #name: string;
  readonly #state: string;
  readonly #directory: string;
  readonly #key: number;

  constructor(name: string, state: string) {
    const object = objectName(name, currentUser(), { directory: state });
    this.#name = name;
    this.#state = state;
    this.#directory = join(state, object.fileName);
    this.#key = new DataView(object.digest.buffer, object.digest.byteOffset).getInt32(0) || 1;
  }

  /** Whether the semaphore set exists; on Windows, where clients keep theirs until they end, whether anybody holds anything. */
  hasSet(): boolean {
    if (onWindows) return isKept(this.#name, { directory: this.#state });
    const lines = readFileSync("/proc/sysvipc/sem", "utf8").split("\n").slice(1);
    return lines.some((line) => Number(line.trim().split(/\s+/)[0]) === this.#key);
  }

  /** The values of the set. Asking creates nothing. */
  async values(): Promise<CounterSnapshot | undefined> {
    if (!this.hasSet()) return undefined;
    using counter = await openRefCounter(this.#name, { directory: this.#state });
    return counter.snapshot();
  }

  /** The record as it stands. */
  record(): RecordSeen | undefined {
    try {
      return JSON.parse(readFileSync(join(this.#directory, "record.json"), "utf8"));
    } catch {
      return undefined;
    }
  }

  /** What is in the state directory. */
  files(): string[] {
    try {
      return readdirSync(this.#state, { recursive: true }).map(String);
    } catch {
      // A directory was removed while it was looked at.
      return ["?"];
    }
  }

  /** Removes the set, by the rule of all who do: with the gate, and if nobody holds anything. */
  async removeSet(): Promise<void> {
    using counter = await openRefCounter(this.#name, { directory: this.#state });
    if (this.hasSet() && counter.tryLockIfUnused()) counter.remove();
  }
}
