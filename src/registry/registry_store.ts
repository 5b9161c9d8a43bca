/**
 * The state of a registry, and the kernel object beside it.
 *
 * Everything that is registered in one registry is in one file, in a folder of its own, which is replaced as a whole. The
 * gate of a reference counter keeps two writers apart, each object that uses the registry holds a reference, and the
 * generation of the counter tells readers whether there is anything new: they ask for it, and read no file, as long as it
 * stays the same. Where the counter is a set of lock files, which take longer to ask than the file, they look at the file
 * instead, without opening it.
 *
 * The steps, and what is left when a process is SIGKILLed after one of them. The kernel gives back its reference and the
 * gate in every case, and what it had registered counts for nothing, for it does not run.
 *
 * | step | killed after it |
 * | --- | --- |
 * | come: 1. make the folder | an empty folder |
 * | 2. take a reference, which makes the counter | folder and counter, as whoever uses them leaves them when killed |
 * | 3. make the folder if it went meanwhile, with the last one who left | the same |
 * | change: 1. take the gate | nothing has happened |
 * | 2. write the new state to a temporary file | the old state; the next writer overwrites the temporary file |
 * | 3. put it in the place of the file | the new state; who read the old one before sees it 250 ms later, at the next change, or at once when it never looked. It lacks what the dead one has removed, and has nothing new of anybody alive |
 * | 4. move the generation | the new state |
 * | 5. open the gate | the same |
 * | leave: 1. take the gate, and give the reference back | the file with dead entries |
 * | 2. if it was the last one: remove the file | folder and counter without a user |
 * | 3. remove the counter, which opens the gate | an empty folder |
 * | 4. remove the folder, if it is empty: others may have come meanwhile | nothing |
 *
 * What is left of a folder, a file or a counter without a user stays until the next one comes, who uses them, and leaves
 * nothing, or until `procref gc`. One case is not seen by `procref gc`, which goes by folders: a process that came at the
 * moment when the last one left, and was SIGKILLed after it lost its folder to step 4 of that one and before step 3 of
 * its own. Its counter stays until the next one comes.
 *
 * A reader asks for the generation before it looks at the file. So it may take a state for older than it is, and looks
 * again; it never takes an old one for new.
 *
 * @module
 */

import { rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isProcrefError, ProcrefError } from "../errors.ts";
import { blockUntil } from "../kernel/blocking_wait.ts";
import type { ObjectName, User } from "../kernel/object_name.ts";
import { openKernelCounter } from "../kernel/open.ts";
import { persistently } from "../kernel/persistently.ts";
import type { Mechanism, RefCounter } from "../kernel/ref_counter.ts";
import { StateFile } from "../kernel/state_file.ts";
import { attempting } from "../kernel/attempting.ts";
import { checkDirectory, makeDirectory } from "../kernel/checked_directory.ts";
import { domain } from "../process/domain.ts";
import { registryFormat, type RegistryState } from "./registry_state.ts";

/** The file in the folder of a registry. */
export const FILE = "entries.json";
/**
 * For how long a generation is believed without a look at the file. Whoever writes the file and dies before the
 * generation moves is found out then; and the number comes around after 16,384 changes, which take longer.
 */
const TRUSTED_MS = 250;
/** The greatest size of a file, in bytes: above it would be more entries than are allowed. */
export const GREATEST_SIZE = 100_000_000;
/** How often something is done again that a stranger has undone in the middle. */
const MOST_TRIES = 100;
/** The first pause of those who wait for the gate, in milliseconds: a change takes one or some. */
const FIRST_PAUSE_MS = 0.1;

/** What a change decides about. */
export type Contents = Pick<RegistryState, "capacity" | "entries">;

const NOTHING: RegistryState["entries"] = new Map();

/** Where a registry is kept, and how. */
export interface RegistryPlace {
  /** The effective user. */
  readonly user: User;
  /** The folder of all registries of a state directory, which exists. */
  readonly folder: string;
  /** How it is counted who uses it; chosen unless given. */
  readonly mechanism: Mechanism | undefined;
  /** For how long to wait for the gate, in milliseconds. */
  readonly lockTimeoutMs: number;
}

