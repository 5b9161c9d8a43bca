/** What the run counts. */

import type { RuntimeName } from "./plan.ts";

export interface KillRow {
  readonly kind: string;
  readonly runtime: string;
  count: number;
  violations: number;
}

/** Quantiles of times in milliseconds. */
export interface Times {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Counts and times of all rounds together. */
export class Statistics {
  readonly #kills = new Map<string, KillRow>();
  readonly settle: number[] = [];
  readonly lastClient: number[] = [];
  readonly violations: string[] = [];
  rounds = 0;
  acquires = 0;
  instances = 0;
  stops = 0;
  /** Rounds that left what no process looked after, by what it was. */
  readonly left = { gc: 0, nextClient: 0 };
  /** Instances of callbacks whose client was killed before it could return them. */
  unknownStarts = 0;
  /** Hosts of consoles of Windows that nobody had any more, and that did not end. */
  forgottenHosts = 0;

  kill(kind: string, runtime: RuntimeName | undefined): KillRow {
    const key = `${kind}|${runtime}`;
    const row = this.#kills.get(key) ?? { kind, runtime: runtime ?? "-", count: 0, violations: 0 };
    row.count++;
    this.#kills.set(key, row);
    return row;
  }

  get rows(): KillRow[] {
    return [...this.#kills.values()].sort((one, other) =>
      one.kind === other.kind ? (one.runtime < other.runtime ? -1 : 1) : one.kind < other.kind ? -1 : 1
    );
  }

  get kills(): number {
    return this.rows.reduce((sum, { count }) => sum + count, 0);
  }
}

export function timesOf(values: readonly number[]): Times {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? 0 };
}
