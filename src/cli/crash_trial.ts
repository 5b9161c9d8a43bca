/**
 * A child process of our own that takes what can be taken of a counter, to be killed.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { nativeRuntime } from "../../ffi/mod.ts";
import { constants } from "node:os";
import type { RefCounterOptions } from "../kernel/open.ts";
import { processSystem } from "../process/platform.ts";
import { ProcessWatch } from "../process/process_watch.ts";
import { passedOn } from "../service/start_supervisor.ts";

/** A child that holds. */
export interface Holder {
  /** Its process. */
  readonly child: ChildProcess;
  /** Settles when it has ended and is reaped. */
  readonly exited: Promise<unknown>;
}

/**
 * Starts a child that takes a reference and the seat of a counter.
 *
 * @param name the counter
 * @param options how it is kept, and where
 * @throws Error when it could not
 */
export async function startHolder(name: string, options: RefCounterOptions): Promise<Holder> {
  const { directory } = options;
  const native = (processSystem().askedPrograms ?? []).length === 0;
  const grants = directory === undefined
    ? { files: [], run: [], net: [], native }
    : { files: [directory], read: [dirname(directory)], run: [], net: [], native, more: ["--allow-sys=uid,statfs"] };
  const { command, env } = nativeRuntime().moduleCommand(holderModule(), grants);
  const [program, ...args] = command;
  const child = spawn(program, [...args, name, JSON.stringify(options)], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...passedOn(), ...env },
  });
  let errors = "";
  child.stderr!.setEncoding("utf8").on("data", (text) => errors += text);
  const exited = once(child, "exit");
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout! }), "line"),
    exited.then(([code, signal]) => {
      throw new Error(`the child for the test ended with ${signal ?? code}: ${errors.trim()}`);
    }),
  ]);
  if (line === "holds") return { child, exited };
  await killHolder({ child, exited });
  throw new Error(`the child for the test could not hold anything: ${line}`);
}

/** Kills the child as no program can prevent, and waits until it is gone. */
export async function killHolder({ child, exited }: Holder): Promise<void> {
  using watch = ProcessWatch.ofPid(child.pid!);
  watch?.signal(constants.signals.SIGKILL);
  await exited;
}

/** The module of the child, which is published in the form of this one: as TypeScript or as JavaScript. */
/** Called by nobody: a module that is named here is among those that a runtime fetches beforehand. */
export function loadHolder(): Promise<unknown> {
  return import("./crash_trial_holder.ts");
}

function holderModule(): URL {
  const ending = import.meta.url.slice(import.meta.url.lastIndexOf("."));
  return new URL(`./crash_trial_holder${ending}`, import.meta.url);
}
