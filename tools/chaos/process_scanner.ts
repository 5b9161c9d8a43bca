/** Finding the processes of a round, from their first moments on: by the round's directory in their environment. */

import { sep } from "node:path";
import "../../src/process/every_system.ts";
import { identityOf, type ProcessIdentity } from "../../src/process/identity.ts";
import { readProcFile } from "../../src/process/linux/proc_files.ts";
import { processSystem } from "../../src/process/platform.ts";
import type { RuntimeName } from "./plan.ts";
import { environmentOf, onWindows } from "./platform.ts";

export interface Found {
  readonly identity: ProcessIdentity;
  /** A supervisor or reaper, or anything that belongs to the service. */
  readonly kind: "supervisor" | "service";
  /** What a supervisor runs in. */
  readonly runtime: RuntimeName | undefined;
  readonly command: string;
}

interface Known {
  readonly firstSeen: number;
  /** The round; undefined when it belongs to none, as far as is known. */
  round: string | undefined;
  /** Whether its environment is not there yet: on Windows a process puts it together itself, after its first moment. */
  isUnread: boolean;
}

/** A process that was forked looks like its parent until it runs a program: for so long it is looked at again. */
const FORKED_MS = 500;
/** For how long it is waited that a process of Windows has an environment. */
const UNREAD_MS = 10_000;
/** How old the list of processes may be. */
const LIST_MS = 3;
const SUPERVISOR = /\/src\/supervisor\/(main\.ts|linux_bundle\.js)$/;
const CLIENT = "/tools/chaos/client.ts";
const VARIABLE = /^(?:TMPDIR|CHAOS_ROUND)=(.*)$/;

/** Looks at all processes on behalf of all rounds. */
export class ProcessScanner {
  readonly #root: string;
  #known = new Map<number, Known>();
  #listedAt = -Infinity;

  /** @param root the directory that all rounds' directories are in */
  constructor(root: string) {
    this.#root = root;
  }

  /** The running processes of a round. */
  of(round: string): Found[] {
    this.#list();
    const pids = [...this.#known].filter(([, known]) => known.round === round).map(([pid]) => pid);
    return pids.flatMap((pid) => describe(pid) ?? []);
  }

  supervisors(round: string): Found[] {
    return this.of(round).filter(({ kind }) => kind === "supervisor");
  }

  /** Whether a process that was there at some time does not say yet which round it belongs to. */
  isUnclear(at: number): boolean {
    this.#list();
    return [...this.#known].some(([pid, { isUnread, firstSeen }]) =>
      isUnread && firstSeen <= at && identityOf(pid) !== undefined
    );
  }

  #list(): void {
    const now = performance.now();
    if (now - this.#listedAt < LIST_MS) return;
    const isFirst = this.#listedAt === -Infinity;
    this.#listedAt = now;
    const next = new Map<number, Known>();
    for (const pid of processSystem().list()) {
      const known = this.#known.get(pid) ?? { firstSeen: now, round: undefined, isUnread: onWindows && !isFirst };
      if (known.round === undefined && (known.isUnread || now - known.firstSeen < FORKED_MS)) this.#read(pid, known);
      next.set(pid, known);
    }
    this.#known = next;
  }

  #read(pid: number, known: Known): void {
    const environment = environmentOf(pid);
    known.isUnread &&= environment === "" && performance.now() - known.firstSeen < UNREAD_MS;
    // What a client changes of its own environment is seen on Windows.
    if (onWindows && wordsOf(pid).some((word) => word.endsWith(CLIENT))) return;
    for (const entry of environment.split("\0")) {
      const round = VARIABLE.exec(entry)?.[1];
      if (round?.startsWith(`${this.#root}${sep}`)) known.round = round;
    }
  }
}

/** The command line of a process, with its paths as Unix writes them. */
function wordsOf(pid: number): string[] {
  if (!onWindows) return (readProcFile(`/proc/${pid}/cmdline`) ?? "").split("\0");
  return (processSystem().command(pid) ?? []).map((word) => word.replaceAll("\\", "/"));
}

function describe(pid: number): Found | undefined {
  const identity = identityOf(pid);
  if (identity === undefined) return undefined;
  const words = wordsOf(pid);
  const command = words.join(" ").slice(0, 200);
  const isSupervisor = words.some((word) => SUPERVISOR.test(word)) && !isSupervisorsChild(pid);
  if (!isSupervisor) return { identity, kind: "service", runtime: undefined, command };
  const runtime = words.some((word) => /(^|\/)deno(\.exe)?$/.test(word)) ? "deno" : "bun";
  return { identity, kind: "supervisor", runtime, command };
}

/** Whether it was forked by a supervisor and looks like it only until it runs its own program. */
function isSupervisorsChild(pid: number): boolean {
  if (onWindows) return false;
  const status = readProcFile(`/proc/${pid}/stat`) ?? "";
  const parent = status.slice(status.lastIndexOf(")") + 2).split(" ")[1];
  if (parent === undefined || parent === "1") return false;
  const words = (readProcFile(`/proc/${parent}/cmdline`) ?? "").split("\0");
  return words.some((word) => SUPERVISOR.test(word)) && !words[0].endsWith("setsid");
}
