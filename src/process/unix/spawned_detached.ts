/**
 * Starting a program in a session of its own on Unix.
 *
 * @module
 */

import type { ChildProcess } from "node:child_process";
import { node } from "../../../ffi/node.ts";
import type { DetachedProcess, DetachedStart } from "../detached_process.ts";

/** How much of the end of the program's errors is kept, in characters. */
const ERRORS_LENGTH = 2000;

/**
 * Starts a program in a session of its own, and resolves once it runs.
 *
 * @param prefix what begins the session, before the command; empty where the runtime's own way is enough
 * @throws what the runtime throws when it cannot be started
 */
export async function spawnDetached(
  prefix: readonly string[],
  { command, env, input }: DetachedStart,
): Promise<DetachedProcess> {
  const [program, ...args] = [...prefix, ...command];
  const descriptor = input.open();
  try {
    const child = node.child_process.spawn(program, args, {
      cwd: "/",
      detached: true,
      stdio: [descriptor, "pipe", "pipe"],
      env,
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    return new SpawnedDetached(child);
  } finally {
    node.fs.closeSync(descriptor);
  }
}

class SpawnedDetached implements DetachedProcess {
  readonly #child: ChildProcess;
  #errors = "";

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr!.setEncoding("utf8").on(
      "data",
      (text) => this.#errors = `${this.#errors}${text}`.slice(-ERRORS_LENGTH),
    );
  }

  async firstLine(timeoutMs: number): Promise<{ line: string | undefined | "late"; errors: string }> {
    const line = await new Promise<string | undefined>((resolve) => {
      const timer = setTimeout(() => settle("late"), timeoutMs);
      const settle = (line?: string): void => {
        clearTimeout(timer);
        resolve(line);
      };
      let text = "";
      this.#child.stdout!.setEncoding("utf8").on("data", (part) => {
        text += part;
        if (text.includes("\n")) settle(text.slice(0, text.indexOf("\n")));
      }).once("close", () => settle());
    });
    return { line, errors: this.#errors };
  }

  release(): void {
    for (const stream of this.#child.stdio) stream?.destroy();
    this.#child.unref();
  }
}
