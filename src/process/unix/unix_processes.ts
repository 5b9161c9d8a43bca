/**
 * What is the same about processes on every Unix.
 *
 * @module
 */

import { host } from "../../../ffi/mod.ts";
import type { Child, ChildStart } from "../../../ffi/host.ts";
import type { DetachedProcess, DetachedStart } from "../detached_process.ts";
import type { ProcessIdentity } from "../identity.ts";
import { listenTo } from "../listen_to.ts";
import type { LoggedProcess, LoggedStart } from "../logged_process.ts";
import type { AskingSignal, Domain, ProcessHold, ProcessStatus, ProcessSystem } from "../process_system.ts";

/** The processes of a Unix, but for what each one tells in its own way. */
export abstract class UnixProcesses implements ProcessSystem {
  abstract kernelRelease(): string | undefined;
  abstract domain(): Domain;
  abstract status(pid: number): ProcessStatus | undefined;
  abstract isHidden(pid: number): boolean;
  abstract list(): number[];
  abstract environment(pid: number): Uint8Array | undefined;
  abstract owner(pid: number): number | undefined;
  abstract command(pid: number): string[] | undefined;
  abstract ageMs(pid: number): number | undefined;
  abstract hold(pid: number): ProcessHold | "gone" | "not-offered";
  abstract signal(pid: number, number: number): boolean;
  abstract ignoredSignals(): Set<number>;
  abstract terminalSignalsWholeGroup(): boolean;
  abstract canRun(path: string): boolean | "denied";
  abstract startDetached(start: DetachedStart): Promise<DetachedProcess>;
  abstract startLogged(start: LoggedStart): Promise<LoggedProcess>;
  abstract readonly detachedBy: string;
  abstract parentDeathProgram(): string | undefined;

  /** While one runs, the kernel gives the group's number to nobody else. */
  isGroupAlive(leader: ProcessIdentity): boolean {
    const now = this.status(leader.pid);
    return (now === undefined || now.start === leader.start) && this.runsGroup(leader.pid);
  }

  /** Whether any process of the group of this number runs. */
  protected runsGroup(group: number): boolean {
    return this.list().some((pid) => {
      const status = this.status(pid);
      return status !== undefined && status.group === group && !status.ended;
    });
  }

  onRequestToEnd(listener: (what: string) => void): void {
    const { onSignal } = host();
    for (const signal of ["SIGTERM", "SIGINT"] as const) onSignal(signal, () => listener(signal));
    // A process in a session of its own has no terminal that could be closed.
    onSignal("SIGHUP", () => {});
  }

  onSignals(listener: (signal: AskingSignal) => void): () => void {
    return listenTo(["SIGTERM", "SIGINT", "SIGHUP"], listener);
  }

  readonly terminalSignals: ProcessSystem["terminalSignals"] = ["SIGINT", "SIGQUIT"];
  readonly endsByForce: string = "SIGKILL";
  readonly variablesIgnoreCase: boolean = false;

  /** See execvp(3). */
  readonly usualPath: string = "/bin:/usr/bin";

  isPath(program: string): boolean {
    return program.includes("/");
  }

  programFiles(path: string): string[] {
    return [path];
  }

  endsWithSupervisor(): string | undefined {
    return undefined;
  }

  contain(): undefined {
    return undefined;
  }

  startService(start: ChildStart): Promise<Child> {
    return Promise.resolve().then(() => host().startLeader(start));
  }

  readonly detachesGroups: boolean = true;
}
