/** Names and directories that belong to one test. */

import { existsSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { objectNameOfFile } from "../../src/kernel/object_name.ts";
import { openKernelCounter } from "../../src/kernel/open.ts";
import { persistently } from "../../src/kernel/persistently.ts";
import { onWindows } from "./platform.ts";

/** How long supervisors may take to leave when their last client has gone. */
const LEAVE_MS = 10_000;

// Deno loads this module once for each test file, all in one process: the PID alone would not do.
const mark = Math.random().toString(36).slice(2, 8);
let made = 0;

/** A service name that no other test uses. */
export function uniqueName(what = "service"): string {
  return `test-${process.pid}-${mark}-${++made}-${what}`;
}

/** A directory of its own for the state of a test, removed when the test is over and its supervisors have gone. */
export async function withDirectory<T>(work: (directory: string) => Promise<T> | T): Promise<T> {
  const directory = mkdtempSync(join(process.env.PROCREF_TEST_TMP ?? tmpdir(), "procref-test-"));
  try {
    return await work(directory);
  } finally {
    const deadline = performance.now() + LEAVE_MS;
    while (isSupervised(directory) && performance.now() < deadline) await delay(5);
    removeTree(directory);
  }
}

/**
 * Removes a directory with all that is in it, if it is there. Bun under Wine says ENOENT, and removes nothing, where a
 * directory in it has a name longer than 8.3; so on Windows it is done step by step.
 */
export function removeTree(path: string): void {
  if (!onWindows) return rmSync(path, { recursive: true, force: true });
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(path, entry.name));
    else rmSync(join(path, entry.name), { force: true });
  }
  // What was removed is there until the last one closes it who has it open.
  persistently("somebody of Windows", () => {
    if (existsSync(path)) rmdirSync(path);
  });
}

/** Whether a supervisor is in office for a service whose directory is somewhere below, counted in whatever way. */
function isSupervised(directory: string): boolean {
  return foldersIn(directory).some((folder) => {
    const object = objectNameOfFile(basename(folder), "user");
    if (object === undefined) return false;
    const native = onWindows ? "handles" : "sysv";
    const mechanisms = existsSync(`${folder}.slots`) ? ["slots", native] as const : [native] as const;
    return mechanisms.some((each) => openKernelCounter(object, dirname(folder), each).snapshot().seated);
  });
}

/** All directories below one; of those that are removed while they are listed, nothing. */
function foldersIn(directory: string): string[] {
  try {
    // Whoever removes a directory of Windows keeps others out of it for a moment.
    const user = onWindows ? "somebody of Windows" : 0;
    const entries = persistently(user, () => readdirSync(directory, { withFileTypes: true }));
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(directory, name));
    return folders.flatMap((folder) => [folder, ...foldersIn(folder)]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
