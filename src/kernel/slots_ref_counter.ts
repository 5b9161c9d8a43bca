/**
 * The reference counter over lock files: several locks, made one by a mutex that each step takes, and given back by the
 * kernel one by one.
 *
 * The kernel may give the locks of a dead process back in any order, so nothing is concluded from one of them: each step
 * looks at all it needs, under the mutex. A step that dies in the middle leaves the mutex free and its own locks as well;
 * what it wrote was one small write, or a file that is a leftover without its lock.
 *
 * @module
 */

import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { isWindows } from "../../ffi/windows.ts";
import { type ErrorCode, isProcrefError, ProcrefError } from "../errors.ts";
import { BaseRefCounter, generationAfter } from "./base_ref_counter.ts";
import { allowedLibc, currentUser } from "./effective_user.ts";
import { fileLocks } from "./file_locks.ts";
import type { ObjectName } from "./object_name.ts";
import type { CounterSnapshot, RefCounterCapabilities } from "./ref_counter.ts";
import { SlotFiles, type SlotsPlace } from "./slot_files.ts";
import { SlotsDoor } from "./slots_door.ts";
import { SlotsMutex } from "./slots_mutex.ts";
import { SlotsReferences } from "./slots_references.ts";

/**
 * What lock files can do. More references than semaphores count would fit; the number is the same, so that a program
 * does not come to need what another machine cannot give.
 */
export const SLOTS_CAPABILITIES: RefCounterCapabilities = {
  mechanism: "slots",
  crossProcess: true,
  releasesOnCrash: true,
  exactCount: true,
  survivesExec: false,
  waitsInKernel: !isWindows(),
  crossUser: false,
  maxHolders: 32767,
};

/** How often a wait looks again at what no lock tells, in milliseconds. */
const LONGEST_PAUSE_MS = 20;

/** What a look of a wait found: what it waits for, that there is nothing any more to wait for, or who to wait for. */
type Look = "there" | "gone" | { readonly inode: string | undefined; readonly holder?: string };

/** A counter of one directory of lock files. Nothing is opened before the first call that needs it. */
export class SlotsRefCounter extends BaseRefCounter {
  readonly name: string;
  readonly capabilities: RefCounterCapabilities = SLOTS_CAPABILITIES;
  readonly #describe: string;
  readonly #files: SlotFiles;
  readonly #mutex: SlotsMutex;
  readonly #gate: SlotsDoor;
  readonly #seat: SlotsDoor;
  readonly #references: SlotsReferences;
  /** The gate that we had went with its file: unlocking has nothing to do. */
  #lockLost = false;
  #renewals = 0;
  /**
   * Opens nothing yet.
   *
   * @param object the name
   * @param place where the files are
   * @param checkAlone is called when lock files are opened, and throws when the name is counted in another way
   * @throws ProcrefError `PLATFORM` in scope `system`; `PERMISSION`, `INVALID_ARGUMENT`
   */
  constructor(object: ObjectName, place: SlotsPlace = {}, checkAlone: () => void = () => {}) {
    super();
    if (object.scope !== "user") {
      throw new ProcrefError(
        "PLATFORM",
        `Cannot share "${object.name}" between users by lock files, which belong to one user; use scope "user"`,
        { details: { name: object.name } },
      );
    }
    this.name = object.name;
    this.#files = new SlotFiles(object, place, currentUser(), fileLocks(allowedLibc()));
    this.#describe = `"${object.name}" (lock files in ${this.#files.path})`;
    this.#mutex = new SlotsMutex(this.#files, this.#describe, () => this.#checkAlone(checkAlone));
    this.#gate = new SlotsDoor(this.#files, "gate");
    this.#seat = new SlotsDoor(this.#files, "seat");
    this.#references = new SlotsReferences(this.#files, this.capabilities.maxHolders);
  }

  get renewals(): number {
    return this.#renewals;
  }

  tryAcquire(generation?: number): boolean {
    return this.#step("ACQUIRE", "acquire", false, () => {
      const [current, entries] = this.#mutex.read();
      if (this.#gate.isTaken() || (generation !== undefined && generation !== current)) return false;
      if (this.#references.held === 0) this.#noteEntry(current, entries);
      if (this.#references.add()) return true;
      throw new ProcrefError(
        "FULL",
        `Cannot acquire ${this.#describe}: ${this.capabilities.maxHolders} references are held, more do not fit`,
        { details: { name: this.name } },
      );
    });
  }

  release(): void {
    this.#requireReference();
    this.#failing("RELEASE", "release", () => this.#references.drop());
  }

  releaseUnlessLast(): boolean {
    this.#requireReference();
    return this.#step("RELEASE", "release", false, () => {
      if (this.#references.held === 1 && !this.#references.heldByOthers()) return false;
      this.#references.drop();
      return true;
    });
  }