/** One registry, as one object sees it. Nothing is opened before the first call that needs it. */
export class RegistryStore {
  /** The folder of the registry. */
  readonly directory: string;
  /** The counter of those who use it. To close it would remove what nobody uses. */
  readonly counter: RefCounter;
  readonly #name: ObjectName;
  readonly #user: User;
  readonly #file: StateFile<RegistryState>;
  readonly #lockTimeoutMs: number;
  readonly #asksForGeneration: boolean;
  #entered = false;
  #generation = -1;
  #renewals = -1;
  #lookedAt = -Infinity;
  #state: RegistryState | undefined;

  /** @throws ProcrefError `PLATFORM`, `PERMISSION`, `LIBRARY`, `INVALID_ARGUMENT` */
  constructor(name: ObjectName, { user, folder, mechanism, lockTimeoutMs }: RegistryPlace) {
    this.#name = name;
    this.#user = user;
    this.directory = join(folder, name.fileName);
    this.counter = openKernelCounter(name, folder, mechanism);
    this.#asksForGeneration = this.counter.capabilities.mechanism !== "slots";
    this.#lockTimeoutMs = lockTimeoutMs;
    const format = registryFormat(name, domain());
    this.#file = new StateFile(join(this.directory, FILE), format, { greatestSize: GREATEST_SIZE });
  }

