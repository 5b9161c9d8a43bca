/**
 * How a supervised service is described by its users, and what the supervisor makes of it.
 *
 * @module
 */

import process from "node:process";
import { pathToFileURL } from "node:url";
import { isAbsolute, resolve, sep } from "node:path";
import { ProcrefError } from "../errors.ts";
import { attempting } from "../kernel/attempting.ts";
import { LONGEST_TIMER_MS } from "../waiting.ts";
import type { Awaitable, CallbackContext, CompleteSettings, ServiceSettings } from "./options.ts";
import {
  agreed,
  type PortRange,
  type ReadinessDescription,
  type RestartDescription,
  type ServiceDescription,
  STOP_SIGNALS,
  type StopSignal,
} from "./service_description.ts";
import type { ServiceInfo } from "./service_info.ts";

/**
 * How a service shows that it is ready:
 *
 * - `"running"`: its program runs;
 * - `"tcp"`: it accepts a connection on its port;
 * - `{ http }`: it answers a request for this path on its port, with `status`, or with any status from 200 to 399;
 * - `{ exec }`: this command ends with 0; it runs in the service's directory and environment;
 * - `{ log }`: a line of its output matches.
 */
export type Readiness =
  | "running"
  | "tcp"
  | { readonly http: string; readonly status?: number }
  | { readonly exec: readonly string[] }
  | { readonly log: RegExp | string };

/** When and how often a service that died while it was in use is started again. */
export interface RestartPolicy {
  /** How often in a row, until the service is given up: 5 unless given. */
  readonly limit?: number;
  /** How long to wait before the first time: 100 ms unless given; each further wait is twice as long. */
  readonly delayMs?: number;
  /** The longest wait: 10,000 ms unless given. */
  readonly maxDelayMs?: number;
  /** A service that ran as long as this has proved itself, and counting begins anew: 10,000 ms unless given. */
  readonly resetAfterMs?: number;
}

/** What is the same for every supervised service. */
export interface SupervisedSettings extends ServiceSettings {
  /** The service's working directory, an absolute path; that of the client that starts it unless given. */
  readonly cwd?: string;
  /**
   * Variables of the service's environment. `{port}`, `{host}`, `{name}`, `{namespace}` and `{dir}` are replaced in the
   * values; `{port}` needs a `port`.
   */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Whether the service also gets the environment of the client that starts it: true unless given. Deno needs plain
   * `--allow-env` for that.
   */
  readonly inheritEnv?: boolean;
  /** Where the service listens: `127.0.0.1` unless given. */
  readonly host?: string;
  /**
   * The service's port: a number, the first free one of a range, or `"auto"` for any free one. A service that ends with
   * "address in use" on a port that was chosen for it is started again on another one. After a crash it gets the port
   * that it had, or another one when that is taken by then. Unless given it has none.
   */
  readonly port?: "auto" | number | PortRange;
  /** How often readiness is asked for: every 50 ms unless given. */
  readonly readyIntervalMs?: number;
  /**
   * Asked in each client, every `readyIntervalMs`, after the service is ready for the supervisor and before `acquire()`
   * resolves; all within `startTimeoutMs`. To throw means no.
   */
  readonly onReady?: (info: ServiceInfo, context: CallbackContext) => Awaitable<boolean>;
  /** How long the service is kept after its last client has gone: 0 ms unless given. */
  readonly lingerMs?: number;
  /** Whether, when and how often it is started again if it dies while it is held; `false` for never. */
  readonly restart?: false | RestartPolicy;
  /** Its output: kept in `service.log` in its directory, of which this many bytes at most: 1 MiB unless given. */
  readonly log?: { readonly maxBytes?: number };
  /** What to do when it runs already with other options: `"error"` unless given, or `"join"` it as it is. */
  readonly onMismatch?: "error" | "join";
}

/** A service that is a command, owned by a supervisor. */
export interface SupervisedServiceOptions extends SupervisedSettings {
  /**
   * The program, or a list of the program and its arguments; a text alone is a program, for no shell is there to split
   * it, nor to run a script without `#!`, which is not started. `{port}` (which needs a `port`), `{host}`, `{name}`,
   * `{namespace}` (empty without one) and `{dir}` (the service's own directory, which is removed with it) are replaced.
   */
  readonly command: string | readonly string[];
  /** Arguments that follow those of `command`. */
  readonly args?: readonly string[];
  /** How it shows that it is ready: `"tcp"` when it has a port, else `"running"`. */
  readonly ready?: Readiness;
  /** By which signal it is asked to end; SIGKILL follows after `stopTimeoutMs`. SIGTERM unless given. */
  readonly stopSignal?: StopSignal;
}

