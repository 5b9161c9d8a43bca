/**
 * What a semaphore's file says, and how it becomes a text and a text it. Pure: no file is touched here.
 *
 * @module
 */

import type { StateFormat } from "../kernel/state_file.ts";
import type { Owner } from "./owner.ts";

/** One who holds a permit, as it stands in the file. What other programs have written has no owner. */
export interface HolderInfo extends Partial<Owner> {
  /** What the permit is known by: no two holders and waiters have the same. */
  readonly id: string;
  /** When it was given, in the form of RFC 3339. */
  readonly acquired_at?: string;
  /** When it ends by itself, in the same form, by the clock of the machine; never unless given. */
  readonly expires_at?: string;
}

/** One who waits for a permit, as it stands in the file. */
export interface WaiterInfo extends Owner {
  /** What the permit will be known by. */
  readonly id: string;
  /** Since when it waits, in the form of RFC 3339. */
  readonly waiting_since: string;
  /** Greater ones are served first. */
  readonly priority: number;
  /** For how many milliseconds the permit will be held at most; without end unless given. */
  readonly ttl_ms?: number;
}

/** All that a semaphore's file says. */
export interface SemaphoreState {
  /** How many permits there are. */
  readonly capacity: number;
  /** Who holds one, in the order in which they were given. */
  readonly holders: readonly HolderInfo[];
  /** Who waits for one, in the order in which they are served. */
  readonly waiting: readonly WaiterInfo[];
}

/** A state in the making. */
export interface Draft {
  readonly capacity: number;
  holders: HolderInfo[];
  waiting: WaiterInfo[];
}

/** The file: JSON in the shape that amux writes, with more fields. `waiting` is there while somebody waits. */
export const SEMAPHORE_FORMAT: StateFormat<SemaphoreState> = {
  format({ capacity, holders, waiting }: SemaphoreState): string {
    return `${
      JSON.stringify(waiting.length === 0 ? { capacity, holders } : { capacity, holders, waiting }, null, 2)
    }\n`;
  },
  parse(text: string): SemaphoreState {
    const value = record(JSON.parse(text), "it");
    const { capacity } = value;
    if (!Number.isSafeInteger(capacity) || (capacity as number) < 1) throw new Error("it has no capacity from 1");
    const holders = list(value.holders, "holders").map(holder);
    const waiting = list(value.waiting, "waiting").map(waiter);
    const ids = [...holders, ...waiting].map(({ id }) => id);
    if (new Set(ids).size < ids.length) throw new Error("an id is there twice");
    return { capacity: capacity as number, holders, waiting };
  },
};

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Error(`${what} is no object`);
}

/** A list that Go has written may be null. */
function list(value: unknown, what: string): unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw new Error(`its ${what} are no list`);
}

function holder(value: unknown): HolderInfo {
  const entry = record(value, "a holder");
  text(entry, "id");
  for (const field of ["acquired_at", "expires_at"]) if (field in entry) date(entry, field);
  if ("pid" in entry || "start" in entry) owner(entry);
  return entry as unknown as HolderInfo;
}

function waiter(value: unknown): WaiterInfo {
  const entry = record(value, "a waiter");
  text(entry, "id");
  date(entry, "waiting_since");
  owner(entry);
  number(entry, "priority", -Infinity);
  if ("ttl_ms" in entry) number(entry, "ttl_ms", 1);
  return entry as unknown as WaiterInfo;
}

function owner(entry: Record<string, unknown>): void {
  number(entry, "pid", 1);
  if (entry.pid as number > 2 ** 31 - 1) throw new Error("a pid is none");
  text(entry, "start");
  text(entry, "host");
  if ("namespace" in entry) text(entry, "namespace");
}

function text(entry: Record<string, unknown>, field: string): void {
  if (typeof entry[field] !== "string" || entry[field] === "") throw new Error(`an entry has no ${field}`);
}

function date(entry: Record<string, unknown>, field: string): void {
  if (typeof entry[field] !== "string" || Number.isNaN(Date.parse(entry[field]))) {
    throw new Error(`an entry has no time as ${field}`);
  }
}

function number(entry: Record<string, unknown>, field: string, least: number): void {
  if (!Number.isSafeInteger(entry[field]) || (entry[field] as number) < least) {
    throw new Error(`an entry has no number as ${field}`);
  }
}
