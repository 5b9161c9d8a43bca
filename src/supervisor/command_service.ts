/**
 * A service that is a command: chosen a port, started, asked until it is ready.
 *
 * @module
 */

import { type ErrorDetails, isProcrefError, ProcrefError } from "../errors.ts";
import { aborted, delay } from "../waiting.ts";
import { blockUntil } from "../kernel/blocking_wait.ts";
import type { ReadinessDescription, ServiceDescription } from "../service/service_description.ts";
import { ServiceInfo } from "../service/service_info.ts";
import { Awaited } from "./awaited.ts";
import type { End, Life, LifeSource, Progress } from "./life.ts";
import type { LogFile } from "./log_file.ts";
import { fillIn, type Names, type Placeholders } from "./placeholders.ts";
import { choosePort } from "./ports.ts";
import type { Question } from "./readiness.ts";
import { checkProgram, environment, ServiceProcess } from "./service_process.ts";
import { earlyEnd } from "./unstarted_service.ts";

/** How often a service that finds its port taken is given another one. */
const MOST_PORTS = 10;
/** How often it is looked whether a program has begun, in milliseconds. */
const BEGIN_MS = 1;
/** For how long this thread waits for that first, in milliseconds. */
const AT_ONCE_MS = 5;
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

  async begin(signal: AbortSignal, lastPort: number | undefined, progress: Progress): Promise<Life> {
    if (this.#description.port !== undefined) progress.begun();
    const taken = new Set<number>();
    for (;;) {
      const port = await this.#choosePort(lastPort, taken);
      try {
        return await this.#beginOn(port, signal, progress);
      } catch (error) {
        if (port === undefined || taken.size >= MOST_PORTS || !this.#wasTaken(error)) throw error;
        taken.add(port);
      }
    }
  }

  async #choosePort(first: number | undefined, taken: ReadonlySet<number>): Promise<number | undefined> {
    if (this.#description.port === undefined) return undefined;
    return await choosePort(this.#names.name, this.#description, { first, taken });
  }

  /** Whether a start failed because somebody else took the port first, and there are others to choose from. */
  #wasTaken(error: unknown): boolean {
    const { port } = this.#description;
    const chosen = port === "auto" || (port !== undefined && port.from < port.to);
    return chosen && isProcrefError(error, "SERVICE_START") && error.details.exitCode !== undefined &&
      ADDRESS_IN_USE.test(error.details.log ?? "");
  }

  async #beginOn(port: number | undefined, signal: AbortSignal, progress: Progress): Promise<Life> {
    const { host } = this.#description;
    const values = { ...this.#names, port, host };
    const logReady = this.#watchLog();
    this.#checkQuestion(values);
    const process = await ServiceProcess.start(this.#description, values, this.#mark, this.#log);
    try {
      await this.#awaitReady(process, values, logReady, signal, progress);
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
    progress: Progress,
  ): Promise<void> {
    const { ready, startTimeoutMs } = this.#description;
    progress.begun();
    // Whoever is told that it has begun does so now, while the system is at work.
    await undefined;
    if (ready.kind === "running" && !signal.aborted && beginsAtOnce(process)) return;
    progress.waits();
    const question = this.#question(values);
    const over = new AbortController();
    const outcome = (promise: Promise<boolean>): Promise<"ready"> => promise.then(() => "ready" as const);
    const limit = delay(startTimeoutMs, over).then(() => "late" as const);
    const given = aborted(signal, over.signal);
    limit.catch(() => {});
    given.catch(() => {});
    const awaited = new Awaited(question.ready, question.host, question.port);
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
    if (!hasQuestion(ready)) return await neverUnless(hasBegun);
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

  #died(end: End): ProcrefError {
    return this.#failed(earlyEnd(this.#description, end), { exitCode: end.exitCode });
  }

  #failed(why: string, details: ErrorDetails): ProcrefError {
    const { tail } = this.#log;
    const said = tail === "" ? "it wrote nothing" : `the last that it wrote:\n${tail}`;
    return new ProcrefError("SERVICE_START", `Cannot start "${this.#names.name}": ${why}; ${said}`, {
      details: { name: this.#names.name, ...details, log: tail },
    });
  }
}

/** Whether somebody is asked whether the service is ready. */
function hasQuestion(ready: ReadinessDescription): ready is Question["ready"] {
  return ready.kind !== "running" && ready.kind !== "log";
}

/**
 * Whether a program takes the place of what prepares it within the next moments, which most do. This thread waits for it:
 * Deno's first timer takes longer than that.
 */
function beginsAtOnce(process: ServiceProcess): boolean {
  return blockUntil(() => process.hasBegun, AT_ONCE_MS);
}

/** A promise that is kept, or never settles: something else decides then. */
function neverUnless(kept: boolean): Promise<boolean> {
  return kept ? Promise.resolve(true) : new Promise(() => {});
}
