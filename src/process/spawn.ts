/**
 * Starting a program as a child of this process: never by a shell, the same in every runtime, with errors that say what
 * a shell would have said.
 *
 * @module
 */

import { type ChildProcess, spawn as spawnChild } from "node:child_process";
import { statSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import process from "node:process";
import { ProcrefError } from "../errors.ts";
import { namesOf, refuseUnknown } from "../known_options.ts";
import type { ProcessIdentity } from "./identity.ts";
import { NO_INTERPRETER, wantsShell } from "./interpreter.ts";
import { checkProcessName, ManagedProcess } from "./managed_process.ts";
import { endingWithParent } from "./parent_death.ts";
import { processSystem } from "./platform.ts";
import { findProgram } from "./programs.ts";
import { statusOfUnstarted } from "./unstarted_program.ts";
import { mergedVariables, variableOf } from "./variables.ts";

/**
 * A standard stream of a child: nothing, the one of this process, a pipe to this process, or the file of an open
 * descriptor.
 */
export type SpawnStream = "ignore" | "inherit" | "pipe" | number;

/** How a program is started. */
export interface SpawnOptions {
  /** Its working directory: that of this process unless given. */
  readonly cwd?: string;
  /** Variables beside those of this process, or instead of them; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Its standard input, output and error, or one word for all: no input, and the outputs of this process, unless given. */
  readonly stdio?: SpawnStream | readonly [SpawnStream, SpawnStream, SpawnStream];
  /**
   * Whether it leads a session and a process group of its own, which neither the keys of a terminal nor the end of this
   * process reach. False unless given.
   */
  readonly detached?: boolean;
  /**
   * Whether a name without a slash is looked for in the directories of its PATH: true unless given. Otherwise it is a
   * file in its working directory, as everything with a slash is.
   */
  readonly searchPath?: boolean;
  /**
   * Whether it is ended by force when this process ends, however that ends: on Linux by a parent-death signal that
   * setpriv sets, on Windows by a job. It goes with the worker thread that has started it. macOS has nothing for it, nor
   * has a Linux without setpriv: there it runs on. False unless given.
   */
  readonly endWithParent?: boolean;
}

const OPTIONS = namesOf<SpawnOptions>({
  cwd: true,
  env: true,
  stdio: true,
  detached: true,
  searchPath: true,
  endWithParent: true,
});

/**
 * Starts a program and resolves once it runs. When this process dies, it runs on, unless `endWithParent` says otherwise;
 * its parent is the first process then.
 *
 * @param name what it is called, for people and registries
 * @param executable the program: its name or path. On Windows it is an `.exe` or `.com` file, never a script
 * @param args its arguments, which reach it as they are: no shell takes part
 * @param options directory, environment, streams
 * @returns a handle of the child
 * @throws ProcrefError `SPAWN` when it cannot be started, with `exitCode` 127 in the details when it is not found, 126
 * when it cannot be executed, as a script without `#!` cannot; `INVALID_ARGUMENT`; `PERMISSION` when the runtime does not allow it
 *
 * @example
 * ```ts
 * import { spawn } from "@procref/core/process";
 * import assert from "node:assert/strict";
 *
 * const sleeper = await spawn("sleeper", "sleep", ["60"]);
 * assert.ok(sleeper.isAlive());
 * const end = await sleeper.shutdown(2000);
 * assert.ok(end.exited && !sleeper.isAlive());
 * ```
 */
export async function spawn(
  name: string,
  executable: string,
  args: readonly string[] = [],
  options: SpawnOptions = {},
): Promise<ManagedProcess> {
  checkWords(name, executable, args);
  refuseUnknown(options, OPTIONS, `spawn("${name}")`);
  const { cwd, stdio = ["ignore", "inherit", "inherit"], detached = false, endWithParent = false } = options;
  const system = processSystem();
  const env = mergedVariables([process.env, options.env ?? {}]);
  const program = found({ name, executable, directory: checkedDirectory(name, executable, cwd), env, options });
  const command = endWithParent
    ? endingWithParent(system.parentDeathProgram(), [program, ...args])
    : [program, ...args];
  const failed = (cause: unknown): ProcrefError => notStarted(name, executable, program, cause as Error);
  const start = (): ChildProcess => {
    try {
      return spawnChild(command[0], command.slice(1), {
        cwd,
        env,
        detached,
        windowsHide: true,
        stdio: typeof stdio === "object" ? [...stdio] : [stdio, stdio, stdio],
      });
    } catch (cause) {
      throw failed(cause);
    }
  };
  const child = endWithParent && system.startEnding ? system.startEnding(start) : start();
  // Now, before the runtime can take note of its end: until then its number is given to nobody else.
  const identity = child.pid === undefined ? undefined : bornAs(child.pid);
  const managed = identity && new ManagedProcess(name, executable, identity, child);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (cause) => reject(failed(cause)));
  });
  // What the runtime says later is about signals that it sends, and none are sent by it.
  child.on("error", () => {});
  return managed ?? new ManagedProcess(name, executable, bornAs(child.pid!), child);
}

/** Who a child is that the runtime has not taken note of the end of. */
function bornAs(pid: number): ProcessIdentity {
  // One that is gone already is no process that runs or ever will.
  return { pid, start: processSystem().status(pid)?.start ?? "gone" };
}

function checkWords(name: unknown, executable: unknown, args: unknown): void {
  checkProcessName(name);
  const isText = (word: unknown): boolean => typeof word === "string" && !word.includes("\0");
  const problem = !isText(executable) || executable === ""
    ? ["executable", "a program that is not empty"]
    : !Array.isArray(args) || !args.every(isText)
    ? ["args", "a list of texts without NUL"]
    : undefined;
  if (problem === undefined) return;
  throw new ProcrefError("INVALID_ARGUMENT", `Cannot start "${name}": as ${problem[0]}, give ${problem[1]}`, {
    details: { name, field: problem[0] },
  });
}

function checkedDirectory(name: string, executable: string, cwd: string | undefined): string {
  const directory = resolve(cwd ?? ".");
  if (cwd === undefined || statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return directory;
  throw new ProcrefError("SPAWN", `Cannot start "${name}" (${executable}) in ${cwd}: there is no such directory`, {
    details: { name, path: cwd },
  });
}

interface Search {
  readonly name: string;
  readonly executable: string;
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly options: SpawnOptions;
}

/** The file of the program: found here, for each runtime looks in another PATH. */
function found({ name, executable, directory, env, options: { searchPath = true } }: Search): string {
  const isName = !isAbsolute(executable) && !processSystem().isPath(executable);
  const program = isName && !searchPath ? resolve(directory, executable) : executable;
  const search = findProgram(program, variableOf(env, "PATH"), directory);
  if ("found" in search && !wantsShell(search.found)) return search.found;
  const isMissing = "missing" in search && search.missing === "not found";
  const why = isMissing ? "not found" : "found" in search ? NO_INTERPRETER : search.missing;
  throw new ProcrefError("SPAWN", `Cannot start "${name}": ${executable} is ${why}`, {
    details: { name, path: executable, exitCode: isMissing ? 127 : 126 },
  });
}

function notStarted(name: string, executable: string, program: string, cause: Error): ProcrefError {
  const refused = cause.name === "NotCapable" || cause.name === "PermissionDenied";
  const exitCode = refused ? undefined : statusOfUnstarted(program, {}, (cause as NodeJS.ErrnoException).code);
  return new ProcrefError(refused ? "PERMISSION" : "SPAWN", `Cannot start "${name}": ${executable}: ${cause.message}`, {
    cause,
    details: { name, path: program, exitCode },
  });
}
