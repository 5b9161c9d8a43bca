/**
 * The reference counter over a System V semaphore set: one system call for each step, undone by the kernel.
 *
 * @module
 */

import { systemError } from "../../ffi/errno.ts";
import { type Libc, libc } from "../../ffi/libc.ts";
import { LINUX, LINUX_ERRNO as E } from "../../ffi/symbols/linux_libc.ts";
import { type ErrorCode, ProcrefError } from "../errors.ts";
import { BaseRefCounter, generationAfter } from "./base_ref_counter.ts";
import type { ObjectName } from "./object_name.ts";
import type { CounterSnapshot, RefCounterCapabilities } from "./ref_counter.ts";
import * as step from "./sysv_operations.ts";
import { MOST_RENEWALS, SysvSet, vanished } from "./sysv_set.ts";

const { SEMAPHORE } = step;

/** What System V semaphores can do on Linux. */
export const SYSV_CAPABILITIES: RefCounterCapabilities = {
  mechanism: "sysv",
  crossProcess: true,
  releasesOnCrash: true,
  exactCount: true,
  survivesExec: true,
  waitsInKernel: true,
  crossUser: true,
  maxHolders: LINUX.SEMVMX,
};

/** A counter of one semaphore set. Nothing is opened before the first call that needs it. */
export class SysvRefCounter extends BaseRefCounter {
  readonly name: string;
  readonly capabilities: RefCounterCapabilities = SYSV_CAPABILITIES;
  readonly #libc: Libc;
  readonly #semop: Libc["semop"];
  readonly #set: SysvSet;
  readonly #checkAlone: () => void;
  /** Whether it was looked, since the set was opened, that nobody counts the name in another way. */
  #alone = false;
  /** The set in use; undefined before the first use and after it was removed. */
  #id: number | undefined;
  #references = 0;
  #locked = false;
  /** The gate that we had went with its set: unlocking has nothing to do. */
  #lockLost = false;
  #seated = false;
  #renewals = 0;
  #enterGeneration = { generation: -1, operations: step.enterGeneration(0) };

  /**
   * Opens nothing yet.
   *
   * @param checkAlone is called when the set is opened to be changed, and throws when the name is counted in another way
   */
  constructor(name: ObjectName, checkAlone: () => void = () => {}) {
    super();
    this.#checkAlone = checkAlone;
    this.name = name.name;
    this.#libc = libc();
    this.#semop = this.#libc.semop;
    this.#set = new SysvSet(this.#libc, name, this.#libc.geteuid());
  }

  get renewals(): number {
    return this.#renewals;
  }

  tryAcquire(generation?: number): boolean {
    const result = this.#perform(generation === undefined ? step.ENTER : this.#entering(generation));
    if (result === 0) {
      this.#references++;
      return true;
    }
    if (result === -E.EAGAIN) return false;
    if (result === -E.ERANGE) {
      throw new ProcrefError(
        "FULL",
        `Cannot acquire ${this.#set.describe(this.#id)}: ${LINUX.SEMVMX} references are held, more do not fit`,
        { details: { name: this.name } },
      );
    }
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
    if (result !== 0 && result !== -E.EAGAIN) throw this.#error("LOCK", "take the seat of", result);
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
    if (this.#id === undefined || !vanished(this.#libc.semctl(this.#id, 0, LINUX.GETVAL, null))) return false;
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
    const sits = !evict && references === 0 && !this.#seated && this.trySeat();
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
    if (this.#locked || (this.#id !== undefined && this.tryLockIfUnused())) this.remove();
  }

  protected override describeGate(): string {
    const pid = this.#id === undefined ? 0 : this.#libc.semctl(this.#id, SEMAPHORE.gate, LINUX.GETPID, null);
    return pid > 0 ? ` (process ${pid} used the gate last)` : "";
  }

  /** Removes the set, and with it gate and seat; false in scope `system`, where only its maker may: it stays, empty. */
  #removeSet(): boolean {
    const result = this.#libc.semctl(this.#id!, 0, LINUX.IPC_RMID, null);
    if (result === -E.EPERM) return false;
    if (result < 0 && !vanished(result)) throw this.#error("LOCK", "remove", result, "semctl(IPC_RMID)");
    this.#locked = false;
    this.#forget();
    return true;
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
    if (result === -E.EAGAIN && operations !== step.LEAVE) return false;
    throw this.#error("RELEASE", "release", result);
  }

  #take(operations: step.Operations): boolean {
    const result = this.#perform(operations);
    if (result !== 0 && result !== -E.EAGAIN) throw this.#error("LOCK", "lock", result);
    this.#lockLost = false;
    return this.#locked = result === 0;
  }

  /** Gives gate or seat back. A set that vanished has taken it along, and a value that a stranger lowered is 0. */
  #drop({ bytes, count }: step.Operations, doing: string): void {
    const result = this.#semop(this.#id!, bytes, count);
    if (result < 0 && result !== -E.EAGAIN && !vanished(result)) throw this.#error("LOCK", doing, result);
  }

  /** Carries an array out on the set of the name, which is made when it is missing. */
  #perform(operations: step.Operations): number {
    for (let tries = 0; tries < MOST_RENEWALS; tries++) {
      const id = this.#alone ? this.#id! : this.#open();
      const result = this.#semop(id, operations.bytes, operations.count);
      if (!vanished(result)) return result;
      this.#renew();
    }
    throw new ProcrefError(
      "REF_COUNTER_INIT",
      `Cannot use ${this.#set.describe()}: it is removed as fast as it is made`,
    );
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
      if (vanished(result)) return false;
      if (result !== -E.EAGAIN) throw this.#error("LOCK", "wait for", result);
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
      if (!vanished(result)) throw this.#error("ACQUIRE", "count again", result);
    }
    throw new ProcrefError(
      "ACQUIRE",
      `Cannot count again ${this.#set.describe()}: it is removed as fast as it is made`,
    );
  }

  /** Opens the set of the name, which is made when it is missing; only then it is looked for other ways to count. */
  #open(id: number = this.#id ?? this.#set.open(true)!): number {
    this.#id = id;
    try {
      this.#checkAlone();
    } catch (error) {
      if (this.#references === 0 && this.#semop(id, step.LOCK_IF_UNUSED.bytes, step.LOCK_IF_UNUSED.count) === 0) {
        this.#libc.semctl(id, 0, LINUX.IPC_RMID, null);
      }
      this.#forget();
      throw error;
    }
    this.#alone = true;
    return id;
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

  #error(code: ErrorCode, doing: string, result: number, call = "semop"): ProcrefError {
    const remedy = result === -E.EACCES ? "the set's mode shuts this user out" : "";
    return systemError(code, `${doing} ${this.#set.describe(this.#id)}`, call, result, remedy, { name: this.name });
  }

  #misuse(code: ErrorCode, doing: string, why: string): ProcrefError {
    return new ProcrefError(
      code,
      `Cannot ${doing} ${this.#set.describe(this.#id)}: this counter is not able to, ${why}`,
      {
        details: { name: this.name },
      },
    );
  }
}
