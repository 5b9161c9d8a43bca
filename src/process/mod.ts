/**
 * Processes by identity: whether one is alive, starting one, and ending it without ever reaching another one.
 *
 * @example
 * ```ts
 * import { identityOf, isAlive, stop } from "@procref/core/process";
 * import { spawn } from "node:child_process";
 * import assert from "node:assert/strict";
 *
 * const child = spawn("sleep", ["60"]);
 * const identity = identityOf(child.pid!)!;
 * assert.ok(isAlive(identity));
 * await stop(identity, 5000);
 * assert.ok(!isAlive(identity));
 * ```
 *
 * @module
 */

import "./every_system.ts";

export { identityOf, isAlive, type ProcessIdentity, type ProcessTarget } from "./identity.ts";
export { kill, stop, type StopOutcome, terminate } from "./stop.ts";
export { killGroup, stopGroup } from "./group.ts";
export { attach, type GroupOptions, type ManagedProcess } from "./managed_process.ts";
export type { ExitStatus } from "./exit_status.ts";
export { spawn, type SpawnOptions, type SpawnStream } from "./spawn.ts";
export {
  type ProcessRegistry,
  type RegisteredChild,
  type RegisteredProcess,
  spawnAndWait,
  type SpawnAndWaitOptions,
} from "./spawn_and_wait.ts";
