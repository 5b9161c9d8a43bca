/**
 * Restarting this program as a daemon: in a session of its own, with its output in a log.
 *
 * The program calls {@link daemonize} twice, once in each of its two lives: the launcher starts the daemon and waits; the
 * daemon, which knows what it is by a variable of its environment, takes the lock of the instance, begins to serve, and
 * says so in its log. The launcher never takes the lock, so nothing is handed over.
 *
 * | state of the daemon | what the launcher sees | what it does |
 * | --- | --- | --- |
 * | started | nothing yet | waits |
 * | said that it serves | the line in the log | resolves with its PID |
 * | said why it failed (the lock is held, a port is taken) | the line in the log | throws that error, with the end of the log |
 * | ended without a word: it crashed, or was killed by force | the process is gone | throws `SPAWN`, with the end of the log |
 * | still at it after the timeout | | ends it, by force if it must, and throws `TIMEOUT` |
 *
 * | who dies | then |
 * | --- | --- |
 * | the launcher, before the daemon is started | nothing is started |
 * | the launcher, while it waits | the daemon goes on; `status` and the log tell of it |
 * | the daemon, whenever | the kernel gives the lock back; the file stays, unlocked |
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import process from "node:process";
import { type ErrorCode, ProcrefError } from "../errors.ts";
import { attempting } from "../kernel/attempting.ts";
import { isForShell, NO_INTERPRETER } from "../process/interpreter.ts";
import type { LoggedProcess } from "../process/logged_process.ts";
import { processSystem } from "../process/platform.ts";
import { stop } from "../process/stop.ts";
import { mergedVariables, variableOf, type Variables } from "../process/variables.ts";
import { until } from "../waiting.ts";
import { takeHandshake, VARIABLE, type Word, wordIn } from "./handshake.ts";
import { ensureSingleInstance, type Instance } from "./instance.ts";
import { type Lifecycle, processLifecycle } from "./lifecycle.ts";
import { LogTail } from "./log_tail.ts";

/** How a daemon is started. Both lives of the program must give the same. */
export interface DaemonOptions {
  /** Where its standard output and standard error go: they are added to this file. */
  readonly logFile: string;
  /** The file that stands for its only instance: see {@link ensureSingleInstance}. Without it there may be many. */
  readonly pidFile?: string;
  /** Its working directory: the present one unless given. Paths in these options are seen from the present one. */
  readonly cwd?: string;
  /** How long it may take until it serves, in milliseconds: 30,000 unless given. */
  readonly timeoutMs?: number;
  /** Variables of its environment beside those of this process, or instead of them. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * The whole command of the restart: that of this process, as it was started, unless given. It needs to be given where
   * the runtime does not let us read that (Deno without `--allow-ffi` and `--allow-read=/proc`).
   */
  readonly command?: readonly string[];
  /** The life of the daemon: that of its process unless given. */
  readonly lifecycle?: Lifecycle;
}

/** This process has started the daemon, and has nothing more to do. */
export interface Launcher {
  /** Which of the two lives this is. */
  readonly role: "launcher";
  /** The PID of the daemon, which serves. */
  readonly pid: number;
}

/** This process is the daemon. */
export interface Daemon {
  /** Which of the two lives this is. */
  readonly role: "daemon";
  /** That it is the only instance, with `pidFile`. */
  readonly instance: Instance | undefined;
  /** Says that it serves: the launcher reports success, and ends. A second call does nothing. */
  ready(): void;
}

const TIMEOUT_MS = 30_000;
/** How long a daemon that is late may take to end by itself. */
const STOP_MS = 5000;

let daemon: Promise<Daemon> | undefined;

/**
 * Restarts this program as a daemon, and resolves once that serves; or, in the daemon, resolves at once.
 *
 * The daemon is started by the same command, with the same arguments and permissions, in a session of its own: neither
 * the end of the launcher nor that of its terminal reaches it. Its standard input is empty. The variable that tells it
 * what it is (`PROCREF_DAEMON`) is removed at once, so that no program which it starts takes itself for a daemon.
 *
 * @param options the log, the file of the instance, the working directory
 * @returns which of the two this process is
 * @throws ProcrefError in the launcher: `SPAWN` when the daemon ended or failed before it served, `TIMEOUT` when it took
 * too long, or the code of its own error (`ALREADY_RUNNING`), each with the end of its log in `details.log`. In both:
 * `PERMISSION`, `IO`, `INVALID_ARGUMENT`, `PLATFORM`, `LIBRARY`; in the daemon those of {@link ensureSingleInstance}
 *
 * @example
 * ```ts
 * import { daemonize, status } from "@procref/core/lifecycle";
 * import { process as processes } from "@procref/core";
 * import assert from "node:assert/strict";
 * import process from "node:process";
 *
 * const daemon = await daemonize({ logFile: "example.log", pidFile: "example.pid" });
 * if (daemon.role === "daemon") {
 *   setTimeout(() => process.exit(0), 30_000);
 *   daemon.ready();
 * } else {
 *   assert.equal(status("example.pid").pid, daemon.pid);
 *   await processes.stop(daemon.pid, 1000);
 *   assert.equal(status("example.pid").running, false);
 * }
 * ```
 */
