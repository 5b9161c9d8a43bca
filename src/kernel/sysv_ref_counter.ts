/**
 * The reference counter over a System V semaphore set: one system call for each step, undone by the kernel.
 *
 * @module
 */

import { systemError } from "../../ffi/errno.ts";
import { type Libc, libc } from "../../ffi/libc.ts";
import type { SemaphoreLimits, UnixConstants, UnixErrors } from "../../ffi/symbols/unix_libc.ts";
import { type ErrorCode, isProcrefError, ProcrefError } from "../errors.ts";
import { BaseRefCounter, generationAfter, GREATEST_GENERATION } from "./base_ref_counter.ts";
import type { ObjectName } from "./object_name.ts";
import type { CounterSnapshot, RefCounterCapabilities } from "./ref_counter.ts";
import * as step from "./sysv_operations.ts";
import { MOST_RENEWALS, SysvSet } from "./sysv_set.ts";

const { SEMAPHORE } = step;

/** What a semaphore holds at most, on every system. */
const MOST_REFERENCES: UnixConstants["SEMVMX"] = 32767;

/** What System V semaphores can do on a kernel with these limits. */
export function sysvCapabilities({ undoSurvivesExec }: SemaphoreLimits): RefCounterCapabilities {
  return {
    mechanism: "sysv",
    crossProcess: true,
    releasesOnCrash: true,
    exactCount: true,
    survivesExec: undoSurvivesExec,
    waitsInKernel: true,
    crossUser: true,
    maxHolders: MOST_REFERENCES,
  };
}

/** A counter of one semaphore set. Nothing is opened before the first call that needs it. */
export class SysvRefCounter extends BaseRefCounter {
  readonly name: string;
  readonly capabilities: RefCounterCapabilities;
  readonly #libc: Libc;
  readonly #semop: Libc["semop"];
  readonly #constants: UnixConstants;
  readonly #errors: UnixErrors;
  /** What `semop` gives when it would have to wait. */
  readonly #busy: number;
  readonly #set: SysvSet;
  /** The set in use; undefined before the first use and after it was removed. */
  #id: number | undefined;
  /** Whether it was looked, since the set was opened, that nobody counts the name in another way. */
  #alone = false;
  #references = 0;
  #locked = false;
  /** The gate that we had went with its set: unlocking has nothing to do. */
  #lockLost = false;
  #seated = false;
  #renewals = 0;
  #enterGeneration = { generation: -1, operations: step.enterGeneration(0) };

