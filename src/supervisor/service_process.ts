/**
 * A service's process: started in a session of its own, with a mark and a parent-death signal, or on Windows in the
 * job of the supervisor and with a console of its own, and ended with all that it has started.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { ProcrefError } from "../errors.ts";
import { endContained, prepareContained, stopContained } from "../process/containment.ts";
import { killGroup, stopGroup } from "../process/group.ts";
import { identityOf, type ProcessIdentity } from "../process/identity.ts";
import { isForShell, NO_INTERPRETER } from "../process/interpreter.ts";
import { endMarked, MARK_VARIABLE } from "../process/marks.ts";
import { endingWithParent, isPrepared } from "../process/parent_death.ts";
import { processSystem } from "../process/platform.ts";
import { type ProgramPlace, statusOfUnstarted } from "../process/unstarted_program.ts";
import { mergedVariables, variableOf } from "../process/variables.ts";
import { checkDirectory, splitRemedy } from "../service/resolve_programs.ts";
import type { ServiceDescription } from "../service/service_description.ts";
import type { End } from "./life.ts";
import type { LogFile } from "./log_file.ts";
import { fillIn, type Placeholders } from "./placeholders.ts";

/** How long the rest of the output of a process that has ended may take to arrive, in milliseconds. */
const DRAIN_MS = 200;

/** A process of a service that runs or has run. */
export class ServiceProcess {
  /** Who it is; undefined when it had ended before it could be asked. */
  readonly identity: ProcessIdentity | undefined;
  /** Resolves when it has ended and its output has arrived. */
  readonly ended: Promise<End>;
  readonly #description: ServiceDescription;
  readonly #mark: string;
  #hasEnded = false;

  /**
   * Starts a process.
   *
   * @throws ProcrefError `SERVICE_START`
   */
  static async start(
    description: ServiceDescription,
    values: Placeholders,
    mark: string,
    log: LogFile,
  ): Promise<ServiceProcess> {
    const command = description.command.map((text) => fillIn(text, values));
    checkProgram(description, values.name, command[0]);
    const [program, ...args] = endingWithParent(description.setpriv, command);
    prepareContained();
    let child: ChildProcess;
    try {
      child = spawn(program, args, {
        ...processSystem().groupOptions,
        cwd: description.cwd,
        env: environment(description, values, mark),
        stdio: ["ignore", "pipe", "pipe"],
      });
      await new Promise<void>((resolve, reject) => {
        child.once("spawn", resolve);
        child.once("error", reject);
      });
    } catch (cause) {
      throw notStarted(description, values.name, program, cause as Error);
    }
    return new ServiceProcess(child, description, mark, log);
  }

  private constructor(child: ChildProcess, description: ServiceDescription, mark: string, log: LogFile) {
    this.#description = description;
    this.#mark = mark;
    this.identity = identityOf(child.pid!);
    for (const output of [child.stdout!, child.stderr!]) output.on("data", (bytes) => log.write(bytes));
    this.ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.#hasEnded = true;
        const end = endOf(code, signal);
        const timer = setTimeout(() => resolve(end), DRAIN_MS);
        child.once("close", () => {
          clearTimeout(timer);
          resolve(end);
        });
      });
    });
  }

  /** Whether it has not ended. */
  get isRunning(): boolean {
    return !this.#hasEnded;
  }

  /** Whether its program has taken the place of what prepares it. */
  get hasBegun(): boolean {
    if (this.identity === undefined) return false;
    const command = processSystem().command(this.identity.pid);
    const { setpriv } = this.#description;
    return command !== undefined && !(setpriv !== undefined && isPrepared(setpriv, command));
  }

  /**
   * Stops it: its signal to the whole process group (on Windows Ctrl-C to all that share its console, whatever the
   * signal), SIGKILL to the group when its time is over, and SIGKILL to all that carries its mark, wherever it went.
   *
   * @throws ProcrefError `SERVICE_STOP` when something could not be ended
   */
  async stop(): Promise<void> {
    const { stopSignal, stopTimeoutMs } = this.#description;
    if (this.identity !== undefined && !await stopContained(this.identity, stopTimeoutMs)) {
      await stopGroup(this.identity, stopTimeoutMs, constants.signals[stopSignal]);
    }
    await this.clearUp();
  }

  /** Ends by force whatever is left of it. */
  async clearUp(): Promise<void> {
    try {
      if (this.identity !== undefined) killGroup(this.identity);
      await endContained();
      await endMarked([this.#mark]);
      // Its parent has taken note of its end: nothing of it is left in the list of processes.
      await this.ended;
    } catch (cause) {
      throw new ProcrefError("SERVICE_STOP", `Cannot stop the service: ${(cause as Error).message}`, { cause });
    }
  }
}

/** What a service's processes find in their environment. */
export function environment(
  { inherited, env }: ServiceDescription,
  values: Placeholders,
  mark: string,
): Record<string, string> {
  const own = Object.entries(env).map(([variable, text]) => [variable, fillIn(text, values)]);
  return mergedVariables([inherited, Object.fromEntries(own), { [MARK_VARIABLE]: mark }]);
}

/**
 * Sees that a program is none that only a shell would run, for no shell is to take part: setpriv or the runtime would
 * give it to one.
 *
 * @throws ProcrefError `SERVICE_START`
 */
export function checkProgram(description: ServiceDescription, name: string, program: string): void {
  if (!isForShell(program, placeOf(description))) return;
  throw new ProcrefError("SERVICE_START", `Cannot start "${name}": ${program} is ${NO_INTERPRETER}`, {
    details: { name, path: program, exitCode: 126 },
  });
}

/** Where the programs of a service are looked for. */
function placeOf({ cwd, env, inherited }: ServiceDescription): ProgramPlace {
  return { path: variableOf(mergedVariables([inherited, env]), "PATH"), cwd };
}

function endOf(code: number | null, signal: NodeJS.Signals | null): End {
  if (signal !== null) return { why: `it was ended by ${signal}`, exitCode: 128 + constants.signals[signal] };
  return { why: `it ended with status ${code}`, exitCode: code ?? undefined };
}

/** The runtimes say of a working directory that is none that the program is not there. */
function notStarted(description: ServiceDescription, name: string, program: string, cause: Error): ProcrefError {
  const { command, cwd } = description;
  checkDirectory(name, cwd, cause);
  const exitCode = statusOfUnstarted(program, placeOf(description), (cause as NodeJS.ErrnoException).code);
  const remedy = exitCode === 127 ? splitRemedy(command) : "";
  const why = `${command[0]} in ${cwd}: ${cause.message}${remedy}`;
  return new ProcrefError("SERVICE_START", `Cannot start "${name}": ${why}`, {
    cause,
    details: { name, path: program, exitCode },
  });
}
