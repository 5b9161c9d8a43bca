/**
 * Ending with one's parent: for servers that a host starts with pipes and then forgets.
 *
 * @module
 */

import process from "node:process";
import { ProcessWatch } from "../process/process_watch.ts";
import type { ServiceHandle } from "./service_handle.ts";

/** How {@link releaseWithParent} ends the process. */
export interface ReleaseWithParentOptions {
  /** The exit status: 0 unless given. */
  readonly exitCode?: number;
  /** How long releasing may take before the process ends all the same: 5,000 ms unless given. */
  readonly timeoutMs?: number;
  /** How often the parent is looked at, one system call each: every 500 ms unless given. */
  readonly intervalMs?: number;
  /** Runs before the handles are released, within the same time; what it throws is ignored. */
  readonly onParentGone?: (why: "stdin" | "parent") => void | Promise<void>;
}

/** What {@link releaseWithParent} set up; dispose it to have no more of it. */
export type ParentBond = Disposable;

/**
 * Releases handles and ends this process when its standard input reaches its end, or when its parent dies. Servers that
 * speak over stdin and stdout (of the Model Context Protocol, of the Language Server Protocol) need it: hosts are killed,
 * and an orphaned server that waits for ever would hold its database for ever, and rightly so: it is a live process.
 *
 * Nothing is taken from standard input, so its end is seen once whoever reads it has reached it. The parent is looked at
 * by its identity, by a timer that does not keep the event loop alive. When this process is killed instead, the kernel
 * gives the references back.
 *
 * @param handles what to release: one handle, several, or a function that gives those of that moment
 * @param options exit status and times
 * @returns a bond that disposing undoes
 * @throws ProcrefError `PLATFORM`, `PERMISSION`, `LIBRARY`
 *
 * @example
 * ```ts
 * import { releaseWithParent, SharedService } from "@procref/core";
 *
 * const database = new SharedService("example-bond", { command: ["sleep", "60"] });
 * await using handle = await database.acquire();
 * using _bond = releaseWithParent(handle);
 * // serve over stdin and stdout
 * ```
 */
export function releaseWithParent(
  handles: ServiceHandle | Iterable<ServiceHandle> | (() => Iterable<ServiceHandle>),
  options: ReleaseWithParentOptions = {},
): ParentBond {
  const { exitCode = 0, timeoutMs = 5000, intervalMs = 500, onParentGone } = options;
  const parent = process.ppid;
  const watch = parent > 1 ? ProcessWatch.ofPid(parent) : undefined;
  let ending = false;

  const end = async (why: "stdin" | "parent"): Promise<void> => {
    if (ending) return;
    ending = true;
    const limit = setTimeout(() => process.exit(exitCode), timeoutMs);
    try {
      await onParentGone?.(why);
    } catch {
      // Nobody is there to be told.
    }
    await Promise.allSettled([...listed(handles)].map((handle) => handle.release()));
    clearTimeout(limit);
    process.exit(exitCode);
  };
  const onEnd = (): void => void end("stdin");
  // A parent that died before it could be watched has left this process to another one.
  const look = (): void => {
    if (process.ppid !== parent || watch?.isAlive() === false) void end("parent");
  };

  process.stdin.once("end", onEnd);
  process.stdin.once("close", onEnd);
  const timer = setInterval(look, intervalMs);
  timer.unref();
  return {
    [Symbol.dispose](): void {
      clearInterval(timer);
      watch?.close();
      process.stdin.off("end", onEnd);
      process.stdin.off("close", onEnd);
    },
  };
}

function listed(handles: Parameters<typeof releaseWithParent>[0]): Iterable<ServiceHandle> {
  if (typeof handles === "function") return handles();
  return Symbol.iterator in handles ? handles : [handles];
}
