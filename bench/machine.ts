/** What the numbers were measured on. */

import { cpus, release, type } from "node:os";
import { runProgram } from "./run_program.ts";

const ANSWER_MS = 10_000;

/** One line: processor, cores, kernel, runtimes, compiler. */
export async function describeMachine(compiler: string | undefined): Promise<string> {
  const processors = cpus();
  const [deno, bun] = await Promise.all([versionOf("deno"), versionOf("bun")]);
  return [
    processors[0]?.model.trim() || "unknown processor",
    `${processors.length} cores`,
    `${type()} ${release()}`,
    `deno ${deno}`,
    `bun ${bun}`,
    compiler ?? "no C compiler",
  ].join(", ");
}

async function versionOf(runtime: string): Promise<string> {
  const answer = await runProgram([runtime, "--version"], ANSWER_MS);
  return /\d+\.\d+\.\d+\S*/.exec(answer)?.[0] ?? answer.trim();
}
