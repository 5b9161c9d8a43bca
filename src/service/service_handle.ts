/**
 * One reference to a running service.
 *
 * @module
 */

import { ServiceInfo } from "./service_info.ts";
import { showAs } from "./shown.ts";

/** The service as its holders know it: they all share it, so that news reaches every handle. */
export class Incarnation {
  /** The service's name. */
  readonly name: string;
  /** The service as it is now. */
  info: ServiceInfo;
  #lost: AbortController | undefined;
  #reason: unknown;

  constructor(name: string, info: ServiceInfo) {
    this.name = name;
    this.info = info;
  }

  /** Aborts when the service is lost for good. Made when it is first asked for: most never do. */
  get signal(): AbortSignal {
    this.#lost ??= new AbortController();
    if (this.#reason !== undefined) this.#lost.abort(this.#reason);
    return this.#lost.signal;
  }

  /** The service is gone and will not come back. */
  lose(reason: unknown): void {
    this.#reason = reason;
    this.#lost?.abort(reason);
  }

  /** Whether it has been lost. */
  get isLost(): boolean {
    return this.#reason !== undefined;
  }
}

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
  static {
    showAs(this.prototype, ({ name, pid, port, released }) => ({ name, pid, port, released }));
  }

  readonly #incarnation: Incarnation;
  readonly #release: Release;
  #released: Promise<void> | undefined;

  /**
   * Made by `SharedService.acquire()`.
   *
   * @param incarnation the service
   * @param release gives the reference back
   */
  constructor(incarnation: Incarnation, release: Release) {
    this.#incarnation = incarnation;
    this.#release = release;
  }

  /** The name of the service. */
  get name(): string {
    return this.#incarnation.name;
  }

  /**
   * The service as it was published, as a copy. When a supervised service was started again, it is that of the new
   * process from about a second after that on.
   */
  get info(): ServiceInfo {
    return ServiceInfo.fromJSON(this.#incarnation.info.toJSON());
  }

  /**
   * Aborts when a supervised service is lost for good while this is held: it died more often than `restart` allows, or
   * was stopped by force. The reason is a `ProcrefError` that says so, at most about a second later. It never
   * aborts for a service of callbacks.
   */
  get signal(): AbortSignal {
    return this.#incarnation.signal;
  }

  /** Its process, or undefined when it has none. */
  get pid(): number | undefined {
    return this.#incarnation.info.pid;
  }

  /** Where it listens, or undefined. */
  get port(): number | undefined {
    return this.#incarnation.info.port;
  }

  /** Where it listens. */
  get host(): string {
    return this.#incarnation.info.host;
  }

  /** Whether the reference has been given back, or is being given back. */
  get released(): boolean {
    return this.#released !== undefined;
  }

  /**
   * Gives the reference back. Any further call does nothing and gives the same promise.
   *
   * Of a service with a command or a module, the reference is back when the call returns. If it was the last one, the
   * supervisor stops the service after that, once `lingerMs` are over: it may still run when this has resolved.
   *
   * Of a service of callbacks, the same holds unless the reference is the last one. Then this stops the service, and
   * resolves once it is gone.
   *
   * When the process dies before it has resolved, the reference is given back by the kernel, and the supervisor, the
   * reaper or the next client finds what is left of the service.
   *
   * @throws ProcrefError `SERVICE_STOP` when `onLastRelease` failed and the service may still run, `TIMEOUT` when others
   * are in the middle of a step for longer than `lockTimeoutMs`, `RELEASE`, `IO`; the reference has been given back even so
   */
  release(): Promise<void> {
    return this.#released ??= this.#release();
  }

  /** Releases at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  /**
   * Releases at the end of a `using` block, without waiting. What is still to be done then, to stop a service of callbacks
   * when the reference was the last one, is done in the background, and a failure of that is a `warning` event of the
   * service.
   */
  [Symbol.dispose](): void {
    this.release().catch(() => {});
  }
}
