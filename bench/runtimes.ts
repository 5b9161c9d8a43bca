/** The runtimes, and how a program of this folder is run in each. */

import { fileURLToPath } from "node:url";
import type { RuntimeName } from "../tests/harness/runtime.ts";

const COMMANDS: { readonly [R in RuntimeName]: readonly string[] } = {
  deno: ["deno", "run", "-A", "--quiet"],
  bun: ["bun", "run"],
};

/** The command that runs a program of this folder. */
export function commandOf(runtime: RuntimeName, program: string, ...args: readonly string[]): string[] {
  return [...COMMANDS[runtime], fileURLToPath(new URL(program, import.meta.url)), ...args];
}
