/** Which system the tests run on, and what makes no sense on it: one list, with reasons. */

import process from "node:process";

export const onWindows = process.platform === "win32";

/** Why a test is not run on Windows. */
const NOT_ON_WINDOWS = {
  signals: "Windows has no signals: a process can be asked to end or be ended",
  groups: "Windows has no process groups: a service has a console and a job of its own",
  sessions: "Windows has no setsid and no controlling terminal: consoles are not inherited by supervisors",
  zombies: "Windows has no zombies: an ended process is gone but for handles of it",
  procfs: "Windows has no /proc and no descriptors in it",
  "death-signal": "Windows has no parent-death signal: a job ends all, with nothing to go without",
  shell: "it is about a script of sh, which Windows does not have",
  removal: "nobody can remove a kernel object of Windows that is in use",
  first: "Windows has no process 1",
  grace: "Windows ends a process that does not listen for requests at once: there is no signal to ignore",
} as const;

/** The reason why a test is skipped here, said aloud, or false where it is run. */
export function notOnWindows(why: keyof typeof NOT_ON_WINDOWS): string | false {
  return onWindows && `skipped on windows: ${NOT_ON_WINDOWS[why]}`;
}
