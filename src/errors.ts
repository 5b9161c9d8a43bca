/**
 * The one error class of the library, recognisable across copies of the module.
 *
 * @module
 */

/**
 * What went wrong, as a stable word. The first twelve are the categories that every reference-counted
 * service knows; the others name conditions that a caller may want to tell apart.
 *
 * | code | meaning |
 * | --- | --- |
 * | `REF_COUNTER_INIT` | the kernel object could not be created or opened |
 * | `ACQUIRE` `RELEASE` `COUNT` `LOCK` | that step of the reference counter failed in the kernel |
 * | `SERVICE_START` | `onFirstAcquire` threw, hung or returned nonsense, or the command did not become ready |
 * | `SERVICE_UNHEALTHY` | the health check failed and nothing could repair the service |
 * | `SERVICE_RECOVERY` | `onRecover` threw, hung or returned nonsense |
 * | `SERVICE_INFO` | the record of the running service cannot be read, written or believed |
 * | `PLATFORM` | this operating system or kernel cannot do what is needed |
 * | `IO` | a file or directory could not be read or written |
 * | `OTHER` | none of the others |
 * | `SERVICE_STOP` | `onLastRelease` threw or hung, or a process could not be ended |
 * | `SERVICE_LOST` | a service that was held is gone for good: it died too often, or was stopped by force |
 * | `CONFIG_MISMATCH` | the service runs under this name with another configuration |
 * | `SUPERVISOR` | the supervisor or reaper could not be started or did not answer |
 * | `INVALID_NAME` | a service name or namespace outside the rules |
 * | `INVALID_ARGUMENT` | any other argument outside the rules |
 * | `TIMEOUT` | a wait reached its `timeoutMs` |
 * | `FULL` | more references than the mechanism can count |
 * | `KEY_COLLISION` | another name of this user has the same kernel key |
 * | `FOREIGN_OBJECT` | the kernel object belongs to somebody else or has another shape |
 * | `DOMAIN_MISMATCH` | the record was written in another IPC or PID namespace |
 * | `MECHANISM_MISMATCH` | others count the references of this name in another way |
 * | `STATE_DIRECTORY` | the state directory is not ours alone |
 * | `PERMISSION` | the runtime or the kernel refused; the message says what to allow |
 * | `LIBRARY` | a native library or one of its symbols is missing |
 * | `CLOSED` | the object was used after it had been closed or released |
 * | `NO_CAPACITY` | all permits or slots are held |
 * | `ALREADY_HELD` | this holder holds a permit or slot already |
 * | `NOT_HELD` | this holder holds none |
 * | `BROKEN_FILE` | a file that holds a shared state is empty, damaged or somebody else's |
 * | `ALREADY_REGISTERED` | a living process has registered a service of this name |
 * | `ALREADY_RUNNING` | another instance of this program, or another host of this group, runs |
 * | `SPAWN` | a program could not be started |
 */
export type ErrorCode =
  | "REF_COUNTER_INIT"
  | "ACQUIRE"
  | "RELEASE"
  | "COUNT"
  | "LOCK"
  | "SERVICE_START"
  | "SERVICE_UNHEALTHY"
  | "SERVICE_RECOVERY"
  | "SERVICE_INFO"
  | "PLATFORM"
  | "IO"
  | "OTHER"
  | "SERVICE_STOP"
  | "SERVICE_LOST"
  | "CONFIG_MISMATCH"
  | "SUPERVISOR"
  | "INVALID_NAME"
  | "INVALID_ARGUMENT"
  | "TIMEOUT"
  | "FULL"
  | "KEY_COLLISION"
  | "FOREIGN_OBJECT"
  | "DOMAIN_MISMATCH"
  | "MECHANISM_MISMATCH"
  | "STATE_DIRECTORY"
  | "PERMISSION"
  | "LIBRARY"
  | "CLOSED"
  | "NO_CAPACITY"
  | "ALREADY_HELD"
  | "NOT_HELD"
  | "BROKEN_FILE"
  | "ALREADY_REGISTERED"
  | "ALREADY_RUNNING"
  | "SPAWN";

