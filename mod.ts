/**
 * Several processes share one service: the first one starts it, the last one stops it, and the kernel keeps the count.
 *
 * @example Share a process with all who run this
 * ```ts
 * import { SharedService } from "@procref/core";
 * import assert from "node:assert/strict";
 *
 * const service = new SharedService("my-service", {
 *   command: ["sleep", "60"], // your server; with `port: "auto"`, {port} in an argument stands for its port
 *   lingerMs: 200, // kept for a moment after its last client
 * });
 * await using handle = await service.acquire(); // the first one starts it, the others join it
 * assert.ok(handle.pid !== undefined);
 * assert.ok(await service.count() >= 1);
 * // released here; the last one lets it go
 * ```
 *
 * @module
 */

import "./src/process/every_system.ts";

export { type ErrorCode, type ErrorDetails, isProcrefError, ProcrefError } from "./src/errors.ts";
export type { WaitOptions } from "./src/waiting.ts";
export type { CounterSnapshot, Mechanism, RefCounter, RefCounterCapabilities } from "./src/kernel/ref_counter.ts";
export type { Scope } from "./src/kernel/object_name.ts";
export { chooseMechanism, type MechanismChoice, openRefCounter, type RefCounterOptions } from "./src/kernel/open.ts";
export * as process from "./src/process/mod.ts";
export { SharedService } from "./src/service/shared_service.ts";
export type { ServiceEvents } from "./src/service/events.ts";
export type { TypedEventTarget } from "./src/service/typed_events.ts";
export { SharedServiceBuilder } from "./src/service/builder.ts";
export { type Release, ServiceHandle } from "./src/service/service_handle.ts";
export {
  type ParentBond,
  releaseWithParent,
  type ReleaseWithParentOptions,
} from "./src/service/release_with_parent.ts";
export { supervisorEntry } from "./src/supervisor/entry.ts";
export { ServiceInfo, type ServiceInfoJson } from "./src/service/service_info.ts";
export { type CatalogOptions, listServices, type ServiceState, type ServiceStatus } from "./src/service/catalog.ts";
export type { Holder } from "./src/service/holders.ts";
export type { Failure } from "./src/service/record.ts";
export type {
  Awaitable,
  CallbackContext,
  CallbackServiceOptions,
  ServiceCallbacks,
  ServiceSettings,
  SharedServiceOptions,
} from "./src/service/options.ts";
export type {
  ModuleServiceOptions,
  Readiness,
  RestartPolicy,
  SupervisedServiceOptions,
  SupervisedSettings,
} from "./src/service/supervised_options.ts";
export type { PortRange, StopSignal } from "./src/service/service_description.ts";
export type { ServiceModule, ServiceModuleContext } from "./src/service/service_module.ts";
