/**
 * The user's callbacks, run with their time limits and with what they return checked.
 *
 * @module
 */

import process from "node:process";
import { type ErrorCode, isProcrefError, ProcrefError } from "../errors.ts";
import { MARK_VARIABLE } from "../process/mark_variable.ts";
import { pace } from "../process/pace.ts";
import { stop } from "../process/stop.ts";
import { until, type WaitOptions } from "../waiting.ts";
import { runCallback } from "./callback.ts";
import type { Awaitable, CallbackContext, CompleteSettings, ServiceCallbacks } from "./options.ts";
import type { ServiceRecord } from "./record.ts";
import { ServiceInfo } from "./service_info.ts";

/** A generation that failed its check, and what the check threw. */
export interface Failure {
  readonly generation: number;
  readonly cause: unknown;
}

/** Runs the callbacks of one service. */
export class CallbackRunner {
  readonly #name: string;
  readonly #options: ServiceCallbacks & CompleteSettings;
  readonly #warn: (error: ProcrefError) => void;

  constructor(
    name: string,
    options: ServiceCallbacks & CompleteSettings,
    warn: (error: ProcrefError) => void,
  ) {
    this.#name = name;
    this.#options = options;
    this.#warn = warn;
  }

  /** Whether there is something to repair a service with. */
  get recovers(): boolean {
    return this.#options.onRecover !== undefined;
  }

  /** Brings a service up; one that arrives too late is taken down. */
  bringUp(options: WaitOptions): Promise<ServiceInfo> {
    const { onFirstAcquire } = this.#options;
    return this.#produce(
      "onFirstAcquire",
      "SERVICE_START",
      options,
      (context) => onFirstAcquire.call(this.#options, context),
    );
  }

  /** Repairs a service; one that arrives too late is taken down. */
  recover(old: ServiceInfo, options: WaitOptions): Promise<ServiceInfo> {
    const { onRecover } = this.#options;
    return this.#produce(
      "onRecover",
      "SERVICE_RECOVERY",
      options,
      (context) => onRecover!.call(this.#options, old, context),
    );
  }

  /** Asks the health check; undefined when the service is usable. */
  async examine(
    { info, generation }: ServiceRecord & { readonly info: ServiceInfo },
    options: WaitOptions,
  ): Promise<Failure | undefined> {
    const { onHealthCheck, healthTimeoutMs } = this.#options;
    if (onHealthCheck === undefined) return undefined;
    let answer: unknown;
    try {
      answer = await runCallback(
        { ...this.#run("onHealthCheck", "SERVICE_UNHEALTHY", options), timeoutMs: healthTimeoutMs },
        (context) => onHealthCheck.call(this.#options, info, context),
      );
    } catch (cause) {
      if (!isProcrefError(cause, "SERVICE_UNHEALTHY")) throw cause;
      return { generation, cause };
    }
    if (answer === true) return undefined;
    if (answer === false) return { generation, cause: undefined };
    throw this.error("SERVICE_UNHEALTHY", `onHealthCheck returned ${String(answer)}, neither true nor false`);
  }

  /** Runs onLastRelease, or stops the process; done only when the process is gone. */
  async takeDown(info: ServiceInfo): Promise<void> {
    const { onLastRelease, stopTimeoutMs } = this.#options;
    const ours = info.pid === process.pid;
    if (onLastRelease !== undefined) {
      await runCallback(
        { ...this.#run("onLastRelease", "SERVICE_STOP", {}), timeoutMs: stopTimeoutMs },
        (context) => onLastRelease.call(this.#options, info, context),
      );
      const gone = (): boolean => ours || info.pid === undefined || !info.isAlive();
      await until(gone, { timeoutMs: stopTimeoutMs, ...pace() }, () => "see the process end").catch((cause) => {
        throw this.error("SERVICE_STOP", `onLastRelease ended, but process ${info.pid} still runs`, cause);
      });
    } else if (info.identity !== undefined && !ours) {
      const outcome = await stop(info.identity, stopTimeoutMs);
      if (outcome === "still-running") throw this.error("SERVICE_STOP", `process ${info.pid} cannot be killed`);
    }
  }

  /** An error about the service. */
  error(code: ErrorCode, why: string, cause?: unknown): ProcrefError {
    return new ProcrefError(code, `Cannot use "${this.#name}": ${why}`, { cause, details: { name: this.#name } });
  }

  async #produce(
    what: "onFirstAcquire" | "onRecover",
    code: "SERVICE_START" | "SERVICE_RECOVERY",
    options: WaitOptions,
    callback: (context: CallbackContext) => Awaitable<unknown>,
  ): Promise<ServiceInfo> {
    const { startTimeoutMs: timeoutMs } = this.#options;
    const late = (value: unknown): void => this.#undo(value);
    dropMark();
    const value = await runCallback({ ...this.#run(what, code, options), timeoutMs, late }, callback);
    try {
      const info = ServiceInfo.fromJSON(value);
      if (info.isAlive()) return info;
      throw this.error(code, `${what} returned process ${info.pid}, which does not run`);
    } catch (cause) {
      if (!isProcrefError(cause, "SERVICE_INFO")) throw cause;
      throw this.error(code, `${what} returned no service: ${cause.message}`, cause);
    }
  }

  /** Takes down a service that arrived after its start was given up. */
  #undo(value: unknown): void {
    const undoing = async (): Promise<void> => {
      const info = ServiceInfo.fromJSON(value);
      if (info.isAlive()) await this.takeDown(info);
    };
    undoing().catch((cause) => {
      this.#warn(this.error("SERVICE_STOP", "a service that was started too late could not be stopped", cause));
    });
  }

  #run(what: string, code: ErrorCode, { signal }: WaitOptions): {
    what: string;
    code: ErrorCode;
    service: string;
    signal: AbortSignal | undefined;
  } {
    return { what, code, service: this.#name, signal };
  }
}

/**
 * A client may itself be part of a supervised service. What it brings up for others to share must not carry the mark of
 * that one, or it would be ended with it.
 */
function dropMark(): void {
  try {
    delete process.env[MARK_VARIABLE];
  } catch {
    // Deno does not let us, nor does it let the callback pass on what it may not read.
  }
}
