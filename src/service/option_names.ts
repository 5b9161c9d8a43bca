/**
 * The names of all options of a service, and which of them go together.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";
import { given, namesOf, refuseUnknown } from "../known_options.ts";
import type { CallbackServiceOptions, ServiceCallbacks, ServiceSettings } from "./options.ts";
import type { PortRange } from "./service_description.ts";
import type {
  ModuleServiceOptions,
  RestartPolicy,
  SupervisedServiceOptions,
  SupervisedSettings,
} from "./supervised_options.ts";

/** Who shares a service, and how long each step may take: for every kind of service. */
const COMMON = namesOf<ServiceSettings>({
  namespace: true,
  scope: true,
  directory: true,
  mechanism: true,
  startTimeoutMs: true,
  stopTimeoutMs: true,
  healthTimeoutMs: true,
  lockTimeoutMs: true,
});
const CALLBACKS = namesOf<ServiceCallbacks>({
  onFirstAcquire: true,
  onLastRelease: true,
  onHealthCheck: true,
  onRecover: true,
});
const REAPER = namesOf<Omit<CallbackServiceOptions, keyof ServiceSettings | keyof ServiceCallbacks>>({ reaper: true });
const SUPERVISED = namesOf<Omit<SupervisedSettings, keyof ServiceSettings>>({
  cwd: true,
  env: true,
  inheritEnv: true,
  host: true,
  port: true,
  readyIntervalMs: true,
  onReady: true,
  lingerMs: true,
  restart: true,
  log: true,
  onMismatch: true,
});
const COMMAND = namesOf<Omit<SupervisedServiceOptions, keyof SupervisedSettings>>({
  command: true,
  args: true,
  ready: true,
  stopSignal: true,
});
const MODULE = namesOf<Omit<ModuleServiceOptions, keyof SupervisedSettings>>({ name: true, denoPermissions: true });

/** The names of the options of each kind of service. */
export const OPTIONS: Readonly<Record<"command" | "module" | "callbacks", readonly string[]>> = {
  command: [...COMMAND, ...SUPERVISED, ...COMMON],
  module: [...MODULE, ...SUPERVISED, ...COMMON],
  callbacks: [...CALLBACKS, ...REAPER, ...COMMON],
};

/** The options that are objects with options of their own. */
export const PARTS: Readonly<Record<"restart" | "log" | "port" | "ready", readonly string[]>> = {
  restart: namesOf<RestartPolicy>({ limit: true, delayMs: true, maxDelayMs: true, resetAfterMs: true }),
  log: namesOf<NonNullable<SupervisedSettings["log"]>>({ maxBytes: true }),
  port: namesOf<PortRange>({ from: true, to: true }),
  ready: ["http", "status", "exec", "log"],
};

type Kind = keyof typeof OPTIONS;

const KINDS: Readonly<Record<Kind, string>> = { command: "a command", module: "a module", callbacks: "callbacks" };
const EITHER = "give a command, or onFirstAcquire";

/**
 * Checks that all options are known, and that they belong to one kind of service.
 *
 * @param name the service's name, for messages
 * @throws ProcrefError `INVALID_ARGUMENT`
 */
export function checkOptionNames(name: string, options: unknown): void {
  if (typeof options !== "object" || options === null) {
    throw refused(name, `describe "${name}" without options: ${EITHER}`);
  }
  const names = given(options).filter((option) => option !== "module");
  const kind = kindOf(options);
  const known = kind === undefined ? Object.values(OPTIONS).flat() : OPTIONS[kind];
  for (const option of names.filter((option) => !known.includes(option))) {
    const other = (Object.keys(OPTIONS) as Kind[]).find((each) => OPTIONS[each].includes(option));
    if (other === undefined) refuseUnknown({ [option]: true }, known, `"${name}"`);
    const why = `it is one of a service of ${KINDS[other!]}, and this is one of ${KINDS[kind!]}; leave one of them out`;
    throw refused(name, `use ${option} as an option of "${name}": ${why}`, option);
  }
  if (kind === undefined) throw refused(name, `describe "${name}": ${EITHER}`, "command");
  for (const [part, known] of Object.entries(PARTS)) {
    const value = (options as Record<string, unknown>)[part];
    if (typeof value === "object" && value !== null) refuseUnknown(value, known, `the ${part} of "${name}"`);
  }
}

/** What a service is made of; undefined when nothing says so. */
function kindOf(options: object): Kind | undefined {
  const { module, command, onFirstAcquire } = options as Readonly<Record<string, unknown>>;
  if (module !== undefined) return "module";
  return command !== undefined ? "command" : onFirstAcquire !== undefined ? "callbacks" : undefined;
}

function refused(name: string, problem: string, field?: string): ProcrefError {
  return new ProcrefError("INVALID_ARGUMENT", `Cannot ${problem}`, { details: { name, field } });
}
