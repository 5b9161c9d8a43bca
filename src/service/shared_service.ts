/**
 * A service that several processes share: the first one brings it up, the last one takes it down, and the kernel keeps
 * the count.
 *
 * @module
 */

import { libc } from "../../ffi/libc.ts";
import { ProcrefError } from "../errors.ts";
import { objectName } from "../kernel/object_name.ts";
import { openRefCounter } from "../kernel/open.ts";
import type { RefCounter } from "../kernel/ref_counter.ts";
import { stateDirectory } from "../kernel/state_directory.ts";
import { ProcessWatch } from "../process/process_watch.ts";
import type { WaitOptions } from "../waiting.ts";
import { SharedServiceBuilder } from "./builder.ts";
import { type Attachment, CallbackMode } from "./callback_mode.ts";
import { dropService, type HeldService, holdService, rememberHint } from "./held_services.ts";
import { HolderHint } from "./holders.ts";
import { completeOptions, type SharedServiceOptions } from "./options.ts";
import { RecordStore } from "./record_store.ts";
import { ServiceHandle } from "./service_handle.ts";
import { warn } from "./warning.ts";

/** What is there once a service has been used. */
interface Opened {
  readonly counter: RefCounter;
  readonly mode: CallbackMode;
  /** In scope `system` there is none. */
  readonly hint: HolderHint | undefined;
}

/** A service that is known to be usable as long as the generation is the same and its process runs. */
interface Warm {
  readonly attachment: Attachment;
  readonly generation: number;
  readonly watch: ProcessWatch | undefined;
}

/**
 * A service that several processes share under one name. To make one opens nothing; the first `acquire()` does.
 *
 * A client enters by taking a reference, which the kernel counts. Who finds no usable service brings it up while all
 * others wait; who gives the last reference back takes it down. A client that is killed, in any way and at any step,
 * is un-counted by the kernel at once, and what it was in the middle of is left for the next one to complete.
 *
 * What went wrong without stopping anything (a record that could not be believed, a service that was stopped in the
 * background and failed to) is a `warning` event whose `detail` is a {@link ProcrefError}, and is published on the
 * `procref:warning` channel of `node:diagnostics_channel`.
 *
 * @example A process that is shared by all who run this
 * ```ts
 * import { process as processes, SharedService } from "@procref/core";
 * import { spawn } from "node:child_process";
 * import assert from "node:assert/strict";
 *
 * const service = new SharedService("example-sleeper", {
 *   onFirstAcquire() {
 *     const child = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
 *     child.unref();
 *     return { pid: child.pid };
 *   },
 * });
 * const pid = await service.use((handle) => handle.pid!);
 * assert.ok(!processes.isAlive(pid)); // we were the last
 * ```
 */
