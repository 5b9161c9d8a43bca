/**
 * What an operating system must offer about its processes. What is decided on the strength of it is the same
 * everywhere, and is the business of the other files of this room.
 *
 * @module
 */

import type { Child, ChildStart } from "../../ffi/host.ts";
import type { DetachedProcess, DetachedStart } from "./detached_process.ts";
import type { ProcessIdentity } from "./identity.ts";
import type { LoggedProcess, LoggedStart } from "./logged_process.ts";

/** What is known of a process at one moment. */
export interface ProcessStatus {
  /** When and where it started, as an opaque word: equal only for the same process of the same boot. */
  readonly start: string;
  /** Whether it runs no more code: a zombie has ended. */
  readonly ended: boolean;
  /** The process group that it belongs to, by the PID of its leader; 0 where there are none. */
  readonly group: number;
}

/** The places that a PID and a kernel object belong to; an unknown part is empty. */
export interface Domain {
  /** The boot of the machine. */
  readonly boot: string;
  /** The PID namespace. */
  readonly pid: string;
  /** The IPC namespace. */
  readonly ipc: string;
}

/** A lasting hold on one process, which no later process of its number can be mistaken for. */
export interface ProcessHold {
  /** Whether it still runs; a zombie does not. */
  isRunning(): boolean;
  /**
   * Sends a signal by its number.
   *
   * @returns false when it had ended
   * @throws ProcrefError `PERMISSION` when the process belongs to somebody else; `OTHER`
   */
  signal(number: number): boolean;
  /** Frees it. To be called once. */
  close(): void;
}

/** What keeps everything that this process starts together, so that none of it outlives this process. */
export interface Containment {
  /** To be called before a service is started. */
  prepare(): void;
  /**
   * Asks a process that was started by {@link ProcessSystem.startService} to end, with what shares its console.
   *
   * @returns false when it cannot be asked
   */
  request(pid: number): boolean;
  /** Whether nobody runs any more who was asked: what has another console or none was not. */
  isFollowed(): boolean;
  /** To be called before anything in it is ended by force. */
  leave(): void;
  /** The PIDs of all that runs in it, but for this process. */
  members(): number[];
}

/** The signals by which somebody asks a process for something; the last one is of Windows alone (Ctrl-Break). */
export type AskingSignal = "SIGTERM" | "SIGINT" | "SIGHUP" | "SIGBREAK";

