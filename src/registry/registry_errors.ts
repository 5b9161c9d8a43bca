/**
 * What a registry says when it refuses.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";
import type { KeptEntry } from "./service_entry.ts";

/** A living process has the name. */
export function taken(domain: string, { name, pid }: KeptEntry): ProcrefError {
  return new ProcrefError(
    "ALREADY_REGISTERED",
    `Cannot register "${name}" in ${described(domain)}: process ${pid} has registered it and runs; choose another name`,
    { details: { name, pid } },
  );
}

/** Living processes have registered something in what was to be destroyed. */
export function inUse(domain: string, { name, pid }: KeptEntry): ProcrefError {
  return new ProcrefError(
    "ALREADY_REGISTERED",
    `Cannot destroy ${described(domain)}: process ${pid} has registered "${name}" and runs; end it, or use force`,
    { details: { name, pid } },
  );
}

/** Somebody wants to take out what another living process has registered. */
export function notOurs(domain: string, { name, pid }: KeptEntry): ProcrefError {
  return new ProcrefError(
    "NOT_HELD",
    `Cannot unregister "${name}" in ${described(domain)}: process ${pid} has registered it, and only that one can`,
    { details: { name, pid } },
  );
}

/** There is no place. */
export function full(domain: string, name: string, capacity: number): ProcrefError {
  return new ProcrefError(
    "FULL",
    `Cannot register "${name}" in ${described(domain)}: its capacity of ${capacity} is taken by living services; ` +
      "unregister one, or let all who register give a greater capacity",
    { details: { name } },
  );
}

/** Those who register do not agree on the capacity. */
export function disagrees(domain: string, name: string, capacity: number, wanted: number): ProcrefError {
  return new ProcrefError(
    "CONFIG_MISMATCH",
    `Cannot register "${name}" in ${described(domain)}: others use it with a capacity of ${capacity}, and not ` +
      `${wanted}; give the same number everywhere`,
    { details: { name, field: "capacity" } },
  );
}

/** The object was used after it had been closed. */
export function closed(domain: string): ProcrefError {
  return new ProcrefError("CLOSED", `Cannot use ${described(domain)}: this object is closed; open another one`, {
    details: { name: domain },
  });
}

function described(domain: string): string {
  return `the registry "${domain}"`;
}
