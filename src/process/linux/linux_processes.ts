/**
 * The processes of Linux: what /proc tells of them, and PID descriptors.
 *
 * @module
 */

import { host } from "../../../ffi/mod.ts";
import type { DetachedProcess, DetachedStart } from "../detached_process.ts";
import type { LoggedProcess, LoggedStart } from "../logged_process.ts";
import type { Domain, ProcessHold, ProcessStatus } from "../process_system.ts";
import { spawnDetached } from "../unix/spawned_detached.ts";
import { spawnLogged } from "../unix/spawned_logged.ts";
import { UnixProcesses } from "../unix/unix_processes.ts";
import { inputAncestors } from "./input_ancestors.ts";
import { linuxAccess } from "./linux_access.ts";
import {
  hasEnded,
  hasNoEnvironment,
  listProcesses,
  parseStatus,
  readProcBytes,
  readProcFile,
  readProcLink,
  readStatusLine,
  splitStatusLines,
  type StatusFields,
} from "./proc_files.ts";

/** Clock ticks in a second, as /proc counts them for programs: 100 on every architecture that is supported. */
const TICKS_PER_SECOND = 100;
/** The system's directories of programs, where setpriv is looked for. */
const SETPRIV = ["/bin/setpriv", "/usr/bin/setpriv"];
/** For how long the environment of a process that is just changing its program is waited for, in milliseconds. */
const PROGRAM_CHANGE_MS = 2000;
/** How long is waited between two looks, in milliseconds: on a busy machine that process needs the time more than we. */
const PROGRAM_CHANGE_PAUSE_MS = 1;

/** The processes that this process may see in /proc. */
export class LinuxProcesses extends UnixProcesses {
  #domain: Domain | undefined;

  kernelRelease(): string | undefined {
    return readProcFile("/proc/sys/kernel/osrelease")?.trim();
  }

  domain(): Domain {
    return this.#domain ??= {
      boot: readProcFile("/proc/sys/kernel/random/boot_id")?.trim() ?? "",
      pid: readProcLink(`/proc/${host().pid}/ns/pid`) ?? "",
      ipc: readProcLink(`/proc/${host().pid}/ns/ipc`) ?? "",
    };
  }

  status(pid: number): ProcessStatus | undefined {
    const fields = parseStatus(readStatusLine(pid) ?? "");
    return fields && this.#status(fields);
  }

  /** The hidepid option of /proc hides the processes of others, of which the kernel still says EPERM. */
  isHidden(pid: number): boolean {
    return linuxAccess().isForeign(pid);
  }

  list(): number[] {
    return listProcesses();
  }

  listHolding(entries: readonly string[]): number[] {
    const { sweeps } = linuxAccess();
    if (sweeps === undefined) return this.list();
    const { found, empty } = sweeps.searchEnvironments(entries);
    if (empty.length === 0) return [...found];
    // Who is changing its program now showed none, and who is through by now may have shown none.
    const others = splitStatusLines(sweeps.statusLines()).filter(([, line]) => !hasNoEnvironment(line));
    const possible = new Set(others.map(([pid]) => pid));
    return [...found, ...empty.filter((pid) => possible.has(pid))];
  }

  /**
   * While a process changes its program (execve), the kernel shows none of its environment for a moment: it is asked
   * again until it does.
   */
  environment(pid: number): Uint8Array | undefined {
    for (const deadline = performance.now() + PROGRAM_CHANGE_MS;;) {
      const environment = readProcBytes(`/proc/${pid}/environ`);
      if (environment === undefined || environment.length > 0 || performance.now() >= deadline) return environment;
      if (hasNoEnvironment(readStatusLine(pid) ?? "")) return environment;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PROGRAM_CHANGE_PAUSE_MS);
    }
  }

  owner(pid: number): number | undefined {
    const uid = /^Uid:\s+(\d+)/m.exec(readProcFile(`/proc/${pid}/status`) ?? "")?.[1];
    return uid === undefined ? undefined : Number(uid);
  }

  command(pid: number): string[] | undefined {
    const text = readProcFile(`/proc/${pid}/cmdline`);
    return text === undefined || text === "" ? undefined : text.replace(/\0$/, "").split("\0");
  }

  ageMs(pid: number): number | undefined {
    const fields = parseStatus(readStatusLine(pid) ?? "");
    const uptime = Number(readProcFile("/proc/uptime")?.split(" ")[0]);
    if (fields === undefined || Number.isNaN(uptime)) return undefined;
    return Math.max(0, Math.round(1000 * (uptime - Number(fields.startTicks) / TICKS_PER_SECOND)));
  }

  hold(pid: number): ProcessHold | "gone" | "not-offered" {
    return linuxAccess().hold(pid);
  }

  get askedPrograms(): readonly string[] {
    return linuxAccess().sweeps?.programs ?? [];
  }

  get askEveryMs(): number {
    return linuxAccess().sweeps?.askEveryMs ?? 0;
  }

  signal(pid: number, number: number): boolean {
    return linuxAccess().signal(pid, number);
  }

  inputAncestors(): number[] {
    return inputAncestors();
  }

  ignoredSignals(): Set<number> {
    const [, mask = "0"] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readProcFile(`/proc/${host().pid}/status`) ?? "") ?? [];
    const bits = BigInt(`0x${mask}`);
    return new Set(
      Array.from({ length: 64 }, (_, index) => index + 1).filter((number) => bits >> BigInt(number - 1) & 1n),
    );
  }

  terminalSignalsWholeGroup(): boolean {
    const text = readStatusLine(host().pid) ?? "";
    // The fields after the command's name: state, parent, group, session, terminal, the group in front of the terminal.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[5] !== undefined && fields[5] === fields[2];
  }

  canRun(path: string): boolean | "denied" {
    return linuxAccess().canRun(path);
  }

  readonly supervisorProgram = "linux_bundle.js";
  readonly detachingProgram = "setsid";
  readonly detachedBy = "setsid (util-linux or BusyBox), in Deno --allow-run=setsid";

  /**
   * A leader of a process group cannot begin a session, so setsid forks: the program is no child of this process, and
   * neither a group kill nor a runtime that ends its descendants reaches it.
   */
  startDetached(start: DetachedStart): Promise<DetachedProcess> {
    return spawnDetached([this.detachingProgram], start);
  }

  startLogged(start: LoggedStart): Promise<LoggedProcess> {
    return spawnLogged([this.detachingProgram], start);
  }

  override endsWithSupervisor(): string | undefined {
    return this.parentDeathProgram() === undefined ? undefined : "setpriv";
  }

  /** setpriv of util-linux; that of BusyBox does not know `--pdeathsig`. */
  parentDeathProgram(): string | undefined {
    const found = SETPRIV.find((path) => this.canRun(path) === true);
    return found === undefined || readProcLink(found)?.includes("busybox") ? undefined : found;
  }

  protected override runsGroup(group: number): boolean {
    const { sweeps } = linuxAccess();
    if (sweeps === undefined) return super.runsGroup(group);
    return splitStatusLines(sweeps.statusLines()).some(([, line]) => {
      const fields = parseStatus(line)!;
      return fields.group === group && !hasEnded(fields);
    });
  }

  #status(fields: StatusFields): ProcessStatus {
    const { boot, pid: namespace } = this.domain();
    return { start: `${fields.startTicks} ${namespace} ${boot}`, ended: hasEnded(fields), group: fields.group };
  }
}
