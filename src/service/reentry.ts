/**
 * How a program that was compiled into one file is its own supervisor: the file is started once more and told by its
 * last argument what it shall be. No runtime is there to run another module.
 *
 * @module
 */

import process from "node:process";
import { nativeRuntime } from "../../ffi/mod.ts";
import type { ModuleCommand } from "../../ffi/types.ts";
import { ProcrefError } from "../errors.ts";

/** The last argument of a program that shall be a supervisor. To see it needs no permission. */
const ARGUMENT = "--procref-supervisor";

let hasEntry = false;

/**
 * Notes that this program begins with the entry of the supervisor: from here on it may be started again as one.
 *
 * @returns whether this process was started as one
 */
export function enter(): boolean {
  hasEntry = true;
  return nativeRuntime().isCompiled && process.argv.at(-1) === ARGUMENT;
}

/**
 * The command that starts this program as the supervisor of a service.
 *
 * @throws ProcrefError `SUPERVISOR` when the program has no entry for it: its own main part would run twice
 */
export function reentryCommand(name: string): ModuleCommand {
  if (hasEntry) return { command: [process.execPath, ARGUMENT], env: {} };
  throw new ProcrefError(
    "SUPERVISOR",
    `Cannot start the supervisor of "${name}": this program is compiled into one file, which has to be started once ` +
      "more as the supervisor; let its first line be `await supervisorEntry()` of @procref/core",
    { details: { name } },
  );
}
