/**
 * The processes of macOS: what `proc_pidinfo` and `sysctl` tell of them, and kernel queues.
 *
 * @module
 */

import process from "node:process";
import { systemError } from "../../../ffi/errno.ts";
import { type DarwinLibc, darwinLibc } from "../../../ffi/libc.ts";
import { DARWIN, DARWIN_ERRNO as E } from "../../../ffi/symbols/darwin_libc.ts";
import type { DetachedProcess, DetachedStart } from "../detached_process.ts";
import type { Domain, ProcessStatus } from "../process_system.ts";
import { canRun } from "../unix/can_run.ts";
import { signalled } from "../unix/signalled.ts";
import type { LoggedProcess, LoggedStart } from "../logged_process.ts";
import { spawnDetached } from "../unix/spawned_detached.ts";
import { spawnLogged } from "../unix/spawned_logged.ts";
import { UnixProcesses } from "../unix/unix_processes.ts";
import { ExitQueue } from "./exit_queue.ts";
import { parseProcessArguments, type ProcessArguments } from "./process_arguments.ts";

/** ARG_MAX, the most that arguments and environment of a process can be together. */
const MOST_ARGUMENTS = 1_048_576;
/** Room for processes that start while they are counted. */
const SPARE_PROCESSES = 64;
/** The greatest signal. */
const NSIG = 31;
/** The handler of a signal that is ignored. */
const SIG_IGN = 1n;
/** For how long the arguments of a process that is just changing its program are waited for, in milliseconds. */
const PROGRAM_CHANGE_MS = 20;
/** Also of zombies, which the system else passes over. */
const WITH_ZOMBIES = 1n;

/** The processes that this process may see. */
export class DarwinProcesses extends UnixProcesses {
  readonly #open: () => DarwinLibc;
  #domain: Domain | undefined;
  #arguments: Uint8Array | undefined;

  /** @param open gives the C library; that of this machine unless given */
  constructor(open: () => DarwinLibc = darwinLibc) {
    super();
    this.#open = open;
  }

  kernelRelease(): string | undefined {
    return this.#text("kern.osrelease") || undefined;
  }

  /** There are no namespaces: all processes are in one. */
  domain(): Domain {
    return this.#domain ??= { boot: this.#text("kern.bootsessionuuid"), pid: "macOS", ipc: "macOS" };
  }

  status(pid: number): ProcessStatus | undefined {
    const info = this.#info(pid);
    if (info === undefined) return undefined;
    const { status, group, seconds, microseconds } = this.#open().layouts.procBsdinfo;
    const started = `${info.getBigUint64(seconds, true)}.${info.getBigUint64(microseconds, true)}`;
    return {
      start: `${started} ${this.domain().boot}`,
      ended: info.getUint32(status, true) === DARWIN.SZOMB,
      group: info.getUint32(group, true),
    };
  }

  /** Of processes of others, `proc_pidinfo` tells nothing but to root; the kernel still says EPERM of them. */
  isHidden(pid: number): boolean {
    return this.#open().kill(pid, 0) === -E.EPERM;
  }

  list(): number[] {
    const { proc_listallpids } = this.#open();
    for (let room = proc_listallpids(null, 0) + SPARE_PROCESSES;; room *= 2) {
      const pids = new Int32Array(room);
      const count = proc_listallpids(new Uint8Array(pids.buffer), pids.byteLength);
      if (count <= 0) throw systemError("IO", "list processes", "proc_listallpids", count || -E.EIO);
      if (count < room) return [...pids.subarray(0, count)].filter((pid) => pid > 0);
    }
  }

  /** Apple's own programs (`/bin/sh`, `/bin/sleep`) show no environment to anybody. */
  environment(pid: number): Uint8Array | undefined {
    return this.#started(pid)?.environment;
  }

  owner(pid: number): number | undefined {
    return this.#info(pid)?.getUint32(this.#open().layouts.procBsdinfo.user, true);
  }

  command(pid: number): string[] | undefined {
    const command = this.#started(pid)?.command;
    return command?.length === 0 ? undefined : command;
  }

