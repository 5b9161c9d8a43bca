/**
 * A module that brings a service up inside its supervisor.
 *
 * @module
 */

import type { Awaitable } from "./options.ts";
import type { ServiceInfo, ServiceInfoJson } from "./service_info.ts";

/** What the callbacks of a module are told. */
export interface ServiceModuleContext {
  /** The service's name. */
  readonly name: string;
  /** Where it is to listen. */
  readonly host: string;
  /** A port that was free a moment ago, when the options ask for one. */
  readonly port: number | undefined;
  /** The service's own directory, which is removed when the service has stopped. */
  readonly directory: string;
  /**
   * The environment for processes that `start` spawns. It carries a mark by which they are found and ended when the
   * supervisor is killed; without it they would be orphans then.
   */
  readonly env: Readonly<Record<string, string>>;
  /** Aborts when the callback is no longer waited for. */
  readonly signal: AbortSignal;
}

/**
 * The default export of a module for `SharedService.fromModule`. The callbacks run in the supervisor, one at a time; a
 * client that is killed in any moment does them no harm.
 *
 * @example
 * ```ts
 * import type { ServiceModule } from "@procref/core";
 * import { createServer } from "node:http";
 * import assert from "node:assert/strict";
 *
 * const server = createServer((_request, response) => response.end("hello"));
 *
 * const module: ServiceModule = {
 *   start({ host, port }) {
 *     return new Promise((resolve) => server.listen({ host, port }, () => resolve({ port })));
 *   },
 *   stop: () => void server.close(),
 * };
 * assert.equal(typeof module.start, "function"); // in a file of its own: export default module
 * ```
 */
export interface ServiceModule {
  /**
   * Brings the service up and resolves once it is ready. Without a `pid` the service lives in the supervisor itself.
   *
   * @returns its process and where it listens, if that is not what the context says
   */
  start(context: ServiceModuleContext): Awaitable<ServiceInfo | ServiceInfoJson | void>;
  /** Takes it down and resolves once it is gone. Without it, the process of the info is stopped. */
  stop?(info: ServiceInfo, context: ServiceModuleContext): Awaitable<void>;
  /** Tells whether the service is usable; asked after `start` and `recover` until it says yes. To throw means no. */
  health?(info: ServiceInfo, context: ServiceModuleContext): Awaitable<boolean>;
  /** Brings a service that died while it was held to life again; without it that is `stop` and `start`. */
  recover?(info: ServiceInfo, context: ServiceModuleContext): Awaitable<ServiceInfo | ServiceInfoJson | void>;
}