/** The processes of one operating system. Every method may throw `PLATFORM`, `PERMISSION` and `LIBRARY`. */
export interface ProcessSystem {
  /** The release of the kernel, for people; undefined when it is not known. */
  kernelRelease(): string | undefined;
  /** Where this process lives. */
  domain(): Domain;
  /** The status of a process, or undefined when there is none, or this user may not see it. */
  status(pid: number): ProcessStatus | undefined;
  /** Whether a process that has no status for this user is there all the same. */
  isHidden(pid: number): boolean;
  /** The PIDs of all processes that this user may see, in no order. */
  list(): number[];
  /**
   * The PIDs of all processes whose environment has one of the entries, and maybe of others, where one question for all is
   * cheaper than one for each.
   *
   * @param entries `NAME=value`, of letters, digits, `_`, `-` and `.`
   */
  listHolding?(entries: readonly string[]): number[];
  /**
   * How often one may ask about processes in a loop, in milliseconds, where asking is dear; 0 or undefined where it costs
   * a system call.
   */
  readonly askEveryMs?: number;
  /** The programs that are run to ask about processes, where it is done so. */
  readonly askedPrograms?: readonly string[];
  /** The environment of a process, `NAME=value` with a NUL after each; undefined as for `status`. */
  environment(pid: number): Uint8Array | undefined;
  /** The real user of a process; undefined as for `status`. */
  owner(pid: number): number | undefined;
  /** The command line of a process, as it was started; undefined as for `status`, or when it has none. */
  command(pid: number): string[] | undefined;
  /** For how long a process has run, in milliseconds; undefined as for `status`. */
  ageMs(pid: number): number | undefined;
  /**
   * Takes a hold on the process of this number.
   *
   * @returns `"gone"` when none runs, `"not-offered"` where the system has no such thing
   * @throws ProcrefError `OTHER` when the system gives none (too many are open)
   */
  hold(pid: number): ProcessHold | "gone" | "not-offered";
  /**
   * Sends a signal by its number to a process, or with the negative number to a process group.
   *
   * @returns false when there is none
   * @throws ProcrefError `PERMISSION` when it belongs to somebody else; `OTHER`
   */
  signal(pid: number, number: number): boolean;
  /** Whether any process of a group runs, by the identity of the group's leader, which may be gone. */
  isGroupAlive(leader: ProcessIdentity): boolean;
  /**
   * The parent of this process, and while that was handed the same pipe or socket as standard input, its parent, and so
   * on: wrappers (`npx`, `bunx`, a shell), and last who started them all. Undefined where the system does not tell.
   */
  inputAncestors?(): number[];
  /** The numbers of the signals that this process was started to ignore. */
  ignoredSignals(): Set<number>;
  /** Whether the keys of a terminal (Ctrl-C) reach the process group of this process as a whole. */
  terminalSignalsWholeGroup(): boolean;
  /** The signals that a terminal sends to everybody in front of it: by its keys, and on Windows when it is closed. */
  readonly terminalSignals: readonly NodeJS.Signals[];
  /** What ends a process by force, for people. */
  readonly endsByForce: string;
  /**
   * Tells a listener, once or more, that somebody asks this process to end: by SIGTERM or SIGINT, or where there are no
   * signals by the means of this library. The runtime's own way to end by a signal is off from then on.
   *
   * @param listener is told who or what does, as it follows "got"
   */
  onRequestToEnd(listener: (what: string) => void): void;
  /**
   * Tells a listener of each signal that asks this process for something, until the function that it returns is called.
   * Where there are no signals, the keys of the console and the requests of this library stand for them.
   */
  onSignals(listener: (signal: AskingSignal) => void): () => void;
  /** Whether names of variables that differ in case alone are one. */
  readonly variablesIgnoreCase: boolean;
  /** Where programs are looked for without a PATH. */
  readonly usualPath: string;
  /** Whether a program's name is a path, so that it is not looked for in the directories of the PATH. */
  isPath(program: string): boolean;
  /** The files that a path of a program may mean, the first that is there before the others. */
  programFiles(path: string): string[];
  /** Whether the file of a path can be run as a program. */
  canRun(path: string): boolean | "denied";
  /**
   * Starts a program that is no child of this process, in a session of its own: neither the end of this process, nor
   * that of its terminal, its process group or its job reaches it.
   *
   * @throws what the runtime throws when it cannot be started
   */
  startDetached(start: DetachedStart): Promise<DetachedProcess>;
  /** The program that {@link ProcessSystem.startDetached} finds on the PATH, where it needs one. */
  readonly detachingProgram?: string;
  /** The file with the supervisor's program for the usual services of this system, where it has one. */
  readonly supervisorProgram?: string;
  /** What {@link ProcessSystem.startDetached} needs, for people: a program, and what it comes with. */
  readonly detachedBy: string;
  /**
   * Starts a program as {@link ProcessSystem.startDetached} does, with its output in a log.
   *
   * @throws what the runtime throws when it cannot be started; ProcrefError `SPAWN`
   */
  startLogged(start: LoggedStart): Promise<LoggedProcess>;
  /** The program that gives another one a parent-death signal; undefined where there is none. */
  parentDeathProgram(): string | undefined;
  /**
   * Starts a child by the runtime so that it ends when this process does, from its first moment; undefined where nothing
   * is to be done about it here.
   *
   * @param start starts it before it returns
   */
  startEnding?<T extends { readonly pid?: number }>(start: () => T): T;
  /** By what a service ends when its supervisor is killed, for people; undefined where it runs on. */
  endsWithSupervisor(): string | undefined;
  /**
   * Starts the program of a service as a child that can be ended with all that it starts: as the leader of a session, on
   * Windows with a console of its own.
   *
   * @throws what the runtime throws when it cannot be started
   */
  startService(start: ChildStart): Promise<Child>;
  /** Keeps all that this process starts from here on together; undefined where process groups are for that. */
  contain(): Containment | undefined;
  /** Whether a process begins a group of its own by the option `detached` of `node:child_process`. */
  readonly detachesGroups: boolean;
}
