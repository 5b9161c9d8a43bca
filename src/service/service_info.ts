/**
 * What is known of a running service: its process, where it listens, and whatever else its starter wants to pass on.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";
import { checkPid } from "../process/pid.ts";
import { identityOf, isAlive, type ProcessIdentity } from "../process/identity.ts";

/** The JSON form of a {@link ServiceInfo}. */
export interface ServiceInfoJson {
  /** The process, if the service is one. */
  readonly pid?: number;
  /** When that process started, as an opaque word; without it the process is the one that has the PID now. */
  readonly start?: string;
  /** Where it listens: a name or an address. */
  readonly host?: string;
  /** Where it listens: 0 to 65535. */
  readonly port?: number;
  /** Whatever the starter passes on to the clients. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const LONGEST_TEXT = 16384;

/**
 * What is known of a running service. The process is remembered by its identity, so that a later process of the same
 * number is not taken for it.
 *
 * @example
 * ```ts
 * import { ServiceInfo } from "@procref/core";
 * import assert from "node:assert/strict";
 * import process from "node:process";
 *
 * const info = new ServiceInfo(process.pid, 5432).setMetadata("database", "app");
 * assert.equal(info.port, 5432);
 * assert.equal(info.getMetadata("database"), "app");
 * assert.ok(info.isAlive());
 * assert.deepEqual(ServiceInfo.fromJSON(JSON.parse(JSON.stringify(info))), info);
 * ```
 */
export class ServiceInfo {
  /** The process, or undefined when the service is none of its own. */
  readonly pid: number | undefined;
  /** The identity of that process; undefined when there is none, or when it had ended already. */
  readonly identity: ProcessIdentity | undefined;
  /** Where it listens, or undefined. */
  readonly port: number | undefined;
  /** Where it listens; `127.0.0.1` unless given. */
  readonly host: string;
  readonly #metadata: Map<string, string>;

  /**
   * Describes a service; the identity of the process is taken now.
   *
   * @param pid its process: an integer from 2 to 2,147,483,647; undefined when it has none
   * @param port where it listens: an integer from 0 to 65535; undefined when it does not
   * @param options `host`: where it listens; `start`: the identity's word if it is known already; `metadata`
   * @throws ProcrefError `SERVICE_INFO` for anything outside these rules; `PERMISSION`, `LIBRARY`, `PLATFORM`
   */
  constructor(
    pid?: number,
    port?: number,
    options: { host?: string; start?: string; metadata?: Readonly<Record<string, string>> } = {},
  ) {
    const { host = "127.0.0.1", start, metadata = {} } = options;
    check(pid === undefined || isPid(pid), `${String(pid)} is no PID`);
    check(port === undefined || isPort(port), `${String(port)} is no port`);
    check(isText(host) && host !== "", "the host is no text");
    check(start === undefined || (pid !== undefined && isText(start)), "the start of the process is no text");
    check(isTextRecord(metadata), "the metadata is not an object of texts");
    this.pid = pid;
    this.port = port;
    this.host = host;
    this.identity = pid === undefined ? undefined : start === undefined ? identityOf(pid) : { pid, start };
    this.#metadata = new Map(Object.entries(metadata));
  }

  /**
   * Describes a service that is a process and listens nowhere.
   *
   * @param pid its process
   * @throws ProcrefError as the constructor
   */
  static withPid(pid: number): ServiceInfo {
    return new ServiceInfo(pid);
  }

  /**
   * Takes the JSON form, or any object of that shape; nothing in it is trusted.
   *
   * @throws ProcrefError `SERVICE_INFO` when it is not of that shape; as the constructor
   */
  static fromJSON(value: unknown): ServiceInfo {
    if (value instanceof ServiceInfo) return value;
    check(typeof value === "object" && value !== null && !Array.isArray(value), "it is no object");
    const { pid, port, host, start, metadata } = value as ServiceInfoJson;
    check(pid !== undefined || port !== undefined || metadata !== undefined, "it has neither pid, port nor metadata");
    return new ServiceInfo(pid, port, { host, start, metadata });
  }

  /** All metadata, as a copy. */
  get metadata(): Record<string, string> {
    return Object.fromEntries(this.#metadata);
  }

  /** One entry of the metadata, or undefined. */
  getMetadata(key: string): string | undefined {
    return this.#metadata.get(key);
  }

  /**
   * Sets an entry of the metadata. Clients see what was set before the info was returned by a callback.
   *
   * @returns this info
   * @throws ProcrefError `SERVICE_INFO` when key or value is no text of at most 16,384 characters
   */
  setMetadata(key: string, value: string): this {
    check(isText(key) && isText(value), "a metadata entry is no text");
    this.#metadata.set(key, value);
    return this;
  }

  /**
   * Whether the process runs: that very one, not a later one of its number, and not a zombie. A service without a
   * process counts as alive, since nothing says otherwise.
   *
   * @throws ProcrefError `PERMISSION`, `LIBRARY`, `PLATFORM`
   */
  isAlive(): boolean {
    if (this.pid === undefined) return true;
    return this.identity !== undefined && isAlive(this.identity);
  }

  /** The form for JSON; `ServiceInfo.fromJSON` takes it back. */
  toJSON(): ServiceInfoJson {
    return {
      pid: this.pid,
      start: this.identity?.start,
      host: this.host,
      port: this.port,
      metadata: this.metadata,
    };
  }
}

function check(condition: boolean, problem: string): void {
  if (!condition) throw new ProcrefError("SERVICE_INFO", `Cannot describe a service so: ${problem}`);
}

function isPid(value: unknown): boolean {
  try {
    checkPid(value);
    return true;
  } catch {
    return false;
  }
}

function isPort(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 65535;
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value.length <= LONGEST_TEXT;
}

function isTextRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.values(value).every(isText);
}
