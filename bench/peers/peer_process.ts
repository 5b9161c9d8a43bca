/** One process of a peer, told what to do by lines. */

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface, type Interface } from "node:readline";

const LONGEST_MS = 60_000;

/** A running peer. Dispose it. */
export class PeerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #exited: Promise<unknown>;
  readonly #said: string[] = [];
  #wake: () => void = () => {};
  #errors = "";

  constructor([program, ...args]: readonly string[]) {
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stderr!.setEncoding("utf8").on("data", (text) => this.#errors += text);
    this.#child.stdin!.on("error", () => {});
    this.#exited = new Promise((resolve) => this.#child.once("close", resolve));
    this.#lines = createInterface({ input: this.#child.stdout! });
    this.#lines.on("line", (line) => {
      this.#said.push(line);
      this.#wake();
    });
    void this.#exited.then(() => this.#wake());
  }

  /** Its own memory in KiB, without the pages of programs that it shares. */
  get privateKib(): number {
    const text = readFileSync(`/proc/${this.#child.pid}/smaps_rollup`, "utf8");
    return [...text.matchAll(/^Private_\w+: +(\d+) kB$/gm)].reduce((sum, [, kib]) => sum + Number(kib), 0);
  }

  send(line: string): void {
    this.#child.stdin!.write(`${line}\n`);
  }

  /** The rest of the next line that begins so. */
  async line(prefix: string, limitMs = LONGEST_MS): Promise<string> {
    const deadline = performance.now() + limitMs;
    for (;;) {
      const at = this.#said.findIndex((line) => line.startsWith(prefix));
      if (at >= 0) return this.#said.splice(at, 1)[0].slice(prefix.length).trim();
      const left = deadline - performance.now();
      if (left <= 0 || this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`a peer did not say "${prefix}": ${this.#errors.trim().split("\n")[0] || "it is too slow"}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Ends it at once; gives the moment of the signal. */
  async kill(): Promise<number> {
    const moment = performance.now();
    this.#child.kill("SIGKILL");
    await this.#exited;
    return moment;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.kill();
  }
}
