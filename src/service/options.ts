/**
 * How a service is described: what brings it up and takes it down, who shares it, and how long each step may take.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";
import type { Scope } from "../kernel/object_name.ts";
import type { Mechanism } from "../kernel/ref_counter.ts";
import { LONGEST_TIMER_MS } from "../waiting.ts";
import type { ServiceInfo, ServiceInfoJson } from "./service_info.ts";
import type { SupervisedServiceOptions } from "./supervised_options.ts";

/** What a callback is told beside its arguments. */
export interface CallbackContext {
  /** The service's name. */
  readonly name: string;
  /** Aborts when the callback is no longer waited for: its time is over, or the caller gave up. */
  readonly signal: AbortSignal;
}

/** What a callback may return: at once or later. */
export type Awaitable<T> = T | Promise<T>;

/** The callbacks of a service; they run inside the clients, one at a time for all clients together. */
export interface ServiceCallbacks {
  /**
   * Brings the service up. It runs when no usable service exists, and resolves once the service is ready.
   *
   * A service must not die with the client that starts it: spawn it detached, without inherited pipes. When this
   * process is killed between its spawn and the end of this callback, nobody knows of that process; keep that window
   * short.
   *
   * @returns the process, where it listens, and what else the clients need to know
   */
  onFirstAcquire(context: CallbackContext): Awaitable<ServiceInfo | ServiceInfoJson>;
  /**
   * Takes the service down. It runs in the client that releases the last reference, and resolves once the service is
   * gone. Without it, the process of the info is stopped: SIGTERM, then SIGKILL at the end of `stopTimeoutMs`.
   */
  onLastRelease?(info: ServiceInfo, context: CallbackContext): Awaitable<void>;
  /**
   * Tells whether the running service is usable. It runs on every acquire but the one that brought the service up. To
   * throw or to take longer than `healthTimeoutMs` means no. Without it, a service is usable while its process runs.
   */
  onHealthCheck?(info: ServiceInfo, context: CallbackContext): Awaitable<boolean>;
  /**
   * Repairs a service that failed its check, or died while it was in use: once for each failure, in one client, while
   * the others wait. The old process may still run.
   *
   * @returns the service as it is now
   */
  onRecover?(info: ServiceInfo, context: CallbackContext): Awaitable<ServiceInfo | ServiceInfoJson>;
}

/** Who shares a service, where its record is, and how long each step may take. */
export interface ServiceSettings {
  /** The project or worktree that the name belongs to; none unless given. Same rules as for names. */
  readonly namespace?: string;
  /** Who shares it: all processes of the user (the default), or of the machine. */
  readonly scope?: Scope;
  /**
   * The state directory, an absolute path; all clients of a service must use the same. Unless given it is
   * `$PROCREF_DIR`, else `procref` in the user's runtime directory, else `/tmp/procref-UID`.
   */
  readonly directory?: string;
  /** How the count is kept: the best that works here unless given. */
  readonly mechanism?: Mechanism;
  /** How long `onFirstAcquire` and `onRecover` may take: 30,000 ms unless given. */
  readonly startTimeoutMs?: number;
  /** How long `onLastRelease` may take, and the process to be gone after it: 10,000 ms unless given. */
  readonly stopTimeoutMs?: number;
  /** How long `onHealthCheck` may take: 5,000 ms unless given. */
  readonly healthTimeoutMs?: number;
  /** How long to wait for other clients that are starting or stopping the service: 60,000 ms unless given. */
  readonly lockTimeoutMs?: number;
}

/** A service that is brought up and taken down by callbacks inside its clients. */
export interface CallbackServiceOptions extends ServiceCallbacks, ServiceSettings {
  /**
   * Whether a small detached process waits for the last client to go, however it goes, and then stops the process of
   * the info and clears up: true unless given. A service whose info has no `pid` has none.
   */
  readonly reaper?: boolean;
}

/** Everything about a service but its name: callbacks, or a command for a supervisor. */
export type SharedServiceOptions = CallbackServiceOptions | SupervisedServiceOptions;

/** The settings with every time filled in. */
export type CompleteSettings =
  & ServiceSettings
  & Required<Pick<ServiceSettings, "startTimeoutMs" | "stopTimeoutMs" | "healthTimeoutMs" | "lockTimeoutMs">>;

const CALLBACKS = ["onFirstAcquire", "onLastRelease", "onHealthCheck", "onRecover"] as const;
const TIMES = {
  startTimeoutMs: 30_000,
  stopTimeoutMs: 10_000,
  healthTimeoutMs: 5_000,
  lockTimeoutMs: 60_000,
} as const;

/** Whether options describe a supervised service: a command, or a module for the supervisor to load. */
export function isSupervised(options: SharedServiceOptions): options is SupervisedServiceOptions {
  const { command, module } = options as { readonly command?: unknown; readonly module?: unknown };
  return command !== undefined || module !== undefined;
}

/**
 * Checks options with callbacks and fills in the times that are not given.
 *
 * @throws ProcrefError `INVALID_ARGUMENT`
 */
export function completeOptions(options: CallbackServiceOptions): CallbackServiceOptions & CompleteSettings {
  if (options.reaper !== undefined && typeof options.reaper !== "boolean") {
    throw new ProcrefError("INVALID_ARGUMENT", `Cannot use ${String(options.reaper)} as reaper: give true or false`);
  }
  for (const callback of CALLBACKS) {
    const value = options[callback];
    if (typeof value === "function" || (value === undefined && callback !== "onFirstAcquire")) continue;
    throw new ProcrefError("INVALID_ARGUMENT", `Cannot use ${String(value)} as ${callback}: give a function`);
  }
  return completeTimes(options);
}

/**
 * Fills in the times that are not given.
 *
 * @throws ProcrefError `INVALID_ARGUMENT`
 */
export function completeTimes<T extends ServiceSettings>(options: T): T & CompleteSettings {
  const complete = { ...options } as Record<string, unknown>;
  for (const [time, usual] of Object.entries(TIMES)) {
    const value = (options as ServiceSettings)[time as keyof typeof TIMES] ?? usual;
    complete[time] = value;
    if (typeof value === "number" && value > 0 && value <= LONGEST_TIMER_MS) continue;
    throw new ProcrefError(
      "INVALID_ARGUMENT",
      `Cannot use ${String(value)} as ${time}: use more than 0 and at most ${LONGEST_TIMER_MS} milliseconds`,
    );
  }
  return complete as unknown as T & CompleteSettings;
}
