/**
 * A service that is a command: chosen a port, started, asked until it is ready.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { type ErrorDetails, isProcrefError, ProcrefError } from "../errors.ts";
import { aborted } from "../waiting.ts";
import { oneLine } from "../service/one_line.ts";
import { splitRemedy } from "../service/resolve_programs.ts";
import type { ReadinessDescription, ServiceDescription } from "../service/service_description.ts";
import { ServiceInfo } from "../service/service_info.ts";
import { Awaited } from "./awaited.ts";
import type { End, Life, LifeSource } from "./life.ts";
import type { LogFile } from "./log_file.ts";
import { fillIn, type Names, type Placeholders } from "./placeholders.ts";
import { choosePort } from "./ports.ts";
import type { Question } from "./readiness.ts";
import { checkProgram, environment, ServiceProcess } from "./service_process.ts";

/** How often a service that finds its port taken is given another one. */
const MOST_PORTS = 10;
/** How often it is looked whether a program has begun, in milliseconds. */
const BEGIN_MS = 1;
const ADDRESS_IN_USE = /EADDRINUSE|address (is )?(already )?in use|AddrInUse/i;

/** A question, or what is waited for without one. */
type AnyQuestion = Omit<Question, "ready"> & { readonly ready: ReadinessDescription };

/** Brings a command to life. */
export class CommandService implements LifeSource {
  readonly #names: Names;
  readonly #description: ServiceDescription;
  readonly #mark: string;
  readonly #log: LogFile;

  constructor(names: Names, description: ServiceDescription, mark: string, log: LogFile) {
    this.#names = names;
    this.#description = description;
    this.#mark = mark;
    this.#log = log;
  }

