/**
 * A registry of services: processes announce what they offer under a name, with channels and metadata, and all processes
 * of the user find it. Entries vanish with their process.
 *
 * @example
 * ```ts
 * import { ServiceRegistry } from "@procref/core/registry";
 * import assert from "node:assert/strict";
 *
 * using registry = new ServiceRegistry("example");
 * registry.registerService("search", { controlChannel: "/run/search.sock" });
 * assert.equal(registry.find("search")?.controlChannel, "/run/search.sock");
 * assert.deepEqual(registry.list().map(({ name }) => name), ["search"]);
 * assert.equal(registry.unregisterService("search"), true);
 * assert.equal(registry.find("search"), undefined);
 * ```
 *
 * @module
 */

import "../process/every_system.ts";

export type { ProcessIdentity } from "../process/identity.ts";
export type { JsonObject, JsonValue, ServiceEntry, ServiceRegistration } from "./service_entry.ts";
export type { Mechanism } from "../kernel/ref_counter.ts";
export type { ServiceGroupFilter, ServiceRegistryOptions } from "./registry_options.ts";
export { ServiceRegistry } from "./service_registry.ts";
