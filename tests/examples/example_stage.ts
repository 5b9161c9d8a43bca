/** One database example: its tasks and its library client as real processes, with state and data of their own. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Outcome, procref, procrefJson, RunningCommand } from "../harness/command.ts";
import { eventually } from "../harness/eventually.ts";
import { withDirectory } from "../harness/names.ts";
import { runtime, type RuntimeName } from "../harness/runtime.ts";

const LIBRARY: { readonly [R in RuntimeName]: readonly string[] } = {
  deno: ["deno", "run", "-A", "--no-check", "--quiet", "library.ts"],
  bun: ["bun", "run", "library.ts"],
};

/** The task whose client runs in this runtime, and the one whose client runs in the other. */
export const [ours, theirs] = runtime === "deno" ? ["dev", "dev:bun"] : ["dev:bun", "dev"];

/** What `procref status` says. */
export interface Status {
  readonly state: string;
  readonly pid: number;
  readonly port: number;
  readonly references: number;
  readonly supervisor: number;
  readonly holders: readonly { readonly pid: number }[];
}

/** A client that takes notes. */
export class NoteTaker implements AsyncDisposable {
  readonly #command: RunningCommand;
  readonly #told: string[] = [];

  constructor(command: RunningCommand) {
    this.#command = command;
  }

  get pid(): number {
    return this.#command.process.pid!;
  }

  /** What it found: where the server is, and what was noted before. */
  async opened(): Promise<{ readonly url: string; readonly port: number; readonly notes: readonly string[] }> {
    const said = await this.#command.says(/^\w+:\/\/.*\n/m);
    const [, url, port, notes] = /^(\w+:\/\/\S*:(\d+)\S*): (\[.*\])$/m.exec(said)!;
    return { url, port: Number(port), notes: JSON.parse(notes) };
  }

  /** Whether it has said anything. */
  async isSilent(): Promise<boolean> {
    return await this.#command.says(/^/) === "";
  }

  /** Takes down a note; all notes after that. */
  async note(text: string): Promise<readonly string[]> {
    this.#told.push(text);
    this.#command.process.stdin!.write(`${text}\n`);
    const said = await this.#command.says(new RegExp(`(^noted: .*\n[^]*){${this.#told.length}}`, "m"));
    return JSON.parse([...said.matchAll(/^noted: (.*)$/gm)].at(-1)![1]);
  }

  /** Lets it end by itself. */
  async end(): Promise<Outcome> {
    this.#command.process.stdin!.end();
    return await this.#command.ended;
  }

  /** Kills it; the process itself, not what it has started. */
  async kill(): Promise<void> {
    process.kill(this.pid, "SIGKILL");
    await this.#command.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What a task has started ends with its input.
    this.#command.process.stdin!.end();
    await this.#command[Symbol.asyncDispose]();
  }
}

/** An example, and what a test of it may use. */
export class ExampleStage {
  /** The tasks of the example by name. */
  readonly tasks: Readonly<Record<string, string>>;
  readonly name: string;
  readonly #folder: string;
  readonly #state: string;
  readonly #env: Readonly<Record<string, string>>;

  /**
   * @param name that of the example's folder and of its service
   * @param directory where the state may be
   * @param data where servers keep their data
   */
  constructor(name: string, directory: string, data: string) {
    this.name = name;
    this.#folder = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
    this.#state = join(directory, "state");
    this.#env = { PROCREF_DIR: this.#state, EXAMPLES_DATA: data };
    mkdirSync(this.#state, { mode: 0o700 });
    this.tasks = JSON.parse(readFileSync(join(this.#folder, "deno.json"), "utf8")).tasks;
  }

  /** Runs a task as it stands in the example's deno.json; what it says to standard output is the program's own. */
  task(task: string, args: readonly string[] = []): RunningCommand {
    assert.ok(task in this.tasks, task);
    const command = ["deno", "task", "--quiet", task];
    return new RunningCommand(args, { command, cwd: this.#folder, env: this.#env });
  }

  /** A task whose program takes notes. */
  client(task: string): NoteTaker {
    return new NoteTaker(this.task(task));
  }

  /** Runs a task that ends by itself, and gives what it printed. */
  async print(task: string, args: readonly string[] = []): Promise<string> {
    await using command = this.task(task, args);
    const { status, out, err } = await command.ended;
    assert.equal(status, 0, err);
    return out;
  }

  /** The client that shares the server by the library, in this runtime. */
  library(namespace: string): NoteTaker {
    return new NoteTaker(
      new RunningCommand([namespace], { command: LIBRARY[runtime], cwd: this.#folder, env: this.#env }),
    );
  }

  async status(namespace = "shop"): Promise<Status> {
    return await procrefJson(["status", this.name, "--namespace", namespace], { env: this.#env });
  }

  /** What the server has written in this life. */
  async log(namespace = "shop"): Promise<string> {
    return (await procref(["logs", this.name, "--namespace", namespace], { env: this.#env })).out;
  }

  /** Waits until no service of this stage is there any more. */
  async over(): Promise<void> {
    await eventually(() => readdirSync(this.#state).length === 0, "no service is left");
  }
}

/** A stage of its own for one test. */
export async function onStage(
  name: string,
  data: string,
  work: (stage: ExampleStage) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    const stage = new ExampleStage(name, directory, data);
    await work(stage);
    await stage.over();
  });
}

/** A directory that servers of another user may pass through. */
export function dataDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "procref-test-data-"));
  chmodSync(directory, 0o755);
  return directory;
}

/** Copies the data of a server that does not run, with its owners; what is there is replaced. */
export function copyData(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  const { status, stderr } = spawnSync("cp", ["-a", from, to], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
}

/** Fails, and says what to do, when a program is not to be had; these tests install nothing. */
export function assertInstalled(programs: readonly string[], remedy: string): void {
  const PATH = `${process.env.PATH}:${serverFolder()}`;
  for (const program of programs) {
    const { status } = spawnSync("sh", ["-c", `command -v ${program}`], { env: { ...process.env, PATH } });
    assert.equal(status, 0, `${program} is missing: ${remedy}`);
  }
}

/** Where Debian has the programs of its newest PostgreSQL server. */
function serverFolder(): string {
  const all = "/usr/lib/postgresql";
  const { stdout } = spawnSync("sh", ["-c", `ls -d ${all}/*/bin | sort -V | tail -n 1`], { encoding: "utf8" });
  return stdout.trim();
}
