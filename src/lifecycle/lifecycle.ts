/**
 * The life of a program, from its start to its orderly end.
 *
 * | state | what happens | what leads on |
 * | --- | --- | --- |
 * | `running` | hooks are registered | `shutdown()` |
 * | `stopping` | `signal` has aborted; hooks run, the newest first | the last hook is done, or its time is over |
 * | `ended` | nothing is registered any more; whoever began the shutdown ends the process | |
 *
 * There is one way through, once: a second `shutdown()` gets the promise of the first one. While hooks run, the program
 * does not end because its main function returns or nothing else is left to do.
 *
 * | when | then |
 * | --- | --- |
 * | a hook throws or hangs | it is in the report, the others run |
 * | a hook calls `process.exit` | the process ends with that status; what was not done is told on standard error |
 * | the process is killed by force | no hook runs; what the kernel keeps (locks, references) it gives back |
 *
 * @module
 */

import { writeSync } from "node:fs";
import process from "node:process";
import { ProcrefError } from "../errors.ts";
import { type HookOutcome, type ShutdownHook, type ShutdownHookOptions, ShutdownHooks } from "./shutdown_hooks.ts";

/** Where a program is on its way. */
export type LifecycleState = "running" | "stopping" | "ended";

/** Why and how a program ends. */
export interface ShutdownOptions {
  /** Why, for people: `"shutdown"` unless given. */
  readonly reason?: string;
  /** The exit status that it shall have: 0 unless given. */
  readonly exitCode?: number;
  /** How long all hooks together are waited for, in milliseconds: 30,000 unless given. */
  readonly graceMs?: number;
}

/** How a program's end went. */
export interface ShutdownReport {
  /** Why it ended. */
  readonly reason: string;
  /** The exit status: the one that was asked for; 1 instead of 0 when a hook failed. */
  readonly exitCode: number;
  /** What became of each hook, in the order in which they were called. */
  readonly hooks: readonly HookOutcome[];
  /** What went wrong, in that order. */
  readonly errors: readonly ProcrefError[];
}

/** How long a program may take to end: what its users asked for, and less than what service managers wait. */
const GRACE_MS = 30_000;

/** The life of a program. A program has one, {@link processLifecycle}; more are of use in tests and for its parts. */
export class Lifecycle implements AsyncDisposable {
  readonly #hooks = new ShutdownHooks();
  readonly #controller = new AbortController();
  #state: LifecycleState = "running";
  #shutdown: Promise<ShutdownReport> | undefined;

  /** Where it is. */
  get state(): LifecycleState {
    return this.#state;
  }

  /** Aborts when the shutdown begins, before the first hook: no new work is to be begun. Its reason says why. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The names of the hooks that are not done, in the order in which they are called. */
  get waitingHooks(): readonly string[] {
    return this.#hooks.waiting;
  }

  /**
   * Registers what is to be done before the program ends.
   *
   * @param hook is called once, after all that were registered later
   * @param options its name and how long it may take
   * @returns takes the hook away again, and says whether it was still there
   * @throws ProcrefError `INVALID_ARGUMENT`; `CLOSED` when the shutdown is over
   */
  registerShutdownHook(hook: ShutdownHook, options: ShutdownHookOptions = {}): () => boolean {
    if (this.#state === "ended") {
      const name = options.name ?? hook.name;
      throw new ProcrefError("CLOSED", `Cannot register the shutdown hook "${name}": the shutdown is over`, {
        details: { name },
      });
    }
    return this.#hooks.add(hook, options);
  }

  /**
   * Runs the hooks, and ends nothing: the process is the caller's.
   *
   * @param options why; of a second call nothing counts
   * @returns the same promise for everybody; it never rejects
   */
  shutdown(options: ShutdownOptions = {}): Promise<ShutdownReport> {
    return this.#shutdown ??= this.#run(options);
  }

  /** As `shutdown()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  async #run({ reason = "shutdown", exitCode = 0, graceMs = GRACE_MS }: ShutdownOptions): Promise<ShutdownReport> {
    this.#state = "stopping";
    process.on("exit", this.#tellWhatIsLeft);
    const deadline = performance.now() + graceMs;
    this.#controller.abort(new ProcrefError("CLOSED", `The program is ending: ${reason}`));
    const hooks = await this.#hooks.run(reason, deadline);
    this.#state = "ended";
    process.off("exit", this.#tellWhatIsLeft);
    const errors = hooks.flatMap(({ error }) => error ?? []);
    return { reason, exitCode: exitCode === 0 && errors.length > 0 ? 1 : exitCode, hooks, errors };
  }

  /** The process ends in the middle: somebody called `process.exit`, or a second signal forces it. */
  readonly #tellWhatIsLeft = (): void => {
    tell(`the program ends before these shutdown hooks are done: ${this.waitingHooks.join(", ")}`);
  };
}

let own: Lifecycle | undefined;

/** The life of this process. */
export function processLifecycle(): Lifecycle {
  return own ??= new Lifecycle();
}

/**
 * Registers what is to be done before this program ends, with its own lifecycle. See {@link Lifecycle}.
 *
 * Hooks are called one after the other, the newest first, once somebody calls `shutdown()`: signals do
 * ({@link handleSignals}), and {@link runMain} does when the main function is done. A process that is killed by force
 * runs none.
 *
 * @param hook is called once, after all that were registered later; a promise of it is waited for
 * @param options its name, and how long it may take (10,000 ms unless given)
 * @returns takes the hook away again, and says whether it was still there
 * @throws ProcrefError `INVALID_ARGUMENT`; `CLOSED` when the shutdown is over
 *
 * @example
 * ```ts
 * import { processLifecycle, registerShutdownHook } from "@procref/core/lifecycle";
 * import assert from "node:assert/strict";
 *
 * const order: string[] = [];
 * registerShutdownHook(() => order.push("database"), { name: "close the database" });
 * registerShutdownHook(async () => order.push("server"), { name: "stop the server", timeoutMs: 5000 });
 * const { exitCode, errors } = await processLifecycle().shutdown();
 * assert.deepEqual(order, ["server", "database"]);
 * assert.deepEqual([exitCode, errors.length], [0, 0]);
 * ```
 */
export function registerShutdownHook(hook: ShutdownHook, options: ShutdownHookOptions = {}): () => boolean {
  return processLifecycle().registerShutdownHook(hook, options);
}

/** Says something on standard error at once, also from a program that is about to end. */
export function tell(text: string): void {
  try {
    writeSync(2, `procref: ${text}\n`);
  } catch {
    // Nobody listens.
  }
}
