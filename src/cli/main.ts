/**
 * The command `procref`. To import this module runs it with the arguments of the process.
 *
 * ```sh
 * deno run -A jsr:@procref/core/cli ls
 * ```
 *
 * @module
 */

import "../process/every_system.ts";
import process from "node:process";
import { supervisorEntry } from "../supervisor/entry.ts";
import { runCommandLine } from "./command_line.ts";
import { processTerminal } from "./terminal.ts";

await supervisorEntry();
process.exitCode = await runCommandLine(process.argv.slice(2), processTerminal());
