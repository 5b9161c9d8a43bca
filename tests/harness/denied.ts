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
  await withDirectory(async (directory) => {
    const state = join(directory, "state");
    mkdirSync(state, { mode: 0o700 });
    const within = machine(state);
    const withFlags = ([program, verb, ...rest]: readonly string[]): string[] => [program, verb, ...flags, ...rest];
    const command = [...within, ...withFlags(COMMANDS[runtime])];
    await using client = new Child("use_machine.ts", { command, args: [state] });
    const found: Found = JSON.parse(await client.line(""));
    assert.deepEqual(await client.exited, { code: 0, signal: null });
    const { out } = await procref(["doctor", "--directory", state], {
      command: [...within, ...withFlags(PROCREF[runtime])],
    });
    await work(found, out);
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
