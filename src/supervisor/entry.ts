/**
 * The way into the supervisor from a program that is not this library's own.
 *
 * @module
 */

import { enter } from "../service/reentry.ts";

/**
 * The first line of a program that is compiled into one file (`bun build --compile`, `deno compile`) and uses services
 * with a supervisor or reaper. Such a program is its own supervisor: the file is started once more, and this call does
 * not return there. In every other program, and when the program is started by people, it does nothing.
 *
 * Whatever is done before it, imported modules included, is done in the supervisor as well. A program that Deno compiled
 * has as a supervisor the permissions that it was compiled with. When the supervisor dies, that is as the death of any
 * other one: the next client starts it again.
 *
 * @returns once it is known that this process is no supervisor
 *
 * @example
 * ```ts
 * import { SharedService, supervisorEntry } from "@procref/core";
 * import assert from "node:assert/strict";
 *
 * await supervisorEntry();
 * const service = new SharedService("example-entry", { command: ["sleep", "60"] });
 * await service.use((handle) => assert.ok(handle.pid));
 * ```
 */
export async function supervisorEntry(): Promise<void> {
  if (!enter()) return;
  // Named here, it is also among the modules that a runtime fetches or compiles beforehand.
  const { runSupervisor } = await import("./main.ts");
  await runSupervisor();
}

/**
 * The program of the usual service. Nobody asks for it here: a runtime that fetches the library fetches it along because
 * it is named, and supervisors are started from what a runtime has fetched.
 */
export async function fetchedAlong(): Promise<unknown> {
  return await import("./linux_bundle.js");
}
