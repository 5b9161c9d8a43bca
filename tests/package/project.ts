/** A project of somebody else, in an empty folder, and programs that run in it. */

import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { withDirectory } from "../harness/names.ts";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Variables beside those of the test; undefined takes one away. */
type Variables = Readonly<Record<string, string | undefined>>;

/** A folder with nothing but what is written into it, and a state directory beside it. */
export class Project {
  readonly folder: string;
  readonly #env: Variables;

  private constructor(folder: string, env: Variables) {
    this.folder = folder;
    this.#env = { NO_COLOR: "1", PROCREF_DIR: join(folder, "..", "state"), ...env };
  }

  /** Makes one for as long as the work takes. */
  static async with(
    work: (project: Project) => Promise<void>,
    env: (directory: string) => Variables = () => ({}),
  ): Promise<void> {
    await withDirectory(async (directory) => {
      for (const name of ["project", "state"]) mkdirSync(join(directory, name), { mode: 0o700 });
      await work(new Project(join(directory, "project"), env(directory)));
    });
  }

  /** Writes a file. */
  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  /** Runs a program in the folder to its end. */
  run(program: string, args: readonly string[]): Promise<Ended> {
    const child = spawn(program, args, { cwd: this.folder, env: { ...process.env, ...this.#env }, timeout: 120_000 });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text) => stdout += text);
    child.stderr.setEncoding("utf8").on("data", (text) => stderr += text);
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve({ code, stdout, stderr }));
    });
  }

  /** Runs a program that must end well; gives what it said. */
  async says(program: string, args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(program, args);
    if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}: ${stdout}${stderr}`);
    return stdout;
  }
}

/** A client of a service under the supervisor, as it is written by who has installed the package. */
export const CLIENT = `
import { isProcrefError, SharedService } from "@procref/core";
import { identityOf } from "@procref/core/process";

const service = new SharedService("consumed", { command: ["sleep", "60"] });
service.addEventListener("lost", ({ detail }) => console.error(detail.code, detail.details.log));
service.addEventListener("restart", ({ detail }) => console.error(detail.pid?.toFixed(), detail.port));
await using handle = await service.acquire();
if (identityOf(handle.pid!)?.pid !== handle.pid) throw new Error("no such process");
console.log("holds", await service.count(), isProcrefError(undefined));
`;
