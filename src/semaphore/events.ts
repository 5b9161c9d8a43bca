/**
 * What happens to permits, told on channels of `node:diagnostics_channel` for metrics and traces.
 *
 * | channel | message | event |
 * | --- | --- | --- |
 * | `procref:semaphore:acquire` | `{ path, id, waitedMs }`, once this process has a permit | |
 * | `procref:semaphore:release` | `{ path, id }`, once this process has given one back | |
 * | `procref:semaphore:wait` | `{ path, id, ahead }`, when this process begins to wait behind so many others | |
 * | `procref:semaphore:prune` | `{ path, id, pid, reason }`: this process took the place of one that was `dead` or `expired` | `prune` |
 *
 * An event has the message as its `detail`.
 *
 * @module
 */

import { type Channel, channel } from "node:diagnostics_channel";

/** What is told. */
export type SemaphoreEvent = "acquire" | "release" | "wait" | "prune";

/** The channels, by what happened. */
export const CHANNELS: Readonly<Record<SemaphoreEvent, Channel>> = {
  acquire: channel("procref:semaphore:acquire"),
  release: channel("procref:semaphore:release"),
  wait: channel("procref:semaphore:wait"),
  prune: channel("procref:semaphore:prune"),
};

/** Somebody lost a permit, or a place in the queue, without having given it back. */
export interface Pruned {
  /** The semaphore's file. */
  readonly path: string;
  /** What the permit was known by. */
  readonly id: string;
  /** The process that had it; undefined where that is not known. */
  readonly pid: number | undefined;
  /** Why. */
  readonly reason: "dead" | "expired";
}

/** The events of a `FileSemaphore`. */
export interface SemaphoreEvents {
  /** This process took the place of one that had died, or whose time was over. */
  readonly prune: CustomEvent<Pruned>;
}
