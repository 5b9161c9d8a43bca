/**
 * The services of a state directory, for people who look after them: what is on record, and what the kernel says.
 * Looking changes nothing.
 *
 * @module
 */

import { existsSync, readdirSync } from "node:fs";
import { isProcrefError, type ProcrefError } from "../errors.ts";
import { type ObjectName, objectName, objectNameOfFile, type Scope, type User } from "../kernel/object_name.ts";
import { currentUser, openKernelCounter } from "../kernel/open.ts";
import type { Mechanism, RefCounter } from "../kernel/ref_counter.ts";
import { slotsPath } from "../kernel/slot_files.ts";
import { SLOTS } from "../kernel/slots_path.ts";
import { attempting } from "../kernel/attempting.ts";
import { stateDirectory } from "../kernel/state_directory.ts";
import type { ProcessIdentity } from "../process/identity.ts";
import { type Holder, readHolders } from "./holders.ts";
import type { Failure, ServiceRecord } from "./record.ts";
import { RecordStore } from "./record_store.ts";
import type { ServiceInfo } from "./service_info.ts";

/**
 * How a service is: it is being started, runs, or is being stopped; it failed and says why; it is `dead`, with its
 * process gone and nobody to clean up; its record is `stale`, of an earlier boot; it is `elsewhere`, in another
 * container; or its record cannot be used, which is `unknown`.
 */
export type ServiceState =
  | "starting"
  | "running"
  | "stopping"
  | "failed"
  | "dead"
  | "stale"
  | "elsewhere"
  | "unknown";

/** What is known of a service at one moment. */
export interface ServiceStatus {
  /** Its name; of a service without a record that can be used, the name of its directory. */
  readonly name: string;
  /** The project or worktree that the name belongs to; empty for none. */
  readonly namespace: string;
  /** Who shares it. */
  readonly scope: Scope;
  /** Its directory. */
  readonly directory: string;
  /** How it is. */
  readonly state: ServiceState;
  /** The service, as its record describes it. */
  readonly info: ServiceInfo | undefined;
  /** The generation of the counter that the record belongs to. */
  readonly generation: number | undefined;
  /** The supervisor that wrote the record; a service of callbacks has none. */
  readonly supervisor: ProcessIdentity | undefined;
  /** Of a service that failed: why. */
  readonly failure: Failure | undefined;
  /** How many references live processes hold. */
  readonly references: number;
  /** Whether somebody is starting, stopping or cleaning it now. */
  readonly locked: boolean;
  /** Whether a supervisor or reaper is in office. */
  readonly seated: boolean;
  /** Who says that it holds the service and is alive; a hint, while the references are the truth. */
  readonly holders: readonly Holder[];
  /** Why its record cannot be used. */
  readonly problem: ProcrefError | undefined;
}

/** Which services to look at. */
export interface CatalogOptions {
  /** The state directory; unless given, the one that services use. */
  readonly directory?: string;
  /** Who shares the services: the user unless given. */
  readonly scope?: Scope;
}

/** One service of a state directory. */
export interface CatalogEntry {
  /** Its name; when the record does not tell it, the name of the directory stands for it. */
  readonly object: ObjectName;
  /** Its record. */
  readonly store: RecordStore;
  /** Its counter. To close it would remove the kernel object of a service that nobody holds. */
  readonly counter: RefCounter;
  /** How it is now. */
  look(): ServiceStatus;
}

/** The services of one state directory. */
export class Catalog {
  /** The state directory. */
  readonly directory: string;
  /** Who shares the services. */
  readonly scope: Scope;
  /** The effective user. */
  readonly uid: User;

  /**
   * Opens the catalog; the state directory is made if it is missing.
   *
   * @throws ProcrefError `STATE_DIRECTORY`, `INVALID_ARGUMENT`, `PERMISSION`, `IO`, `PLATFORM`, `LIBRARY`
   */
  constructor({ directory, scope = "user" }: CatalogOptions = {}) {
    this.uid = currentUser();
    this.scope = scope;
    this.directory = stateDirectory(directory, scope, this.uid);
  }

  /**
   * All services, by name.
   *
   * @param leftovers whether to count lock files without a service as one, to be cleaned up
   * @throws ProcrefError `IO`, `PERMISSION`
   */
  entries(leftovers = false): CatalogEntry[] {
    const folders = attempting(
      `list ${this.directory}`,
      this.directory,
      () =>
        readdirSync(this.directory, { withFileTypes: true })
          .filter((entry) => entry.isDirectory()).map(({ name }) => name),
    );
    const locked = folders.filter((name) => leftovers && name.endsWith(SLOTS)).map((name) =>
      name.slice(0, -SLOTS.length)
    );
    return [...new Set([...folders, ...locked])].flatMap((name) => {
      const object = this.#identify(name);
      return object === undefined ? [] : [this.#entry(object)];
    }).sort((one, other) => order(one.object, other.object));
  }

  /**
   * One service, whether or not there is anything of it.
   *
   * @throws ProcrefError `INVALID_NAME`
   */
  entry(name: string, namespace?: string): CatalogEntry {
    const { directory, scope, uid } = this;
    return this.#entry(objectName(name, uid, { namespace, scope, directory }));
  }

  #entry(object: ObjectName): CatalogEntry {
    const store = new RecordStore(this.directory, object, this.uid);
    const slots = existsSync(slotsPath(object, this.directory, this.uid)) ? "slots" : undefined;
    const counter = openKernelCounter(object, this.directory, mechanismOf(store) ?? slots);
    return { object, store, counter, look: () => this.#look(object, store, counter) };
  }

  /** The name that a directory belongs to; undefined when it is none of ours. */
  #identify(fileName: string): ObjectName | undefined {
    const { directory, scope, uid } = this;
    const unnamed = objectNameOfFile(fileName, scope);
    if (unnamed === undefined) return undefined;
    try {
      const { name, namespace } = JSON.parse(new RecordStore(directory, unnamed, uid).text() ?? "{}");
      const named = objectName(name, uid, { namespace, scope, directory });
      // A record that was put into another service's directory names nobody.
      return named.fileName === fileName ? named : unnamed;
    } catch {
      return unnamed;
    }
  }

