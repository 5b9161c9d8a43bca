/**
 * The registry of services, as programs use it.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { ProcrefError } from "../errors.ts";
import { checkName, objectName, type User } from "../kernel/object_name.ts";
import { currentUser } from "../kernel/open.ts";
import { stateDirectory } from "../kernel/state_directory.ts";
import { isSameProcess, ownIdentity, type ProcessIdentity } from "../process/identity.ts";
import { LivingProcesses } from "./living_processes.ts";
import { closed, disagrees, full, inUse, notOurs, taken } from "./registry_errors.ts";
import {
  checkOptions,
  REGISTRIES,
  type ServiceGroupFilter,
  type ServiceRegistryOptions,
  USUAL_CAPACITY,
  USUAL_LOCK_TIMEOUT_MS,
} from "./registry_options.ts";
import { type Contents, entriesOf, RegistryStore } from "./registry_store.ts";
import { type RegistryState, withEntry } from "./registry_state.ts";
import { copyEntry, type KeptEntry, makeEntry, type ServiceEntry, type ServiceRegistration } from "./service_entry.ts";

/** What an object has once it is used. */
interface Opened {
  readonly store: RegistryStore;
  readonly own: ProcessIdentity;
  readonly living: LivingProcesses;
}

/**
 * Where services announce themselves, and are found by all processes of the user. An entry belongs to the process that
 * made it, and counts no more when that process has ended, in whatever way: nobody finds it, and its name is free, also
 * while the process is a zombie.
 *
 * All methods return at once, but for those that change something, which wait for others who do so (see
 * {@link ServiceRegistryOptions.lockTimeoutMs}). A process that dies in the middle of a change has made it or not; the
 * lock is given back by the kernel. Whoever leaves the registry last removes its file and its kernel object; what a last
 * one that was SIGKILLed has left stays until the next one comes, or until `procref gc`.
 *
 * @example Announce a service and find it
 * ```ts
 * import { ServiceRegistry } from "@procref/core/registry";
 * import assert from "node:assert/strict";
 * import process from "node:process";
 *
 * using registry = new ServiceRegistry("audio");
 * registry.registerService("mixer.0", { controlChannel: "mixer-in", replyChannel: "mixer-out", metadata: { rate: 48000 } });
 *
 * // Here, or in any other process of the user:
 * using elsewhere = new ServiceRegistry("audio");
 * const mixer = elsewhere.find("mixer.0")!;
 * assert.equal(mixer.controlChannel, "mixer-in");
 * assert.equal(mixer.metadata.rate, 48000);
 * assert.equal(mixer.pid, process.pid);
 * assert.equal(elsewhere.findAll({ group: "mixer" }).length, 1);
 * ```
 */
export class ServiceRegistry implements Disposable {
  /** The name of the registry. */
  readonly domain: string;
  readonly #options: ServiceRegistryOptions;
  readonly #user: User;
  /** What this object has registered: the names, and what tells its registrations from others. */
  readonly #registered = new Map<string, string>();
  #opened: Opened | undefined;
  #closed = false;

  /**
   * Opens nothing yet.
   *
   * @param domain the name of the registry, which all who share it use: 1 to 200 bytes of printable UTF-8 without `/`,
   * `\` and control characters; `"default"` unless given
   * @param options how it is used
   * @throws ProcrefError `INVALID_NAME` (an empty name is none), `INVALID_ARGUMENT`; `PLATFORM`, `PERMISSION`, `LIBRARY`
   */
  constructor(domain = "default", options: ServiceRegistryOptions = {}) {
    checkName(domain, "registry name");
    checkOptions(options);
    this.domain = domain;
    this.#options = { ...options };
    this.#user = currentUser();
  }

  /**
   * How many services may be registered at one time.
   *
   * @throws ProcrefError as {@link ServiceRegistry.find}
   */
  get capacity(): number {
    return this.#use().store.read()?.capacity ?? this.#wantedCapacity;
  }

  /**
   * Registers a service of this process, until it is unregistered, this object is closed, or the process ends. Who dies
   * in the middle of this call has registered nothing that counts.
   *
   * @param name 1 to 200 bytes of printable UTF-8 without `/`, `\` and control characters; nothing is cut off. Members
   * of a group have names like `group.0`
   * @param registration what it tells those who find it
   * @returns what others find
   * @throws ProcrefError `ALREADY_REGISTERED` when a living process has the name, this one included; its PID is in
   * `details.pid`. `FULL` when as many living services are registered as fit. `INVALID_NAME`; `INVALID_ARGUMENT` when the
   * entry is too large or JSON cannot say it; `CONFIG_MISMATCH` when others have given another capacity; `LOCK` when
   * others have the lock for too long; `IO` (disk full, read-only): nothing is registered; and those of
   * {@link ServiceRegistry.find}
   */
  registerService(name: string, registration: ServiceRegistration = {}): ServiceEntry {
    const { store, own, living } = this.#use();
    const entry = makeEntry(name, registration, own, randomUUID());
    store.change((state) => {
      const present = entriesOf(state).get(name);
      if (present?.registration === entry.registration) return undefined;
      if (present !== undefined && living.isAlive(present)) throw taken(this.domain, present);
      return this.#withPlace(state, entry, living);
    });
    this.#registered.set(name, entry.registration);
    return copyEntry(entry);
  }

