/**
 * The reference counter of Windows: a reference is an open handle, and the kernel counts them.
 *
 * @module
 */

import process from "node:process";
import { windows } from "../../ffi/windows.ts";
import { type ErrorCode, ProcrefError } from "../errors.ts";
import { until } from "../waiting.ts";
import { BaseRefCounter, generationAfter } from "./base_ref_counter.ts";
import { HandleObjects } from "./handles_objects.ts";
import type { ObjectName } from "./object_name.ts";
import type { CounterSnapshot, RefCounterCapabilities } from "./ref_counter.ts";

/** What handles can do. The greatest count is ours: the same as that of semaphores. */
export const HANDLES_CAPABILITIES: RefCounterCapabilities = {
  mechanism: "handles",
  crossProcess: true,
  releasesOnCrash: true,
  exactCount: true,
  survivesExec: false,
  waitsInKernel: false,
  crossUser: false,
  maxHolders: 32767,
};

const ONE = 1;
const NOTHING: CounterSnapshot = { references: 0, locked: false, seated: false, generation: 0 };

/**
 * A counter of named kernel objects. Each method is one step under the latch, so that steps of all processes come one
 * after the other. A process that dies in the middle of a step leaves nothing of it: all that it held was handles.
 */
export class HandlesRefCounter extends BaseRefCounter {
  readonly name: string;
  readonly capabilities: RefCounterCapabilities = HANDLES_CAPABILITIES;
  /** Nobody can take objects away under those who hold them. */
  readonly renewals = 0;
  readonly #objects: HandleObjects;
  readonly #checkAlone: () => void;
  /** When it was looked that nobody counts the name in another way; who would, moves the incarnation on. */
  #aloneIn: string | undefined;
  readonly #references: bigint[] = [];
  #gate: bigint | undefined;
  #seat: { readonly handle: bigint; readonly incarnation: number } | undefined;

  /**
   * Makes a counter. Nothing is opened before the first call that needs it.
   *
   * @param checkAlone is called when objects are opened, and throws when the name is counted in another way
   * @throws ProcrefError `PLATFORM`, also for scope `system`; `PERMISSION`, `LIBRARY`
   */
  constructor(name: ObjectName, checkAlone: () => void = () => {}) {
    super();
    if (name.scope === "system") {
      throw new ProcrefError(
        "PLATFORM",
        `Cannot share "${name.name}" with other users: on Windows a counter belongs to one session of one user; use ` +
          'scope "user"',
      );
    }
    this.name = name.name;
    this.#objects = new HandleObjects(windows(), name);
    this.#checkAlone = checkAlone;
  }

