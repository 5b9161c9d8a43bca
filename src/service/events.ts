/**
 * What happens to a service, told to whoever listens: as events of the service's object, and on channels of
 * `node:diagnostics_channel` for metrics and traces.
 *
 * | channel | message | event |
 * | --- | --- | --- |
 * | `procref:acquire` | `{ service, pid, durationMs }`, once a handle is given | |
 * | `procref:release` | `{ service }`, when a handle's reference is given back | |
 * | `procref:restart` | `{ service, info }`: a supervised service has another process now | `restart` |
 * | `procref:lost` | `{ service, error }`: a supervised service is gone for good | `lost` |
 * | `procref:failover` | `{ service, failover }`: a group of services has another primary | `failover` |
 * | `procref:warning` | `{ service, error }`: something went wrong without stopping anything | `warning` |
 *
 * @module
 */

import { type Channel, channel } from "node:diagnostics_channel";
import { isProcrefError, ProcrefError } from "../errors.ts";
import type { ServiceInfo } from "./service_info.ts";

/** The channels, by what happened. */
export const CHANNELS: Readonly<Record<"acquire" | "release" | "restart" | "lost" | "failover" | "warning", Channel>> =
  {
    acquire: channel("procref:acquire"),
    release: channel("procref:release"),
    restart: channel("procref:restart"),
    lost: channel("procref:lost"),
    failover: channel("procref:failover"),
    warning: channel("procref:warning"),
  };

/** The object of a service, which the events are events of. */
type Told = EventTarget & { readonly name: string };

/** How the message on a channel calls what the event has as its `detail`. */
const DETAILS = { restart: "info", lost: "error", failover: "failover", warning: "error" } as const;

/** The events of a `SharedService`. */
export interface ServiceEvents {
  /** A supervised service was started again: as it is now. */
  readonly restart: CustomEvent<ServiceInfo>;
  /** A supervised service is gone for good: why. */
  readonly lost: CustomEvent<ProcrefError>;
  /** Something went wrong without stopping anything. */
  readonly warning: CustomEvent<ProcrefError>;
}

/**
 * Something happened that is rare: the service has an event for it, whose `detail` is the same as on the channel. An
 * error that is none of ours becomes the cause of one that is.
 */
export function tell(service: Told, what: keyof typeof DETAILS, told: unknown): void {
  const detail = DETAILS[what] === "error" ? ourError(told) : told;
  service.dispatchEvent(new CustomEvent(what, { detail }));
  CHANNELS[what].publish({ service: service.name, [DETAILS[what]]: detail });
}

function ourError(problem: unknown): ProcrefError {
  if (isProcrefError(problem)) return problem;
  const message = problem instanceof Error ? problem.message : String(problem);
  return new ProcrefError("OTHER", message, { cause: problem });
}
