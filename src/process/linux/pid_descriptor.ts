/**
 * A hold on a process by a PID file descriptor: one system call tells whether it still runs, and a signal reaches that
 * process or none.
 *
 * @module
 */

import { systemError } from "../../../ffi/errno.ts";
import { type LinuxLibc, linuxLibc } from "../../../ffi/libc.ts";
import { LINUX, LINUX_ERRNO as E } from "../../../ffi/symbols/linux_libc.ts";
import type { ProcessHold } from "../process_system.ts";
import { signalled } from "../unix/signalled.ts";

/** An open PID descriptor; see pidfd_open(2). */
export class PidDescriptor implements ProcessHold {
  readonly #pid: number;
  readonly #descriptor: number;
  readonly #libc: LinuxLibc = linuxLibc();
  readonly #poll: Uint8Array;

  private constructor(pid: number, descriptor: number) {
    this.#pid = pid;
    this.#descriptor = descriptor;
    const { size, fd, events } = this.#libc.layouts.pollfd;
    const poll = new DataView(new ArrayBuffer(size));
    poll.setInt32(fd, descriptor, true);
    poll.setInt16(events, LINUX.POLLIN, true);
    this.#poll = new Uint8Array(poll.buffer);
  }

  /**
   * Opens the descriptor of a process.
   *
   * @returns `"not-offered"` by a kernel before 5.3 and gVisor, or where a filter of system calls denies it
   * @throws ProcrefError `OTHER`
   */
  static open(pid: number): PidDescriptor | "gone" | "not-offered" {
    const descriptor = linuxLibc().syscall(LINUX.SYS_pidfd_open, BigInt(pid), 0n, null, 0n);
    if (descriptor === -E.ESRCH) return "gone";
    if (descriptor === -E.ENOSYS || descriptor === -E.EPERM) return "not-offered";
    if (descriptor < 0) throw systemError("OTHER", `watch process ${pid}`, "pidfd_open", descriptor, "", { pid });
    return new PidDescriptor(pid, descriptor);
  }

  isRunning(): boolean {
    return this.#libc.poll(this.#poll, 1n, 0) === 0;
  }

  signal(number: number): boolean {
    const result = this.#libc.syscall(
      LINUX.SYS_pidfd_send_signal,
      BigInt(this.#descriptor),
      BigInt(number),
      null,
      0n,
    );
    return signalled(result, "pidfd_send_signal", this.#pid, number);
  }

  close(): void {
    this.#libc.close(this.#descriptor);
  }
}
