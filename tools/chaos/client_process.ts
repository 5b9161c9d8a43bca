/** Clients as processes, and a pool that starts them before they are needed. */

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { identityOf, type ProcessIdentity } from "../../src/process/identity.ts";
import { ProcessWatch } from "../../src/process/process_watch.ts";
import { type Answer, CallError, type ServiceConfiguration } from "./calls.ts";
import type { RuntimeName } from "./plan.ts";
import { goOn, killFromLinux, pause } from "./platform.ts";

const PROGRAM = fileURLToPath(new URL("client.ts", import.meta.url));
const COMMANDS: { readonly [R in RuntimeName]: readonly string[] } = {
  deno: ["deno", "run", "-A", "--no-check", "--quiet", PROGRAM],
  bun: ["bun", "run", PROGRAM],
};
const SIGKILL = 9;
let started = 0;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A client. */
export class Client {
  readonly runtime: RuntimeName;
  readonly ready: Promise<void>;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  hasEnded = false;
  /** What it wrote to standard error. */
  errors = "";
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #word = `chaos-client-${++started}-of-${process.pid}.`;
  #identity: ProcessIdentity | undefined;
  #calls = 0;

  constructor(runtime: RuntimeName) {
    this.runtime = runtime;
    const [program, ...args] = COMMANDS[runtime];
    // By the last word each one is known in the list of processes.
    const child = this.#child = spawn(program, [...args, this.#word], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
    });
    child.stdin!.on("error", () => {});
    child.stderr!.setEncoding("utf8").on("data", (text) => this.errors = `${this.errors}${text}`.slice(-2000));
    createInterface({ input: child.stdout! }).on("line", (line) => this.#take(JSON.parse(line)));
    this.ready = new Promise((resolve, reject) => this.#waiting.set(0, { resolve: () => resolve(), reject }));
    this.ready.catch(() => {});
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.hasEnded = true;
        for (const { reject } of this.#waiting.values()) reject(new CallError({ code: "ENDED", message: "it ended" }));
        this.#waiting.clear();
        resolve();
      };
      child.once("exit", end);
      child.once("error", end);
    });
    this.#identity = child.pid === undefined ? undefined : identityOf(child.pid);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  call<T>(call: string, argument?: ServiceConfiguration): Promise<T> {
    const id = ++this.#calls;
    const answer = new Promise<T>((resolve, reject) => {
      if (this.hasEnded) return reject(new CallError({ code: "ENDED", message: "it has ended" }));
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
    });
    answer.catch(() => {});
    this.#child.stdin!.write(`${JSON.stringify({ id, call, argument })}\n`);
    return answer;
  }

  kill(): boolean {
    return this.#identity !== undefined && signalProcess(this.#identity, SIGKILL);
  }

  /** SIGKILL by the Linux below Windows; false when there is none. */
  killFromLinux(): boolean {
    return !this.hasEnded && killFromLinux(this.#word);
  }

  stop(): boolean {
    return this.#identity !== undefined && pause(this.#identity);
  }

  resume(): boolean {
    return this.#identity !== undefined && goOn(this.#identity);
  }

  /** Lets it end by itself. */
  dismiss(): void {
    this.#child.stdin!.end();
  }

  #take({ id, value, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new CallError(error));
  }
}

/** Sends a signal to one process and to no later one of its number; false when it had ended. */
export function signalProcess(identity: ProcessIdentity, number: number): boolean {
  using watch = ProcessWatch.open(identity);
  return watch?.signal(number) ?? false;
}

/** Clients that wait to be used. */
export class ClientPool {
  readonly #size: number;
  readonly #spare: { readonly [R in RuntimeName]: Client[] } = { deno: [], bun: [] };
  #closed = false;

  /** @param size how many of each runtime are kept at hand */
  constructor(size: number) {
    this.#size = size;
    this.#fill("deno");
    this.#fill("bun");
  }

  /** A client that takes calls. */
  async take(runtime: RuntimeName): Promise<Client> {
    for (;;) {
      const client = this.#spare[runtime].shift() ?? new Client(runtime);
      this.#fill(runtime);
      try {
        await client.ready;
        return client;
      } catch {
        if (this.#closed) throw new Error("the run is over");
        throw new Error(`a client does not start: ${client.errors}`);
      }
    }
  }

  /** Takes back a client that holds nothing. */
  give(client: Client): void {
    if (this.#closed || this.#spare[client.runtime].length > 2 * this.#size) client.dismiss();
    else this.#spare[client.runtime].push(client);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const left = [...this.#spare.deno.splice(0), ...this.#spare.bun.splice(0)];
    left.forEach((client) => client.dismiss());
    await Promise.all(left.map(({ ended }) => ended));
  }

  #fill(runtime: RuntimeName): void {
    while (!this.#closed && this.#spare[runtime].length < this.#size) this.#spare[runtime].push(new Client(runtime));
  }
}