  tryAcquire(generation?: number): boolean {
    return this.#step("ACQUIRE", "acquire", (objects) => {
      if (objects.isHeld("gate") || (generation !== undefined && generation !== objects.generation)) return false;
      const reference = objects.hold("references", this.capabilities.maxHolders);
      if (reference === undefined) throw this.#full();
      this.#references.push(reference);
      objects.noteEntry();
      return true;
    });
  }

  release(): void {
    this.#requireReference();
    this.#objects.close(this.#references.pop()!, "RELEASE", "release");
  }

  releaseUnlessLast(): boolean {
    this.#requireReference();
    return this.#step("RELEASE", "release", (objects) => {
      const another = objects.count("references", this.#references[0]) > 1;
      if (another) this.release();
      return another;
    });
  }

  tryReleaseLastAndLock(): boolean {
    this.#requireReference();
    return this.#step("RELEASE", "release", (objects) => {
      if (objects.count("references", this.#references[0]) !== 1 || !this.#takeGate()) return false;
      this.release();
      return true;
    });
  }

  count(): number {
    return this.#look(0, (objects) => objects.count("references", this.#references[0]));
  }

  snapshot(): CounterSnapshot {
    return this.#look(NOTHING, (objects) => ({
      references: objects.count("references", this.#references[0]),
      locked: objects.isHeld("gate"),
      seated: objects.isHeld("seat"),
      generation: objects.generation,
    }));
  }

  tryLock(): boolean {
    return this.#step("LOCK", "lock", () => this.#takeGate());
  }

  tryLockIfUnused(): boolean {
    return this.#step("LOCK", "lock", (objects) => {
      return objects.count("references", this.#references[0]) === 0 && this.#takeGate();
    });
  }

  holdsLock(): boolean {
    return this.#gate !== undefined;
  }

  unlock(): void {
    this.#requireGate("unlock");
    this.#openGate();
  }

  trySeat(): boolean {
    if (this.holdsSeat()) return false;
    return this.#step("LOCK", "take the seat of", (objects) => {
      const handle = objects.hold("seat", ONE);
      this.#seat = handle === undefined ? undefined : { handle, incarnation: objects.incarnation };
      return handle !== undefined;
    });
  }

  holdsSeat(): boolean {
    this.verify();
    return this.#seat !== undefined;
  }

  leaveSeat(): void {
    if (this.#seat === undefined) throw this.#misuse("LOCK", "leave the seat of", "it does not have the seat");
    const { handle } = this.#seat;
    this.#seat = undefined;
    this.#objects.close(handle, "LOCK", "leave the seat of");
  }

  advanceGeneration(published: boolean): number {
    if (!this.holdsLock() && !this.holdsSeat()) {
      throw this.#misuse("LOCK", "move the generation of", "it has neither the gate nor the seat");
    }
    return this.#step("LOCK", "move the generation of", (objects) => {
      return objects.generation = generationAfter(objects.generation, published);
    });
  }

  async blockUntilUnused(): Promise<boolean> {
    if (this.holdsLock()) throw this.#misuse("LOCK", "lock", "it has the gate already");
    return await this.#poll(() => this.tryLockIfUnused());
  }

  async blockUntilReleased(): Promise<boolean> {
    return await this.#poll(() => this.count() === 0);
  }

  async blockUntilHeld(): Promise<boolean> {
    // Somebody who came and went between two looks has left a trace.
    const before = this.#step("LOCK", "wait for", ({ entries }) => entries);
    return await this.#poll(() => this.count() > 0 || this.#objects.entries !== before);
  }

  verify(): boolean {
    // Only a seat can have been taken away, by a removal that evicts.
    if (this.#seat !== undefined && this.#seat.incarnation !== this.#objects.incarnation) this.leaveSeat();
    return false;
  }

  remove(evict = false): boolean {
    this.#requireGate("remove");
    const removed = this.#step("LOCK", "remove", (objects) => {
      const unused = objects.count("references", this.#references[0]) === 0 &&
        (evict || this.holdsSeat() || !objects.isHeld("seat"));
      if (unused) objects.moveOn();
      return unused;
    });
    this.#openGate();
    if (removed) this.#forget();
    return removed;
  }

  /**
   * Removes what others have opened, in one step, if nobody holds anything, and closes it: whoever comes later looks
   * anew. The gate is not taken, so others who do the same at this moment do not see anything held.
   */
  removeIfUnused(): boolean {
    const removed = this.#step("LOCK", "remove", (objects) => {
      const unused = objects.count("references") === 0 && !objects.isHeld("gate") && !objects.isHeld("seat");
      if (unused) objects.moveOn();
      return unused;
    });
    this.#objects.detach();
    return removed;
  }

  close(): void {
    while (this.#references.length > 0) this.release();
    if (this.#seat !== undefined) this.leaveSeat();
    // Others may have the section open, who shall find nothing that was published.
    if (this.holdsLock() || (this.#objects.isAttached && this.tryLockIfUnused())) this.remove();
    this.#objects.detach();
  }

  protected override describeGate(): string {
    const pid = this.#objects.isAttached ? this.#objects.gateOwner : 0;
    return pid > 0 ? ` (process ${pid} used the gate last)` : "";
  }

  /** One step, for which the objects are made. */
  #step<T>(code: ErrorCode, doing: string, work: (objects: HandleObjects) => T): T {
    for (;;) {
      this.#attachAlone();
      const done = this.#objects.underLatch(code, doing, () => {
        return this.#objects.era === this.#aloneIn ? { value: work(this.#objects) } : undefined;
      });
      if (done !== undefined) return done.value;
    }
  }

  /** Opens the objects, and then sees that there are none of another mechanism. */
  #attachAlone(): void {
    this.#objects.attach(true);
    const { era } = this.#objects;
    if (era === this.#aloneIn) return;
    try {
      this.#checkAlone();
    } catch (error) {
      if (this.#references.length === 0 && this.#gate === undefined && this.#seat === undefined) this.#objects.detach();
      throw error;
    }
    this.#aloneIn = era;
  }

  /** One look, for which nothing is made and nothing stays open. */
  #look<T>(nothing: T, work: (objects: HandleObjects) => T): T {
    const stays = this.#objects.isAttached;
    if (!this.#objects.attach(false)) return nothing;
    try {
      return this.#objects.underLatch("COUNT", "read", () => work(this.#objects));
    } finally {
      if (!stays) this.#objects.detach();
    }
  }

  /** Under the latch. */
  #takeGate(): boolean {
    const gate = this.#objects.hold("gate", ONE);
    if (gate === undefined) return false;
    this.#gate = gate;
    this.#objects.gateOwner = process.pid;
    return true;
  }

  #openGate(): void {
    const gate = this.#gate!;
    this.#gate = undefined;
    this.#objects.close(gate, "LOCK", "unlock");
  }

  /** After a removal: what is held of the earlier incarnation is let go. */
  #forget(): void {
    if (this.#seat !== undefined) this.leaveSeat();
    this.#objects.detach();
  }

  /** Asks until it is so; false when the counter is removed meanwhile. */
  async #poll(attempt: () => boolean): Promise<boolean> {
    this.#objects.attach(true);
    const { era } = this.#objects;
    let removed = false;
    await until(() => (removed = this.#objects.era !== era) || attempt(), {}, () => "");
    return !removed;
  }

  #requireReference(): void {
    if (this.#references.length === 0) throw this.#misuse("RELEASE", "release", "it holds no reference");
  }

  #requireGate(doing: string): void {
    if (!this.holdsLock()) throw this.#misuse("LOCK", doing, "it does not have the gate");
  }

  #full(): ProcrefError {
    const { maxHolders } = this.capabilities;
    return new ProcrefError(
      "FULL",
      `Cannot acquire ${this.#objects.describe()}: ${maxHolders} references are held, more are not allowed`,
      { details: { name: this.name } },
    );
  }

  #misuse(code: ErrorCode, doing: string, why: string): ProcrefError {
    return new ProcrefError(
      code,
      `Cannot ${doing} ${this.#objects.describe()}: this counter is not able to, ${why}`,
      { details: { name: this.name } },
    );
  }
}
