/**
 * Slots: lock files of which a process holds one, so that at most so many processes do something at a time.
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import process from "node:process";
import { ProcrefError } from "../errors.ts";
import { PathLock } from "../kernel/path_lock.ts";
import { attempting } from "../kernel/attempting.ts";
import { until, type WaitOptions } from "../waiting.ts";

/** A slot that is held. */
export interface SlotHolder {
  /** Which slot, from 0. */
  readonly slot: number;
  /** The process that says it has it, for people; undefined when nothing is said. Nothing may be concluded from it. */
  readonly pid: number | undefined;
}

const MOST_SLOTS = 10_000;
/** How long a look at all slots may take another process, in milliseconds. */
const LOOK_TIMEOUT_MS = 10_000;

/**
 * A directory of slots `slot_00.lock`, `slot_01.lock` and so on. To hold a slot is to have its file locked, by the same
 * locks as the core has: the kernel gives it back when the process dies, and programs that the process starts do not
 * inherit it. `lsof` shows who has which file open, and the file says the process number, which nobody relies on.
 *
 * While slots are looked through, `slots.lock` is locked, so that one look does not make another believe that a slot is
 * held.
 *
 * @example
 * ```ts
 * import { SlotManager } from "@procref/core/semaphore";
 * import assert from "node:assert/strict";
 * import { mkdtempSync, rmSync } from "node:fs";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 * import process from "node:process";
 *
 * const directory = mkdtempSync(join(tmpdir(), "example-"));
 * {
 *   using slots = new SlotManager(directory, 4);
 *   assert.equal(slots.acquireSlot(), 0);
 *   assert.deepEqual(slots.holders(), [{ slot: 0, pid: process.pid }]);
 * }
 * rmSync(directory, { recursive: true });
 * ```
 */
export class SlotManager implements Disposable {
  /** The directory. */
  readonly directory: string;
  /** How many slots there are. */
  readonly maxSlots: number;
  readonly #door: PathLock;
  #held: { readonly slot: number; readonly lock: PathLock } | undefined;
  #closed = false;

  /**
   * Makes nothing yet.
   *
   * @param directory where the files are; made, owner-only, when it is missing; on a file system of this machine
   * @param maxSlots how many slots there are, from 1 to 10,000
   * @throws ProcrefError `INVALID_ARGUMENT`, `PERMISSION`, `PLATFORM`, `LIBRARY`
   */
  constructor(directory: string, maxSlots: number) {
    if (typeof directory !== "string" || directory === "") {
      throw new ProcrefError("INVALID_ARGUMENT", `Cannot keep slots in ${String(directory)}: use a path`);
    }
    if (!Number.isInteger(maxSlots) || maxSlots < 1 || maxSlots > MOST_SLOTS) {
      throw new ProcrefError(
        "INVALID_ARGUMENT",
        `Cannot keep ${String(maxSlots)} slots in ${directory}: use a whole number from 1 to ${MOST_SLOTS}`,
        { details: { field: "maxSlots" } },
      );
    }
    this.directory = isAbsolute(directory) ? directory : resolve(directory);
    this.maxSlots = maxSlots;
    this.#door = new PathLock(join(this.directory, "slots.lock"));
  }

  /**
   * The slot that this object holds in truth; undefined without one, and also when somebody has removed or replaced its
   * file meanwhile: others can take the slot then.
   */
  get heldSlot(): number | undefined {
    return this.#held?.lock.isOurs() ? this.#held.slot : undefined;
  }