  async begin(signal: AbortSignal, lastPort: number | undefined): Promise<Life> {
    const taken = new Set<number>();
    for (;;) {
      const port = await choosePort(this.#names.name, this.#description, { first: lastPort, taken });
      try {
        return await this.#beginOn(port, signal);
      } catch (error) {
        if (port === undefined || taken.size >= MOST_PORTS || !this.#wasTaken(error)) throw error;
        taken.add(port);
      }
    }
  }

  /** Whether a start failed because somebody else took the port first, and there are others to choose from. */
  #wasTaken(error: unknown): boolean {
    const { port } = this.#description;
    const chosen = port === "auto" || (port !== undefined && port.from < port.to);
    return chosen && isProcrefError(error, "SERVICE_START") && error.details.exitCode !== undefined &&
      ADDRESS_IN_USE.test(error.details.log ?? "");
  }

  async #beginOn(port: number | undefined, signal: AbortSignal): Promise<Life> {
    const { host } = this.#description;
    const values = { ...this.#names, port, host };
    const logReady = this.#watchLog();
    this.#checkQuestion(values);
    const process = await ServiceProcess.start(this.#description, values, this.#mark, this.#log);
    try {
      await this.#awaitReady(process, values, logReady, signal);
      const { identity } = process;
      if (identity === undefined) throw this.#died(await process.ended);
      const info = new ServiceInfo(identity.pid, port, { host, start: identity.start });
      return { info, ended: this.#withRest(process), stop: () => process.stop() };
    } catch (error) {
      // One that is not ready is asked to end like any other: a database would have to recover from SIGKILL.
      await (process.isRunning ? process.stop() : process.clearUp());
      throw error;
    }
  }

  /** What is asked again and again would be given to a shell each time. */
  #checkQuestion(values: Placeholders): void {
    const { ready } = this.#description;
    if (ready.kind === "exec") checkProgram(this.#description, values.name, fillIn(ready.command[0], values));
  }

  /** The end of a process is the end of all that it has started: the next life needs its port and its files. */
  async #withRest(process: ServiceProcess): Promise<End> {
    const end = await process.ended;
    await process.clearUp();
    return end;
  }

  /** Resolves with the line of the log that says so; undefined when the log is not what readiness is read from. */
  #watchLog(): Promise<boolean> | undefined {
    const { ready } = this.#description;
    if (ready.kind !== "log") {
      this.#log.begin();
      return undefined;
    }
    const pattern = new RegExp(ready.pattern, ready.flags);
    return new Promise((resolve) => this.#log.begin((line) => pattern.test(line) && resolve(true)));
  }

  async #awaitReady(
    process: ServiceProcess,
    values: Placeholders,
    logReady: Promise<boolean> | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { startTimeoutMs } = this.#description;
    const question = this.#question(values);
    const awaited = new Awaited(question.ready, values.host, values.port);
    const over = new AbortController();
    const outcome = (promise: Promise<boolean>): Promise<"ready"> => promise.then(() => "ready" as const);
    const limit = delay(startTimeoutMs, "late" as const, { signal: over.signal });
    const given = aborted(signal, over.signal);
    limit.catch(() => {});
    given.catch(() => {});
    try {
      const first = await Promise.race([
        outcome(logReady ?? this.#ask(process, question, awaited, over.signal)),
        process.ended,
        limit,
        given,
      ]);
      if (first === "late") throw this.#late(awaited, values.port);
      if (first !== "ready") throw this.#died(first);
    } finally {
      over.abort();
    }
  }

  /** What is asked, with nothing left to be replaced. */
  #question(values: Placeholders): AnyQuestion {
    const { ready, cwd } = this.#description;
    const { host, port } = values;
    const env = environment(this.#description, values, this.#mark);
    const asked = ready.kind === "exec"
      ? { ...ready, command: ready.command.map((text) => fillIn(text, values)) }
      : ready;
    return { ready: asked, host, port, cwd, env };
  }

  /** Asks until the answer is yes. */
  async #ask(
    process: ServiceProcess,
    { ready, ...question }: AnyQuestion,
    awaited: Awaited,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { readyIntervalMs } = this.#description;
    // Asked once for each answer: a program that replaces itself by another one has no command line for a moment.
    let hasBegun = false;
    while (!(hasBegun = process.hasBegun) && process.isRunning && !signal.aborted) await delay(BEGIN_MS);
    if (ready.kind === "running" || ready.kind === "log") return await neverUnless(hasBegun);
    for (let pause = 2; !signal.aborted; pause = Math.min(2 * pause, readyIntervalMs)) {
      if (await awaited.isReady({ ...question, ready }) && process.isRunning) return true;
      await delay(pause);
    }
    return await neverUnless(false);
  }

  #late(awaited: Awaited, port: number | undefined): ProcrefError {
    const hint = port === undefined || this.#isNamed(port) ? "" : "; nothing in its command or env names {port}";
    const { waitedFor, lastAnswer } = awaited;
    const why = `it was not ready after ${this.#description.startTimeoutMs} ms (startTimeoutMs); ${awaited}${hint}`;
    return this.#failed(why, { waitedFor, lastAnswer });
  }

  /** Whether the service is told its port. */
  #isNamed(port: number): boolean {
    const { command, env } = this.#description;
    return [...command, ...Object.values(env)].some((text) => text.includes("{port}") || text.includes(String(port)));
  }

  #died({ why, exitCode }: End): ProcrefError {
    const { command } = this.#description;
    const meaning = exitCode === 127 ? " (not found)" : exitCode === 126 ? " (not executable)" : "";
    const remedy = exitCode === 127 ? splitRemedy(command) : "";
    const program = remedy === "" ? "" : `; its program is "${oneLine(command[0])}"${remedy}`;
    return this.#failed(`${why}${meaning} before it was ready${program}`, { exitCode });
  }

  #failed(why: string, details: ErrorDetails): ProcrefError {
    const { tail } = this.#log;
    const said = tail === "" ? "it wrote nothing" : `the last that it wrote:\n${tail}`;
    return new ProcrefError("SERVICE_START", `Cannot start "${this.#names.name}": ${why}; ${said}`, {
      details: { name: this.#names.name, ...details, log: tail },
    });
  }
}

/** A promise that is kept, or never settles: something else decides then. */
function neverUnless(kept: boolean): Promise<boolean> {
  return kept ? Promise.resolve(true) : new Promise(() => {});
}
