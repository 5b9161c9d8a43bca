/**
 * What is to be done before a program ends: functions that are called one after the other, the newest first.
 *
 * A hook that throws, or that is not done when its time is over, is reported and stops no other one. A hook that is
 * registered while they run is the newest one, and so the next. What blocks the event loop for ever cannot be left
 * behind: nothing but a signal that cannot be caught ends that.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";
import { LONGEST_TIMER_MS } from "../waiting.ts";

/** What a hook is told. */
export interface ShutdownHookContext {
  /** Aborts when the hook's time is over: nobody waits for it any more. */
  readonly signal: AbortSignal;
  /** Why the program ends. */
  readonly reason: string;
}

/** Does something before the program ends. */
export type ShutdownHook = (context: ShutdownHookContext) => unknown;

/** How a hook is called. */
export interface ShutdownHookOptions {
  /** What it is called in messages: the name of the function unless given. */
  readonly name?: string;
  /** How long it is waited for, in milliseconds: 10,000 unless given. */
  readonly timeoutMs?: number;
  /** Whether it comes after all hooks without this, however late it was registered; false unless given. */
  readonly last?: boolean;
}

/** What became of one hook. */
export interface HookOutcome {
  /** What it is called. */
  readonly name: string;
  /** `"late"`: it was not done in time, and may still be at it. */
  readonly outcome: "done" | "failed" | "late";
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
  /** What went wrong: code `OTHER` with what it threw as `cause`, or `TIMEOUT`. */
  readonly error?: ProcrefError;
}

interface Entry {
  readonly hook: ShutdownHook;
  readonly name: string;
  readonly timeoutMs: number;
}

/** By Rodent's own wish a hook has a limit; a program that ends by a supervisor's grace has about this long. */
const TIMEOUT_MS = 10_000;

/** The hooks of one program. */
export class ShutdownHooks {
  readonly #usual: Entry[] = [];
  readonly #last: Entry[] = [];
  #running: Entry | undefined;

  /** The names of those that are not done, in the order in which they are called. */
  get waiting(): string[] {
    const left = [...this.#last, ...this.#usual, ...(this.#running === undefined ? [] : [this.#running])];
    return left.reverse().map(({ name }) => name);
  }

  /**
   * Adds a hook.
   *
   * @returns takes it away again, and says whether it was still there
   * @throws ProcrefError `INVALID_ARGUMENT`
   */
  add(hook: ShutdownHook, options: ShutdownHookOptions): () => boolean {
    const { name = hook.name || "(unnamed)", timeoutMs = TIMEOUT_MS, last = false } = options;
    if (!(timeoutMs > 0)) {
      throw new ProcrefError("INVALID_ARGUMENT", `Cannot wait ${timeoutMs} ms for a shutdown hook: give more than 0`, {
        details: { field: "timeoutMs", name },
      });
    }
    const list = last ? this.#last : this.#usual;
    const entry = { hook, name, timeoutMs };
    list.push(entry);
    return () => {
      const at = list.indexOf(entry);
      if (at >= 0) list.splice(at, 1);
      return at >= 0;
    };
  }

  /**
   * Calls them all, the newest first.
   *
   * @param reason why the program ends
   * @param deadline when the program's whole time is over, on the clock of `performance.now()`: those that are left are
   * called then as well, one after the other, but not waited for
   */
  async run(reason: string, deadline: number): Promise<HookOutcome[]> {
    const outcomes: HookOutcome[] = [];
    for (let entry; (entry = this.#usual.pop() ?? this.#last.pop()) !== undefined;) {
      this.#running = entry;
      outcomes.push(await call(entry, reason, Math.min(entry.timeoutMs, deadline - performance.now())));
      this.#running = undefined;
    }
    return outcomes;
  }
}

async function call({ hook, name }: Entry, reason: string, limitMs: number): Promise<HookOutcome> {
  const started = performance.now();
  const over = new AbortController();
  const late = Promise.withResolvers<"late">();
  // It also keeps the program running: a hook that waits for nothing that the runtime knows of would be its end.
  const timer = setTimeout(() => late.resolve("late"), Math.min(Math.max(limitMs, 0), LONGEST_TIMER_MS));
  const done = Promise.resolve().then(() => hook({ signal: over.signal, reason }));
  try {
    const how = await Promise.race([done.then(() => "done" as const), late.promise]);
    const durationMs = performance.now() - started;
    if (how === "done") return { name, outcome: how, durationMs };
    const waited = Math.max(0, Math.round(durationMs));
    const error = failure("TIMEOUT", name, `it is not done after ${waited} ms; the program ends without it`);
    over.abort(error);
    done.catch(() => {});
    return { name, outcome: how, durationMs, error };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return {
      name,
      outcome: "failed",
      durationMs: performance.now() - started,
      error: failure("OTHER", name, why, cause),
    };
  } finally {
    clearTimeout(timer);
  }
}

function failure(code: "TIMEOUT" | "OTHER", name: string, why: string, cause?: unknown): ProcrefError {
  const options = { details: { name }, ...(cause === undefined ? {} : { cause }) };
  return new ProcrefError(code, `Cannot finish the shutdown hook "${name}": ${why}`, options);
}
