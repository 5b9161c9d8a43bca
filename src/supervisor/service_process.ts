/**
 * A service's process: started in a session of its own, with a mark and a parent-death signal, or on Windows in the
 * job of the supervisor and with a console of its own, and ended with all that it has started.
 *
 * @module
 */

import type { Child, ChildEnd } from "../../ffi/host.ts";
import { ProcrefError } from "../errors.ts";
import { endContained, stopContained } from "../process/contained.ts";
import { childrenContainment } from "../process/containment.ts";
import { killGroup, stopGroup } from "../process/group.ts";
import { identityOf, type ProcessIdentity } from "../process/identity.ts";
import { isForShell, NO_INTERPRETER } from "../process/interpreter.ts";
import { MARK_VARIABLE } from "../process/mark_variable.ts";
import { endMarked } from "../process/marks.ts";
import { endingWithParent, isPrepared } from "../process/parent_death.ts";
import { processSystem } from "../process/platform.ts";
import { signalNumber } from "../process/signals.ts";
import { mergedVariables } from "../process/variables.ts";
import type { ServiceDescription } from "../service/service_description.ts";
import { delay } from "../waiting.ts";
import type { End } from "./life.ts";
import type { LogFile } from "./log_file.ts";
import { fillIn, type Placeholders } from "./placeholders.ts";
import { notStarted, placeOf } from "./unstarted_service.ts";

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
    childrenContainment()?.prepare();
    const env = environment(description, values, mark);
    let child: Child;
    try {
      child = await processSystem().startService({ command: [program, ...args], cwd: description.cwd, env });
    } catch (cause) {
      throw notStarted(description, values.name, program, cause as Error);
    }
    return new ServiceProcess(child, description, mark, log);
  }

  private constructor(child: Child, description: ServiceDescription, mark: string, log: LogFile) {
    this.#description = description;
    this.#mark = mark;
    this.identity = identityOf(child.pid);
    const written = child.readOutput((bytes) => log.write(bytes)).catch(() => {});
    this.ended = child.ended.then(async (end) => {
      this.#hasEnded = true;
      const over = new AbortController();
      await Promise.race([written, delay(DRAIN_MS, over).catch(() => {})]);
      over.abort();
      return endOf(end);
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
      await stopGroup(this.identity, stopTimeoutMs, signalNumber(stopSignal));
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

function endOf({ code, signal }: ChildEnd): End {
  if (signal === null) return { why: `it ended with status ${code}`, exitCode: code ?? undefined };
  return { why: `it was ended by ${signal}`, exitCode: 128 + signalNumber(signal) };
}
