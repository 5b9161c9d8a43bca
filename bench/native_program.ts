/** The C program that everything is compared with: built when there is a compiler, and run. */

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runProgram } from "./run_program.ts";
import { type Amount, summarise, type Timing } from "./timing.ts";

/** The pairs of operation arrays that the program knows. */
export type NativePair = "unless-last" | "plain" | "generation";

/** All of them, with what they are. */
export const NATIVE_PAIRS: { readonly [P in NativePair]: string } = {
  "unless-last": "C: ENTER + LEAVE_UNLESS_LAST",
  plain: "C: ENTER + LEAVE",
  generation: "C: enterGeneration + LEAVE_UNLESS_LAST",
};

const SOURCE = fileURLToPath(new URL("semop_pair.c", import.meta.url));
const BUILD = fileURLToPath(new URL("build/", import.meta.url));
const PROGRAM = `${BUILD}semop_pair`;
const BUILD_MS = 30_000;
const RUN_MS = 20_000;

/**
 * Builds the program.
 *
 * @returns the compiler's version; undefined when there is no compiler
 * @throws when the compiler refuses the program
 */
export async function buildNativeProgram(): Promise<string | undefined> {
  let version: string;
  try {
    version = (await runProgram(["cc", "--version"], BUILD_MS)).split("\n")[0];
  } catch {
    return undefined;
  }
  mkdirSync(BUILD, { recursive: true });
  await runProgram(["cc", "-O2", "-Wall", "-Wextra", "-o", PROGRAM, SOURCE], BUILD_MS);
  return version;
}

/** Times a pair in C. */
export async function timeNativePair(pair: NativePair, { slices, pairs }: Amount): Promise<Timing> {
  const output = await runProgram([PROGRAM, pair, String(slices), String(pairs)], RUN_MS);
  return summarise(output.trim().split("\n").map(Number));
}
