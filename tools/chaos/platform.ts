/** What a run does in another way on Windows. */

import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import "../../src/process/every_system.ts";
import { processSystem } from "../../src/process/platform.ts";
import { isAlive, type ProcessIdentity } from "../../src/process/identity.ts";
import { resume, suspend } from "../../tests/fixtures/suspend.ts";

export const onWindows = process.platform === "win32";

/** How many times longer everything takes: where a runtime stands for a shell, and Wine for Windows. */
export const SLOWNESS = onWindows ? 6 : 1;

const SERVICE = fileURLToPath(new URL(onWindows ? "service.ts" : "service.sh", import.meta.url));

/** The processes of Linux below Windows, where that is Wine. */
const LINUX = "Z:\\proc";

/** The command of an instance. */
export function serviceCommand(round: string): readonly string[] {
  return onWindows ? ["bun", "run", SERVICE, round] : ["sh", SERVICE, round];
}

/** A program that sleeps for half a minute. */
export const SLEEPER: readonly string[] = onWindows ? ["bun", "-e", "setTimeout(() => {}, 30_000)"] : ["sleep", "30"];

/** What programs need of their environment. */
export function neededVariables(): Record<string, string> {
  const { PATH = "", SYSTEMROOT } = process.env;
  return SYSTEMROOT === undefined ? { PATH } : { PATH, SYSTEMROOT };
}

/** The environment of a process; nothing when it is gone or just changes its program. */
export function environmentOf(pid: number): string {
  if (onWindows) return new TextDecoder().decode(processSystem().environment(pid));
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return "";
  }
}

/** Stops a process where it is; false when it had ended. */
export function pause(identity: ProcessIdentity): boolean {
  return changed(identity, suspend);
}

/** Lets it go on. */
export function goOn(identity: ProcessIdentity): boolean {
  return changed(identity, resume);
}

function changed(identity: ProcessIdentity, change: (pid: number) => void): boolean {
  try {
    if (!isAlive(identity)) return false;
    change(identity.pid);
    return true;
  } catch {
    // It has ended meanwhile.
    return false;
  }
}

/**
 * Sends SIGKILL of Linux to the one process of Windows with a word in its command line, as the kernel of Linux does it
 * when memory runs out: Wine knows nothing of it before.
 *
 * @returns false when there is no Linux, or not just one such process
 */
export function killFromLinux(word: string): boolean {
  if (!onWindows) return false;
  const pids = linuxProcesses().filter((pid) => commandLine(pid).includes(word));
  if (pids.length !== 1) return false;
  // Wine starts programs of Linux, but it cannot wait for them.
  spawn("start.exe", ["/unix", "/bin/sh", "-c", `kill -9 ${pids[0]}`], { stdio: "ignore" }).on("error", () => {});
  return true;
}

function linuxProcesses(): string[] {
  try {
    return readdirSync(LINUX).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`${LINUX}\\${pid}\\cmdline`, "utf8");
  } catch {
    return "";
  }
}
