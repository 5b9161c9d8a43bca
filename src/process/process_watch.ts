/**
 * A lasting hold on a process: it tells at once whether the process still runs, and signals that process or none.
 *
 * @module
 */

import { identityOf, isAlive, type ProcessIdentity } from "./identity.ts";
import { processSystem } from "./platform.ts";
import type { ProcessHold } from "./process_system.ts";

const closeLost = new FinalizationRegistry<ProcessHold>((hold) => hold.close());

/** Watches one process. Close it; one that is forgotten is closed when it is collected. */
export class ProcessWatch implements Disposable {
  /** Who is watched. */
  readonly identity: ProcessIdentity;
  /** Undefined on a system without it, where the identity is looked up each time. */
  #hold: ProcessHold | undefined;
  #closed = false;
  /** When {@link ProcessWatch.seemsAlive} found it alive last. */
  #seen = -Infinity;

  private constructor(identity: ProcessIdentity, hold: ProcessHold | undefined) {
    this.identity = identity;
    this.#hold = hold;
    if (hold !== undefined) closeLost.register(this, hold, this);
  }

  /**
   * Begins to watch a process.
   *
   * @returns undefined when it does not run any more
   * @throws ProcrefError `OTHER` when the system gives no hold (too many are open); those of {@link isAlive}
   */
  static open(identity: ProcessIdentity): ProcessWatch | undefined {
    const hold = processSystem().hold(identity.pid);
    if (hold === "gone") return undefined;
    const watch = new ProcessWatch(identity, hold === "not-offered" ? undefined : hold);
    // Looked at after the hold was taken: from here on it cannot be another process.
    if (isAlive(identity) && (watch.#hold === undefined || watch.isAlive())) return watch;
    watch.close();
    return undefined;
  }

  /** Begins to watch the process that has this PID now; undefined when none runs. */
  static ofPid(pid: number): ProcessWatch | undefined {
    const identity = identityOf(pid);
    return identity && ProcessWatch.open(identity);
  }

  /** Whether the process still runs; a zombie does not. False after `close()`. */
  isAlive(): boolean {
    if (this.#closed) return false;
    return this.#hold === undefined ? isAlive(this.identity) : this.#hold.isRunning();
  }

  /** As {@link ProcessWatch.isAlive}, for loops: where asking is dear, an answer counts for some milliseconds. */
  seemsAlive(): boolean {
    const { askEveryMs = 0 } = processSystem();
    if (this.#hold !== undefined || this.#closed || askEveryMs === 0) return this.isAlive();
    if (performance.now() - this.#seen < askEveryMs) return true;
    if (!this.isAlive()) return false;
    this.#seen = performance.now();
    return true;
  }

  /**
   * Sends a signal to this process and to no other.
   *
   * @returns false when it had ended
   * @throws ProcrefError `PERMISSION` when the process belongs to somebody else; `OTHER`
   */
  signal(number: number): boolean {
    if (!this.isAlive()) return false;
    return this.#hold === undefined ? processSystem().signal(this.identity.pid, number) : this.#hold.signal(number);
  }

  /** Ends the watch and frees its hold. Safe to call again. */
  close(): void {
    this.#closed = true;
    if (this.#hold === undefined) return;
    closeLost.unregister(this);
    this.#hold.close();
    this.#hold = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
