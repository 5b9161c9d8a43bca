/**
 * The record of a service: what its starter tells the other clients. It is a hint that is checked, never the truth:
 * the count is the kernel's.
 *
 * @module
 */

import type { ObjectName } from "../kernel/object_name.ts";
import { type Domain, domain } from "../process/domain.ts";
import { type ErrorCode, type ErrorDetails, ProcrefError } from "../errors.ts";
import type { ProcessIdentity } from "../process/identity.ts";
import type { Configuration } from "./service_description.ts";
import { ServiceInfo } from "./service_info.ts";

/**
 * How far a service is: being started or repaired (START), in use, being stopped; or, with a supervisor, what a dead
 * predecessor left is being cleared up (CLEAN), or it was given up (FAIL).
 */
export type Phase = typeof PHASES[number];

const PHASES = ["START", "READY", "STOP", "CLEAN", "FAIL"] as const;

/** Why a service was given up. */
export interface Failure {
  /** What kind of failure it was. */
  readonly code: ErrorCode;
  /** The message. */
  readonly message: string;
  /** What it was about. */
  readonly details: ErrorDetails;
}

/** The record of a service. */
export interface ServiceRecord {
  /** How far it is. */
  readonly phase: Phase;
  /** The generation of the counter that the record belongs to. */
  readonly generation: number;
  /** The service; while it is being started for the first time there is none. */
  readonly info: ServiceInfo | undefined;
  /** The supervisor that wrote this; a service of callbacks has none. */
  readonly supervisor?: ProcessIdentity;
  /** What all processes of the service carry in their environment, while any may be left; see marks.ts. */
  readonly marks?: readonly string[];
  /** What the options are that the clients of a supervised service agree on. */
  readonly configuration?: Configuration;
  /** In phase FAIL: why. */
  readonly failure?: Failure;
}

/** The form on disk. */
interface RecordJson extends Omit<ServiceRecord, "info"> {
  readonly procref: 1;
  readonly name: string;
  readonly namespace: string;
  readonly scope: string;
  readonly domain: Domain;
  readonly info?: unknown;
}

/** The text of a record, for the file. */
export function formatRecord(name: ObjectName, record: ServiceRecord): string {
  const { name: text, namespace, scope } = name;
  const json: RecordJson = { procref: 1, name: text, namespace, scope, domain: domain(), ...record };
  return JSON.stringify(json, undefined, 2) + "\n";
}

/**
 * Takes the text of a record apart.
 *
 * @returns undefined for a record of an earlier boot of this machine, whose processes and counts are gone
 * @throws ProcrefError `SERVICE_INFO` when it is not a record of this name; `DOMAIN_MISMATCH` when it was written in
 * another container on this machine, where other processes count in another counter
 */
export function parseRecord(name: ObjectName, text: string): ServiceRecord | undefined {
  const json = parseJson(text);
  check(json.procref === 1, "it has another format");
  check(
    json.name === name.name && json.namespace === name.namespace && json.scope === name.scope,
    "it belongs to another service",
  );
  check(PHASES.includes(json.phase), "its phase is unknown");
  check(Number.isInteger(json.generation) && json.generation > 0, "its generation is no number");
  check(isDomain(json.domain), "it does not say where it was written");
  const here = domain();
  if (json.domain.boot !== here.boot) return undefined;
  if (json.domain.pid !== here.pid || json.domain.ipc !== here.ipc) throw elsewhere(name);
  const info = json.info === undefined ? undefined : parseInfo(json.info);
  const { phase, generation, supervisor, marks, configuration, failure } = json;
  check(info !== undefined || supervisor !== undefined || phase === "START", "it describes no service");
  check(supervisor === undefined || isIdentity(supervisor), "its supervisor is no process");
  check(marks === undefined || (Array.isArray(marks) && marks.every(isText)), "its marks are no texts");
  check(configuration === undefined || isTextRecord(configuration), "its configuration is no object of texts");
  check(phase === "FAIL" ? isFailure(failure) : failure === undefined, "its failure is none");
  return { phase, generation, info, supervisor, marks, configuration, failure };
}

function parseJson(text: string): RecordJson {
  try {
    const json = JSON.parse(text);
    check(typeof json === "object" && json !== null, "it is no object");
    return json;
  } catch (cause) {
    throw new ProcrefError("SERVICE_INFO", `Cannot use the record: it is no JSON object`, { cause });
  }
}

/** The service of a record; a PID without the start of its process could be anybody's by now. */
function parseInfo(value: unknown): ServiceInfo {
  const { pid, start } = (value ?? {}) as { pid?: unknown; start?: unknown };
  check(pid === undefined || start !== undefined, "its process has no identity");
  return ServiceInfo.fromJSON(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isTextRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).every(isText);
}

function isIdentity(value: unknown): value is ProcessIdentity {
  const { pid, start } = (value ?? {}) as ProcessIdentity;
  return Number.isInteger(pid) && pid > 0 && isText(start);
}

function isFailure(value: unknown): value is Failure {
  const { code, message, details } = (value ?? {}) as Failure;
  return isText(code) && isText(message) && typeof details === "object" && details !== null;
}

function isDomain(value: unknown): value is Domain {
  const { boot, pid, ipc } = (value ?? {}) as Domain;
  return [boot, pid, ipc].every((part) => typeof part === "string");
}

function elsewhere(name: ObjectName): ProcrefError {
  return new ProcrefError(
    "DOMAIN_MISMATCH",
    `Cannot share "${name.name}": its record was written in another container (PID or IPC namespace) that uses the ` +
      `same state directory, and the kernel counts apart there; give each container its own PROCREF_DIR`,
    { details: { name: name.name } },
  );
}

function check(condition: boolean, problem: string): asserts condition {
  if (!condition) throw new ProcrefError("SERVICE_INFO", `Cannot use the record: ${problem}`);
}