/** Facts that belong to an error, for logs and for programs; every field is optional. */
export interface ErrorDetails {
  /** The service or counter that the step was about. */
  readonly name?: string;
  /** The system or library call that failed, for example `semop`. */
  readonly call?: string;
  /** The error number of the operating system. */
  readonly errno?: number;
  /** The name of that number, for example `EACCES`. */
  readonly errnoName?: string;
  /** The file or directory concerned. */
  readonly path?: string;
  /** The process concerned. */
  readonly pid?: number;
  /** The option concerned. */
  readonly field?: string;
  /**
   * Of an option that others have given otherwise: its value as it is in use, as JSON, cut where it is long; of variables
   * the names alone. Empty when it is not given.
   */
  readonly running?: string;
  /** The same option's value as it was asked for, in the same form. */
  readonly wanted?: string;
  /** The exit status of the process concerned; 128 and the signal's number when a signal ended it. */
  readonly exitCode?: number;
  /**
   * The last lines that the service wrote. Consoles, JSON and copies leave it out (it is not enumerable), for the message
   * has these lines as well.
   */
  readonly log?: string;
  /** What a start that took too long waited for, for example `tcp 127.0.0.1:8080`. */
  readonly waitedFor?: string;
  /** What the last answer to that was, for example `connection refused`. */
  readonly lastAnswer?: string;
}

const BRAND = Symbol.for("procref.error");

/**
 * Every failure that the library reports. `code` says what kind it is, `details` what it was about, and
 * `cause` keeps the error below it (the one that a callback threw, or that the file system gave).
 *
 * A caller's own `AbortSignal` is not wrapped: an aborted wait rejects with the signal's reason.
 *
 * @example Telling errors apart
 * ```ts
 * import { isProcrefError, SharedService } from "@procref/core";
 * import assert from "node:assert/strict";
 *
 * try {
 *   new SharedService("a/b", { onFirstAcquire: () => ({ pid: 4711 }) });
 *   assert.fail("not reached");
 * } catch (error) {
 *   assert.ok(isProcrefError(error, "INVALID_NAME"));
 * }
 * ```
 */
export class ProcrefError extends Error {
  /** The class name, for logs. */
  override readonly name: string = "ProcrefError";
  /** What kind of failure this is. */
  readonly code: ErrorCode;
  /** What it was about. */
  readonly details: ErrorDetails;

  /**
   * Makes an error.
   *
   * @param code what kind of failure this is
   * @param message what was tried, on what, why it failed, what to do
   * @param options `cause`: the error below this one; `details`: what it was about
   */
  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: ErrorDetails } = {},
  ) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.details = shownOnce(options.details ?? {});
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** The details with a log that is there and is not listed. As a value, some consoles would still show it; see {@link allDetails}. */
function shownOnce(details: ErrorDetails): ErrorDetails {
  const { log } = details;
  if (log === undefined) return details;
  const { log: _, ...others } = details;
  return Object.defineProperty(others, "log", { get: () => log, enumerable: false });
}

/** All details of an error with its log, for those who write them down and make the error again elsewhere. */
export function allDetails({ details }: ProcrefError): ErrorDetails {
  return { ...details, log: details.log };
}

/**
 * Whether a value is an error of this library, made by this copy of the module or by another one.
 *
 * @param value anything, usually what a `catch` received
 * @param code when given, the error must also have this code
 * @returns true for a {@link ProcrefError}
 *
 * @example
 * ```ts
 * import { isProcrefError, ProcrefError } from "@procref/core";
 * import assert from "node:assert/strict";
 *
 * assert.ok(isProcrefError(new ProcrefError("TIMEOUT", "too late"), "TIMEOUT"));
 * assert.ok(!isProcrefError(new Error("too late")));
 * ```
 */
export function isProcrefError(value: unknown, code?: ErrorCode): value is ProcrefError {
  if (typeof value !== "object" || value === null || !(BRAND in value)) return false;
  return code === undefined || (value as unknown as ProcrefError).code === code;
}
