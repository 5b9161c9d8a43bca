/** Names and directories that belong to one test. */

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { objectNameOfFile } from "../../src/kernel/object_name.ts";
import { openKernelCounter } from "../../src/kernel/open.ts";

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
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Whether a supervisor is in office for a service whose directory is somewhere below. */
function isSupervised(directory: string): boolean {
  return entriesOf(directory).some((name) => {
    const object = objectNameOfFile(name, "user");
    return object !== undefined && openKernelCounter(object).snapshot().seated;
  });
}

/** The names of all directories below one; of those that are removed while they are listed, nothing. */
function entriesOf(directory: string): string[] {
  try {
    const folders = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return folders.flatMap(({ name }) => [name, ...entriesOf(join(directory, name))]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
