/** What may be left behind by a run, by the system's own means and none of the library's. */

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import process from "node:process";

/** A process as the system lists it. */
export interface ListedProcess {
  readonly pid: number;
  /** Its command line. */
  readonly command: string;
  /** Whether a text is one of its arguments. */
  hasArgument(text: string): boolean;
  /** Whether `NAME=value` is in its environment, where that may be seen. */
  hasVariable(text: string): boolean;
  /** Whether it sees the same semaphores as this process, where there may be others. */
  sharesSemaphores(): boolean;
  /** Whose child it is and where in the kernel its threads wait, where the system tells. */
  whereabouts(): string;
}

/** Whether processes and semaphore sets can be listed here. */
export const canList: boolean = process.platform !== "win32";

/** All semaphore sets, each with its key and identifier. */
export function semaphoreSets(): string[] {
  const lines = process.platform === "linux"
    ? readOrEmpty("/proc/sysvipc/sem").split("\n").slice(1)
    : outputOf("ipcs", ["-s"]).split("\n").filter((line) => line.startsWith("s "));
  return lines.map((line) => line.trim().split(/\s+/)).filter(([first]) => first !== "")
    .map((words) => (process.platform === "linux" ? words.slice(0, 2) : [words[2], words[1]]).join(" "));
}

/** All processes that this user may see, but for this one. */
export function listedProcesses(): ListedProcess[] {
  const all = process.platform === "linux" ? fromProc() : fromPs();
  return all.filter(({ pid }) => pid !== process.pid);
}

function fromProc(): ListedProcess[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map((name) => {
    const words = readOrEmpty(`/proc/${name}/cmdline`).split("\0");
    return {
      pid: Number(name),
      command: words.join(" ").trim(),
      hasArgument: (text) => words.includes(text),
      hasVariable: (text) => readOrEmpty(`/proc/${name}/environ`).split("\0").includes(text),
      sharesSemaphores: () => linkOrNone(`/proc/${name}/ns/ipc`) === linkOrNone("/proc/self/ns/ipc"),
      whereabouts: () => {
        const status = readOrEmpty(`/proc/${name}/status`);
        const field = (wanted: string): string => new RegExp(`^${wanted}:\\s*(.*)$`, "m").exec(status)?.[1] ?? "?";
        const waits = threadsOf(name).map((thread) => readOrEmpty(`/proc/${name}/task/${thread}/wchan`) || "?");
        return `child of ${field("PPid")}, ${field("State")}, in ${[...new Set(waits)].join(" ")}`;
      },
    };
  });
}

function threadsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** ps of macOS writes the environment after the command, all in one line. */
function fromPs(): ListedProcess[] {
  const ps = (flags: string): Map<number, string> =>
    new Map(
      outputOf("ps", [flags, "-o", "pid=,command="]).split("\n").map((line) => /^\s*(\d+) (.*)$/.exec(line))
        .filter((match) => match !== null).map(([, pid, text]) => [Number(pid), text]),
    );
  const environments = ps("-axwwE");
  return [...ps("-axww")].map(([pid, command]) => ({
    pid,
    command,
    hasArgument: (text) => ` ${command} `.includes(` ${text} `),
    hasVariable: (text) => ` ${environments.get(pid) ?? ""} `.includes(` ${text} `),
    sharesSemaphores: () => true,
    whereabouts: () => "",
  }));
}

function outputOf(command: string, args: readonly string[]): string {
  const { stdout, status, error, stderr } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr}`);
  return stdout;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function linkOrNone(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
