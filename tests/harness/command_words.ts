/** What the command line of `procref run` names: services and clients, also where there is no shell. */

import { onWindows } from "./platform.ts";
import { programCommand } from "./program.ts";
import { sleepCommand } from "./sleeper.ts";

/** A program: a shell script, or on Windows what stands for it; see fixtures/program.ts. */
export function words(script: string, program: string): string[] {
  return onWindows ? programCommand(program) : ["sh", "-c", script];
}

/** Words as one text, of which `--start` makes the same words again. */
export function asText(command: readonly string[]): string {
  return command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}

/** A service that sleeps. */
export const SLEEP: readonly string[] = ["--start", asText(sleepCommand())];

/** Ends at once, and well. */
export const NOTHING: readonly string[] = onWindows ? ["bun", "-e", "0"] : ["true"];

/** Says that it runs, and copies its standard input until that ends. */
export const UP_AND_COPY: readonly string[] = words(
  "echo up; cat",
  `say("up"); for await (const bytes of process.stdin) process.stdout.write(bytes)`,
);
