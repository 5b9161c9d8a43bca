/**
 * How this process gets at what Linux tells of processes: by native calls, or where the runtime refuses those by asking
 * the shell.
 *
 * @module
 */

import { linuxLibc } from "../../../ffi/libc.ts";
import { isProcrefError } from "../../errors.ts";
import type { ProcessHold } from "../process_system.ts";
import { NativeAccess } from "./native_access.ts";
import { ShellAccess } from "./shell_access.ts";

/** The few things that are asked of the system; what the answers mean is decided elsewhere, and is the same for all. */
export interface LinuxAccess {
  /**
   * Reads a file of /proc as a whole.
   *
   * @returns its bytes, or undefined when it does not exist, its process has ended, or this user may not read it
   * @throws ProcrefError `IO`, `PERMISSION`
   */
  bytes(path: string): Uint8Array | undefined;
  /** The target of a symbolic link, or undefined when it does not exist or may not be read. */
  link(path: string): string | undefined;
  /** The PIDs of all processes that this user may see, in no order. */
  processes(): number[];
  /** As `signal` of the system of processes. */
  signal(pid: number, number: number): boolean;
  /** Whether there is a process of this number that belongs to somebody else. */
  isForeign(pid: number): boolean;
  /** As `canRun` of the system of processes. */
  canRun(path: string): boolean | "denied";
  /** As `hold` of the system of processes. */
  hold(pid: number): ProcessHold | "gone" | "not-offered";
  /** What answers about all processes at once, where a question is dear. */
  readonly sweeps?: Sweeps;
}

/** Questions about all processes at once. */
export interface Sweeps {
  /** The programs that must be allowed for it. */
  readonly programs: readonly string[];
  /** How often one may ask in a loop, in milliseconds. */
  readonly askEveryMs: number;
  /** The lines of /proc/PID/stat of all processes, one after the other. */
  statusLines(): string;
  /**
   * What is seen of the environments of processes, from one look at each.
   *
   * @param entries of environments, `NAME=value`, without anything that a regular expression takes for more than itself
   */
  searchEnvironments(entries: readonly string[]): EnvironmentSearch;
}

/** What a look at the environments of all processes found. */
export interface EnvironmentSearch {
  /** The PIDs of the processes that have one of the entries. */
  readonly found: readonly number[];
  /** The PIDs of those that show no environment, as a process does that is changing its program, or that has none. */
  readonly empty: readonly number[];
}

let chosen: LinuxAccess | undefined;

/**
 * The access that is possible here, chosen by the first call that needs one.
 *
 * @throws ProcrefError `PLATFORM`, `LIBRARY`
 */
export function linuxAccess(): LinuxAccess {
  return chosen ??= mayCallNatively() ? new NativeAccess() : new ShellAccess();
}

function mayCallNatively(): boolean {
  try {
    linuxLibc();
    return true;
  } catch (error) {
    if (isProcrefError(error, "PERMISSION")) return false;
    throw error;
  }
}
