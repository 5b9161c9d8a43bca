/**
 * What a supervisor or reaper is told, and what it answers.
 *
 * @module
 */

import type { ObjectName, Scope, User } from "../kernel/object_name.ts";
import type { Mechanism } from "../kernel/ref_counter.ts";
import type { ServiceDescription } from "./service_description.ts";

/** Which service, and what to do with it. */
export interface SupervisorOrders {
  /** Its name, and what tells it from others of that name; the digest as hexadecimal digits. */
  readonly name: string;
  readonly namespace: string;
  readonly scope: Scope;
  readonly digest: string;
  readonly fileName: string;
  /** The real path of the state directory. */
  readonly directory: string;
  readonly mechanism: Mechanism;
  /** Who has started it, and whom its files belong to. */
  readonly user: User;
  /** How long the service may take to end, in milliseconds. */
  readonly stopTimeoutMs: number;
  /** The service to own; a reaper has none, and waits for the last client of what others started. */
  readonly description?: ServiceDescription;
}

/** The identity of a service as orders carry it. */
export function orderedName({ name, namespace, scope, digest, fileName }: ObjectName): Omit<ObjectName, "digest"> & {
  readonly digest: string;
} {
  const digits = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { name, namespace, scope, fileName, digest: digits };
}

/** The identity of the service that orders are about. */
export function nameOfOrders({ name, namespace, scope, digest, fileName }: SupervisorOrders): ObjectName {
  const bytes = Uint8Array.from(digest.match(/../g)!, (digits) => parseInt(digits, 16));
  return { name, namespace, scope, fileName, digest: bytes };
}

/** The first word of the line by which a supervisor says that it is in office; its identity follows. */
export const IN_OFFICE = "in-office";
/** The line of one that found the seat taken. */
export const SEAT_TAKEN = "seat-taken";
/** The first word of the line of one that failed; the message follows as JSON. */
export const FAILED = "failed";
