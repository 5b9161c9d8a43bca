/** Waiting for the end of a process without taking a processor from those that are measured. */

import { linuxLibc } from "../../ffi/libc.ts";
import { LINUX } from "../../ffi/symbols/linux_libc.ts";
import { process as processes } from "../../mod.ts";
import process from "node:process";

const LONGEST_MS = 20_000;

/**
 * Prepares to wait for the end of a process that runs.
 *
 * @returns blocks this thread until it has ended: inside the kernel on Linux, elsewhere by asking as often as can be
 */
export function endOf(pid: number): () => void {
  const identity = processes.identityOf(pid)!;
  if (process.platform !== "linux") {
    return () => {
      while (processes.isAlive(identity));
    };
  }
  const { syscall, poll, close, layouts: { pollfd } } = linuxLibc();
  // See pidfd_open(2): it can be read from when the process has ended, be it as a zombie.
  const descriptor = syscall(LINUX.SYS_pidfd_open, BigInt(pid), 0n, null, 0n);
  if (descriptor < 0) throw new Error(`process ${pid} cannot be watched: ${descriptor}`);
  const question = new DataView(new ArrayBuffer(pollfd.size));
  question.setInt32(pollfd.fd, descriptor, true);
  question.setInt16(pollfd.events, LINUX.POLLIN, true);
  return () => {
    const ended = poll(new Uint8Array(question.buffer), 1n, LONGEST_MS);
    close(descriptor);
    if (ended !== 1) throw new Error(`process ${pid} has not ended after ${LONGEST_MS} ms`);
  };
}
