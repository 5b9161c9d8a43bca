/** Machines that deny something, and what a client does on them. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Child } from "./child.ts";
import { PROCREF, procref } from "./command.ts";
import { withDirectory } from "./names.ts";
import { runtime as ours, type RuntimeName } from "./runtime.ts";

/** What went wrong. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** What a client found on a machine: see fixtures/use_machine.ts. */
export interface Found {
  readonly choice: { readonly mechanism?: string; readonly reason?: string };
  /** The count with its own reference. */
  readonly counted: 1 | Failure;
  readonly shared: { readonly held: number; readonly ran: boolean } | Failure;
  /** The files that are left. */
  readonly left: readonly string[];
  /** What came out when there was room again, where there had been none. */
  readonly withRoom?: Pick<Found, "counted" | "shared" | "left">;
}

/** A machine, and how one gets there: the words before a command, which know the state directory. */
export type Machine = (state: string) => readonly string[];

/** What comes out where everything works. */
export const WORKS = { counted: 1, shared: { held: 1, ran: true }, left: [] } as const;

const DENO = ["deno", "run", "-A", "--no-check", "--quiet"];
const COMMANDS: { readonly [R in RuntimeName]: readonly string[] } = { deno: DENO, bun: ["bun", "run"] };

/** Runs a client and `procref doctor` on a machine, with the state directory at hand. */
export async function onMachine(
  machine: Machine,
  work: (found: Found, doctor: string) => void | Promise<void>,
  runtime: RuntimeName = ours,
  flags: readonly string[] = [],
): Promise<void> {
  await withState(async (state) => {
    const within = machine(state);
    const found = await answer<Found>("use_machine.ts", [...within, ...allowed(COMMANDS[runtime], flags)], state);
    const { out } = await procref(["doctor", "--directory", state], {
      command: [...within, ...allowed(PROCREF[runtime], flags)],
    });
    await work(found, out);
  });
}

/** Runs a fixture on a machine, with the state directory as its argument, and gives what it prints as JSON. */
export async function runOn<T>(
  machine: Machine,
  fixture: string,
  runtime: RuntimeName,
  flags: readonly string[],
): Promise<T> {
  return await withState((state) =>
    answer<T>(fixture, [...machine(state), ...allowed(COMMANDS[runtime], flags)], state)
  );
}

async function answer<T>(fixture: string, command: readonly string[], state: string): Promise<T> {
  await using client = new Child(fixture, { command, args: [state] });
  const line = await client.line("");
  assert.deepEqual(await client.exited, { code: 0, signal: null });
  return JSON.parse(line);
}

function allowed([program, verb, ...rest]: readonly string[], flags: readonly string[]): string[] {
  return [program, verb, ...flags, ...rest];
}

async function withState<T>(work: (state: string) => Promise<T>): Promise<T> {
  return await withDirectory(async (directory) => {
    const state = join(directory, "state");
    mkdirSync(state, { mode: 0o700 });
    return await work(state);
  });
}

/** Runs lines of the shell before the command. */
export function shell(namespaces: string, lines: string, ...args: readonly string[]): string[] {
  return ["unshare", namespaces, "sh", "-e", "-c", `${lines}\nshift ${args.length}\nexec "$@"`, "sh", ...args];
}

/** Why machines of other namespaces are not to be had here; false where they are. */
export const noNamespaces: string | false =
  spawnSync("unshare", ["-i", "-m", "sh", "-c", "cat /proc/sys/kernel/sem >/proc/sys/kernel/sem"]).status === 0
    ? false
    : "only root can change the limits and the mounts of namespaces of its own";