  /**
   * @param name the identity of the counter
   * @param library the C library; that of this machine unless given
   * @param checkAlone is called when the set is opened to be changed, and throws when the name is counted in another way
   */
  constructor(name: ObjectName, library: Libc = libc(), checkAlone: () => void = () => {}) {
    super();
    this.name = name.name;
    this.#libc = library;
    this.#semop = this.#libc.semop;
    this.#constants = this.#libc.constants;
    this.#errors = this.#libc.errors;
    this.#busy = -this.#errors.EAGAIN;
    this.capabilities = sysvCapabilities(this.#libc.semaphores);
    this.#set = new SysvSet(this.#libc, name, this.#libc.geteuid(), checkAlone);
  }

  get renewals(): number {
    return this.#renewals;
  }

  tryAcquire(generation?: number): boolean {
    // Linux would say so itself (ERANGE); macOS would count on, and forget what it has to undo.
    if (this.#references === MOST_REFERENCES) throw this.#full();
    // The kernel would take the lower bits of what no generation ever is.
    if (generation !== undefined && (generation & GREATEST_GENERATION) !== generation) return false;
    const result = this.#perform(generation === undefined ? step.ENTER : this.#entering(generation));
    if (result === 0) {
      this.#references++;
      return true;
    }
    if (result === this.#busy) return false;
    if (result === -this.#errors.ERANGE) throw this.#full();
    throw this.#error("ACQUIRE", "acquire", result);
  }

  release(): void {
    this.#leave(step.LEAVE);
  }

  releaseUnlessLast(): boolean {
    return this.#leave(step.LEAVE_UNLESS_LAST);
  }

  tryReleaseLastAndLock(): boolean {
    const left = this.#leave(step.LEAVE_LAST_AND_LOCK);
    this.#locked ||= left;
    return left;
  }

  count(): number {
    return this.#values()[SEMAPHORE.references];
  }

  snapshot(): CounterSnapshot {
    const values = this.#values();
    return {
      references: values[SEMAPHORE.references],
      locked: values[SEMAPHORE.gate] !== 0,
      seated: values[SEMAPHORE.seat] !== 0,
      generation: values[SEMAPHORE.generation],
    };
  }

  tryLock(): boolean {
    return this.#locked ? false : this.#take(step.LOCK);
  }

  tryLockIfUnused(): boolean {
    return this.#locked ? false : this.#take(step.LOCK_IF_UNUSED);
  }

  holdsLock(): boolean {
    if (this.#locked) this.verify();
    return this.#locked;
  }

  unlock(): void {
    if (!this.#locked && !this.#lockLost) throw this.#misuse("LOCK", "unlock", "it does not have the gate");
    if (this.#locked) this.#drop(step.UNLOCK, "unlock");
    this.#locked = this.#lockLost = false;
  }

  trySeat(): boolean {
    if (this.holdsSeat()) return false;
    const result = this.#perform(step.SIT);
    if (result !== 0 && result !== this.#busy) throw this.#error("LOCK", "take the seat of", result);
    return this.#seated = result === 0;
  }

  leaveSeat(): void {
    if (!this.#seated) throw this.#misuse("LOCK", "leave the seat of", "it does not have the seat");
    this.#seated = false;
    this.#drop(step.STAND, "leave the seat of");
  }

  holdsSeat(): boolean {
    if (this.#seated) this.verify();
    return this.#seated;
  }

  advanceGeneration(published: boolean): number {
    const { generation } = this.snapshot();
    // Asked after the look at the set, which shows whether it is gone and gate and seat with it.
    if (!this.#locked && !this.#seated) {
      throw this.#misuse("LOCK", "move the generation of", "it has neither the gate nor the seat");
    }
    const next = generationAfter(generation, published);
    const { bytes, count } = step.moveGeneration(next - generation);
    const result = this.#semop(this.#id!, bytes, count);
    if (result !== 0) throw this.#error("LOCK", "move the generation of", result);
    return next;
  }

  async blockUntilUnused(): Promise<boolean> {
    if (this.#locked) throw this.#misuse("LOCK", "lock", "it has the gate already");
    const locked = await this.#block(step.LOCK_WHEN_UNUSED, step.LOCK_IF_UNUSED);
    if (locked) this.#lockLost = false;
    return this.#locked = locked;
  }

  blockUntilReleased(): Promise<boolean> {
    return this.#block(step.WAIT_UNTIL_UNUSED, step.SEE_UNUSED);
  }

  blockUntilHeld(): Promise<boolean> {
    return this.#block(step.WAIT_UNTIL_HELD, step.SEE_HELD);
  }

  verify(): boolean {
    if (this.#id === undefined || !this.#set.vanished(this.#libc.semctl(this.#id, 0, this.#constants.GETVAL, null))) {
      return false;
    }
    if (this.#references === 0) {
      this.#forget();
      return false;
    }
    return this.#renew();
  }

  remove(evict = false): boolean {
    const { references } = this.snapshot();
    // Asked after the look at the set, which shows whether it is gone and the gate with it.
    if (!this.#locked) {
      if (!this.#lockLost) throw this.#misuse("LOCK", "remove", "it does not have the gate");
      this.#lockLost = false;
      return false;
    }
    // The seat is taken without the gate: only who has it can be sure that nobody sits down meanwhile.
    const sits = !evict && references === 0 && !this.#seated && this.#unlessFull(() => this.trySeat());
    try {
      const unused = references === 0 && (evict || this.#seated);
      if (unused && this.#locked && this.#removeSet()) return true;
    } finally {
      if (sits && this.#seated) this.leaveSeat();
    }
    this.unlock();
    return false;
  }

  close(): void {
    this.verify();
    while (this.#references > 0) this.release();
    if (this.#seated) this.leaveSeat();
    const tidies = this.#locked || (this.#id !== undefined && this.#unlessFull(() => this.tryLockIfUnused()));
    if (tidies) this.remove();
  }

  protected override describeGate(): string {
    const pid = this.#id === undefined ? 0 : this.#libc.semctl(this.#id, SEMAPHORE.gate, this.#constants.GETPID, null);
    return pid > 0 ? ` (process ${pid} used the gate last)` : "";
  }

  /** Removes the set, and with it gate and seat; false in scope `system`, where only its maker may: it stays, empty. */
  #removeSet(): boolean {
    const result = this.#libc.semctl(this.#id!, 0, this.#constants.IPC_RMID, null);
    if (result === -this.#errors.EPERM) return false;
    if (result < 0 && !this.#set.vanished(result)) throw this.#error("LOCK", "remove", result, "semctl(IPC_RMID)");
    this.#locked = false;
    this.#forget();
    return true;
  }

  #full(): ProcrefError {
    return new ProcrefError(
      "FULL",
      `Cannot acquire ${this.#set.describe(this.#id)}: ${MOST_REFERENCES} references are held, more do not fit`,
      { details: { name: this.name } },
    );
  }

  #entering(generation: number): step.Operations {
    if (this.#enterGeneration.generation !== generation) {
      this.#enterGeneration = { generation, operations: step.enterGeneration(generation) };
    }
    return this.#enterGeneration.operations;
  }

  /** Gives a reference back by the given array; false when the array could not be carried out. */
  #leave(operations: step.Operations): boolean {
    if (this.#references === 0) throw this.#misuse("RELEASE", "release", "it holds no reference");
    const result = this.#perform(operations);
    if (result === 0) {
      this.#references--;
      return true;
    }
    if (result === this.#busy && operations !== step.LEAVE) return false;
    throw this.#error("RELEASE", "release", result);
  }

  #take(operations: step.Operations): boolean {
    const result = this.#perform(operations);
    if (result !== 0 && result !== this.#busy) throw this.#error("LOCK", "lock", result);
    this.#lockLost = false;
    return this.#locked = result === 0;
  }

  /** Gives gate or seat back. A set that vanished has taken it along, and a value that a stranger lowered is 0. */
  #drop({ bytes, count }: step.Operations, doing: string): void {
    const result = this.#semop(this.#id!, bytes, count);
    if (result < 0 && result !== this.#busy && !this.#set.vanished(result)) throw this.#error("LOCK", doing, result);
  }

  /** Carries an array out on the set of the name, which is made when it is missing. */
  #perform(operations: step.Operations): number {
    for (let tries = 0; tries < MOST_RENEWALS; tries++) {
      const id = this.#alone ? this.#id! : this.#open();
      const result = this.#semop(id, operations.bytes, operations.count);
      if (result >= 0 || !this.#set.vanished(result)) return result;
      this.#refuseFull(result);
      this.#renew();
    }
    const message = `Cannot use ${this.#set.describe()}: it is removed as fast as it is made`;
    throw new ProcrefError("REF_COUNTER_INIT", message);
  }

  /**
   * Carries an array out on another thread, which waits for it inside the kernel.
   *
   * @param attempt the same array without waiting: the thread keeps its error number, so a failure is looked into here
   * @returns false when the set vanished
   */
  async #block(waiting: step.Operations, attempt: step.Operations): Promise<boolean> {
    const id = this.#alone ? this.#id! : this.#open();
    for (;;) {
      if (await this.#libc.blockInSemop(id, waiting.bytes, waiting.count) === 0) return true;
      const result = this.#semop(id, attempt.bytes, attempt.count);
      if (result === 0) return true;
      if (this.#set.vanished(result)) {
        this.#refuseFull(result);
        return false;
      }
      if (result !== this.#busy) throw this.#error("LOCK", "wait for", result);
    }
  }

  /** Opens the set that took the place of one that vanished, and enters what this object holds. */
  #renew(): boolean {
    for (let tries = 0; tries < MOST_RENEWALS; tries++) {
      const gone = this.#id;
      const id = this.#open(this.#set.open(true)!);
      // The same set again: it is there, and the failure that brought us here was not its own.
      if (id === gone) return false;
      this.#lockLost ||= this.#locked;
      this.#locked = this.#seated = false;
      if (this.#references === 0) return false;
      const { bytes, count } = step.enterAgain(this.#references);
      const result = this.#semop(id, bytes, count);
      if (result === 0) {
        this.#renewals++;
        return true;
      }
      if (!this.#set.vanished(result)) throw this.#error("ACQUIRE", "count again", result);
      this.#refuseFull(result);
    }
    const message = `Cannot count again ${this.#set.describe()}: it is removed as fast as it is made`;
    throw new ProcrefError("ACQUIRE", message);
  }

  #open(id: number | undefined = this.#id): number {
    this.#id = this.#set.openAlone(id, this.#references > 0);
    this.#alone = true;
    return this.#id;
  }

  /** The values of the set, or zeros when there is none: asking creates nothing. */
  #values(): Uint16Array {
    for (let tries = 0; tries < MOST_RENEWALS; tries++) {
      this.verify();
      const id = this.#attach();
      if (id === undefined) break;
      const values = this.#set.values(id);
      if (values !== undefined) return values;
    }
    return new Uint16Array(step.SET_SIZE);
  }

  #attach(): number | undefined {
    return this.#id ??= this.#set.open(false);
  }

  #forget(): void {
    this.#id = undefined;
    this.#alone = false;
    this.#lockLost ||= this.#locked;
    this.#locked = this.#seated = false;
  }

  /** Throws `FULL` if the kernel undoes for no more semaphores of this process, which looks like a set that is gone. */
  #refuseFull(result: number): void {
    if (this.#id === undefined || !this.#set.undoesAreFull(this.#id, result)) return;
    const { undoesPerProcess } = this.#libc.semaphores;
    throw new ProcrefError(
      "FULL",
      `Cannot use ${this.#set.describe(this.#id)}: this process has something in ${undoesPerProcess} semaphores, and ` +
        `this system gives back no more when it dies (SEMUME); a service that is held takes one, or two while it ` +
        `starts or stops: hold fewer in one process`,
      { details: { name: this.name, call: "semop", errno: this.#errors.EINVAL, errnoName: "EINVAL" } },
    );
  }

  /** A step of tidying up; false if the kernel has no room to undo it, so that an empty set stays for others. */
  #unlessFull(step: () => boolean): boolean {
    try {
      return step();
    } catch (error) {
      if (isProcrefError(error, "FULL")) return false;
      throw error;
    }
  }

  #error(code: ErrorCode, doing: string, result: number, call = "semop"): ProcrefError {
    const remedy = result === -this.#errors.EACCES ? "the set's mode shuts this user out" : "";
    return systemError(code, `${doing} ${this.#set.describe(this.#id)}`, call, result, remedy, { name: this.name });
  }

  #misuse(code: ErrorCode, doing: string, why: string): ProcrefError {
    const message = `Cannot ${doing} ${this.#set.describe(this.#id)}: this counter is not able to, ${why}`;
    return new ProcrefError(code, message, { details: { name: this.name } });
  }
}
