/**
 * The processes of Windows: handles, the list that the kernel keeps, and what each process keeps in its own memory.
 *
 * @module
 */

import { release } from "node:os";
import process from "node:process";
import { PROCESS } from "../../../ffi/symbols/windows_processes.ts";
import { wideText } from "../../../ffi/windows.ts";
import { windowsProcessCalls } from "../../../ffi/windows_processes.ts";
import type { Child, ChildStart } from "../../../ffi/host.ts";
import type { DetachedProcess, DetachedStart } from "../detached_process.ts";
import type { ProcessIdentity } from "../identity.ts";
import { listenTo } from "../listen_to.ts";
import type { LoggedProcess, LoggedStart } from "../logged_process.ts";
import type { AskingSignal, Domain, ProcessStatus, ProcessSystem } from "../process_system.ts";
import { wordsOf } from "./command_line.ts";
import { startDetachedProgram } from "./detached_start.ts";
import { startEnding } from "./ending_job.ts";
import { startLoggedProgram } from "./logged_start.ts";
import { listenForRequests, listens, ProcessHandle } from "./process_handle.ts";
import { descendants, type ListedProcess, listedProcesses } from "./process_list.ts";
import { commandLineOf, environmentOf } from "./process_memory.ts";
import { ServiceJob } from "./service_job.ts";
import { startWithConsole } from "./started_service.ts";

/** Units of 100 ns between 1601, where Windows begins to count, and 1970. */
const EPOCH = 116_444_736_000_000_000n;
const UNITS_PER_MS = 10_000n;
/** How often it is looked whether this process was asked to end, in milliseconds: one system call. */
const REQUEST_MS = 50;
/** How often the tree of a process is looked at again while it is ended: one that starts others meanwhile. */
const MOST_LOOKS = 10;
/** How the files of programs end that can be started as they are, in the order in which they are looked for. */
const ENDINGS = [".com", ".exe"] as const;
/** Processes that are there as long as a session is (Windows) or as the machine is (Wine). */
const OF_SESSION = "csrss.exe";
const OF_MACHINE = "services.exe";
/** What a console is kept by: a child of the program that was started with it. */
const OF_CONSOLE = "conhost.exe";
const SIGKILL = 9;

/** The processes of this machine. The group of a process is the tree of what it has started. */
export class WindowsProcesses implements ProcessSystem {
  #domain: Domain | undefined;

  kernelRelease(): string | undefined {
    try {
      return release();
    } catch {
      // Deno does not let us ask.
      return undefined;
    }
  }

