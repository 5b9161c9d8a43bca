/**
 * What a registered service says of itself, and which texts and values it may say.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { ProcrefError } from "../errors.ts";
import { checkName } from "../kernel/object_name.ts";
import type { ProcessIdentity } from "../process/identity.ts";

/** What JSON can say. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | JsonObject;

/** An object that JSON can say. */
export type JsonObject = { readonly [key: string]: JsonValue };

/** What a service tells those who find it. Beside the name, all of it together may be 8,192 bytes of JSON. */
export interface ServiceRegistration {
  /** Where it takes requests: a name, an address or a path, as its clients understand it. */
  readonly controlChannel?: string;
  /** Where it answers. */
  readonly replyChannel?: string;
  /** Whatever else it passes on: an object that JSON can say. */
  readonly metadata?: JsonObject;
}

/** A registered service. It is a copy: whoever changes it changes nothing else. */
export interface ServiceEntry {
  /** Its name. */
  name: string;
  /** Where it takes requests; undefined when it did not say so. */
  controlChannel: string | undefined;
  /** Where it answers; undefined when it did not say so. */
  replyChannel: string | undefined;
  /** Whatever else it passes on; an empty object when it passes on nothing. */
  metadata: JsonObject;
  /** The process that registered it. */
  pid: number;
  /** That process by its PID and start, which no later process of the same number has. */
  identity: ProcessIdentity;
  /** When it was registered: milliseconds since 1970, by the clock of the machine. */
  registeredAt: number;
}

/** An entry as it is kept. */
export interface KeptEntry {
  readonly name: string;
  readonly controlChannel?: string;
  readonly replyChannel?: string;
  readonly metadata?: JsonObject;
  readonly pid: number;
  readonly start: string;
  /** What tells this registration from a later one of the same name by the same process. */
  readonly registration: string;
  readonly registeredAt: number;
}

/** The greatest size of an entry as it is kept, in bytes. */
export const GREATEST_ENTRY = 8192;

/**
 * An entry of what a caller says.
 *
 * @throws ProcrefError `INVALID_NAME`; `INVALID_ARGUMENT`
 */
export function makeEntry(
  name: string,
  { controlChannel, replyChannel, metadata }: ServiceRegistration,
  { pid, start }: ProcessIdentity,
  registration: string,
): KeptEntry {
  checkName(name, "service name");
  checkChannel(name, "controlChannel", controlChannel);
  checkChannel(name, "replyChannel", replyChannel);
  if (metadata !== undefined && !isJsonObject(metadata)) {
    throw refused(name, "metadata", "is no object that JSON can say as it is");
  }
  const said = { controlChannel, replyChannel, metadata: metadata && copyObject(metadata) };
  const entry: KeptEntry = { name, ...said, pid, start, registration, registeredAt: Date.now() };
  const size = new TextEncoder().encode(JSON.stringify(entry)).length;
  if (size <= GREATEST_ENTRY) return entry;
  throw refused(name, "metadata", `makes an entry of ${size} bytes with the channels, and ${GREATEST_ENTRY} fit`);
}

/** What callers get of an entry. */
export function copyEntry(entry: KeptEntry): ServiceEntry {
  const { name, controlChannel, replyChannel, metadata, pid, start, registeredAt } = entry;
  return {
    name,
    controlChannel,
    replyChannel,
    metadata: metadata === undefined ? {} : copyObject(metadata),
    pid,
    identity: { pid, start },
    registeredAt,
  };
}

/** Whether what was read is an entry. */
export function isEntry(value: unknown): value is KeptEntry {
  if (typeof value !== "object" || value === null) return false;
  const { name, controlChannel, replyChannel, metadata, pid, start, registration, registeredAt } = value as KeptEntry;
  return [name, start, registration].every((text) => typeof text === "string") &&
    [controlChannel, replyChannel].every((text) => text === undefined || typeof text === "string") &&
    (metadata === undefined || isObject(metadata)) &&
    Number.isSafeInteger(pid) && pid > 0 && Number.isFinite(registeredAt);
}

function checkChannel(name: string, field: string, channel: unknown): void {
  if (channel === undefined || (typeof channel === "string" && channel !== "")) return;
  throw refused(name, field, channel === "" ? "is empty; leave it out when there is none" : "is no text");
}

function isJsonObject(value: unknown): boolean {
  try {
    return isObject(value) && isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value);
  } catch {
    // It holds itself, or a bigint, or what throws when it is asked for its JSON.
    return false;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** By hand, which takes a fraction of the time of a structured clone; a key `__proto__` stays a key. */
function copyJson(value: JsonValue): JsonValue {
  if (typeof value !== "object" || value === null) return value;
  return Array.isArray(value) ? value.map(copyJson) : copyObject(value as JsonObject);
}

function copyObject(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copyJson(each)]));
}

function refused(name: string, field: string, why: string): ProcrefError {
  return new ProcrefError("INVALID_ARGUMENT", `Cannot register "${name}": its ${field} ${why}`, {
    details: { name, field },
  });
}