  /**
   * Takes the first slot that nobody holds.
   *
   * @returns which slot
   * @throws ProcrefError `NO_CAPACITY` when all are held, `ALREADY_HELD` when this object holds one, `CLOSED`; `LOCK`,
   * `PERMISSION`, `IO`, `STATE_DIRECTORY` when that cannot be known
   */
  acquireSlot(): number {
    this.#require();
    const held = this.heldSlot;
    if (held !== undefined) {
      throw new ProcrefError("ALREADY_HELD", `Cannot take a slot in ${this.directory}: slot ${held} is held already`, {
        details: { path: this.#pathOf(held) },
      });
    }
    // What was lost.
    this.releaseSlot();
    const slot = this.#looking(() => this.#takeFirst());
    if (slot !== undefined) return slot;
    throw new ProcrefError(
      "NO_CAPACITY",
      `Cannot take a slot in ${this.directory}: all ${this.maxSlots} slots are in use`,
      {
        details: { path: this.directory },
      },
    );
  }

  /**
   * As {@link SlotManager.acquireSlot}, and waits for a slot, looking every 20 ms. Nobody has a place in a queue.
   *
   * @param options what may end the wait
   * @returns which slot
   * @throws ProcrefError `TIMEOUT`; those of `acquireSlot` but for `NO_CAPACITY`; the reason of an aborted signal
   */
  async waitForSlot(options: WaitOptions = {}): Promise<number> {
    let slot: number | undefined;
    const attempt = (): boolean => {
      try {
        slot = this.acquireSlot();
      } catch (error) {
        if (!(error instanceof ProcrefError) || error.code !== "NO_CAPACITY") throw error;
      }
      return slot !== undefined;
    };
    await until(attempt, options, () => `take a slot in ${this.directory}, for all ${this.maxSlots} slots are in use`);
    return slot!;
  }

  /** Gives the slot back. Does nothing without one. */
  releaseSlot(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return;
    try {
      if (held.lock.isOurs()) held.lock.write("");
    } catch {
      // What stays in it says nothing.
    } finally {
      held.lock.close();
    }
  }

  /**
   * The slots that are held now, by whomever.
   *
   * @returns them in order, with what their files say
   * @throws ProcrefError `CLOSED`, `LOCK`, `PERMISSION`, `IO`, `STATE_DIRECTORY`
   */
  holders(): SlotHolder[] {
    this.#require();
    // Whoever has ever taken one has made it.
    if (!attempting(`look for ${this.#door.path}`, this.directory, () => existsSync(this.#door.path))) return [];
    return this.#looking(() => {
      const slots = Array.from({ length: this.maxSlots }, (_, slot) => slot);
      return slots.filter((slot) => this.#isHeld(slot)).map((slot) => ({ slot, pid: this.#pidIn(slot) }));
    });
  }

  /** Gives the slot back; later calls are told `CLOSED`. Safe to call again. */
  close(): void {
    this.releaseSlot();
    this.#door.close();
    this.#closed = true;
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.close();
  }

  #takeFirst(): number | undefined {
    for (let slot = 0; slot < this.maxSlots; slot++) {
      const lock = new PathLock(this.#pathOf(slot));
      try {
        if (!lock.tryLock()) continue;
        lock.write(`${process.pid}\n`);
      } catch (error) {
        lock.close();
        throw error;
      } finally {
        if (!lock.held) lock.close();
      }
      this.#held = { slot, lock };
      return slot;
    }
    return undefined;
  }

  #isHeld(slot: number): boolean {
    if (slot === this.heldSlot) return true;
    const path = this.#pathOf(slot);
    if (!existsSync(path)) return false;
    using probe = new PathLock(path);
    return !probe.tryLock();
  }

  #pidIn(slot: number): number | undefined {
    try {
      const pid = Number(/^(\d{1,10})\n/.exec(readFileSync(this.#pathOf(slot), "utf8"))?.[1]);
      return Number.isInteger(pid) ? pid : undefined;
    } catch {
      return undefined;
    }
  }

  #pathOf(slot: number): string {
    return join(this.directory, `slot_${String(slot).padStart(2, "0")}.lock`);
  }

  #looking<T>(work: () => T): T {
    this.#door.lockNow(LOOK_TIMEOUT_MS);
    try {
      return work();
    } finally {
      this.#door.unlock();
    }
  }

  #require(): void {
    if (!this.#closed) return;
    throw new ProcrefError("CLOSED", `Cannot use the slots in ${this.directory} by this object: it is closed`, {
      details: { path: this.directory },
    });
  }
}
