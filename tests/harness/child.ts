/** Fixture programs as child processes: told what to do by lines, heard by lines. */

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { onWindows } from "./platform.ts";
import { runtime as ours, type RuntimeName } from "./runtime.ts";

/** How long the rest of what a fixture wrote of errors may take to arrive, in milliseconds. */
const ERRORS_MS = 200;
const FIXTURES = new URL("../fixtures/", import.meta.url);
const COMMANDS: { readonly [R in RuntimeName]: readonly string[] } = {
  deno: ["deno", "run", "-A", "--no-check", "--quiet"],
  bun: ["bun", "run"],
};

export interface ChildOptions {
  /** The runtime to run it in; this one unless given. */
  readonly runtime?: RuntimeName;
  /** Replaces the command that runs the fixture, for other permissions. */
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly detached?: boolean;
  /** Its working directory; this one unless given. */
  readonly cwd?: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

/**
 * Sends a child a signal, and does nothing before that: Deno's own `kill` also closes its standard input, a moment
 * earlier, on which a fixture may end by itself and say goodbye.
 */
export function signalChild(child: ChildProcess, signal: NodeJS.Signals = "SIGKILL"): void {
  if (child.exitCode !== null || child.signalCode !== null) return;
  // The runtimes know few signals on Windows, all of which end a process. And Deno panics there (in Wine) when a process
  // is ended to whose standard input it still has a pipe.
  if (onWindows) return void child.kill("SIGKILL");
  try {
    process.kill(child.pid!, signal);
  } catch (error) {
    // It has ended, and the runtime has not said so yet.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** A running fixture. Dispose it: it is killed if it still runs, and waited for. */
export class Child implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly exited: Promise<Exit>;
  readonly #lines: string[] = [];
  readonly #waiting: { prefix: string; resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  #calls = 0;
  #ended = false;
  #errors = "";

  constructor(fixture: string, options: ChildOptions = {}) {
    const { runtime = ours, command = COMMANDS[runtime], args = [], env = {}, detached = false, cwd } = options;
    const [program, ...first] = command;
    this.process = spawn(program, [...first, fileURLToPath(new URL(fixture, FIXTURES)), ...args], {
      env: { ...process.env, NO_COLOR: "1", ...env },
      stdio: ["pipe", "pipe", "pipe"],
      detached,
      cwd,
    });
    const errors = this.process.stderr!.setEncoding("utf8").on("data", (text) => this.#errors += text);
    // Whoever it has started may keep its standard error open for ever.
    const told = new Promise<void>((resolve) => errors.once("end", resolve).once("close", resolve));
    this.process.stdin!.on("error", () => {});
    const output = createInterface({ input: this.process.stdout! });
    output.on("line", (line) => this.#take(line));
    const drained = new Promise<void>((resolve) => output.on("close", resolve));
    this.exited = new Promise<Exit>((resolve, reject) => {
      this.process.on("error", reject);
      this.process.on("exit", (code, signal) => resolve({ code, signal }));
    }).then(async (exit) => {
      await drained;
      await Promise.race([told, delay(ERRORS_MS)]);
      this.#end(exit);
      return exit;
    });
    this.exited.catch(() => {});
  }

  get pid(): number {
    return this.process.pid!;
  }

  /** What it has written to standard error. */
  get errors(): string {
    return this.#errors;
  }

  /** The rest of the next line that begins so; lines before it are kept for others. */
  line(prefix: string): Promise<string> {
    const at = this.#lines.findIndex((line) => line.startsWith(prefix));
    if (at >= 0) return Promise.resolve(this.#lines.splice(at, 1)[0].slice(prefix.length));
    if (this.#ended) return Promise.reject(this.#missing(prefix));
    return new Promise((resolve, reject) => this.#waiting.push({ prefix, resolve, reject }));
  }

  /** The rests of all lines so far that begin so and that nobody has waited for. */
  takeLines(prefix: string): string[] {
    const taken = this.#lines.filter((line) => line.startsWith(prefix));
    this.#lines.splice(0, Infinity, ...this.#lines.filter((line) => !line.startsWith(prefix)));
    return taken.map((line) => line.slice(prefix.length));
  }

  /** Tells it something. */
  send(line: string): void {
    this.process.stdin!.write(`${line}\n`);
  }

  /** Calls a function of a fixture that takes calls (see fixtures/calls.ts). */
  async call<T>(name: string, ...args: unknown[]): Promise<T> {
    const id = ++this.#calls;
    this.send(JSON.stringify({ id, name, args }));
    const answer = JSON.parse(await this.line(`answer ${id} `));
    if (answer.error === undefined) return answer.value;
    throw Object.assign(new Error(answer.error.message), answer.error);
  }

  /** Ends it by a signal and waits until it is gone and reaped. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<Exit> {
    signalChild(this.process, signal);
    return await this.exited;
  }

  /** Closes its standard input, on which fixtures end by themselves, and waits until it is gone. */
  async end(): Promise<Exit> {
    this.process.stdin!.end();
    return await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) await this.kill();
  }

  #take(line: string): void {
    const at = this.#waiting.findIndex(({ prefix }) => line.startsWith(prefix));
    if (at < 0) this.#lines.push(line);
    else {
      const [{ prefix, resolve }] = this.#waiting.splice(at, 1);
      resolve(line.slice(prefix.length));
    }
  }

  #end(exit: Exit): void {
    this.#ended = true;
    for (const { prefix, reject } of this.#waiting.splice(0)) reject(this.#missing(prefix, exit));
  }

  #missing(prefix: string, exit?: Exit): Error {
    return new Error(
      `the fixture ended (${JSON.stringify(exit)}) without a line "${prefix}"; it said ` +
        `${JSON.stringify(this.#lines)} and to standard error: ${this.#errors}`,
    );
  }
}