/** A service whose callbacks are in a module that the supervisor loads. */
export interface ModuleServiceOptions extends SupervisedSettings {
  /** The name that processes share it by; made from the module's name unless given. */
  readonly name?: string;
  /**
   * Deno's permissions for the module, as flags such as `--allow-net`; none but the supervisor's own, and to read the
   * module itself, unless given. What the module imports from files needs `--allow-read=` of these.
   */
  readonly denoPermissions?: readonly string[];
}

/** What the client itself needs to know. */
export interface SupervisedClientOptions {
  readonly description: ServiceDescription;
  readonly onMismatch: "error" | "join";
  readonly onReady: SupervisedSettings["onReady"];
  readonly denoPermissions: readonly string[];
}

const RESTARTS: RestartDescription = { limit: 5, delayMs: 100, maxDelayMs: 10_000, resetAfterMs: 10_000 };

/**
 * Checks the options of a supervised service and fills in what is not given.
 *
 * @param name the service's name, for messages
 * @param options a command, or settings with a module
 * @throws ProcrefError `INVALID_ARGUMENT`; `PERMISSION` when the environment cannot be read
 */
export function describeService(
  name: string,
  options: (SupervisedServiceOptions | (ModuleServiceOptions & { module: string })) & CompleteSettings,
): SupervisedClientOptions {
  const check = (field: string, condition: boolean, problem: string) => {
    if (!condition) throw invalid(name, field, problem);
  };
  const { cwd, env = {}, inheritEnv = true, host = "127.0.0.1", onMismatch = "error", onReady } = options;
  const { readyIntervalMs = 50, lingerMs = 0, restart = {}, log = {} } = options;
  const isModule = "module" in options;
  const command = isModule ? [] : commandOf(options);
  const stopSignal = isModule ? "SIGTERM" : options.stopSignal ?? "SIGTERM";

  check("command", isModule || (command.length > 0 && command.every(isArgument)), "give a program and texts");
  check("command", isModule || command[0] !== "", "the program is empty");
  check("cwd", cwd === undefined || (typeof cwd === "string" && isAbsolute(cwd)), "use an absolute path");
  check("env", isTextRecord(env), "use an object of texts whose names have no =");
  check("host", typeof host === "string" && /^[A-Za-z0-9.:_-]+$/.test(host), "use a name or an address");
  check("readyIntervalMs", isTime(readyIntervalMs, 1), "use at least 1 millisecond");
  check("lingerMs", isTime(lingerMs, 0), "use 0 or more milliseconds");
  check("stopSignal", STOP_SIGNALS.includes(stopSignal), `use ${STOP_SIGNALS.join(", ")}`);
  check("onMismatch", onMismatch === "error" || onMismatch === "join", 'use "error" or "join"');
  check("onReady", onReady === undefined || typeof onReady === "function", "use a function");

  const port = portOf(name, options.port);
  const ready = isModule ? { kind: "running" } as const : readinessOf(name, options.ready, port !== undefined);
  if (port === undefined) checkNoPortIsNamed(name, options, ready);
  const restarts = restartOf(name, restart);
  const { maxBytes = 1_048_576 } = log;
  check("log", Number.isInteger(maxBytes) && maxBytes >= 4096, "use maxBytes of at least 4096");

  const { startTimeoutMs, stopTimeoutMs } = options;
  const shared = { command, cwd, env, host, port, ready, stopSignal, lingerMs, restart: restarts };
  const configuration = Object.fromEntries(
    Object.entries({ ...shared, module: isModule ? options.module : undefined })
      .map(([field, value]) => [field, agreed(field, value)]),
  );
  return {
    description: {
      command,
      module: isModule ? options.module : undefined,
      cwd: cwd ?? process.cwd(),
      inherited: inheritEnv ? inherited(name) : {},
      env,
      setpriv: undefined,
      host,
      port,
      ready,
      readyIntervalMs,
      startTimeoutMs,
      stopSignal,
      stopTimeoutMs,
      lingerMs,
      restart: restarts,
      logBytes: maxBytes,
      configuration,
    },
    onMismatch,
    onReady,
    denoPermissions: isModule ? options.denoPermissions ?? [] : [],
  };
}

function commandOf({ command, args = [] }: SupervisedServiceOptions): readonly string[] {
  if (!Array.isArray(args)) return [];
  return [...(typeof command === "string" ? [command] : Array.isArray(command) ? command : []), ...args];
}

function portOf(name: string, port: unknown): "auto" | PortRange | undefined {
  if (port === undefined || port === "auto") return port;
  const range = typeof port === "number" ? { from: port, to: port } : port as PortRange;
  const { from, to } = typeof range === "object" && range !== null ? range : { from: NaN, to: NaN };
  if (isPort(from) && isPort(to) && from <= to) return { from, to };
  throw invalid(name, "port", 'use "auto", 1 to 65535, or { from, to }');
}

