/**
 * A reference counter in the memory of this process, for tests of what is built on top.
 *
 * @module
 */

import { type ErrorCode, ProcrefError } from "../errors.ts";
import { until } from "../waiting.ts";
import { BaseRefCounter, generationAfter } from "./base_ref_counter.ts";
import type { CounterSnapshot, RefCounterCapabilities } from "./ref_counter.ts";

/** What a variable can do. */
export const MEMORY_CAPABILITIES: RefCounterCapabilities = {
  mechanism: "memory",
  crossProcess: false,
  releasesOnCrash: false,
  exactCount: true,
  survivesExec: false,
  waitsInKernel: false,
  crossUser: false,
  maxHolders: 32767,
};

interface Shared {
  references: number;
  gate: MemoryRefCounter | undefined;
  seat: MemoryRefCounter | undefined;
  generation: number;
}

const EMPTY: Shared = { references: 0, gate: undefined, seat: undefined, generation: 0 };
const byName = new Map<string, Shared>();

/** A counter shared by all objects of one name in this copy of the module. */
export class MemoryRefCounter extends BaseRefCounter {
  readonly name: string;
  readonly capabilities: RefCounterCapabilities = MEMORY_CAPABILITIES;
  readonly renewals = 0;
  readonly #key: string;
  #references = 0;

  /**
   * Makes a counter.
   *
   * @param name the name for messages
   * @param key what objects must have in common to share a counter; the name unless given
   */
  constructor(name: string, key: string = name) {
    super();
    this.name = name;
    this.#key = key;
  }

  tryAcquire(generation?: number): boolean {
    const shared = this.#made();
    if (shared.gate !== undefined || (generation !== undefined && generation !== shared.generation)) return false;
    if (shared.references >= this.capabilities.maxHolders) {
      throw new ProcrefError("FULL", `Cannot acquire "${this.name}": ${shared.references} references are held`);
    }
    shared.references++;
    this.#references++;
    return true;
  }

  release(): void {
    this.#requireReference();
    this.#made().references--;
    this.#references--;
  }

  releaseUnlessLast(): boolean {
    this.#requireReference();
    if (this.#made().references < 2) return false;
    this.release();
    return true;
  }

  tryReleaseLastAndLock(): boolean {
    this.#requireReference();
    const shared = this.#made();
    if (shared.references !== 1 || shared.gate !== undefined) return false;
    this.release();
    return this.tryLock();
  }

  count(): number {
    return this.#shared.references;
  }

  snapshot(): CounterSnapshot {
    const { references, gate, seat, generation } = this.#shared;
    return { references, locked: gate !== undefined, seated: seat !== undefined, generation };
  }

  tryLock(): boolean {
    const shared = this.#made();
    if (shared.gate !== undefined) return false;
    shared.gate = this;
    return true;
  }

  tryLockIfUnused(): boolean {
    return this.#shared.references === 0 && this.tryLock();
  }

  holdsLock(): boolean {
    return this.#shared.gate === this;
  }

  unlock(): void {
    this.#requireLock("unlock");
    this.#made().gate = undefined;
  }

  trySeat(): boolean {
    const shared = this.#made();
    if (shared.seat !== undefined) return false;
    shared.seat = this;
    return true;
  }

  holdsSeat(): boolean {
    return this.#shared.seat === this;
  }

  leaveSeat(): void {
    if (!this.holdsSeat()) throw this.#misuse("LOCK", "leave the seat of", "it does not have the seat");
    this.#made().seat = undefined;
  }

  advanceGeneration(published: boolean): number {
    if (!this.holdsSeat()) this.#requireLock("move the generation of");
    const shared = this.#made();
    return shared.generation = generationAfter(shared.generation, published);
  }

  async blockUntilUnused(): Promise<boolean> {
    await until(() => this.tryLockIfUnused(), {}, () => "");
    return true;
  }

  async blockUntilReleased(): Promise<boolean> {
    await until(() => this.count() === 0, {}, () => "");
    return true;
  }

  async blockUntilHeld(): Promise<boolean> {
    await until(() => this.count() > 0, {}, () => "");
    return true;
  }

  verify(): boolean {
    return false;
  }

  remove(evict = false): boolean {
    this.#requireLock("remove");
    const { references, seat } = this.#shared;
    const unused = references === 0 && (evict || seat === undefined || seat === this);
    if (unused) byName.delete(this.#key);
    else this.unlock();
    return unused;
  }

  close(): void {
    while (this.#references > 0) this.release();
    if (this.holdsSeat()) this.leaveSeat();
    if (this.holdsLock() || (byName.has(this.#key) && this.tryLockIfUnused())) this.remove();
  }

  /** The values to look at: asking creates nothing. */
  get #shared(): Readonly<Shared> {
    return byName.get(this.#key) ?? EMPTY;
  }

  #made(): Shared {
    const shared = byName.get(this.#key) ?? { ...EMPTY };
    byName.set(this.#key, shared);
    return shared;
  }

  #requireReference(): void {
    if (this.#references === 0) throw this.#misuse("RELEASE", "release", "it holds no reference");
  }

  #requireLock(doing: string): void {
    if (!this.holdsLock()) throw this.#misuse("LOCK", doing, "it does not have the gate");
  }

  #misuse(code: ErrorCode, doing: string, why: string): ProcrefError {
    return new ProcrefError(code, `Cannot ${doing} "${this.name}": this counter is not able to, ${why}`);
  }
}
