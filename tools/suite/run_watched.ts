/** Running a program that may hang, without hanging with it. */

import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";

/** How long what is left of a program that has ended may hold its output open, in milliseconds. */
const DRAIN_MS = 2_000;

/** How a program is run, and who hears of it. */
export interface Watched {
  readonly env: NodeJS.ProcessEnv;
  /** How long it may say nothing, in milliseconds. */
  readonly silenceMs: number;
  /** Hears what it says, of both outputs. */
  readonly onText: (text: string) => void;
  /** Is told when it has been silent for too long, before it is killed. */
  readonly onSilence: () => void;
}

/**
 * Runs a program to its end. One that has been silent for too long is killed, and one that has ended is not waited for
 * because somebody whom it has left behind holds its output.
 *
 * @returns its exit status; null if a signal has ended it
 */
export async function runWatched(command: string, args: readonly string[], watched: Watched): Promise<number | null> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: watched.env });
  const silent = setTimeout(() => {
    watched.onSilence();
    child.kill("SIGKILL");
  }, watched.silenceMs);
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding("utf8").on("data", (text: string) => {
      silent.refresh();
      watched.onText(text);
    });
  }
  const closed = new Promise((resolve) => child.once("close", resolve));
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once("exit", resolve).once("error", reject);
    });
    await Promise.race([closed, delay(DRAIN_MS, undefined, { ref: false })]);
    return status;
  } finally {
    clearTimeout(silent);
    child.stdout.destroy();
    child.stderr.destroy();
  }
}