export class SharedService extends EventTarget {
  /** The name that processes share it by. */
  readonly name: string;
  readonly #options: ReturnType<typeof completeOptions>;
  #opening: Promise<Opened> | undefined;
  #opened: Opened | undefined;
  #warm: Warm | undefined;
  #handles = 0;
  readonly #held: HeldService = {
    lookAfter: () => this.#lookAfter(),
    withdrawHint: () => this.#opened?.hint?.remove(),
  };

  /**
   * Describes a service.
   *
   * @param name 1 to 200 bytes of printable UTF-8 without `/`, `\` and control characters
   * @param options what brings it up and takes it down, who shares it, how long each step may take
   * @throws ProcrefError `INVALID_NAME`, `INVALID_ARGUMENT`
   */
  constructor(name: string, options: SharedServiceOptions) {
    super();
    this.#options = completeOptions(options);
    objectName(name, 0, this.#options);
    this.name = name;
  }

  /**
   * Describes a service step by step.
   *
   * @param name as for the constructor
   * @returns a builder with `onFirstAcquire`, `onLastRelease`, `onHealthCheck`, `onRecover`, `settings` and `build`
   *
   * @example
   * ```ts
   * import { SharedService } from "@procref/core";
   * import assert from "node:assert/strict";
   * import process from "node:process";
   *
   * const service = SharedService.builder("example-builder")
   *   .onFirstAcquire(() => ({ pid: process.pid, port: 5432 }))
   *   .onLastRelease(() => {})
   *   .settings({ namespace: "docs", startTimeoutMs: 5000 })
   *   .build();
   * assert.equal(await service.use((handle) => handle.port), 5432);
   * ```
   */
  static builder(name: string): SharedServiceBuilder<SharedService> {
    return new SharedServiceBuilder((options) => new SharedService(name, options));
  }

  /**
   * Takes a reference to the running service, and brings the service up if there is none. While another client starts
   * or stops it, this waits, without blocking the event loop.
   *
   * When the service is known to run already, one system call takes the reference and another one sees that the process
   * is alive; no file is read.
   *
   * @param options `signal` gives up; `timeoutMs` limits the whole in milliseconds, beside the limits of its steps
   * @returns the reference; release it, or let `await using` do so
   * @throws ProcrefError, with the reference given back: `SERVICE_START`, `SERVICE_UNHEALTHY`, `SERVICE_RECOVERY` when
   * a callback failed; `SERVICE_INFO` and `DOMAIN_MISMATCH` when the record cannot be used; `TIMEOUT`; `STATE_DIRECTORY`,
   * `IO`; `REF_COUNTER_INIT`, `ACQUIRE`, `LOCK`, `FULL`, `KEY_COLLISION`, `FOREIGN_OBJECT`; `PLATFORM`, `PERMISSION`,
   * `LIBRARY`. The reason of an aborted signal
   */
  async acquire(options: WaitOptions = {}): Promise<ServiceHandle> {
    const warm = this.#warm;
    // A plain check of a property and two system calls: this is the path that is taken thousands of times.
    if (warm === undefined || options.signal?.aborted || !this.#opened!.counter.tryAcquire(warm.generation)) {
      return await this.#enter(options);
    }
    if (this.#options.onHealthCheck === undefined && isWatchedAlive(warm)) return this.#handle(warm.attachment);
    return await this.#attach(this.#opened!, options, warm);
  }

  /**
   * Acquires, does something with the handle, and releases whatever happened.
   *
   * @param work what to do; its result is the result
   * @param options as for {@link SharedService.acquire}
   * @throws what `work` throws, and what `acquire` and `release` throw
   *
   * @example
   * ```ts
   * import { SharedService } from "@procref/core";
   * import assert from "node:assert/strict";
   * import process from "node:process";
   *
   * const service = new SharedService("example-use", {
   *   onFirstAcquire: () => ({ pid: process.pid, port: 5432 }),
   *   onLastRelease: () => {},
   * });
   * assert.equal(await service.use(({ port }) => port), 5432);
   * ```
   */
  async use<T>(work: (handle: ServiceHandle) => T | Promise<T>, options: WaitOptions = {}): Promise<T> {
    await using handle = await this.acquire(options);
    return await work(handle);
  }

  /**
   * How many references live processes hold now; a snapshot, for people and logs. Asking creates nothing in the kernel.
   *
   * @throws ProcrefError `COUNT` and those of opening
   */
  async count(): Promise<number> {
    const { counter } = await this.#open();
    return counter.count();
  }

  #open(): Promise<Opened> {
    return this.#opening ??= this.#openNow().catch((error) => {
      this.#opening = undefined;
      throw error;
    });
  }

  async #openNow(): Promise<Opened> {
    const { scope = "user", namespace, mechanism } = this.#options;
    const uid = libc().geteuid();
    const directory = stateDirectory(this.#options.directory, scope, uid);
    const identity = { namespace, scope, directory };
    const counter = await openRefCounter(this.name, { ...identity, mechanism });
    const store = new RecordStore(directory, objectName(this.name, uid, identity), uid);
    const report = (error: ProcrefError) => warn(this, error);
    const mode = new CallbackMode(this.name, counter, store, this.#options, report);
    const hint = scope === "user" ? new HolderHint(store.directory) : undefined;
    return this.#opened = { counter, mode, hint };
  }

  /** Takes a reference, waiting while the gate is closed, and goes on from there. */
  #enter(options: WaitOptions): Promise<ServiceHandle> {
    return this.#within(options, async (wait) => {
      const opened = await this.#open();
      await opened.counter.acquire({ signal: wait.signal, timeoutMs: this.#options.lockTimeoutMs });
      const handle = await this.#attachOrLeave(opened, wait);
      this.#leaveHint(opened);
      return handle;
    });
  }

  /** With a reference taken, goes on from there. */
  #attach(opened: Opened, options: WaitOptions, warm: Warm): Promise<ServiceHandle> {
    const known = isWatchedAlive(warm) ? warm.attachment : undefined;
    return this.#within(options, (wait) => this.#attachOrLeave(opened, wait, known));
  }

  async #attachOrLeave(opened: Opened, wait: WaitOptions, known?: Attachment): Promise<ServiceHandle> {
    try {
      const attachment = await opened.mode.attach(wait, known);
      this.#remember(attachment);
      return this.#handle(attachment);
    } catch (error) {
      await opened.mode.leave(undefined).catch((problem) => warn(this, problem));
      throw error;
    }
  }

  /** Makes the limit of the whole a signal, so that every step sees it. */
  async #within<T>({ signal, timeoutMs }: WaitOptions, work: (wait: WaitOptions) => Promise<T>): Promise<T> {
    if (timeoutMs === undefined) return await work({ signal });
    const controller = new AbortController();
    const timer = setTimeout(() => {
      const message = `Cannot acquire "${this.name}": it took longer than ${timeoutMs} ms`;
      controller.abort(new ProcrefError("TIMEOUT", message, { details: { name: this.name } }));
    }, timeoutMs);
    try {
      return await work({ signal: signal ? AbortSignal.any([signal, controller.signal]) : controller.signal });
    } finally {
      clearTimeout(timer);
    }
  }

  #remember(attachment: Attachment): void {
    const { generation, record } = attachment;
    if (this.#warm?.attachment === attachment) return;
    this.#forget();
    if (generation === undefined) return;
    const { identity } = record.info;
    const watch = identity && ProcessWatch.open(identity);
    // It ended a moment ago: the next acquire looks at the record again.
    if (identity !== undefined && watch === undefined) return;
    this.#warm = { attachment, generation, watch };
  }

  #forget(): void {
    this.#warm?.watch?.close();
    this.#warm = undefined;
  }

  #handle({ record }: Attachment): ServiceHandle {
    if (this.#handles++ === 0) holdService(this.#held);
    return new ServiceHandle(record.info, () => this.#release(record));
  }

  async #release(record: Attachment["record"]): Promise<void> {
    if (--this.#handles === 0) dropService(this.#held);
    const { counter, mode } = this.#opened!;
    try {
      if (counter.releaseUnlessLast()) return;
      this.#forget();
      await mode.leave(record);
    } catch (error) {
      warn(this, error as ProcrefError);
      throw error;
    }
  }

  /** For people who ask who holds the service; off the warm path. */
  #leaveHint({ hint }: Opened): void {
    if (hint === undefined) return;
    hint.write();
    rememberHint(this.#held);
  }

  #lookAfter(): void {
    try {
      const { counter, mode } = this.#opened!;
      this.#leaveHint(this.#opened!);
      if (counter.verify()) warn(this, lost(this.name));
      if (this.#warm !== undefined) mode.restore(this.#warm.attachment.record);
    } catch (error) {
      warn(this, error as ProcrefError);
    }
  }
}

/** Whether the process still runs; one that cannot be asked is looked up again like one that does not. */
function isWatchedAlive({ watch }: Warm): boolean {
  try {
    return watch === undefined || watch.isAlive();
  } catch {
    return false;
  }
}

function lost(name: string): ProcrefError {
  return new ProcrefError(
    "ACQUIRE",
    `The kernel object of "${name}" was removed while it was held (ipcrm, or the user's last logout where logind has ` +
      `RemoveIPC=yes); it was made again with the references of this process`,
    { details: { name } },
  );
}
