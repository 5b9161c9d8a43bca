/**
 * Starting a program in a session of its own on Unix, with its output in a log.
 *
 * A shell goes before it: it says its PID, waits until it is watched, and becomes the program. So the PID cannot be
 * another one's by then, and when this process dies before that, nothing is started.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { ProcrefError } from "../../errors.ts";
import type { LoggedProcess, LoggedStart } from "../logged_process.ts";
import { ProcessWatch } from "../process_watch.ts";

/** `$0` is the log. The order matters: what cannot be run is said in the log. */
const SHELL = `echo "$$"; read -r _ || exit 0; exec </dev/null >>"$0" 2>&1; exec "$@"`;

/**
 * Starts a program in a session of its own, and resolves once it runs.
 *
 * @param prefix what begins the session, before the command; empty where the runtime's own way is enough
 * @throws what the runtime throws when it cannot be started; ProcrefError `SPAWN` when it ended at once
 */
export async function spawnLogged(prefix: readonly string[], start: LoggedStart): Promise<LoggedProcess> {
  const { command, env, cwd, log } = start;
  const [program, ...args] = [...prefix, "/bin/sh", "-c", SHELL, log, ...command];
  const shell = spawn(program, args, { cwd, detached: true, stdio: ["pipe", "pipe", "ignore"], env });
  // It may be gone before it is told to go on.
  shell.stdin!.on("error", () => {});
  try {
    const said = await firstLine(shell);
    const watch = /^\d+$/.test(said) ? ProcessWatch.ofPid(Number(said)) : undefined;
    if (watch === undefined) {
      throw new ProcrefError("SPAWN", `Cannot start ${command[0]}: the shell before it ended at once`);
    }
    shell.stdin!.end("\n");
    return { identity: watch.identity, isRunning: () => watch.isAlive(), release: () => watch.close() };
  } finally {
    shell.stdout!.destroy();
    shell.unref();
  }
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