  tryReleaseLastAndLock(): boolean {
    this.#requireReference();
    return this.#step("RELEASE", "release", false, () => {
      if (this.#references.held > 1 || this.#references.heldByOthers() || !this.#takeGate()) return false;
      this.#references.drop();
      return true;
    });
  }

  count(): number {
    return this.#look("count", 0, () => this.#countAll());
  }

  snapshot(): CounterSnapshot {
    const empty = { references: 0, locked: false, seated: false, generation: 0 };
    return this.#look("look at", empty, () => ({
      references: this.#countAll(),
      locked: this.#gate.isTaken(),
      seated: this.#seat.isTaken(),
      generation: this.#mutex.read()[0],
    }));
  }

  tryLock(): boolean {
    if (this.holdsLock()) return false;
    return this.#step("LOCK", "lock", false, () => this.#takeGate());
  }

  tryLockIfUnused(): boolean {
    if (this.holdsLock()) return false;
    return this.#step("LOCK", "lock", false, () => this.#isUnused() && this.#takeGate());
  }

  holdsLock(): boolean {
    if (this.#gate.held && !this.#gate.isOurs()) this.#loseLock();
    return this.#gate.held;
  }

  unlock(): void {
    if (!this.#gate.held && !this.#lockLost) throw this.#misuse("LOCK", "unlock", "it does not have the gate");
    this.#gate.leave();
    this.#lockLost = false;
  }

  trySeat(): boolean {
    if (this.holdsSeat()) return false;
    return this.#step("LOCK", "take the seat of", false, () => this.#seat.take());
  }

  holdsSeat(): boolean {
    if (this.#seat.held && !this.#seat.isOurs()) this.#seat.close();
    return this.#seat.held;
  }

  leaveSeat(): void {
    if (!this.#seat.held) throw this.#misuse("LOCK", "leave the seat of", "it does not have the seat");
    this.#seat.leave();
  }

  advanceGeneration(published: boolean): number {
    if (!this.holdsLock() && !this.holdsSeat()) {
      throw this.#misuse("LOCK", "move the generation of", "it has neither the gate nor the seat");
    }
    return this.#step("LOCK", "move the generation of", 0, () => {
      const [generation, entries] = this.#mutex.read();
      const next = generationAfter(generation, published);
      this.#mutex.write(next, entries);
      return next;
    });
  }

  async blockUntilUnused(): Promise<boolean> {
    if (this.holdsLock()) throw this.#misuse("LOCK", "lock", "it has the gate already");
    return await this.#block(() => this.#isUnused() && this.#takeGate());
  }

  blockUntilReleased(): Promise<boolean> {
    return this.#block(() => this.#isUnused());
  }

  async blockUntilHeld(): Promise<boolean> {
    let before: number | undefined;
    return await this.#block(() => {
      const [, entries] = this.#mutex.read();
      return !this.#isUnused() || entries !== (before ??= entries);
    }, true);
  }

  verify(): boolean {
    const before = this.#renewals;
    // To begin a step counts again what is not counted.
    if (this.#references.held > 0) this.#step("ACQUIRE", "count again", undefined, () => {});
    this.holdsLock();
    this.holdsSeat();
    return this.#renewals > before;
  }

  remove(evict = false): boolean {
    if (!this.holdsLock()) {
      if (!this.#lockLost) throw this.#misuse("LOCK", "remove", "it does not have the gate");
      this.#lockLost = false;
      return false;
    }
    const removed = this.#step("LOCK", "remove", false, () => {
      if (!this.#isUnused() || !(evict || this.#seat.held || !this.#seat.isTaken())) return false;
      this.#files.remove();
      return true;
    });
    if (removed) this.#closeFiles();
    else this.unlock();
    return removed;
  }

  close(): void {
    this.verify();
    while (this.#references.held > 0) this.release();
    if (this.#seat.held) this.leaveSeat();
    // What was never opened is not removed.
    if (this.#mutex.inode === undefined) return this.#closeFiles();
    const locked = this.#step("LOCK", "close", false, () => {
      this.#references.removeOwn();
      return this.#gate.held || (this.#isUnused() && this.#takeGate());
    }, false);
    if (locked) this.remove();
    this.#closeFiles();
  }

  protected override describeGate(): string {
    const pid = this.#gate.signature();
    return pid > 0 ? ` (process ${pid} used the gate last)` : "";
  }

  /** Before anything is taken: where others count in another way, what was made for it goes again. */
  #checkAlone(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (this.#mutex.tryEnter(false) === "entered") {
        const unused = this.#isUnused() && this.#gate.take() && !this.#seat.isTaken();
        if (unused) this.#files.remove();
        this.#closeFiles();
      }
      throw error;
    }
  }

  /** Under the mutex: for those who wait until somebody holds, however briefly. On a full disk they may miss it. */
  #noteEntry(generation: number, entries: number): void {
    try {
      this.#mutex.write(generation, (entries + 1) >>> 0);
    } catch (error) {
      if (!isProcrefError(error, "IO")) throw error;
    }
  }

  /** Under the mutex. */
  #isUnused(): boolean {
    return this.#references.held === 0 && !this.#references.heldByOthers();
  }

  /** Under the mutex. */
  #countAll(): number {
    return this.#references.held + this.#references.countOthers();
  }

  /** Under the mutex. */
  #takeGate(): boolean {
    if (!this.#gate.take()) return false;
    this.#gate.sign(process.pid);
    this.#lockLost = false;
    return true;
  }

  /** Looks at the counter; asking makes nothing. */
  #look<T>(doing: string, empty: T, work: () => T): T {
    return this.#step("COUNT", doing, empty, work, this.#references.held > 0);
  }

  /** Does something under the mutex; gives `none` when there is no counter and none was to be made. */
  #step<T>(code: ErrorCode, doing: string, none: T, work: () => T, create = true): T {
    return this.#failing(code, doing, () => {
      if (!this.#mutex.enter(create, code, doing)) return none;
      return this.#inStep(work);
    });
  }

  #inStep<T>(work: () => T): T {
    try {
      this.#countAgain();
      return work();
    } finally {
      this.#mutex.leave();
    }
  }

  /** What the file system throws becomes an error of ours. */
  #failing<T>(code: ErrorCode, doing: string, work: () => T): T {
    try {
      return work();
    } catch (cause) {
      // A lock file that cannot be written is a failure of this step; what opening them says stands for itself.
      if (isProcrefError(cause) && cause.code !== "IO") throw cause;
      throw new ProcrefError(code, `Cannot ${doing} ${this.#describe}: ${(cause as Error).message}`, {
        cause,
        details: isProcrefError(cause) ? { ...cause.details, name: this.name } : { name: this.name },
      });
    }
  }

  /** Under the mutex: a stranger may have removed the files of what this object holds. */
  #countAgain(): void {
    if (this.#references.areCounted()) return;
    this.#references.addAgain();
    this.#renewals++;
  }

  /**
   * Waits until a look under the mutex finds what is waited for: inside the kernel for somebody who holds, else by
   * looking again, as for everything on Windows.
   *
   * @param polls whether it is of no use to wait for a holder to go
   */
  async #block(work: () => boolean, polls = !this.capabilities.waitsInKernel): Promise<boolean> {
    for (let pause = 1, inode: string | undefined;;) {
      const found = this.#failing("LOCK", "wait for", () => this.#lookOnce(inode, work));
      if (typeof found === "string") return found === "there";
      // Only what is still the same counter is waited for.
      inode = found.inode;
      const waited = !polls && found.holder !== undefined && await this.#awaitHolder(found.holder);
      if (waited) pause = 1;
      else await delay(pause = Math.min(2 * pause, LONGEST_PAUSE_MS));
    }
  }

  /** A look without waiting for the steps of others; the first one, without an inode, makes the counter. */
  #lookOnce(inode: string | undefined, work: () => boolean): Look {
    const begun = this.#mutex.tryEnter(inode === undefined);
    if (begun === "busy") return { inode };
    if (begun === "gone") return "gone";
    return this.#inStep(() => {
      // Who had sat down already waits for nobody in a counter that was made since.
      if (inode === undefined ? this.#seat.held && !this.#seat.isOurs() : this.#mutex.inode !== inode) return "gone";
      if (work()) return "there";
      return { inode: this.#mutex.inode, holder: this.#references.held > 0 ? undefined : this.#references.aHolder() };
    });
  }

  /** Waits until somebody gives a file back or dies; false when that could not be waited for. */
  async #awaitHolder(name: string): Promise<boolean> {
    const file = this.#files.open(name, false);
    if (file === undefined) return false;
    try {
      const began = performance.now();
      await file.awaitShared();
      // A wait that comes back at once, again and again, must not become a busy one.
      return performance.now() - began > 1;
    } finally {
      file.close();
    }
  }

  #loseLock(): void {
    this.#gate.close();
    this.#lockLost = true;
  }

  #closeFiles(): void {
    this.#references.close();
    this.#gate.close();
    this.#seat.close();
    this.#mutex.close();
  }

  #requireReference(): void {
    if (this.#references.held === 0) throw this.#misuse("RELEASE", "release", "it holds no reference");
  }

  #misuse(code: ErrorCode, doing: string, why: string): ProcrefError {
    return new ProcrefError(code, `Cannot ${doing} ${this.#describe}: this counter is not able to, ${why}`, {
      details: { name: this.name },
    });
  }
}