export async function daemonize(options: DaemonOptions): Promise<Launcher | Daemon> {
  return await (daemon ??= beDaemon(options)) ?? await launch(options);
}

/** Undefined in the launcher. */
function beDaemon({ pidFile, cwd, lifecycle = processLifecycle() }: DaemonOptions): Promise<Daemon> | undefined {
  const handshake = takeHandshake();
  if (handshake === undefined) return undefined;
  const enter = async (): Promise<Daemon> => {
    try {
      const path = pidFile === undefined ? undefined : resolve(pidFile);
      if (cwd !== undefined) attempting(`work in ${cwd}`, cwd, () => process.chdir(cwd));
      const instance = path === undefined ? undefined : await ensureSingleInstance(path, { lifecycle });
      return { role: "daemon", instance, ready: () => handshake.ready() };
    } catch (error) {
      handshake.failed(error);
      throw error;
    }
  };
  return enter();
}

async function launch(options: DaemonOptions): Promise<Launcher> {
  const { logFile, timeoutMs = TIMEOUT_MS, command = ownCommand() } = options;
  const log = resolve(logFile);
  const token = randomBytes(12).toString("hex");
  const env = mergedVariables([ownEnvironment(), options.env ?? {}, { [VARIABLE]: token }]);
  using tail = new LogTail(log);
  const started = await start(command, env, log);
  try {
    const { pid } = started;
    const word = await firstWord(started, tail, token, timeoutMs);
    if ("ready" in word) return { role: "launcher", pid };
    throw withLog(word.failed, log, tail);
  } finally {
    started.release();
  }
}

async function start(command: readonly string[], env: Record<string, string>, log: string): Promise<LoggedProcess> {
  const system = processSystem();
  const [program] = command;
  if (isForShell(program, { path: variableOf(env, "PATH"), cwd: process.cwd() })) {
    throw new ProcrefError("SPAWN", `Cannot start the daemon: ${program} is ${NO_INTERPRETER}`, {
      details: { path: program, exitCode: 126 },
    });
  }
  try {
    return await system.startLogged({ command, env, mark: VARIABLE, cwd: process.cwd(), log });
  } catch (cause) {
    if (cause instanceof ProcrefError) throw cause;
    const { name, message } = cause as Error;
    const code: ErrorCode = name === "NotCapable" || name === "PermissionDenied" ? "PERMISSION" : "SPAWN";
    throw new ProcrefError(code, `Cannot start the daemon: ${message}; it needs ${system.detachedBy}`, { cause });
  }
}

/** Waits until the daemon has said something, or is gone; ends it when it takes too long. */
async function firstWord(started: LoggedProcess, tail: LogTail, token: string, timeoutMs: number): Promise<Word> {
  const { pid, identity } = started;
  let word: Word | undefined;
  let isGone = false;
  const isOver = (): boolean => {
    // Asked first: what it said before its end is read after it.
    isGone = !started.isRunning();
    word = wordIn(tail.read(), token, pid);
    return isGone || word !== undefined;
  };
  try {
    await until(
      isOver,
      { timeoutMs },
      () => `start the daemon, process ${pid}: it has not said that it serves`,
    );
  } catch (error) {
    if (identity !== undefined) await stop(identity, STOP_MS);
    return { failed: error as ProcrefError };
  }
  const why = "it ended before it said that it serves";
  return word ?? { failed: new ProcrefError("SPAWN", `Cannot start the daemon, process ${pid}: ${why}`) };
}

function withLog({ code, message, details }: ProcrefError, path: string, tail: LogTail): ProcrefError {
  tail.read();
  const shown = tail.lines === "" ? `; it wrote nothing to ${path}` : `; the end of ${path}:\n${tail.lines}`;
  return new ProcrefError(code, `${message}${shown}`, { details: { path, ...details, log: tail.lines } });
}

/** By which words this process was started; the first one may be a bare name, and is the program itself here. */
function ownCommand(): readonly string[] {
  const words = processSystem().command(process.pid);
  if (words !== undefined && words.length > 0) return [process.execPath, ...words.slice(1)];
  throw new ProcrefError(
    "PERMISSION",
    "Cannot restart this program as a daemon: its command line is not to be seen here; give `command`",
    { details: { field: "command" } },
  );
}

function ownEnvironment(): Variables {
  const doing = "pass the environment on to the daemon (in Deno it needs --allow-env)";
  return attempting(doing, undefined, () => ({ ...process.env }));
}