  ageMs(pid: number): number | undefined {
    const info = this.#info(pid);
    if (info === undefined) return undefined;
    const { seconds, microseconds } = this.#open().layouts.procBsdinfo;
    const started = 1000 * Number(info.getBigUint64(seconds, true)) +
      Number(info.getBigUint64(microseconds, true)) / 1000;
    return Math.max(0, Math.round(Date.now() - started));
  }

  hold(pid: number): ExitQueue | "gone" | "not-offered" {
    return ExitQueue.open(this.#open(), pid);
  }

  signal(pid: number, number: number): boolean {
    const result = this.#open().kill(pid, number);
    // Of a group of nothing but zombies, macOS says that it is somebody else's.
    if (result === -E.EPERM && pid < 0 && !this.runsGroup(-pid)) return false;
    return signalled(result, "kill", pid, number);
  }

  ignoredSignals(): Set<number> {
    const { sigaction, layouts: { sigaction: { size, handler } } } = this.#open();
    const action = new DataView(new ArrayBuffer(size));
    const ignores = (number: number): boolean =>
      sigaction(number, null, new Uint8Array(action.buffer)) === 0 && action.getBigUint64(handler, true) === SIG_IGN;
    return new Set(Array.from({ length: NSIG }, (_, index) => index + 1).filter(ignores));
  }

  terminalSignalsWholeGroup(): boolean {
    const info = this.#info(process.pid);
    const { group, terminalGroup } = this.#open().layouts.procBsdinfo;
    return info !== undefined && info.getUint32(terminalGroup, true) === info.getUint32(group, true);
  }

  canRun(path: string): boolean | "denied" {
    return canRun(path);
  }

  readonly detachedBy = "in Deno --allow-run for Deno itself";

  /** The runtimes begin a session for it. It is a child of this process, whose end it does not notice. */
  startDetached(start: DetachedStart): Promise<DetachedProcess> {
    return spawnDetached([], start);
  }

  startLogged(start: LoggedStart): Promise<LoggedProcess> {
    return spawnLogged([], start);
  }

  /** There is no such signal. */
  parentDeathProgram(): undefined {
    return undefined;
  }

  /** `struct proc_bsdinfo` of a process. The function gives how much it has written, 0 if it failed. */
  #info(pid: number): DataView | undefined {
    const { proc_pidinfo, layouts: { procBsdinfo } } = this.#open();
    const info = new DataView(new ArrayBuffer(procBsdinfo.size));
    const bytes = new Uint8Array(info.buffer);
    const length = proc_pidinfo(pid, DARWIN.PROC_PIDTBSDINFO, WITH_ZOMBIES, bytes, procBsdinfo.size);
    return length === procBsdinfo.size ? info : undefined;
  }

  /** While a process changes its program, the kernel does not tell how it was started: it is asked again. */
  #started(pid: number): ProcessArguments | undefined {
    for (const deadline = performance.now() + PROGRAM_CHANGE_MS;;) {
      const started = this.#askStarted(pid);
      if (started !== undefined || performance.now() >= deadline) return started;
      // Of zombies and of processes of others it tells nothing at all.
      const status = this.status(pid);
      if (status === undefined || status.ended || this.owner(pid) !== this.#open().geteuid()) return undefined;
    }
  }

  #askStarted(pid: number): ProcessArguments | undefined {
    const name = new Uint8Array(Int32Array.of(DARWIN.CTL_KERN, DARWIN.KERN_PROCARGS2, pid).buffer);
    const bytes = this.#arguments ??= new Uint8Array(MOST_ARGUMENTS);
    const length = BigUint64Array.of(BigInt(bytes.length));
    const result = this.#open().sysctl(name, 3, bytes, new Uint8Array(length.buffer), null, 0n);
    // A copy: the memory is used again.
    return result < 0 ? undefined : parseProcessArguments(bytes.slice(0, Number(length[0])));
  }

  /** A variable of the kernel that is a text; empty when it is not there. */
  #text(name: string): string {
    const bytes = new Uint8Array(256);
    const length = BigUint64Array.of(BigInt(bytes.length));
    const result = this.#open().sysctlbyname(
      new TextEncoder().encode(`${name}\0`),
      bytes,
      new Uint8Array(length.buffer),
      null,
      0n,
    );
    return result < 0 ? "" : new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  }
}
