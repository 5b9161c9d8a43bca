/** Fetching what a task needs by package name, and running the programs that do it. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** How much of what a program said before it failed is shown, in characters. */
const SHOWN = 2000;

/** What a task needs and is not to be had, and what to do. */
export class Missing extends Error {
  override readonly name = "Missing";
}

/** A package of npm that is nothing but a program. */
export interface ProgramPackage {
  /** What it is, for messages. */
  readonly what: string;
  /** Its name with its version. */
  readonly package: string;
  /** The folder for it, below that of all such packages. */
  readonly folder: string;
  /** Where the program is then. */
  readonly program: string;
}

/**
 * Runs a program to its end.
 *
 * @param remedy what to do when it fails
 * @param cwd where to run it; here unless given
 * @returns what it said
 * @throws Missing
 */
export function run(command: string, args: readonly string[], remedy: string, cwd?: string): string {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    maxBuffer: 2 ** 26,
  });
  if (status === 0) return stdout;
  const why = error?.message ?? `${stdout}${stderr}`.trim().slice(-SHOWN);
  throw new Missing(`${command} ${args.join(" ")} failed: ${why}\n${remedy}`);
}

/**
 * Fetches a package of npm and unpacks it, where its program is not there yet.
 *
 * @param folder that of all such packages
 * @throws Missing
 */
export function fetchFromNpm(wanted: ProgramPackage, folder: string): void {
  if (existsSync(wanted.program)) return;
  const remedy = "npm with a registry that has it is needed";
  console.log(`fetching from npm: ${wanted.package}`);
  const place = join(folder, wanted.folder);
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  run("npm", ["pack", "--silent", wanted.package], remedy, place);
  const [archive] = readdirSync(place);
  run("tar", ["-xzf", archive], remedy, place);
  rmSync(join(place, archive));
  if (!existsSync(wanted.program)) throw new Missing(`${wanted.package} has no program of ${wanted.what}`);
}