/** A program would get `{port}` as it is, and find out only when it runs. */
function checkNoPortIsNamed(
  name: string,
  options: SupervisedSettings & Partial<Pick<SupervisedServiceOptions, "command" | "args">>,
  ready: ReadinessDescription,
): void {
  const { command = [], args = [], env = {} } = options;
  const texts = { command, args, env: Object.values(env), ready: ready.kind === "exec" ? ready.command : [] };
  const field = Object.entries(texts).find(([, words]) => [words].flat().some((word) => word.includes("{port}")))?.[0];
  if (field === undefined) return;
  throw new ProcrefError(
    "INVALID_ARGUMENT",
    `Cannot use {port} in the ${field} of "${name}": it has no port; give port: "auto" or a number`,
    { details: { name, field } },
  );
}

function readinessOf(name: string, ready: Readiness | undefined, hasPort: boolean): ReadinessDescription {
  const found = parseReadiness(ready ?? (hasPort ? "tcp" : "running"));
  if (found === undefined) {
    throw invalid(name, "ready", 'use "running", "tcp", { http: "/path" }, { exec: [...] } or { log: /.../ }');
  }
  if (!hasPort && (found.kind === "tcp" || found.kind === "http")) {
    throw invalid(name, "ready", `"${found.kind}" needs a port; give port: "auto" or a number`);
  }
  return found;
}

function parseReadiness(ready: Readiness): ReadinessDescription | undefined {
  if (ready === "running" || ready === "tcp") return { kind: ready };
  if (typeof ready !== "object" || ready === null) return undefined;
  if ("http" in ready) {
    const { http: path, status } = ready;
    const statusFits = status === undefined || (Number.isInteger(status) && status >= 100 && status <= 599);
    return typeof path === "string" && path.startsWith("/") && statusFits ? { kind: "http", path, status } : undefined;
  }
  if ("exec" in ready) {
    const { exec: command } = ready;
    const fits = Array.isArray(command) && command.length > 0 && command.every(isArgument) && command[0] !== "";
    return fits ? { kind: "exec", command } : undefined;
  }
  return "log" in ready ? parseLogReadiness(ready.log) : undefined;
}

function parseLogReadiness(log: RegExp | string): ReadinessDescription | undefined {
  try {
    const { source: pattern, flags } = new RegExp(log);
    return { kind: "log", pattern, flags: flags.replace(/[gy]/g, "") };
  } catch {
    return undefined;
  }
}

function restartOf(name: string, restart: false | RestartPolicy): RestartDescription {
  if (restart === false) return { ...RESTARTS, limit: 0 };
  const complete = typeof restart === "object" && restart !== null ? { ...RESTARTS, ...restart } : undefined;
  const fits = complete !== undefined && Number.isInteger(complete.limit) && complete.limit >= 0 &&
    isTime(complete.delayMs, 1) && isTime(complete.maxDelayMs, 1) && isTime(complete.resetAfterMs, 0);
  if (fits) return complete;
  throw invalid(name, "restart", "use false, or an object with limit, delayMs, maxDelayMs and resetAfterMs");
}

function inherited(name: string): Record<string, string> {
  return attempting(`give the environment to "${name}" (or use inheritEnv: false)`, undefined, () => {
    const entries = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined);
    return Object.fromEntries(entries);
  });
}

function isArgument(value: unknown): value is string {
  return typeof value === "string" && !value.includes("\0");
}

function isPort(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65535;
}

function isTime(value: unknown, least: number): boolean {
  return typeof value === "number" && value >= least && value <= LONGEST_TIMER_MS;
}

function isTextRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.entries(value).every(([key, text]) => isArgument(text) && key !== "" && !/[=\0]/.test(key));
}

function invalid(name: string, field: string, problem: string): ProcrefError {
  return new ProcrefError("INVALID_ARGUMENT", `Cannot use the ${field} of "${name}": ${problem}`, {
    details: { name, field },
  });
}

/**
 * Where a module is, as a URL.
 *
 * @throws ProcrefError `INVALID_ARGUMENT` for a relative path, which would be relative to nothing in particular
 */
export function moduleUrl(specifier: string | URL): URL {
  const text = String(specifier);
  if (isAbsolute(text) && sep === "\\") return pathToFileURL(text);
  if (isAbsolute(text)) return new URL(`file://${resolve(text).split("/").map(encodeURIComponent).join("/")}`);
  if (/^(file|https?|jsr|npm):/.test(text)) return new URL(text);
  throw new ProcrefError(
    "INVALID_ARGUMENT",
    `Cannot load ${text} in a supervisor: use an absolute path or a URL, as import.meta.resolve("./module.ts") gives it`,
  );
}
