/**
 * Starting a supervisor or reaper: a detached process that outlives the client, its terminal and its process group.
 *
 * @module
 */

import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { nativeRuntime } from "../../ffi/mod.ts";
import type { Grants } from "../../ffi/types.ts";
import { type ErrorCode, ProcrefError } from "../errors.ts";
import { isAlone } from "../kernel/lone_sysv_counter.ts";
import type { DetachedProcess, DetachedStart } from "../process/detached_process.ts";
import { parseIdentity, type ProcessIdentity } from "../process/identity.ts";
import { processSystem } from "../process/platform.ts";
import { compileCache } from "./compile_cache.ts";
import { RecordStore } from "./record_store.ts";
import { reentryCommand } from "./reentry.ts";
import { FAILED, IN_OFFICE, nameOfOrders, SEAT_TAKEN, type SupervisorOrders } from "./supervisor_orders.ts";

/** The program for everything. In the package for npm all files end with .js. */
const MAIN = `main${extname(import.meta.url)}`;
/** How long it may take to come into office. */
const START_TIMEOUT_MS = 20_000;
/** How many in a row may be killed before they have said a word. */
const MOST_KILLED = 3;
/** What Deno says when a module is not in the cache in which it looks. */
const NOT_CACHED = /not found in cache|--cached-only is specified/;
/** What programs need in order to find others, and a runtime its cached modules. */
const PASSED_ON = [
  ...["PATH", "HOME", "USER", "LANG", "TMPDIR", "DENO_DIR", "XDG_CACHE_HOME", "BUN_INSTALL"],
  "BUN_RUNTIME_TRANSPILER_CACHE_PATH",
  // Of Windows, whose programs find its libraries, their data and a place for files that do not last by them.
  ...["SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERNAME", "USERPROFILE"],
  ...["APPDATA", "LOCALAPPDATA", "PROGRAMDATA"],
];

/**
 * Starts a supervisor and waits until it is in office or gone. When this process dies meanwhile, the supervisor goes
 * on, finds that nobody is left, and clears up.
 *
 * @param orders what it is told; nothing of it is to be seen in the list of processes. The gate must be held
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
  const runtime = nativeRuntime();
  const { command, env } = runtime.isCompiled
    ? reentryCommand(orders.name)
    : runtime.moduleCommand(...programFor(orders, more));
  const text = JSON.stringify(orders);
  const open = (): number => new RecordStore(orders.directory, nameOfOrders(orders), orders.user).openText(text);
  const supervisor = await start(orders.name, { command, env: { ...passedOn(), ...env }, input: { text, open } });
  try {
    return heard(orders.name, await supervisor.firstLine(START_TIMEOUT_MS));
  } finally {
    supervisor.release();
  }
}

/** The program that follows some orders, with what it may: where it can, one that loads nothing else. */
function programFor(orders: SupervisorOrders, more: readonly string[]): [program: URL, grants: Grants] {
  const { description, mechanism, directory } = orders;
  const isCommand = description !== undefined && description.module === undefined;
  const isUsual = isCommand && mechanism === "sysv" && isAlone(nameOfOrders(orders), directory);
  const usual = isUsual ? processSystem().supervisorProgram : undefined;
  const program = new URL(`../supervisor/${usual ?? MAIN}`, import.meta.url);
  // Other programs run code of the user's, whose size nobody knows.
  return [program, { ...grants(orders, more), ...(usual === undefined ? {} : { compileCache }) }];
}

/** Resolves once it runs. */
async function start(name: string, how: DetachedStart): Promise<DetachedProcess> {
  const system = processSystem();
  try {
    return await system.startDetached(how);
  } catch (cause) {
    if (cause instanceof ProcrefError) throw cause;
    const { name: kind, message } = cause as Error;
    const code = kind === "NotCapable" || kind === "PermissionDenied" ? "PERMISSION" : "SUPERVISOR";
    throw failure(name, `${message}; it needs ${system.detachedBy}`, cause, code);
  }
}

function grants({ directory, description }: SupervisorOrders, more: readonly string[]): Grants {
  // Who refuses native calls to this process means all that it starts.
  const { askedPrograms: asked = [] } = processSystem();
  const native = asked.length === 0;
  const common = { files: [directory], native };
  if (description === undefined) return { ...common, run: asked, net: [], more };
  const { command, module, ready, setpriv, host, port } = description;
  const programs = [command[0], ready.kind === "exec" ? ready.command[0] : undefined];
  // A program with a placeholder in its name cannot be named beforehand.
  const unknown = programs.some((program) => program?.includes("{"));
  const net = port === undefined ? [] : addressesOf(host);
  const runs = [setpriv ?? command[0], ...programs.slice(setpriv ? 1 : 0), ...asked].filter(isText);
  return {
    ...common,
    // To see that its programs are none that only a shell would run.
    read: [...new Set([module?.startsWith("file:") ? fileURLToPath(module) : undefined, ...programs].filter(isText))],
    run: unknown ? [] : [...new Set(runs)],
    net: net ?? [],
    // Who may run everything may read everything.
    more: [...(unknown ? ["--allow-run", "--allow-read"] : []), ...(net === undefined ? ["--allow-net"] : []), ...more],
  };
}

/** What Deno asks for when a service's host is asked whether it is ready; undefined when that cannot be known beforehand. */
function addressesOf(host: string): string[] | undefined {
  if (host === "localhost") return [host, "127.0.0.1", "::1"];
  const isAddress = /^[\d.]+$/.test(host) || host.includes(":");
  return isAddress ? [host] : undefined;
}

function isText(value: string | undefined): value is string {
  return value !== undefined;
}

/**
 * What a program of ours finds in its environment of what this process has in its own. What Deno does not let us see, it
 * does without; nobody is asked for it.
 */
export function passedOn(): Record<string, string> {
  const runtime = nativeRuntime();
  const found = PASSED_ON.map((name) => [name, runtime.variable(name)] as const);
  return Object.fromEntries(found.filter((entry): entry is readonly [string, string] => entry[1] !== undefined));
}

/** What the first word of a supervisor means. */
function heard(
  name: string,
  { line, errors }: { readonly line: string | undefined; readonly errors: string },
): ProcessIdentity | undefined | "killed" {
  const [word, ...rest] = (line ?? "").split(" ");
  if (word === IN_OFFICE) return parseIdentity(rest.join(" "));
  if (word === SEAT_TAKEN) return undefined;
  if (word === "late") throw failure(name, `it was not in office after ${START_TIMEOUT_MS} ms`);
  if (word === "" && errors.trim() === "") return "killed";
  throw failure(name, word === FAILED ? JSON.parse(rest.join(" ")) : endedBefore(errors.trim(), line));
}

/** Why it ended before it was in office, as far as its runtime has told. */
function endedBefore(errors: string, line: string | undefined): string {
  if (NOT_CACHED.test(errors)) {
    return `it looks for this library in Deno's default cache, where it is not; allow DENO_DIR, XDG_CACHE_HOME and HOME ` +
      `to be read (--allow-env=DENO_DIR,XDG_CACHE_HOME,HOME), so that it is told of yours, or fetch the library again ` +
      `(--reload). Deno says: ${errors}`;
  }
  return errors === ""
    ? `it said "${line}" in place of what it should say`
    : `it ended before it was in office: ${errors}`;
}

function failure(name: string, why: string, cause?: unknown, code: ErrorCode = "SUPERVISOR"): ProcrefError {
  return new ProcrefError(code, `Cannot start the supervisor of "${name}": ${why}`, {
    cause,
    details: { name },
  });
}