  /**
   * Takes a service of this process out, which this object or another one of the process has registered.
   *
   * @param name its name
   * @returns whether it was registered: false when nobody has the name
   * @throws ProcrefError `NOT_HELD` when another living process has it, whose PID is in `details.pid`; `LOCK` when others
   * have the lock for too long; `IO`: it stays registered; and those of {@link ServiceRegistry.find}
   */
  unregisterService(name: string): boolean {
    const { store, own, living } = this.#use();
    let found = false;
    store.change((state) => {
      const present = entriesOf(state).get(name);
      if (present === undefined) return undefined;
      found = isSameProcess(present, own);
      if (!found && living.isAlive(present)) throw notOurs(this.domain, present);
      return without(state!, (entry) => entry === present);
    });
    this.#registered.delete(name);
    return found;
  }

  /**
   * Finds a service of a living process. On a registry that has not changed this reads no file, and asks the kernel three
   * things: whether anything has changed (two calls), and whether the process runs.
   *
   * @param name its name
   * @returns a copy of its entry; undefined when there is none
   * @throws ProcrefError `CLOSED`; `BROKEN_FILE` when the file of the registry is damaged or somebody else's: nothing is
   * taken for absent because of that; `DOMAIN_MISMATCH` when it was written in another container; `LOCK` when the lock is
   * kept for too long (by the first call only); `STATE_DIRECTORY`, `MECHANISM_MISMATCH`, `REF_COUNTER_INIT`, `FULL` (of
   * the kernel's counter), `IO`, `PERMISSION`, `PLATFORM`, `LIBRARY`
   */
  find(name: string): ServiceEntry | undefined {
    const { store, living } = this.#use();
    const entry = entriesOf(store.read()).get(name);
    return entry !== undefined && living.isAlive(entry) ? copyEntry(entry) : undefined;
  }

  /**
   * Finds the services of living processes whose name begins with a text, or that are in a group.
   *
   * @param wanted a text is a plain prefix: `"audio"` finds `audio`, `audio.0`, and `audio2` as well; a group is exact:
   * `{ group: "audio" }` finds `audio` and `audio.0`, and not `audio2`
   * @returns copies of their entries, by name
   * @throws ProcrefError as {@link ServiceRegistry.find}; `INVALID_ARGUMENT`
   */
  findAll(wanted: string | ServiceGroupFilter): ServiceEntry[] {
    if (typeof wanted === "string") return this.#living((name) => name.startsWith(wanted));
    const group: unknown = wanted?.group;
    if (typeof group !== "string" || group === "") {
      throw new ProcrefError("INVALID_ARGUMENT", "Cannot find services: give a prefix as text, or a { group }");
    }
    return this.#living((name) => name === group || name.startsWith(`${group}.`));
  }

  /**
   * All services of living processes.
   *
   * @returns copies of their entries, by name
   * @throws ProcrefError as {@link ServiceRegistry.find}
   */
  list(): ServiceEntry[] {
    return this.#living(() => true);
  }

  /**
   * Removes the entries of processes that have ended. Nobody needs it: they are not found, and give way when their place
   * or name is wanted.
   *
   * @returns how many were removed
   * @throws ProcrefError `LOCK`, `IO`, and those of {@link ServiceRegistry.find}
   */
  gc(): number {
    const { living } = this.#use();
    const runs = living.sweep();
    return this.#remove((entry) => !runs(entry));
  }

  /**
   * Removes the entries of this process and of those that have ended; with `force` all.
   *
   * @param options `force`: also the entries of other living processes, which are not told
   * @returns how many were removed
   * @throws ProcrefError `LOCK`, `IO`, and those of {@link ServiceRegistry.find}
   */
  clear(options: { readonly force?: boolean } = {}): number {
    const { own, living } = this.#use();
    const { force = false } = options;
    const runs = living.sweep();
    return this.#remove((entry) => force || isSameProcess(entry, own) || !runs(entry));
  }

