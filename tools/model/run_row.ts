/** Runs the verification of one row: spin makes a verifier in C of the model, gcc compiles it, and it is run. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type PanResult, readPanOutput } from "./pan_output.ts";
import type { Row } from "./rows.ts";

const MODELS = new URL("../../tests/model/", import.meta.url);
const MEMORY_MB = 4000;
const MOST_STEPS = 100_000;
const MOST_MS = 30 * 60_000;

/** What is missing to run models; undefined when all is there. */
export function missingTool(): string | undefined {
  const missing = [["spin", "-V"], ["gcc", "--version"]].filter(([tool, version]) =>
    spawnSync(tool, [version], { stdio: "ignore" }).status !== 0
  ).map(([tool]) => tool);
  return missing.length === 0 ? undefined : `${missing.join(" and ")} missing: apt-get install spin gcc`;
}

/** Verifies a row in a temporary directory. */
export function runRow({ model, defines, check, expected, options = [] }: Row): PanResult {
  const directory = mkdtempSync(join(tmpdir(), "procref-model-"));
  const run = (command: string, ...rest: string[]): string => output(command, rest, directory);
  try {
    const liveness = check === "liveness";
    const macros = [...defines, ...(liveness ? ["LIVENESS"] : [])].map((macro) => `-D${macro}`);
    run("spin", ...macros, "-a", fileURLToPath(new URL(`${model}.pml`, MODELS)));
    const kind = liveness ? "-DNFAIR=4" : "-DSAFETY";
    // A violation is found sooner than a compiler improves anything; for long rows -Og is hardly slower than -O2.
    run(
      "gcc",
      expected === "violation" ? "-O0" : "-Og",
      "-w",
      "-DCOLLAPSE",
      `-DMEMLIM=${MEMORY_MB}`,
      kind,
      "-o",
      "pan",
      "pan.c",
    );
    return readPanOutput(run("./pan", `-m${MOST_STEPS}`, ...(liveness ? ["-a", "-f"] : []), ...options));
  } catch (error) {
    return { verdict: "unfinished", states: 0, seconds: 0, what: (error as Error).message };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What a program printed; an error if it could not be run, ended with another status than 0, or took too long. */
function output(command: string, options: readonly string[], directory: string): string {
  const { status, signal, error, stdout, stderr } = spawnSync(command, options, {
    cwd: directory,
    encoding: "utf8",
    timeout: MOST_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status === 0) return stdout + stderr;
  const how = error?.message ?? (signal === null ? `status ${status}` : `ended by ${signal}`);
  throw new Error(`${command}: ${how} ${`${stdout}${stderr}`.trim().split("\n").slice(-3).join("; ")}`.trim());
}
