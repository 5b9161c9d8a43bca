/**
 * Access to the processes of Linux where the runtime refuses native calls. Deno lets nobody read /proc by its own means
 * who does not run with all permissions, and signal nobody who may not run everything; so the shell is asked, which is on
 * every system, with the small programs that come with it (cat, readlink, grep). That takes milliseconds instead of
 * microseconds, during which this thread waits.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { SpawnSyncReturns } from "node:child_process";
import { node } from "../../../ffi/node.ts";
import { ProcrefError } from "../../errors.ts";
import type { EnvironmentSearch, LinuxAccess, Sweeps } from "./linux_access.ts";

/** The one program that is run; it runs the others. By its path, which every Linux has, it is found without a PATH. */
const SHELL = "/bin/sh";
/** Where its programs are, on NixOS and Guix as well: our own PATH we may not be allowed to see. */
const PATH = "/usr/bin:/bin:/run/current-system/sw/bin:/run/current-system/profile/bin";
/** How often one may ask in a loop, in milliseconds. */
const ASK_EVERY_MS = 50;
/** The longest answer that is taken: the environments of very many processes. */
const LONGEST_ANSWER = 2 ** 28;
const ABSENT = /No such file or directory|No such process|Permission denied/;

interface Answer {
  readonly succeeded: boolean;
  readonly output: Buffer;
  readonly errors: string;
}

/** What the shell and its programs tell. */
export class ShellAccess implements LinuxAccess {
  readonly sweeps: Sweeps = { programs: [SHELL], askEveryMs: ASK_EVERY_MS, statusLines, searchEnvironments };

  bytes(path: string): Uint8Array | undefined {
    const { succeeded, output, errors } = ask(`read ${path}`, 'exec cat -- "$1"', path);
    if (succeeded) return output;
    if (ABSENT.test(errors)) return undefined;
    throw failed(`read ${path}`, errors);
  }

  link(path: string): string | undefined {
    const { succeeded, output } = ask(`read ${path}`, 'exec readlink -n -- "$1"', path);
    return succeeded ? output.toString() : undefined;
  }

  processes(): number[] {
    const { output } = ask("list /proc", "cd /proc && printf '%s\\n' [0-9]*");
    return output.toString().split("\n").filter((name) => /^\d+$/.test(name)).map(Number);
  }

  signal(pid: number, number: number): boolean {
    const whom = pid < 0 ? `process group ${-pid}` : `process ${pid}`;
    const doing = `send signal ${number} to ${whom}`;
    const { succeeded, errors } = kill(doing, pid, number);
    if (succeeded) return true;
    if (errors.includes("No such process")) return false;
    if (!isRefusal(errors)) throw failed(doing, errors, "OTHER");
    throw new ProcrefError("PERMISSION", `Cannot ${doing}: ${errors.trim()}`, { details: { pid: Math.abs(pid) } });
  }

  isForeign(pid: number): boolean {
    const { succeeded, errors } = kill(`look for process ${pid}`, pid, 0);
    return !succeeded && isRefusal(errors);
  }

  canRun(path: string): boolean | "denied" {
    const script = 'if [ -d "$1" ]; then echo denied; elif [ -x "$1" ]; then echo true; ' +
      'elif [ -e "$1" ]; then echo denied; fi';
    const answer = ask(`look for ${path}`, script, path).output.toString().trim();
    return answer === "denied" ? answer : answer === "true";
  }

  hold(): "not-offered" {
    return "not-offered";
  }
}

function kill(doing: string, pid: number, number: number): Answer {
  return ask(doing, 'kill -s "$1" -- "$2"', String(number), String(pid));
}

function isRefusal(errors: string): boolean {
  return errors.includes("not permitted");
}

/** Processes that end meanwhile are missing, and that is all. */
function statusLines(): string {
  return ask("list /proc", "exec cat /proc/[0-9]*/stat").output.toString();
}

/**
 * One grep looks at each environment once. It says the entries that were asked for in full, and one letter of every other
 * one: who shows no letter at all shows no environment.
 */
function searchEnvironments(entries: readonly string[]): EnvironmentSearch {
  const script = 'exec grep -Hazo "$@" /proc/[0-9]*/environ';
  const wanted = entries.flatMap((entry) => ["-e", `^${entry.replaceAll(".", "\\.")}$`]);
  const { output, errors } = ask("search /proc", script, ...wanted, "-e", "^[^=]");
  const found = new Set<number>();
  const seen = new Set<number>();
  for (const record of output.toString().split("\0")) {
    const [, pid, entry] = /^\/proc\/(\d+)\/environ:(.*)$/s.exec(record) ?? [];
    if (pid === undefined) continue;
    seen.add(Number(pid));
    if (entries.includes(entry)) found.add(Number(pid));
  }
  for (const [, pid] of errors.matchAll(/\/proc\/(\d+)\/environ: /g)) seen.add(Number(pid));
  return { found: [...found], empty: new ShellAccess().processes().filter((pid) => !seen.has(pid)) };
}

/**
 * Runs a line of the shell.
 *
 * @param doing what it is for, as it follows "Cannot"
 * @param args what it finds as $1 and so on: nothing of it is taken for code
 * @throws ProcrefError `PERMISSION` when the runtime does not allow it; `PLATFORM` when there is no shell; `IO`
 */
function ask(doing: string, script: string, ...args: readonly string[]): Answer {
  const { status, stdout, stderr, error } = run(doing, script, args);
  // Where the runtime refuses, Deno 2.9 gives an empty result without an error.
  if (error === undefined && (stdout === undefined || stderr === undefined)) throw refused(doing);
  if ((error as NodeJS.ErrnoException | undefined)?.code === "ENOENT") {
    throw new ProcrefError("PLATFORM", `Cannot ${doing}: there is no ${SHELL}; install one, or allow native calls`);
  }
  if (error !== undefined) throw failed(doing, error.message);
  return { succeeded: status === 0, output: stdout!, errors: stderr!.toString() };
}

function run(doing: string, script: string, args: readonly string[]): Partial<SpawnSyncReturns<Buffer>> {
  try {
    return spawnBytes(["-c", script, SHELL, ...args]);
  } catch (cause) {
    const { name } = cause as Error;
    if (name === "NotCapable" || name === "PermissionDenied") throw refused(doing, cause);
    throw failed(doing, (cause as Error).message);
  }
}

function spawnBytes(args: readonly string[]): SpawnSyncReturns<Buffer> {
  return node.child_process.spawnSync(SHELL, args, {
    cwd: "/",
    // Messages are in English, and nothing of ours is passed on: not the mark, by which processes are found.
    env: { LC_ALL: "C", PATH },
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: LONGEST_ANSWER,
  });
}

function refused(doing: string, cause?: unknown): ProcrefError {
  return new ProcrefError(
    "PERMISSION",
    `Cannot ${doing}: the runtime does not allow it; allow native calls (in Deno --allow-ffi), or the shell instead ` +
      `(--allow-run=${SHELL} and --allow-env=NODE_V8_COVERAGE)`,
    { cause },
  );
}

function failed(doing: string, why: string, code: "IO" | "OTHER" = "IO"): ProcrefError {
  return new ProcrefError(code, `Cannot ${doing}: ${why.trim()}`);
}
