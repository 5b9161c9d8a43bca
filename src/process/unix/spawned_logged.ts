/**
 * Starting a program in a session of its own on Unix, with its output in a log.
 *
 * A shell goes before it, which says its PID and becomes the program. The PID may be another one's by the time that it is
 * watched; so the watched one must have the environment that was given to the shell.
 *
 * @module
 */

import type { ChildProcess } from "node:child_process";
import { node } from "../../../ffi/node.ts";
import { ProcrefError } from "../../errors.ts";
import { delay } from "../../waiting.ts";
import type { LoggedProcess, LoggedStart } from "../logged_process.ts";
import { processSystem } from "../platform.ts";
import { ProcessWatch } from "../process_watch.ts";

/** `$0` is the log. The order matters: what cannot be run is said in the log. */
const SHELL = `echo "$$"; exec </dev/null >>"$0" 2>&1; exec "$@"`;
/** How often a process is asked for its environment, which it has none of while it changes its program. */
const MOST_TRIES = 100;

/**
 * Starts a program in a session of its own, and resolves once it runs.
 *
 * @param prefix what begins the session, before the command; empty where the runtime's own way is enough
 * @throws what the runtime throws when it cannot be started; ProcrefError `SPAWN` when it ended at once
 */
export async function spawnLogged(prefix: readonly string[], start: LoggedStart): Promise<LoggedProcess> {
  const { command, env, cwd, log, mark } = start;
  const [program, ...args] = [...prefix, "/bin/sh", "-c", SHELL, log, ...command];
  const shell = node.child_process.spawn(program, args, {
    cwd,
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
    env,
  });
  try {
    const pid = Number(await firstLine(shell));
    if (!(pid > 1)) throw new ProcrefError("SPAWN", `Cannot start ${command[0]}: the shell before it ended at once`);
    const watch = await watchMarked(pid, `${mark}=${env[mark]}`);
    return {
      pid,
      identity: watch?.identity,
      isRunning: () => watch?.isAlive() ?? false,
      release: () => watch?.close(),
    };
  } finally {
    shell.stdout!.destroy();
    shell.unref();
  }
}

/** Watches the process of this PID if it is the one that was started; undefined when it has ended. */
async function watchMarked(pid: number, entry: string): Promise<ProcessWatch | undefined> {
  const watch = ProcessWatch.ofPid(pid);
  for (let tries = 0; tries < MOST_TRIES && watch?.isAlive() === true; tries++) {
    const environment = processSystem().environment(pid);
    const entries = environment === undefined ? [] : new TextDecoder().decode(environment).split("\0");
    if (entries.includes(entry)) return watch;
    await delay(1);
  }
  watch?.close();
  return undefined;
}

/** What the shell says first; rejects when it cannot be started. */
function firstLine(shell: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    shell.once("error", reject);
    shell.stdout!.setEncoding("utf8").on("data", (part) => {
      text += part;
      if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")));
    }).once("close", () => resolve(""));
  });
}
