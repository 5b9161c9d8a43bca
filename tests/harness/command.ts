/** The command `procref` as a real process. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { signalChild } from "./child.ts";
import { runtime as ours, type RuntimeName } from "./runtime.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** How the command is run in each runtime. */
export const PROCREF: { readonly [R in RuntimeName]: readonly string[] } = {
  deno: ["deno", "run", "-A", "--no-check", "--quiet", MAIN],
  bun: ["bun", "run", MAIN],
};

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly runtime?: RuntimeName;
  /** Replaces the words that run the command. */
  readonly command?: readonly string[];
  readonly cwd?: string;
  /** Whether it has a console of its own, on Windows, in which keys can be pressed. */
  readonly hasConsole?: boolean;
}

export interface Outcome {
  readonly status: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

/** A command that runs. Dispose it: it is killed if it still runs, and waited for. */
export class RunningCommand implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly ended: Promise<Outcome>;
  #out = "";
  #err = "";
  #over = false;
  readonly #waiting = new Set<() => void>();

  constructor(args: readonly string[], options: CommandOptions) {
    const { env = {}, runtime = ours, command = PROCREF[runtime], cwd, hasConsole = false } = options;
    const [program, ...first] = command;
    this.process = spawn(program, [...first, ...args], {
      // A session of its own: the terminal of whoever runs the tests has no say.
      detached: !hasConsole,
      windowsHide: hasConsole,
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: undefined, ...env } as NodeJS.ProcessEnv,
      cwd,
    });
    this.process.stdin!.on("error", () => {});
    this.process.stdout!.setEncoding("utf8").on("data", (text) => this.#take(() => this.#out += text));
    this.process.stderr!.setEncoding("utf8").on("data", (text) => this.#take(() => this.#err += text));
    this.ended = once(this.process, "close").then(([status, signal]) => {
      this.#take(() => this.#over = true);
      return { status, signal, out: this.#out, err: this.#err };
    });
  }

  /** Waits until standard output says something, and gives all of it. */
  async says(pattern: RegExp): Promise<string> {
    await this.#until(() => pattern.test(this.#out), pattern);
    return this.#out;
  }

  /** Waits until standard error says something, and gives all of it. */
  async complains(pattern: RegExp): Promise<string> {
    await this.#until(() => pattern.test(this.#err), pattern);
    return this.#err;
  }

  async #until(condition: () => boolean, pattern: RegExp): Promise<void> {
    while (!condition()) {
      if (this.#over) throw new Error(`it ended without ${pattern}; it said: ${this.#out}${this.#err}`);
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#over) return;
    signalChild(this.process);
    await this.ended;
  }

  #take(change: () => void): void {
    change();
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** Runs a command to its end, with nothing to read. */
export async function procref(args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  await using command = new RunningCommand(args, options);
  command.process.stdin!.end();
  return await command.ended;
}

/** Runs a command that prints JSON. */
// deno-lint-ignore no-explicit-any -- its shape is what the tests are about
export async function procrefJson(args: readonly string[], options: CommandOptions = {}): Promise<any> {
  const { out, err, status } = await procref([...args, "--json"], options);
  if (out === "") throw new Error(`status ${status}, no JSON: ${err}`);
  return JSON.parse(out);
}
