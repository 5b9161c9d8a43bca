/**
 * Starting a supervisor or reaper: a detached process that outlives the client, its terminal and its process group.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import process from "node:process";
import { nativeRuntime } from "../../ffi/mod.ts";
import type { Grants } from "../../ffi/types.ts";
import type { Readable } from "node:stream";
import { type ErrorCode, ProcrefError } from "../errors.ts";
import type { Scope } from "../kernel/object_name.ts";
import type { Mechanism } from "../kernel/ref_counter.ts";
import { parseIdentity, type ProcessIdentity } from "../process/identity.ts";
import type { ServiceDescription } from "./service_description.ts";

/** Which service, and what to do with it. */
export interface SupervisorOrders {
  /** Its name, and what tells it from others of that name. */
  readonly name: string;
  readonly namespace: string | undefined;
  readonly scope: Scope;
  /** The real path of the state directory. */
  readonly directory: string;
  readonly mechanism: Mechanism | undefined;
  /** How long the service may take to end, in milliseconds. */
  readonly stopTimeoutMs: number;
  /** The service to own; a reaper has none, and waits for the last client of what others started. */
  readonly description?: ServiceDescription;
}

/** The first word of the line by which a supervisor says that it is in office; its identity follows. */
export const IN_OFFICE = "in-office";
/** The line of one that found the seat taken. */
export const SEAT_TAKEN = "seat-taken";
/** The first word of the line of one that failed; the message follows as JSON. */
export const FAILED = "failed";

const MAIN = new URL("../supervisor/main.ts", import.meta.url);
/** How long it may take to come into office. */
const START_TIMEOUT_MS = 20_000;
/** How many in a row may be killed before they have said a word. */
const MOST_KILLED = 3;
/** What programs need in order to find others, and a runtime its cached modules. */
const PASSED_ON = ["PATH", "HOME", "USER", "LANG", "TMPDIR", "DENO_DIR", "XDG_CACHE_HOME", "BUN_INSTALL"];

/**
 * Starts a supervisor and waits until it is in office or gone. When this process dies meanwhile, the supervisor goes
 * on, finds that nobody is left, and clears up.
 *
 * @param orders what it is told, through a pipe: nothing of it is to be seen in the list of processes
 * @param more further Deno permissions
 * @returns who is in office now, or undefined when the seat was taken
 * @throws ProcrefError `SUPERVISOR` when it cannot be started, fails, or does not answer within 20 seconds;
 * `PERMISSION` when Deno does not let us start it
 */
export async function startSupervisor(
  orders: SupervisorOrders,
  more: readonly string[] = [],
): Promise<ProcessIdentity | undefined> {
  for (let killed = 0; killed < MOST_KILLED; killed++) {
    const outcome = await startOne(orders, more);
    if (outcome !== "killed") return outcome;
  }
  throw failure(orders.name, `${MOST_KILLED} in a row ended without a word, as if they were killed`);
}

/** Starts one supervisor; it was killed when it ended without a word about itself or about what went wrong. */
async function startOne(
  orders: SupervisorOrders,
  more: readonly string[],
): Promise<ProcessIdentity | undefined | "killed"> {
  const { command, env } = nativeRuntime().moduleCommand(MAIN, grants(orders, more));
  // A leader of a process group cannot begin a session, so setsid forks: the supervisor is no child of this process,
  // and neither a group kill nor a runtime that ends its descendants reaches it.
  const child = spawn("setsid", command, {
    cwd: "/",
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...passedOn(), ...env },
  });
  await spawned(child, orders.name);
  try {
    return await answer(child, orders);
  } finally {
    for (const stream of child.stdio) stream?.destroy();
    child.unref();
  }
}

/** Resolves once the child runs. */
async function spawned(child: ChildProcess, name: string): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
  } catch (cause) {
    const { name: kind, message } = cause as Error;
    const code = kind === "NotCapable" || kind === "PermissionDenied" ? "PERMISSION" : "SUPERVISOR";
    throw failure(name, `${message}; it needs setsid (util-linux or BusyBox), in Deno --allow-run=setsid`, cause, code);
  }
}

function grants({ directory, description }: SupervisorOrders, more: readonly string[]): Grants {
  const files = [directory];
  if (description === undefined) return { files, run: [], net: [], more };
  const { command, ready, setpriv, host, port } = description;
  const programs = [command[0], ready.kind === "exec" ? ready.command[0] : undefined];
  // A program with a placeholder in its name cannot be named beforehand.
  const unknown = programs.some((program) => program?.includes("{"));
  return {
    files,
    run: unknown ? [] : [...new Set([setpriv ?? command[0], ...programs.slice(setpriv ? 1 : 0)])].filter(isText),
    net: port === undefined ? [] : [host],
    more: unknown ? ["--allow-run", ...more] : more,
  };
}

function isText(value: string | undefined): value is string {
  return value !== undefined;
}

function passedOn(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const variable of PASSED_ON) {
    try {
      const value = process.env[variable];
      if (value !== undefined) found[variable] = value;
    } catch {
      // Deno does not let us see it: the supervisor does without.
    }
  }
  return found;
}

async function answer(
  child: ChildProcess,
  orders: SupervisorOrders,
): Promise<ProcessIdentity | undefined | "killed"> {
  let errors = "";
  child.stderr!.setEncoding("utf8").on("data", (text) => errors = `${errors}${text}`.slice(-2000));
  // It may be gone before it has read its orders; what it said of that is what counts.
  child.stdin!.on("error", () => {});
  child.stdin!.end(JSON.stringify(orders));
  const line = await firstLine(child.stdout!, orders.name);
  const [word, ...rest] = (line ?? "").split(" ");
  if (word === IN_OFFICE) return parseIdentity(rest.join(" "));
  if (word === SEAT_TAKEN) return undefined;
  if (word === "" && errors.trim() === "") return "killed";
  const why = word === FAILED ? JSON.parse(rest.join(" ")) : `it ended without a word: ${errors.trim() || line}`;
  throw failure(orders.name, why);
}

/** The first line of its output, or undefined when there is none. */
function firstLine(output: Readable, name: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(failure(name, `it was not in office after ${START_TIMEOUT_MS} ms`)),
      START_TIMEOUT_MS,
    );
    const settle = (line?: string): void => {
      clearTimeout(timer);
      resolve(line);
    };
    const lines = createInterface({ input: output });
    lines.once("line", settle);
    lines.once("close", () => settle());
  });
}

function failure(name: string, why: string, cause?: unknown, code: ErrorCode = "SUPERVISOR"): ProcrefError {
  return new ProcrefError(code, `Cannot start the supervisor of "${name}": ${why}`, {
    cause,
    details: { name, call: "setsid" },
  });
}
