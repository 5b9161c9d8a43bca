/**
 * What a user of a registry may choose.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";
import { namesOf, refuseUnknown } from "../known_options.ts";
import type { Mechanism } from "../kernel/ref_counter.ts";

/** Where registries are, in the state directory. */
export const REGISTRIES = "registries";

/** How a registry is used. */
export interface ServiceRegistryOptions {
  /**
   * How many services may be registered at one time: an integer from 1 to 8,192; 32 unless given, or what those who
   * have registered something have given. Who registers with another number than they gets `CONFIG_MISMATCH`.
   */
  readonly capacity?: number;
  /** The state directory, an absolute path; unless given, the one that services use. Each has registries of its own. */
  readonly directory?: string;
  /** How it is counted who uses the registry: the best that works here unless given, which all must agree on. */
  readonly mechanism?: Exclude<Mechanism, "memory">;
  /**
   * For how many milliseconds a change waits while others make theirs: 5,000 unless given. A change takes some
   * milliseconds; but one who is stopped (SIGSTOP) in the middle of it keeps the others waiting, who block meanwhile.
   */
  readonly lockTimeoutMs?: number;
}

/** All members of a group: the service of that name, and all whose name begins with it and a dot. */
export interface ServiceGroupFilter {
  /** `"audio"` means `audio`, `audio.0` and `audio.main`, and not `audio2`. */
  readonly group: string;
}

/** The capacity when nobody gives one. */
export const USUAL_CAPACITY = 32;
const GREATEST_CAPACITY = 8192;
/** For how long a change waits for others when nobody says so. */
export const USUAL_LOCK_TIMEOUT_MS = 5000;

const OPTIONS = namesOf<ServiceRegistryOptions>({
  capacity: true,
  directory: true,
  mechanism: true,
  lockTimeoutMs: true,
});

/** @throws ProcrefError `INVALID_ARGUMENT` */
export function checkOptions(options: ServiceRegistryOptions): void {
  refuseUnknown(options, OPTIONS, "a registry");
  const { capacity = USUAL_CAPACITY, lockTimeoutMs = USUAL_LOCK_TIMEOUT_MS, mechanism } = options;
  const fits = Number.isSafeInteger(capacity) && capacity >= 1 && capacity <= GREATEST_CAPACITY;
  if (!fits) throw refused("capacity", capacity, `use an integer from 1 to ${GREATEST_CAPACITY}`);
  if (!(Number.isFinite(lockTimeoutMs) && lockTimeoutMs >= 0)) {
    throw refused("lockTimeoutMs", lockTimeoutMs, "use a number of milliseconds from 0 on");
  }
  if ((mechanism as Mechanism | undefined) === "memory") {
    throw refused("mechanism", mechanism, "no other process would see it");
  }
}

function refused(field: string, value: unknown, why: string): ProcrefError {
  return new ProcrefError("INVALID_ARGUMENT", `Cannot use ${String(value)} as the ${field} of a registry: ${why}`, {
    details: { field },
  });
}
