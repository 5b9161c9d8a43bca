/**
 * One reference to a running service.
 *
 * @module
 */

import { ServiceInfo } from "./service_info.ts";

/** How a handle gives its reference back. */
export type Release = () => Promise<void>;

/**
 * One reference to a running service: while it is held, nobody stops the service. It does not keep the event loop
 * alive, and when the process dies in any way the kernel gives the reference back. A handle that is merely forgotten
 * holds until the process ends.
 *
 * @example
 * ```ts
 * import { SharedService } from "@procref/core";
 * import assert from "node:assert/strict";
 * import process from "node:process";
 *
 * const service = new SharedService("example-handle", {
 *   onFirstAcquire: () => ({ pid: process.pid, port: 5432 }),
 *   onLastRelease: () => {},
 * });
 * {
 *   await using handle = await service.acquire();
 *   assert.equal(handle.port, 5432);
 * } // released here
 * assert.equal(await service.count(), 0);
 * ```
 */
export class ServiceHandle implements Disposable, AsyncDisposable {
  readonly #info: ServiceInfo;
  readonly #release: Release;
  #released: Promise<void> | undefined;

  /**
   * Made by `SharedService.acquire()`.
   *
   * @param info the service
   * @param release gives the reference back
   */
  constructor(info: ServiceInfo, release: Release) {
    this.#info = info;
    this.#release = release;
  }

  /** The service as it was published, as a copy. */
  get info(): ServiceInfo {
    return ServiceInfo.fromJSON(this.#info.toJSON());
  }

  /** Its process, or undefined when it has none. */
  get pid(): number | undefined {
    return this.#info.pid;
  }

  /** Where it listens, or undefined. */
  get port(): number | undefined {
    return this.#info.port;
  }

  /** Where it listens. */
  get host(): string {
    return this.#info.host;
  }

  /** Whether the reference has been given back, or is being given back. */
  get released(): boolean {
    return this.#released !== undefined;
  }

  /**
   * Gives the reference back; when it is the last one, stops the service and resolves once it is gone. Any further
   * call does nothing and gives the same promise. Unless it is the last one, the reference is back when the call
   * returns, before anything is awaited.
   *
   * When the process dies before it has resolved, the reference is given back by the kernel, and the next client finds
   * what is left of the service.
   *
   * @throws ProcrefError `SERVICE_STOP` when `onLastRelease` failed and the service may still run, `TIMEOUT`,
   * `RELEASE`, `IO`; the reference has been given back even so
   */
  release(): Promise<void> {
    return this.#released ??= this.#release();
  }

  /** Releases at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  /**
   * Releases at the end of a `using` block, without waiting. When the reference is the last one, the service is
   * stopped in the background, and a failure of that is a `warning` event of the service.
   */
  [Symbol.dispose](): void {
    this.release().catch(() => {});
  }
}
