/** Compiles a probe, and links it; what comes of it is not run. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type AbiTable, probe } from "./probe.ts";

/** Warnings are of no interest, but what is merely one for old C is an error. */
const FLAGS = ["-std=gnu11", "-w", "-Werror=implicit-function-declaration", "-O0"];

/**
 * Checks a table.
 *
 * @param compiler the command of the compiler for the system that the table is of
 * @param env what it needs beside our environment
 * @param links whether it is also seen that the system's libraries have each function
 * @returns what is wrong, in the compiler's words; undefined when all is right
 */
export function faultOf(
  table: AbiTable,
  compiler: readonly string[],
  env: NodeJS.ProcessEnv = {},
  links = true,
): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), "procref-abi-"));
  try {
    const source = join(directory, "probe.c");
    writeFileSync(source, probe(table));
    const [command, ...args] = compiler;
    const { status, error, stdout, stderr } = spawnSync(
      command,
      [...args, ...FLAGS, "-o", join(directory, "probe"), source, ...links ? table.libraries ?? [] : ["-c"]],
      { cwd: directory, encoding: "utf8", env: { ...process.env, ...env } },
    );
    return status === 0 ? undefined : error?.message ?? `${stdout}${stderr}`.trim();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
