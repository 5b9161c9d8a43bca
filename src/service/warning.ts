/**
 * Reporting what went wrong without stopping anything.
 *
 * @module
 */

import { channel } from "node:diagnostics_channel";
import type { ProcrefError } from "../errors.ts";

/** The channel of `node:diagnostics_channel` that every warning is published on, as `{ service, error }`. */
export const WARNING_CHANNEL = "procref:warning";

/** Reports a problem as a `warning` event of the service and on the diagnostics channel. */
export function warn(service: EventTarget & { readonly name: string }, error: ProcrefError): void {
  service.dispatchEvent(new CustomEvent("warning", { detail: error }));
  channel(WARNING_CHANNEL).publish({ service: service.name, error });
}
