/**
 * Permits that processes share by files: {@link FileSemaphore}, whose file says who holds them and who waits, and
 * {@link SlotManager}, whose lock files are the permits themselves.
 *
 * | | `FileSemaphore` | `SlotManager` |
 * | --- | --- | --- |
 * | who holds a permit | an entry in a file | the lock of a file, kept by the kernel |
 * | when a holder dies | the next one who needs the permit drops the entry | it is free at that moment |
 * | waiting | a queue, by priority, then first come, first served | whoever looks first |
 * | others by name, time limits | yes | no |
 *
 * Both may be used by Deno and Bun at once. What happens to permits is told on the channels `procref:semaphore:acquire`,
 * `procref:semaphore:release`, `procref:semaphore:wait` and `procref:semaphore:prune` of `node:diagnostics_channel`, the
 * last one also as the event `prune` of the semaphore.
 *
 * @example Waiting for the only permit
 * ```ts
 * import { isProcrefError } from "@procref/core";
 * import { FileSemaphore } from "@procref/core/semaphore";
 * import assert from "node:assert/strict";
 * import { mkdtempSync, rmSync } from "node:fs";
 * import { tmpdir } from "node:os";
 * import { join } from "node:path";
 *
 * const directory = mkdtempSync(join(tmpdir(), "example-"));
 * using semaphore = new FileSemaphore(join(directory, "deploy.json"), 1);
 * const first = semaphore.acquire("first");
 * assert.throws(() => semaphore.acquire("second"), (error) => isProcrefError(error, "NO_CAPACITY"));
 *
 * const second = semaphore.acquire({ id: "second", wait: true, timeoutMs: 5000 });
 * first.release();
 * assert.ok((await second).isHeld());
 * (await second).release();
 * rmSync(directory, { recursive: true });
 * ```
 *
 * @module
 */

import "../process/every_system.ts";

export { type AcquireOptions, FileSemaphore, type FileSemaphoreOptions, type HoldOptions } from "./file_semaphore.ts";
export { Permit, type PermitOrigin } from "./permit.ts";
export { type SlotHolder, SlotManager } from "./slot_manager.ts";
export type { Owner } from "./owner.ts";
export type { Pruned, SemaphoreEvents } from "./events.ts";
export type { HolderInfo, SemaphoreState, WaiterInfo } from "./state.ts";
export type { WaitOptions } from "../waiting.ts";
