/** Names and directories that belong to one test. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

// Deno loads this module once for each test file, all in one process: the PID alone would not do.
const mark = Math.random().toString(36).slice(2, 8);
let made = 0;

/** A service name that no other test uses. */
export function uniqueName(what = "service"): string {
  return `test-${process.pid}-${mark}-${++made}-${what}`;
}

/** A directory of its own for the state of a test, removed when the test is over. */
export async function withDirectory<T>(work: (directory: string) => Promise<T> | T): Promise<T> {
  const directory = mkdtempSync(join(process.env.PROCREF_TEST_TMP ?? tmpdir(), "procref-test-"));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