  /**
   * PIDs are those of the machine, and named objects those of the session. A session is told from one of an earlier
   * boot by the time at which its first process was started: clocks that are set do not move it.
   */
  domain(): Domain {
    if (this.#domain !== undefined) return this.#domain;
    const list = listedProcesses();
    const session = list.find(({ pid }) => pid === process.pid)?.session ?? 0;
    const first = list.find(({ name, session: its }) => name.toLowerCase() === OF_SESSION && its === session) ??
      list.find(({ name }) => name.toLowerCase() === OF_MACHINE);
    return this.#domain = { boot: String(first?.created ?? ""), pid: "", ipc: `session ${session}` };
  }

  status(pid: number): ProcessStatus | undefined {
    return look(pid, (handle) => ({ start: String(handle.created()), ended: !handle.isRunning(), group: pid }));
  }

  isHidden(pid: number): boolean {
    const handle = ProcessHandle.open(pid);
    if (typeof handle !== "string") handle.close();
    return handle === "denied";
  }

  list(): number[] {
    return listedProcesses().map(({ pid }) => pid);
  }

  environment(pid: number): Uint8Array | undefined {
    return environmentOf(pid);
  }

  /** Users have no numbers, and state is kept where no other one comes to. */
  owner(_pid: number): undefined {
    return undefined;
  }

  command(pid: number): string[] | undefined {
    const text = commandLineOf(pid);
    return text === undefined || text === "" ? undefined : wordsOf(text);
  }

  ageMs(pid: number): number | undefined {
    const created = look(pid, (handle) => handle.created());
    return created === undefined ? undefined : Math.max(0, Date.now() - Number((created - EPOCH) / UNITS_PER_MS));
  }

  hold(pid: number): ProcessHandle | "gone" | "not-offered" {
    const handle = ProcessHandle.open(pid);
    return handle === "denied" ? "not-offered" : handle;
  }

  signal(pid: number, number: number): boolean {
    if (pid >= 0) return look(pid, (handle) => handle.signal(number)) ?? false;
    const root = look(-pid, (handle) => handle.isRunning() ? handle.created() : undefined);
    if (root === undefined) return false;
    look(-pid, (handle) => handle.created() === root && handle.signal(number));
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const running = this.#tree(-pid, root, number === SIGKILL).filter((each) =>
        look(each.pid, (handle) => handle.created() === each.created && handle.signal(number)) ?? false
      );
      if (running.length === 0) break;
    }
    return true;
  }

  isGroupAlive({ pid, start }: ProcessIdentity): boolean {
    const root = BigInt(start);
    return look(pid, (handle) => handle.created() === root && handle.isRunning()) === true ||
      this.#tree(pid, root).length > 0;
  }

  /**
   * What runs of the tree of a process, but for that one: without supervisors, which outlive who starts them.
   *
   * @param consoles whether hosts of consoles belong to it: they end with the last one who has the console, and their end
   * is the end of all who have it
   */
  #tree(pid: number, created: bigint, consoles = false): { readonly pid: number; readonly created: bigint }[] {
    const outlives = (each: ListedProcess): boolean => listens(each.pid, each.created);
    return descendants(listedProcesses(), pid, created, outlives).filter((each) =>
      each.pid !== process.pid && (consoles || each.name.toLowerCase() !== OF_CONSOLE) &&
      look(each.pid, (handle) => handle.created() === each.created && handle.isRunning()) === true
    );
  }

  ignoredSignals(): Set<number> {
    return new Set();
  }

  /** The keys of a console reach all that share it, and a child shares that of its parent. */
  terminalSignalsWholeGroup(): boolean {
    return true;
  }

  readonly terminalSignals = ["SIGINT", "SIGBREAK", "SIGHUP"] as const;
  readonly endsByForce = "TerminateProcess";
  readonly variablesIgnoreCase = true;

  onRequestToEnd(listener: (what: string) => void): void {
    const isAsked = listenForRequests(process.pid);
    const timer = setInterval(() => {
      if (!isAsked()) return;
      clearInterval(timer);
      listener("a request to end");
    }, REQUEST_MS);
    timer.unref();
    // A service that is asked by the keys of its console shares that console with this process then.
    process.on("SIGINT", () => {});
  }

  onSignals(listener: (signal: AskingSignal) => void): () => void {
    const isAsked = listenForRequests(process.pid);
    const timer = setInterval(() => {
      if (!isAsked()) return;
      clearInterval(timer);
      listener("SIGTERM");
    }, REQUEST_MS);
    timer.unref();
    const end = listenTo(["SIGINT", "SIGBREAK", "SIGHUP"], listener);
    return () => {
      clearInterval(timer);
      end();
    };
  }

  readonly usualPath = "C:\\Windows\\System32;C:\\Windows";

  isPath(program: string): boolean {
    return /[\\/]|^[A-Za-z]:/.test(program);
  }

  /** Not those of PATHEXT: that may name scripts, which Windows starts by other programs that the runtimes do not ask. */
  programFiles(path: string): string[] {
    return isProgram(path) ? [path] : [...ENDINGS.map((ending) => `${path}${ending}`), path];
  }

  canRun(path: string): boolean | "denied" {
    const attributes = windowsProcessCalls().GetFileAttributesW(wideText(path));
    if (attributes < 0) return false;
    return isProgram(path) && (attributes & PROCESS.FILE_ATTRIBUTE_DIRECTORY) === 0 ? true : "denied";
  }

  endsWithSupervisor(): string {
    return "a job";
  }

  readonly detachedBy = "CreateProcessW of Windows, in Deno --allow-ffi";

  startDetached(start: DetachedStart): Promise<DetachedProcess> {
    return Promise.resolve().then(() => startDetachedProgram(start));
  }

  startLogged(start: LoggedStart): Promise<LoggedProcess> {
    return Promise.resolve().then(() => startLoggedProgram(start));
  }

  /** A job does that. */
  parentDeathProgram(): undefined {
    return undefined;
  }

  startEnding<T extends { readonly pid?: number }>(start: () => T): T {
    return startEnding(start);
  }

  contain(): ServiceJob {
    return ServiceJob.enter();
  }

  startService(start: ChildStart): Promise<Child> {
    return startWithConsole(start);
  }

  readonly detachesGroups = false;
}

function isProgram(path: string): boolean {
  return ENDINGS.some((ending) => path.toLowerCase().endsWith(ending));
}

/** Asks something of a process; undefined when there is none, or this user may not see it. */
function look<T>(pid: number, ask: (handle: ProcessHandle) => T): T | undefined {
  const handle = ProcessHandle.open(pid);
  if (typeof handle === "string") return undefined;
  try {
    return ask(handle);
  } finally {
    handle.close();
  }
}