  /**
   * Removes the registry with its file, also one that is damaged, and closes this object. Others who use it find nothing
   * in it from then on, and can register anew; the kernel object stays as long as they are there.
   *
   * @param options `force`: also when other living processes have registered something, or when what they have
   * registered cannot be read
   * @throws ProcrefError `ALREADY_REGISTERED` when that is so, without `force`; `BROKEN_FILE` and `DOMAIN_MISMATCH`
   * likewise; `LOCK`, `IO`; nothing is removed then, but for `IO`
   */
  destroy(options: { readonly force?: boolean } = {}): void {
    const { store, own, living } = this.#use();
    const { force = false } = options;
    if (!force) store.read();
    // Comes into the registry, so that it can be left.
    else store.enter();
    this.#leave((state) => {
      if (force) return undefined;
      const runs = living.sweep();
      const other = [...entriesOf(state).values()].find((entry) => !isSameProcess(entry, own) && runs(entry));
      if (other !== undefined) throw inUse(this.domain, other);
      return undefined;
    }, true);
  }

  /**
   * Takes out what this object has registered, and leaves the registry; the last one to leave removes it. Safe to call
   * again.
   *
   * @throws ProcrefError `LOCK` when others have the lock for too long: then it is not closed, and can be closed again;
   * `IO`, `RELEASE`: then it is, and what could not be taken out counts as long as the process runs
   */
  close(): void {
    if (this.#opened === undefined) {
      this.#closed = true;
      return;
    }
    const isOurs = ({ name, registration }: KeptEntry): boolean => this.#registered.get(name) === registration;
    this.#leave((state) => state && without(state, isOurs));
  }

  /** As {@link ServiceRegistry.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  get #wantedCapacity(): number {
    return this.#options.capacity ?? USUAL_CAPACITY;
  }

  #use(): Opened {
    if (this.#closed) throw closed(this.domain);
    return this.#opened ??= this.#open();
  }

  #open(): Opened {
    const { directory, mechanism, lockTimeoutMs = USUAL_LOCK_TIMEOUT_MS } = this.#options;
    const own = ownIdentity();
    const folder = join(stateDirectory(directory, "user", this.#user), REGISTRIES);
    const name = objectName(this.domain, this.#user, { directory: folder });
    const store = new RegistryStore(name, { user: this.#user, folder, mechanism, lockTimeoutMs });
    return { store, own, living: new LivingProcesses(own) };
  }

  #leave(work: (state: RegistryState | undefined) => Contents | undefined, removes = false): void {
    const { store, living } = this.#opened!;
    const runs = living.sweep();
    const isNeeded = (left: Contents | undefined): boolean =>
      left !== undefined && [...left.entries.values()].some(runs);
    try {
      store.leave(work, isNeeded, removes);
    } finally {
      if (!store.isEntered) {
        this.#closed = true;
        this.#opened = undefined;
        this.#registered.clear();
        living.close();
      }
    }
  }

  #living(isWanted: (name: string) => boolean): ServiceEntry[] {
    const { store, living } = this.#use();
    const runs = living.sweep();
    const found: ServiceEntry[] = [];
    for (const [name, entry] of entriesOf(store.read())) {
      if (isWanted(name) && runs(entry)) found.push(copyEntry(entry));
    }
    return found;
  }

  #remove(goes: (entry: KeptEntry) => boolean): number {
    let removed = 0;
    this.#use().store.change((state) => {
      const left = state && without(state, goes);
      removed = left === undefined ? 0 : state!.entries.size - left.entries.size;
      return removed === 0 ? undefined : left;
    });
    return removed;
  }

  /** The entries with one more; those of the dead give way when there is no place. */
  #withPlace(state: RegistryState | undefined, entry: KeptEntry, living: LivingProcesses): Contents {
    const runs = living.sweep();
    let entries = entriesOf(state);
    let capacity = state?.capacity ?? this.#wantedCapacity;
    const { capacity: wanted = capacity } = this.#options;
    if (wanted !== capacity || (!entries.has(entry.name) && entries.size >= capacity)) {
      entries = new Map([...entries].filter(([name, each]) => name === entry.name || runs(each)));
    }
    const others = entries.size - (entries.has(entry.name) ? 1 : 0);
    if (wanted !== capacity) {
      if (others > 0) throw disagrees(this.domain, entry.name, capacity, wanted);
      capacity = wanted;
    }
    if (others >= capacity) throw full(this.domain, entry.name, capacity);
    return { capacity, entries: withEntry(entries, entry) };
  }
}

function without({ capacity, entries }: RegistryState, goes: (entry: KeptEntry) => boolean): Contents {
  return { capacity, entries: new Map([...entries].filter(([, entry]) => !goes(entry))) };
}
