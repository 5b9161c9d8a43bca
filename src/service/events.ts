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

/** Something happened that is rare: the service has an event for it, whose `detail` is the same as on the channel. */
export function tell(service: Told, what: keyof typeof DETAILS, detail: unknown): void {
  service.dispatchEvent(new CustomEvent(what, { detail }));
  CHANNELS[what].publish({ service: service.name, [DETAILS[what]]: detail });
}
