/**
 * A hold on a process by a kernel queue that is told of its end. macOS tells it after it has undone what the process
 * had in semaphores.
 *
 * @module
 */

import { systemError } from "../../../ffi/errno.ts";
import type { DarwinLibc } from "../../../ffi/libc.ts";
import { DARWIN, DARWIN_ERRNO as E } from "../../../ffi/symbols/darwin_libc.ts";
import type { ProcessHold } from "../process_system.ts";
import { signalled } from "../unix/signalled.ts";

/** An open kernel queue; see kqueue(2). */
export class ExitQueue implements ProcessHold {
  readonly #libc: DarwinLibc;
  readonly #pid: number;
  readonly #queue: number;
  readonly #event: Uint8Array;
  readonly #noTime: Uint8Array;
  #ended = false;

  private constructor(libc: DarwinLibc, pid: number, queue: number) {
    this.#libc = libc;
    this.#pid = pid;
    this.#queue = queue;
    this.#event = new Uint8Array(libc.layouts.kevent.size);
    this.#noTime = new Uint8Array(libc.layouts.timespec.size);
  }

  /**
   * Opens a queue that waits for the end of a process.
   *
   * @returns `"gone"` when it has ended, as a zombie has; `"not-offered"` when this user may not wait for it
   * @throws ProcrefError `OTHER`
   */
  static open(libc: DarwinLibc, pid: number): ExitQueue | "gone" | "not-offered" {
    const descriptor = libc.kqueue();
    if (descriptor < 0) throw systemError("OTHER", `watch process ${pid}`, "kqueue", descriptor, "", { pid });
    const queue = new ExitQueue(libc, pid, descriptor);
    const result = queue.#register();
    if (result >= 0) return queue;
    queue.close();
    if (result === -E.ESRCH) return "gone";
    if (result === -E.EACCES || result === -E.EPERM) return "not-offered";
    throw systemError("OTHER", `watch process ${pid}`, "kevent", result, "", { pid });
  }

  isRunning(): boolean {
    // The queue tells it once.
    if (!this.#ended) {
      const events = this.#libc.kevent(this.#queue, null, 0, this.#event, 1, this.#noTime);
      if (events < 0) {
        throw systemError("OTHER", `watch process ${this.#pid}`, "kevent", events, "", { pid: this.#pid });
      }
      this.#ended = events > 0;
    }
    return !this.#ended;
  }

  /**
   * The kernel offers no signal by the queue. Between the look and the signal the process would have to end, be taken
   * note of by its parent, and have its number given away: numbers are given in turn, up to 99,999.
   */
  signal(number: number): boolean {
    return this.isRunning() && signalled(this.#libc.kill(this.#pid, number), "kill", this.#pid, number);
  }

  close(): void {
    this.#libc.close(this.#queue);
  }

  #register(): number {
    const { size, ident, filter, flags, fflags } = this.#libc.layouts.kevent;
    const change = new DataView(new ArrayBuffer(size));
    change.setBigUint64(ident, BigInt(this.#pid), true);
    change.setInt16(filter, DARWIN.EVFILT_PROC, true);
    change.setUint16(flags, DARWIN.EV_ADD | DARWIN.EV_ONESHOT, true);
    change.setUint32(fflags, DARWIN.NOTE_EXIT, true);
    return this.#libc.kevent(this.#queue, new Uint8Array(change.buffer), 1, null, 0, this.#noTime);
  }
}
