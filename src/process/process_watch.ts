/**
 * A lasting hold on a process by a PID file descriptor: it tells at once, by one system call, whether the process
 * still runs, and signals that process or none.
 *
 * @module
 */

import { systemError } from "../../ffi/errno.ts";
import { type Libc, libc } from "../../ffi/libc.ts";
import { LINUX, LINUX_ERRNO as E } from "../../ffi/symbols/linux_libc.ts";
import { identityOf, isAlive, type ProcessIdentity } from "./identity.ts";

const closeLost = new FinalizationRegistry<number>((descriptor) => libc().close(descriptor));

/** Watches one process. Close it; one that is forgotten is closed when it is collected. */
export class ProcessWatch implements Disposable {
  /** Who is watched. */
  readonly identity: ProcessIdentity;
  readonly #libc: Libc;
  /** The descriptor; undefined on a kernel without them, where the identity is looked up each time. */
  #descriptor: number | undefined;
  readonly #poll: Uint8Array;
  #closed = false;

  private constructor(identity: ProcessIdentity, descriptor: number | undefined) {
    this.identity = identity;
    this.#libc = libc();
    this.#descriptor = descriptor;
    const { size, fd, events } = this.#libc.layouts.pollfd;
    const poll = new DataView(new ArrayBuffer(size));
    poll.setInt32(fd, descriptor ?? -1, true);
    poll.setInt16(events, LINUX.POLLIN, true);
    this.#poll = new Uint8Array(poll.buffer);
    if (descriptor !== undefined) closeLost.register(this, descriptor, this);
  }

  /**
   * Begins to watch a process.
   *
   * @returns undefined when it does not run any more
   * @throws ProcrefError `OTHER` when the system gives no descriptor (too many open); those of {@link isAlive}
   */
  static open(identity: ProcessIdentity): ProcessWatch | undefined {
    const descriptor = libc().syscall(LINUX.SYS_pidfd_open, BigInt(identity.pid), 0n, null, 0n);
    if (descriptor === -E.ESRCH) return undefined;
    // Not offered by this kernel (before 5.3, gVisor), or denied by a filter of system calls.
    const without = descriptor === -E.ENOSYS || descriptor === -E.EPERM;
    if (descriptor < 0 && !without) {
      throw systemError("OTHER", `watch process ${identity.pid}`, "pidfd_open", descriptor, "", { pid: identity.pid });
    }
    const watch = new ProcessWatch(identity, without ? undefined : descriptor);
    // Looked at after the descriptor was opened: from here on it cannot be another process.
    if (isAlive(identity) && watch.isAlive()) return watch;
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
    if (this.#descriptor === undefined) return isAlive(this.identity);
    return this.#libc.poll(this.#poll, 1n, 0) === 0;
  }

  /**
   * Sends a signal to this process and to no other.
   *
   * @returns false when it had ended
   * @throws ProcrefError `PERMISSION` when the process belongs to somebody else; `OTHER`
   */
  signal(number: number): boolean {
    if (!this.isAlive()) return false;
    const { pid } = this.identity;
    const result = this.#descriptor === undefined
      ? this.#libc.kill(pid, number)
      : this.#libc.syscall(LINUX.SYS_pidfd_send_signal, BigInt(this.#descriptor), BigInt(number), null, 0n);
    if (result === -E.ESRCH) return false;
    if (result < 0) {
      const code = result === -E.EPERM ? "PERMISSION" : "OTHER";
      throw systemError(code, `send signal ${number} to process ${pid}`, "pidfd_send_signal", result, "", { pid });
    }
    return true;
  }

  /** Ends the watch and frees its descriptor. Safe to call again. */
  close(): void {
    this.#closed = true;
    if (this.#descriptor === undefined) return;
    closeLost.unregister(this);
    this.#libc.close(this.#descriptor);
    this.#descriptor = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
