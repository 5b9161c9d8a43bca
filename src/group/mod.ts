/**
 * Groups of redundant services: several processes of one program, with one primary and others that stand by and take
 * over at once.
 *
 * @module
 */

import "../process/every_system.ts";

export type { ProcessIdentity } from "../process/identity.ts";
export type { RegisteredProcess } from "../process/spawn_and_wait.ts";
export { type GroupInstance, groupInstance } from "./group_instance.ts";
export type { GroupBackoff, ServiceGroupOptions } from "./group_options.ts";
export type { GroupRegistry } from "./instance.ts";
export {
  type Failover,
  type GroupEvents,
  type InstanceRole,
  type InstanceSnapshot,
  type LiveInstance,
  ServiceGroup,
} from "./service_group.ts";
