/** A client of the demo: kv/client.ts in a process of its own, told what to do by lines, heard by lines. */

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { process as processes } from "../mod.ts";
import type { Report } from "./kv/service.ts";

export type Runtime = "Deno" | "Bun";

const OURS: Runtime = "Bun" in globalThis ? "Bun" : "Deno";
const CLIENT = fileURLToPath(new URL("kv/client.ts", import.meta.url));
const COMMANDS: { readonly [R in Runtime]: readonly string[] } = {
  Deno: ["deno", "run", "--quiet", "-A", CLIENT],
  Bun: ["bun", "run", CLIENT],
};

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

interface Line {
  readonly event?: Report["event"] | "ready";
  readonly pid?: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** One client; `letter` is what the timeline calls it. */
export class DemoClient {
  readonly letter: string;
  readonly runtime: Runtime;
  /** The process that runs the client, as it says itself: what was spawned may be a wrapper around it. */
  readonly ready: Promise<processes.ProcessIdentity>;
  /** Settles when the process has ended, and its standard output with it. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #pending: Pending[] = [];
  #identity: processes.ProcessIdentity | undefined;
  #over = false;

  constructor(letter: string, runtime: Runtime, directory: string, report: (what: Report, client: DemoClient) => void) {
    this.letter = letter;
    this.runtime = runtime;
    const [program, ...first] = COMMANDS[runtime];
    this.#child = spawn(runtime === OURS ? process.execPath : program, [...first, directory], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child.stdin!.on("error", () => {}); // it may be killed while we write
    this.ready = new Promise((resolve, reject) => {
      const output = createInterface({ input: this.#child.stdout! });
      output.on("line", (text) => {
        const line: Line = JSON.parse(text);
        if (line.event === "ready") resolve(this.#identity = processes.identityOf(line.pid!)!);
        else if (line.event !== undefined) report(line as Report, this);
        else this.#settle(line);
      });
      this.#child.on("error", (error) => reject(notStarted(program, error)));
      this.#child.on("exit", () => reject(new Error(`client ${letter} ended before it was ready`)));
    });
    this.ended = new Promise((resolve) => this.#child.on("close", () => resolve()));
    this.ended.then(() => {
      this.#over = true;
      for (const { reject } of this.#pending.splice(0)) reject(this.#noAnswer());
    });
    this.ready.catch(() => {});
  }

  /** What the timeline calls it at first. */
  toString(): string {
    return `${this.letter} (${this.runtime}, process ${this.#identity?.pid})`;
  }

  /** Gives it a command, and waits for the answer. */
  ask<T>(command: string): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#over) throw this.#noAnswer();
      this.#pending.push({ resolve: (value) => resolve(value as T), reject });
      this.#child.stdin!.write(`${command}\n`);
    });
  }

  /** Ends it by SIGKILL: it has no chance to do anything. */
  kill(): void {
    if (this.#identity) processes.kill(this.#identity);
    else this.#child.kill("SIGKILL");
  }

  /** Closes its standard input, at which it ends by itself, and waits until it has. */
  async leave(): Promise<void> {
    this.#child.stdin!.end();
    await this.ended;
  }

  #noAnswer(): Error {
    return new Error(`client ${this.letter} ended without an answer`);
  }

  #settle({ value, error }: Line): void {
    const pending = this.#pending.shift();
    if (error === undefined) pending?.resolve(value);
    else pending?.reject(new Error(`client ${this.letter}: ${error}`));
  }
}

function notStarted(program: string, cause: Error): Error {
  return new Error(`cannot run ${program}, which must be on the PATH: ${cause.message}`, { cause });
}
