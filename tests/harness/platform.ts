/** Which system the tests run on, and what makes no sense on it: one list, with reasons. */

import { appendFileSync } from "node:fs";
import process from "node:process";
import { process as processes } from "../../mod.ts";

export const onWindows = process.platform === "win32";

/** A time limit that a service is to keep: where a runtime stands for a shell, it takes longer to begin. */
export function limitMs(ms: number): number {
  return onWindows ? 8 * ms : ms;
}

/** Ends a process with all that is in its group (Windows: that it has started) by a signal, or by force. */
export function endGroup(pid: number, signal: NodeJS.Signals = "SIGKILL"): void {
  if (onWindows) processes.killGroup(processes.identityOf(pid)!);
  else process.kill(-pid, signal);
}

/** Asks a process to end. */
export function askToEnd(pid: number): void {
  if (onWindows) processes.terminate(pid);
  else process.kill(pid, "SIGTERM");
}

/** Why a test is not run on Windows. */
const NOT_ON_WINDOWS = {
  signals: "Windows has no signals: a process can be asked to end or be ended",
  groups: "Windows has no process groups: a service has a console and a job of its own",
  sessions: "Windows has no setsid and no controlling terminal: consoles are not inherited by supervisors",
  zombies: "Windows has no zombies: an ended process is gone but for handles of it",
  procfs: "Windows has no /proc and no descriptors in it",
  "death-signal": "Windows has no parent-death signal: a job ends all, with nothing to go without",
  ports: "Windows gives ports of connections at random, so a socket does not meet itself in bounded time",
  pidfd: "it is about errors of PID descriptors, which only Linux has",
  tree: "on Windows the group of a process is the tree of what it has started, without those who listen for requests",
  owners: "Windows has no user numbers: whose a file is is not asked, its folder lies in the user's profile",
  modes: "Windows has no modes of files: who may come to one is said by its folder, in the user's profile",
  pipes: "Windows has no pipes in its file system",
  setsid: "it is about setsid, and Windows starts supervisors by no program",
  calls: "it counts semop calls; handles are counted by several calls, and waited for by looking again and again",
  interpreters: "Windows starts programs alone, and has no lines in scripts that say by what",
  links: "to make symbolic links is a privilege on Windows",
  "open-files": "a directory of Windows stays as long as a file in it is open, and the supervisor's log is",
  "open-lock-files": "lock files of Windows that a stranger removes are there as long as they are open",
  denied: "Windows denies nobody the objects of their own session",
  semaphores: "Windows has no semaphore sets of System V, and no limit of them",
  removal: "nobody can remove a kernel object of Windows that is in use",
  first: "Windows has no process 1",
  "killed-pipes":
    "Deno 2.9.5 itself panics in Wine (mio, named_pipe.rs:871) when a process at the other end of its pipe ends itself by force",
  terminals: "Windows has no program that gives another one a terminal, as script(1) does",
  shells: "the examples are lines for a shell, and Windows has another one",
  "without-ffi": "processes of Windows are known by native calls alone",
} as const;

/**
 * The reason why a test is skipped here, or false where it is run. To be asked once for each test: the file that
 * PROCREF_TEST_SKIPPED names gets a line for each.
 */
export function notOnWindows(why: keyof typeof NOT_ON_WINDOWS): string | false {
  if (!onWindows) return false;
  const reason = NOT_ON_WINDOWS[why];
  const path = process.env.PROCREF_TEST_SKIPPED;
  if (path) appendFileSync(path, `${reason}\n`);
  return reason;
}