  #look(object: ObjectName, store: RecordStore, counter: RefCounter): ServiceStatus {
    const { record, problem } = readRecord(store);
    const { name, namespace, scope } = object;
    const { directory } = store;
    const { info, generation, supervisor, failure } = record ?? {};
    const recorded = { name, namespace, scope, directory, info, generation, supervisor, failure };
    const holders = scope === "user" ? readHolders(directory, this.uid) : [];
    try {
      const { references, locked, seated } = counter.snapshot();
      const attended = locked || seated;
      const state = record === undefined
        ? stateWithout(store, problem, attended || references > 0)
        : stateOf(record, attended);
      return { ...recorded, state, references, locked, seated, holders, problem };
    } catch (error) {
      // The kernel object is somebody else's.
      if (!isProcrefError(error, "FOREIGN_OBJECT") && !isProcrefError(error, "KEY_COLLISION")) throw error;
      return { ...recorded, state: "unknown", references: 0, locked: false, seated: false, holders, problem: error };
    }
  }
}

/**
 * What is known of all services of a state directory.
 *
 * @param options which services to look at
 * @returns one for each, by name
 * @throws ProcrefError `STATE_DIRECTORY`, `INVALID_ARGUMENT`, `PERMISSION`, `IO`, `COUNT`, `PLATFORM`, `LIBRARY`
 *
 * @example
 * ```ts
 * import { listServices, SharedService } from "@procref/core";
 * import assert from "node:assert/strict";
 * import process from "node:process";
 *
 * const service = new SharedService("example-listed", {
 *   onFirstAcquire: () => ({ pid: process.pid, port: 5432 }),
 *   onLastRelease: () => {},
 * });
 * await using _ = await service.acquire();
 * const [status] = listServices();
 * assert.equal(status.name, "example-listed");
 * assert.equal(status.state, "running");
 * assert.equal(status.holders[0].pid, process.pid);
 * ```
 */
export function listServices(options: CatalogOptions = {}): ServiceStatus[] {
  return new Catalog(options).entries().map((entry) => entry.look());
}

/** The mechanism that a service says it is counted by; undefined for one that is not known here. */
function mechanismOf(store: RecordStore): Mechanism | undefined {
  try {
    const mechanism = store.mechanism();
    return mechanism === "sysv" || mechanism === "slots" ? mechanism : undefined;
  } catch (error) {
    // A file that cannot be trusted says nothing.
    if (isProcrefError(error, "PERMISSION")) throw error;
    return undefined;
  }
}

/** What a record says, or why it cannot be used. */
export interface Reading {
  /** The record. */
  readonly record: ServiceRecord | undefined;
  /** Why there is none, if a file is there. */
  readonly problem: ProcrefError | undefined;
}

/**
 * Reads a record without failing over what it says.
 *
 * @throws ProcrefError `PERMISSION`
 */
export function readRecord(store: RecordStore): Reading {
  let problem: ProcrefError | undefined;
  try {
    const record = store.read((error) => problem = error);
    return { record, problem };
  } catch (error) {
    if (!isProcrefError(error, "DOMAIN_MISMATCH")) throw error;
    return { record: undefined, problem: error };
  }
}

/** Gives back what was taken of gate and seat. A kernel object that was only made for that is removed again. */
export function giveBack(counter: RefCounter): void {
  if (counter.holdsLock()) {
    if (counter.snapshot().generation === 0) counter.remove();
    else counter.unlock();
  }
  if (counter.holdsSeat()) counter.leaveSeat();
}

/**
 * How a service without a record that can be used is.
 *
 * @param wanted whether anybody has a reference, the gate or the seat
 */
function stateWithout(store: RecordStore, problem: ProcrefError | undefined, wanted: boolean): ServiceState {
  if (problem !== undefined) return problem.code === "DOMAIN_MISMATCH" ? "elsewhere" : "unknown";
  if (wanted) return "starting";
  // A record that reads well and is none is one of an earlier boot.
  return store.exists() ? "stale" : "unknown";
}

/**
 * How a service with a record is.
 *
 * @param attended whether anybody has its gate or its seat
 */
function stateOf({ phase, info }: ServiceRecord, attended: boolean): ServiceState {
  switch (phase) {
    case "READY":
      if (info?.isAlive()) return "running";
      return attended ? "starting" : "dead";
    case "START":
      return attended ? "starting" : "dead";
    case "FAIL":
      return "failed";
    default:
      return attended ? "stopping" : "dead";
  }
}

function order(one: ObjectName, other: ObjectName): number {
  const keys = [one, other].map(({ name, namespace }) => `${name}\0${namespace}`);
  return keys[0] < keys[1] ? -1 : keys[0] > keys[1] ? 1 : 0;
}
