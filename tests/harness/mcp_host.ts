/** Hosts of servers of the Model Context Protocol, and what they leave behind. */

import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { processSystem } from "../../src/process/platform.ts";
import { Child, type Exit } from "./child.ts";
import { eventually } from "./eventually.ts";
import { withDirectory } from "./names.ts";
import { bothRuntimes, type RuntimeName } from "./runtime.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/mcp/", import.meta.url));
const HOST = "../../examples/mcp/host.ts";
/** The program of the database. */
export const DATABASE = join(EXAMPLE, "database.ts");

/** How a program of the example is run; Bun takes what it has fetched before it asks the registry again. */
export const RUN: { readonly [R in RuntimeName]: readonly string[] } = {
  deno: ["deno", "run", "-A", "--no-check", "--quiet"],
  bun: ["bun", "run", "--install=fallback", "--prefer-offline"],
};

/** Runs a program in the folder of the example. */
export function inExample(command: readonly string[]): { code: number | null; output: string } {
  const { status, error, stdout, stderr } = spawnSync(command[0], command.slice(1), {
    cwd: EXAMPLE,
    encoding: "utf8",
    input: "",
    timeout: 120_000,
  });
  return { code: status, output: `${error?.message ?? ""}${stdout}${stderr}` };
}

let fetched = false;

/** Fetches what the example needs, once, so that no server has to; says so when it cannot be had. */
export function fetchPackages(): void {
  if (fetched) return;
  const fetch = [
    ["deno", "cache", "--quiet", "host.ts", "server.ts"],
    // A host that is told nothing has imported all that a host needs; a server cannot help fetching the same packages.
    [...RUN.bun, "host.ts", "--lines"],
  ];
  for (const command of fetch) {
    const { code, output } = inExample(command);
    if (code === 0) continue;
    throw new Error(
      `the packages of examples/mcp cannot be had from the npm registry (${command.join(" ")}): ${output}`,
    );
  }
  fetched = true;
}

/** A host in a process of its own. Dispose it: it is killed, and says goodbye to nobody. */
export class Host implements AsyncDisposable {
  readonly #child: Child;
  #calls = 0;

  constructor(runtime: RuntimeName, env: Readonly<Record<string, string>>) {
    this.#child = new Child(HOST, { command: RUN[runtime], args: ["--lines"], env });
  }

  /** Starts a server by the words of a command, and waits until it has answered; gives the PID of the command. */
  start(server: string, command: readonly string[]): Promise<number> {
    return this.#ask("start", server, ...command);
  }

  /** Calls a tool; gives what it answers. */
  call(server: string, tool: string, args: Readonly<Record<string, string>> = {}): Promise<string> {
    return this.#ask("call", server, tool, args);
  }

  /** Says goodbye to a server. */
  close(server: string): Promise<void> {
    return this.#ask("close", server);
  }

  kill(): Promise<Exit> {
    return this.#child.kill("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }

  async #ask<T>(...what: readonly unknown[]): Promise<T> {
    const id = ++this.#calls;
    this.#child.send(JSON.stringify([id, ...what]));
    const [value, message] = JSON.parse(`[${await this.#child.line(`[${id},`)}`);
    if (message !== undefined) throw new Error(message);
    return value;
  }
}

/** A directory with notes, the hosts that come to it, and the processes that serve it. */
export class McpStage {
  /** Where the notes are. */
  readonly notes: string;
  readonly env: Readonly<Record<string, string>>;
  readonly #directory: string;
  readonly #hosts: Host[] = [];

  private constructor(directory: string) {
    this.#directory = realpathSync(directory);
    this.notes = join(this.#directory, "notes");
    this.env = { PROCREF_DIR: join(this.#directory, "state") };
    mkdirSync(this.env.PROCREF_DIR, { mode: 0o700 });
  }

  /** Runs a test on a stage. */
  static async with(work: (stage: McpStage) => Promise<void>): Promise<void> {
    await withDirectory(async (directory) => {
      const stage = new McpStage(directory);
      try {
        await work(stage);
      } finally {
        for (const host of stage.#hosts) await host[Symbol.asyncDispose]();
        for (const pid of stage.#named()) processSystem().signal(pid, 9);
      }
    });
  }

  /** The path of a file beside the notes. */
  path(name: string): string {
    return join(this.#directory, name);
  }

  host(runtime: RuntimeName, env: Readonly<Record<string, string>> = {}): Host {
    const host = new Host(runtime, { ...this.env, ...env });
    this.#hosts.push(host);
    return host;
  }

  /** The command of a server for these notes. */
  server(runtime: RuntimeName): string[] {
    return [...RUN[runtime], join(EXAMPLE, "server.ts"), this.notes];
  }

  /** Hosts and servers of both runtimes, so many of each mixture, all of them started at once. */
  async sessions(count: number): Promise<{ host: Host; server: string }[]> {
    const hosts = bothRuntimes.map((runtime) => this.host(runtime));
    return await Promise.all(Array.from({ length: count }, async (_, index) => {
      const host = hosts[Math.floor(index / 2) % 2];
      const server = `server-${index}`;
      await host.start(server, this.server(bothRuntimes[index % 2]));
      return { host, server };
    }));
  }

  /** All processes that were told of the notes, but for the database. */
  servers(): number[] {
    return this.#named().filter((pid) => !this.#isDatabase(pid));
  }

  databases(): number[] {
    return this.#named().filter((pid) => this.#isDatabase(pid));
  }

  /** Waits until no server, no wrapper of one and no database of these notes runs. */
  async assertNothingLeft(): Promise<void> {
    await eventually(() => this.#named().length === 0, "no server and no database runs");
    await eventually(() => readdirSync(this.env.PROCREF_DIR).length === 0, "no supervisor is in office");
  }

  #isDatabase(pid: number): boolean {
    return processSystem().command(pid)?.includes(DATABASE) ?? false;
  }

  #named(): number[] {
    return processSystem().list().filter((pid) => processSystem().command(pid)?.includes(this.notes));
  }
}
