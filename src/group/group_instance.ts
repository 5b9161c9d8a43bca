/**
 * What an instance of a group is told by its host.
 *
 * @module
 */

import process from "node:process";

/** Who an instance is. */
export interface GroupInstance {
  /** The name that it is to register: `serviceName.index`. */
  readonly name: string;
  /** Its number in the group, from 0 on. */
  readonly index: number;
  /** The name of the service. */
  readonly serviceName: string;
  /** The domain of the registry that it is to register itself in. */
  readonly domain: string;
}

/** The variables that say it. */
const VARIABLES = {
  name: "PROCREF_INSTANCE_NAME",
  index: "PROCREF_INSTANCE_INDEX",
  serviceName: "PROCREF_INSTANCE_SERVICE",
  domain: "PROCREF_INSTANCE_REGISTRY",
} as const;

/**
 * Who this process is in the group whose host has started it. What it starts in turn finds the same.
 *
 * @returns undefined when no group has started it
 *
 * @example
 * ```ts
 * import { groupInstance } from "@procref/core/group";
 *
 * const self = groupInstance();
 * if (self !== undefined) {
 *   // new ServiceRegistry(self.domain).registerService(self.name, { controlChannel: "..." });
 * }
 * ```
 */
export function groupInstance(): GroupInstance | undefined {
  const { env } = process;
  const [name, index, serviceName, domain] = [VARIABLES.name, VARIABLES.index, VARIABLES.serviceName, VARIABLES.domain]
    .map((variable) => env[variable]);
  if (name === undefined || index === undefined || serviceName === undefined || domain === undefined) return undefined;
  return { name, index: Number(index), serviceName, domain };
}

/** The environment that tells an instance who it is. */
export function instanceEnvironment(instance: GroupInstance): Record<string, string> {
  return Object.fromEntries(
    (Object.keys(VARIABLES) as (keyof GroupInstance)[]).map((field) => [VARIABLES[field], String(instance[field])]),
  );
}

/** The entry of the environment that an instance has, with all that it has started. */
export function instanceEntry(name: string): string {
  return `${VARIABLES.name}=${name}`;
}
