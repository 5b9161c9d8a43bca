/**
 * Ending with one's parent: for servers that a host starts with pipes and then forgets.
 *
 * @module
 */

import process from "node:process";
import { processSystem } from "../process/platform.ts";
import { ProcessWatch } from "../process/process_watch.ts";
import type { ServiceHandle } from "./service_handle.ts";

/** How {@link releaseWithParent} ends the process. */
export interface ReleaseWithParentOptions {
  /** The exit status: 0 unless given. */
  readonly exitCode?: number;
  /** How long releasing may take before the process ends all the same: 5,000 ms unless given. */
  readonly timeoutMs?: number;
  /** How often the parent is looked at, a system call for each process: every 500 ms unless given. */
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
 * by its identity, by a timer that does not keep the event loop alive. On Linux so is the host behind a wrapper (`npx`,
 * `bunx`, a shell), which is known by passing its own standard input on. When this process is killed instead, the
 * kernel gives the references back.
 *
 * Call it first, with a function, before anything that takes time: whoever died before the call is not known to have
 * been there.
 *
 * @param handles what to release: one handle, several, or a function that gives those of that moment
 * @param options exit status and times
 * @returns a bond that disposing undoes
 * @throws ProcrefError `PLATFORM`, `PERMISSION`, `LIBRARY`
 *
 * @example
 * ```ts
 * import { releaseWithParent, type ServiceHandle, SharedService } from "@procref/core";
 *
 * const database = new SharedService("example-bond", { command: ["sleep", "60"] });
 * const handles: ServiceHandle[] = [];
 * using _bond = releaseWithParent(() => handles);
 * await using handle = await database.acquire();
 * handles.push(handle);
 * // serve over stdin and stdout
 * ```
 */
export function releaseWithParent(
  handles: ServiceHandle | Iterable<ServiceHandle> | (() => Iterable<ServiceHandle>),
  options: ReleaseWithParentOptions = {},
): ParentBond {
  const { exitCode = 0, timeoutMs = 5000, intervalMs = 500, onParentGone } = options;
  const parent = process.ppid;
  const watches = watchesOf([parent, ...processSystem().inputAncestors?.() ?? []]);
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
    if (process.ppid !== parent || watches.some((watch) => !watch.isAlive())) void end("parent");
  };

  // An end that was read before this call is told to nobody any more.
  if (process.stdin.readableEnded || process.stdin.destroyed) onEnd();
  process.stdin.once("end", onEnd);
  process.stdin.once("close", onEnd);
  const timer = setInterval(look, intervalMs);
  timer.unref();
  return {
    [Symbol.dispose](): void {
      clearInterval(timer);
      for (const watch of watches) watch.close();
      process.stdin.off("end", onEnd);
      process.stdin.off("close", onEnd);
    },
  };
}

/** The first process of a machine or container is not watched: nobody outlives it. */
function watchesOf(pids: readonly number[]): ProcessWatch[] {
  return [...new Set(pids)].filter((pid) => pid > 1).map((pid) => ProcessWatch.ofPid(pid))
    .filter((watch) => watch !== undefined);
}

function listed(handles: Parameters<typeof releaseWithParent>[0]): Iterable<ServiceHandle> {
  if (typeof handles === "function") return handles();
  return Symbol.iterator in handles ? handles : [handles];
}
