/**
 * How a group of services is described.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";
import { namesOf, refuseUnknown } from "../known_options.ts";
import { checkName } from "../kernel/object_name.ts";
import { LONGEST_TIMER_MS } from "../waiting.ts";

/** How long to wait before a dead instance is started again. */
export interface GroupBackoff {
  /** Before the first time: 100 ms unless given. It is doubled each time after that. */
  readonly delayMs?: number;
  /** At most: 10,000 ms unless given. */
  readonly maxDelayMs?: number;
  /** An instance that was registered for so long begins anew: 10,000 ms unless given. */
  readonly resetAfterMs?: number;
}

/** What a group is made of. */
export interface ServiceGroupOptions {
  /** The name of the service. Instance number 0 registers itself as `serviceName.0`. */
  readonly serviceName: string;
  /** The program of each instance; no shell is involved. */
  readonly executable: string;
  /** Its arguments. The number of the instance follows them as the last one; without any it is the first. */
  readonly args?: readonly string[];
  /**
   * Variables beside those of this process, or instead of them; undefined takes one away. An instance also finds
   * `PROCREF_INSTANCE_NAME`, `PROCREF_INSTANCE_INDEX`, `PROCREF_INSTANCE_SERVICE` and `PROCREF_INSTANCE_REGISTRY` (the
   * domain of the registry); see `groupInstance()`.
   */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Its working directory: that of this process unless given. */
  readonly cwd?: string;
  /** How many instances there are: 2 unless given. */
  readonly replicas?: number;
  /** Whether a dead instance is started again: true unless given. */
  readonly autoRespawn?: boolean;
  /** How long an instance may take to register itself: 5,000 ms unless given. One that does not is ended by force. */
  readonly spawnTimeoutMs?: number;
  /** How long to wait before a dead instance is started again. */
  readonly backoff?: GroupBackoff;
  /** How often in a row an instance is started again before it is given up: 10 times unless given. */
  readonly restartLimit?: number;
  /**
   * The state directory, an absolute path, where it is kept who has the group; the same as that of the registry, and the
   * instances find it as `PROCREF_DIR`. Unless given it is the usual one.
   */
  readonly directory?: string;
}

/** The options with everything filled in. */
export type GroupPlan =
  & Required<Omit<ServiceGroupOptions, "cwd" | "directory" | "backoff">>
  & Pick<ServiceGroupOptions, "cwd" | "directory">
  & { readonly backoff: Required<GroupBackoff> };

const OPTIONS = namesOf<ServiceGroupOptions>({
  serviceName: true,
  executable: true,
  args: true,
  env: true,
  cwd: true,
  replicas: true,
  autoRespawn: true,
  spawnTimeoutMs: true,
  backoff: true,
  restartLimit: true,
  directory: true,
});
const BACKOFF = namesOf<GroupBackoff>({ delayMs: true, maxDelayMs: true, resetAfterMs: true });
const MOST_REPLICAS = 1000;

/**
 * Checks the options of a group and fills in what is not given.
 *
 * @throws ProcrefError `INVALID_NAME`, `INVALID_ARGUMENT`
 */
export function planOf(options: ServiceGroupOptions): GroupPlan {
  const {
    serviceName,
    executable,
    args = [],
    env = {},
    replicas = 2,
    autoRespawn = true,
    spawnTimeoutMs = 5000,
    restartLimit = 10,
  } = options;
  refuseUnknown(options, OPTIONS, "a group");
  refuseUnknown(options.backoff ?? {}, BACKOFF, "the backoff of a group");
  const backoff = { delayMs: 100, maxDelayMs: 10_000, resetAfterMs: 10_000, ...given(options.backoff) };
  const check = (field: string, condition: boolean, remedy: string): void => {
    if (!condition) throw invalid(serviceName, field, remedy);
  };
  const isCount = (value: unknown, least: number, most: number): boolean =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
  check("replicas", isCount(replicas, 1, MOST_REPLICAS), `use an integer from 1 to ${MOST_REPLICAS}`);
  checkName(serviceName, "service name");
  checkName(nameOfInstance(serviceName, replicas - 1), "name of an instance");
  check("executable", typeof executable === "string" && executable !== "", "give a program");
  check("args", Array.isArray(args) && args.every((arg) => typeof arg === "string"), "give a list of texts");
  check("env", typeof env === "object" && env !== null, "use an object of texts");
  check("autoRespawn", typeof autoRespawn === "boolean", "use true or false");
  check("restartLimit", restartLimit === Infinity || isCount(restartLimit, 0, Infinity), "use 0 or more times");
  check("spawnTimeoutMs", isTime(spawnTimeoutMs, 1), "use at least 1 millisecond");
  for (const field of ["delayMs", "maxDelayMs", "resetAfterMs"] as const) {
    check(`backoff.${field}`, isTime(backoff[field], 0), "use 0 or more milliseconds");
  }
  return {
    serviceName,
    executable,
    args: [...args],
    env: { ...env },
    replicas,
    autoRespawn,
    spawnTimeoutMs,
    restartLimit,
    backoff,
    cwd: options.cwd,
    directory: options.directory,
  };
}

/** What an instance registers itself as. */
export function nameOfInstance(serviceName: string, index: number): string {
  return `${serviceName}.${index}`;
}

/** What is given, and not undefined. */
function given<T extends object>(options: T | undefined): Partial<T> {
  return Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function isTime(value: unknown, least: number): boolean {
  return typeof value === "number" && value >= least && value <= LONGEST_TIMER_MS;
}

function invalid(name: unknown, field: string, remedy: string): ProcrefError {
  return new ProcrefError(
    "INVALID_ARGUMENT",
    `Cannot describe the group ${JSON.stringify(name)}: as ${field}, ${remedy}`,
    {
      details: { field },
    },
  );
}
