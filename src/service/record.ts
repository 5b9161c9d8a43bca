/**
 * The record of a service: what its starter tells the other clients. It is a hint that is checked, never the truth:
 * the count is the kernel's.
 *
 * @module
 */

import type { ObjectName } from "../kernel/object_name.ts";
import { type Domain, domain } from "../process/domain.ts";
import { ProcrefError } from "../errors.ts";
import { ServiceInfo } from "./service_info.ts";

/** How far a service is: being started or repaired, in use, or being stopped. */
export type Phase = "START" | "READY" | "STOP";

/** The record of a service. */
export interface ServiceRecord {
  /** How far it is. */
  readonly phase: Phase;
  /** The generation of the counter that the record belongs to. */
  readonly generation: number;
  /** The service; while it is being started for the first time there is none. */
  readonly info: ServiceInfo | undefined;
}

/** The form on disk. */
interface RecordJson {
  readonly procref: 1;
  readonly name: string;
  readonly namespace: string;
  readonly scope: string;
  readonly domain: Domain;
  readonly phase: Phase;
  readonly generation: number;
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
  check(json.phase === "START" || json.phase === "READY" || json.phase === "STOP", "its phase is unknown");
  check(Number.isInteger(json.generation) && json.generation > 0, "its generation is no number");
  check(isDomain(json.domain), "it does not say where it was written");
  const here = domain();
  if (json.domain.boot !== here.boot) return undefined;
  if (json.domain.pid !== here.pid || json.domain.ipc !== here.ipc) throw elsewhere(name);
  const info = json.info === undefined ? undefined : parseInfo(json.info);
  check(info !== undefined || json.phase === "START", "it describes no service");
  return { phase: json.phase, generation: json.generation, info };
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