  /**
   * The state; nobody may change it. Undefined when there is none.
   *
   * @throws ProcrefError `BROKEN_FILE`, `DOMAIN_MISMATCH`, and those of the counter and of the state directory
   */
  read(): RegistryState | undefined {
    this.enter();
    if (!this.#asksForGeneration) return this.#file.read();
    const { generation } = this.counter.snapshot();
    const { renewals } = this.counter;
    const now = performance.now();
    const isKnown = generation === this.#generation && renewals === this.#renewals;
    if (isKnown && now - this.#lookedAt < TRUSTED_MS) return this.#state;
    this.#state = this.#file.read();
    [this.#generation, this.#renewals, this.#lookedAt] = [generation, renewals, now];
    return this.#state;
  }

  /** What the file says now, whoever uses the registry; to be asked by those who look after it. */
  readonly look = (): RegistryState | undefined => this.#file.read();

  /**
   * Changes the state, alone.
   *
   * @param work gives the new entries and the capacity, or undefined to leave everything as it is. It is called again
   * when a stranger removed the kernel object meanwhile: what it did may have been done or not
   * @throws ProcrefError `LOCK` when others have the gate for too long; `IO` (disk full, read-only): nothing changes
   */
  change(work: (state: RegistryState | undefined) => Contents | undefined): void {
    this.enter();
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      this.#lock();
      try {
        const state = this.#file.read();
        const next = work(state);
        if (next === undefined) return;
        if (!this.counter.holdsLock()) continue;
        this.#write(next, state);
        if (this.#tell()) return;
      } finally {
        this.counter.unlock();
      }
    }
    throw new ProcrefError(
      "LOCK",
      `Cannot change ${this.#describe()}: its kernel object is removed as fast as it is made`,
      {
        details: { name: this.#name.name },
      },
    );
  }

  /**
   * Leaves the registry, after a last change; the last one to leave removes it. Does nothing without being in it.
   *
   * @param work as of {@link RegistryStore.change}
   * @param isNeeded whether what would be left is needed by somebody: a stranger may have removed the kernel object under
   * those who use the registry, and they are counted again only when they come back to it
   * @param removes whether to remove the file also when others use the registry, who find nothing in it then
   * @throws ProcrefError `LOCK` when others have the gate for too long, and what `work` throws: then it has not left;
   * `IO`: then it has
   */
  leave(
    work: (state: RegistryState | undefined) => Contents | undefined,
    isNeeded: (left: Contents | undefined) => boolean,
    removes = false,
  ): void {
    if (!this.#entered) return;
    this.#lock();
    let next: Contents | undefined, state: RegistryState | undefined;
    try {
      state = this.#look();
      next = work(state);
    } catch (error) {
      this.counter.unlock();
      throw error;
    }
    this.#entered = false;
    this.#state = undefined;
    let isLast = false;
    try {
      // Nobody comes while the gate is closed, so of those who leave one after the other just one is the last.
      this.counter.release();
      isLast = this.counter.count() === 0 && (removes || !isNeeded(next ?? state));
      if (isLast || removes) this.#removeFile();
      else if (next !== undefined) this.#write(next, state);
      if (!isLast) this.#tell();
    } finally {
      // Removes the counter if nobody uses it, and opens the gate in any case.
      this.counter.close();
      if (isLast) this.#removeDirectory();
    }
  }

  /**
   * Removes what is left of the registry if nobody uses it.
   *
   * @param isUnused is asked once more with the gate, when nobody comes any more
   * @returns false when somebody uses it
   * @throws ProcrefError `IO`, and those of the counter
   */
  removeUnused(isUnused: () => boolean): boolean {
    if (!this.counter.tryLockIfUnused()) return false;
    try {
      if (!isUnused()) return false;
      this.#removeFile();
    } finally {
      // Nobody holds a reference; who is counted again later makes it anew.
      this.counter.remove();
    }
    this.#removeDirectory();
    return true;
  }

  /** Whether this object has come into the registry. */
  get isEntered(): boolean {
    return this.#entered;
  }

  /**
   * Comes into the registry: from here on nobody removes it.
   *
   * @throws ProcrefError `LOCK`, and those of the counter and of the state directory
   */
  enter(): void {
    if (this.#entered) return;
    this.#makeDirectory();
    this.#wait("use", () => this.counter.tryAcquire());
    this.#entered = true;
    try {
      this.#makeDirectory();
    } catch (error) {
      this.#entered = false;
      this.counter.release();
      throw error;
    }
  }

  #lock(): void {
    this.#wait("change", () => this.counter.tryLock());
  }

  /** Waits without giving way to anything else, for what takes a millisecond. */
  #wait(doing: string, attempt: () => boolean): void {
    if (blockUntil(attempt, this.#lockTimeoutMs, { firstPauseMs: FIRST_PAUSE_MS })) return;
    throw new ProcrefError(
      "LOCK",
      `Cannot ${doing} ${this.#describe()}: a process has had its gate for ${this.#lockTimeoutMs} ms, as one that ` +
        "is stopped (SIGSTOP) in the middle of a change has; continue it or end it",
      { details: { name: this.#name.name, path: this.directory } },
    );
  }

  /** With the gate: moves the generation on; false when a stranger removed the kernel object, and the gate with it. */
  #tell(): boolean {
    try {
      this.counter.advanceGeneration(true);
      return true;
    } catch (error) {
      if (!isProcrefError(error, "LOCK") || this.counter.holdsLock()) throw error;
      return false;
    }
  }

  /** With the gate. What cannot be read is no reason not to leave: there is nothing in it that could be taken out. */
  #look(): RegistryState | undefined {
    try {
      return this.#file.read();
    } catch (error) {
      if (!isProcrefError(error, "BROKEN_FILE") && !isProcrefError(error, "DOMAIN_MISMATCH")) throw error;
      return undefined;
    }
  }

  #write({ capacity, entries }: Contents, before: RegistryState | undefined): void {
    const changes = before === undefined ? Math.floor(Math.random() * 1e6) : before.changes + 1;
    for (let tries = 0;; tries++) {
      this.#makeDirectory();
      try {
        return this.#file.write({ capacity, changes, entries });
      } catch (error) {
        // The last one who left before we came removes the folder only now.
        const { code } = ((error as ProcrefError).cause ?? {}) as NodeJS.ErrnoException;
        if (code !== "ENOENT" || tries === MOST_TRIES) throw error;
      }
    }
  }

  #makeDirectory(): void {
    attempting(`make ${this.directory}`, this.directory, () => {
      for (let tries = 0;; tries++) {
        try {
          makeDirectory(this.directory);
          return checkDirectory(this.directory, "user", this.#user);
        } catch (error) {
          // The last one who left removes it at this moment.
          if ((error as NodeJS.ErrnoException).code !== "ENOENT" || tries === MOST_TRIES) throw error;
        }
      }
    });
  }

  /** With the gate. */
  #removeFile(): void {
    const { path } = this.#file;
    attempting(`remove ${path}`, path, () => {
      for (const each of [`${path}.tmp`, path]) persistently(this.#user, () => rmSync(each, { force: true }));
    });
  }

  #removeDirectory(): void {
    attempting(`remove ${this.directory}`, this.directory, () => {
      try {
        persistently(this.#user, () => rmdirSync(this.directory));
      } catch (error) {
        // Others have come meanwhile, or gone as well.
        const { code } = error as NodeJS.ErrnoException;
        if (code !== "ENOENT" && code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
      }
    });
  }

  #describe(): string {
    return `the registry "${this.#name.name}" (${this.directory})`;
  }
}

/** What a registry has in it. */
export function entriesOf(state: RegistryState | undefined): RegistryState["entries"] {
  return state?.entries ?? NOTHING;
}
