/**
 * How many semaphores there are, and how many there may be.
 *
 * @module
 */

import { libc, linuxLibc } from "../../ffi/libc.ts";
import { kernelFile } from "./kernel_file.ts";

/** What a kernel allows of semaphores; see proc_sys_kernel(5). */
export interface SemaphoreLimits {
  /** How many a set may have. */
  readonly perSet: number;
  /** How many operations a step may have. */
  readonly perStep: number;
  /** How many sets there may be. */
  readonly mostSets: number;
  /** How many semaphores there may be in all. */
  readonly mostSemaphores: number;
}

/** What there is of semaphores. */
export interface SemaphoreUsage {
  /** How many sets there are. */
  readonly sets: number;
  /** How many semaphores there are in all. */
  readonly semaphores: number;
}

/**
 * What the kernel allows.
 *
 * @returns undefined where it does not say
 * @throws ProcrefError `PLATFORM`, `PERMISSION`, `LIBRARY`
 */
export function semaphoreLimits(): SemaphoreLimits | undefined {
  if (libc().system !== "linux") return undefined;
  const limits = kernelFile(linuxLibc(), "/proc/sys/kernel/sem")?.trim().split(/\s+/).map(Number);
  if (limits?.length !== 4 || limits.some(Number.isNaN)) return undefined;
  const [perSet, mostSemaphores, perStep, mostSets] = limits;
  return { perSet, perStep, mostSets, mostSemaphores };
}

/**
 * What is in use, by all users of this IPC namespace.
 *
 * @returns undefined where the kernel does not say
 * @throws ProcrefError `PLATFORM`, `PERMISSION`, `LIBRARY`
 */
export function semaphoreUsage(): SemaphoreUsage | undefined {
  if (libc().system !== "linux") return undefined;
  // After the line of headings one for each set, with the number of its semaphores in the fourth column.
  const sizes = kernelFile(linuxLibc(), "/proc/sysvipc/sem")?.trimEnd().split("\n").slice(1)
    .map((line) => Number(line.trim().split(/\s+/)[3]));
  return sizes && { sets: sizes.length, semaphores: sizes.reduce((sum, size) => sum + size, 0) };
}
