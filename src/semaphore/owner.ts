/**
 * Whose a permit is: which process on which machine, and whether that process has gone.
 *
 * @module
 */

import { hostname } from "node:os";
import { ProcrefError } from "../errors.ts";
import { domain } from "../process/domain.ts";
import { isAlive, ownIdentity } from "../process/identity.ts";

/** A process, as it stands in the file. */
export interface Owner {
  /** Its PID. */
  readonly pid: number;
  /** When it started, as an opaque word: a later process of the same PID has another one. */
  readonly start: string;
  /** The name of its machine or container. */
  readonly host: string;
  /** The PID namespace that its PID belongs to, where there are such. */
  readonly namespace?: string;
}

let self: Owner | undefined;

/**
 * This process.
 *
 * @throws ProcrefError `PERMISSION`, `PLATFORM`, `LIBRARY`
 */
export function thisProcess(): Owner {
  if (self !== undefined) return self;
  const { pid: namespace } = domain();
  return self = { ...ownIdentity(), host: hostName(), ...(namespace === "" ? {} : { namespace }) };
}

function hostName(): string {
  try {
    return hostname();
  } catch (cause) {
    throw new ProcrefError(
      "PERMISSION",
      "Cannot say which machine this is: the runtime does not tell its name; in Deno, give --allow-sys=hostname",
      { cause },
    );
  }
}

/** Whether an owner is this process. */
export function isThisProcess(owner: Partial<Owner>): boolean {
  const { pid, start, host, namespace } = thisProcess();
  return owner.pid === pid && owner.start === start && owner.host === host && owner.namespace === namespace;
}

/** Whether a process has ended for certain. Of another machine or PID namespace nothing is known, so it has not. */
export function isGone(owner: Partial<Owner>): boolean {
  const { pid, start, host, namespace } = owner;
  if (pid === undefined || start === undefined) return false;
  const here = thisProcess();
  return host === here.host && namespace === here.namespace && !isAlive({ pid, start });
}
