/**
 * A service that several processes share: the first one brings it up, the last one takes it down, and the kernel keeps
 * the count.
 *
 * @module
 */

import { isProcrefError, ProcrefError } from "../errors.ts";
import { objectName } from "../kernel/object_name.ts";
import { currentUser, openRefCounter } from "../kernel/open.ts";
import type { RefCounter } from "../kernel/ref_counter.ts";
import { stateDirectory } from "../kernel/state_directory.ts";
import { checkWait, type WaitOptions, within } from "../waiting.ts";
import { enter, removedObject, verify } from "./agreed_mechanism.ts";
import { SharedServiceBuilder } from "./builder.ts";
import { CallbackMode } from "./callback_mode.ts";
import { CHANNELS, type ServiceEvents, tell } from "./events.ts";
import { dropService, type HeldService, holdService, rememberHint } from "./held_services.ts";
import { HolderHint } from "./holders.ts";
import type { Attachment, Mode, ReadyRecord } from "./mode.ts";
import type { SharedServiceOptions } from "./options.ts";
import { nameOfModule, type Plan, planOf } from "./plan.ts";
import { RecordStore } from "./record_store.ts";
import { Incarnation, ServiceHandle } from "./service_handle.ts";
import { showAs } from "./shown.ts";
import { type ModuleServiceOptions, moduleUrl } from "./supervised_options.ts";
import { SupervisedMode } from "./supervised_mode.ts";
import { orderedName, type SupervisorOrders } from "./supervisor_orders.ts";
import { TypedEventTarget } from "./typed_events.ts";
import { WarmService } from "./warm_service.ts";

/** What is there once a service has been used. */
interface Opened {
  readonly counter: RefCounter;
  readonly store: RecordStore;
  readonly mode: Mode;
  /** In scope `system` there is none. */
  readonly hint: HolderHint | undefined;
}

/** What the handles of one service share, and what it came from. */
interface Held {
  attachment: Attachment;
  readonly incarnation: Incarnation;
  handles: number;
}

/**
 * A service that several processes share under one name. To make one opens nothing; the first `acquire()` does.
 *
 * A client enters by taking a reference, which the kernel counts. Who finds no usable service brings it up while all
 * others wait; who gives the last reference back takes it down. A client that is killed, in any way and at any step,
 * is un-counted by the kernel at once, and what it was in the middle of is left for the next one to complete.
 *
 * It is either a **command** that a detached supervisor owns: it starts it, waits until it is ready, starts it again when
 * it dies, keeps its log, and stops it when nobody is left. Or it is brought up and taken down by **callbacks** inside
 * the clients, and a small detached reaper stops it when the last client is gone without having done so.
 *
 * What went wrong without stopping anything (a record that could not be believed, a service that was stopped in the
 * background and failed to) is a `warning` event whose `detail` is a {@link ProcrefError}. A supervised service that was
 * started again is a `restart` event whose `detail` is the new {@link ServiceInfo}; one that is lost for good is a
 * `lost` event whose `detail` is a {@link ProcrefError}. All of them, and `acquire` and `release`, are also published on
 * channels of `node:diagnostics_channel`: `procref:warning`, `procref:restart`, `procref:lost`, `procref:acquire` and
 * `procref:release`, each with the name as `service`.
 *
 * @example A command that is shared by all who run this
 * ```ts
 * import { process as processes, SharedService } from "@procref/core";
 * import assert from "node:assert/strict";
 *
 * const service = new SharedService("example-command", { command: ["sleep", "60"] });
 * const pid = await service.use((handle) => handle.pid!);
 * while (processes.isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 5)); // we were the last
 * assert.equal(await service.count(), 0);
 * ```
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
export class SharedService extends TypedEventTarget<ServiceEvents> {
  static {
    showAs(this.prototype, (service) => ({ name: service.name, namespace: service.#plan.settings.namespace }));
  }

  /** The name that processes share it by. */
  readonly name: string;
  readonly #plan: Plan;
  #opening: Promise<Opened> | undefined;
  #opened: Opened | undefined;
  #warm: WarmService | undefined;
  /** Undefined while nobody holds. */
  #held: Held | undefined;
  #looking = false;
  readonly #isWarm = (): boolean => this.#warm?.isAlive() ?? false;
  readonly #watched: HeldService = {
    lookAfter: () => void this.#lookAfter(),
    withdrawHint: () => this.#opened?.hint?.remove(),
  };

  /**
   * Describes a service.
   *
   * @param name 1 to 200 bytes of printable UTF-8 without `/`, `\` and control characters
   * @param options a command, or callbacks that bring it up and take it down; who shares it, how long each step may take
   * @throws ProcrefError `INVALID_NAME`, `INVALID_ARGUMENT`; `PERMISSION` when Deno does not let us give a command the
   * environment
   */
  constructor(name: string, options: SharedServiceOptions) {
    super();
    this.#plan = planOf(name, options);
    objectName(name, 0, this.#plan.settings);
    this.name = name;
  }

  /**
   * Describes a service whose callbacks are in a module that a supervisor loads: its default export carries `start`,
   * and optionally `stop`, `health` and `recover`. See {@link ServiceModule}.
   *
   * @param specifier the module: an absolute path or a URL, as `import.meta.resolve("./service.ts")` gives it
   * @param options its name, who shares it, how long each step may take, what Deno lets it do
   * @throws ProcrefError `INVALID_NAME`, `INVALID_ARGUMENT`, `PERMISSION`
   */
  static fromModule(specifier: string | URL, options: ModuleServiceOptions = {}): SharedService {
    const module = moduleUrl(specifier).href;
    const { name = nameOfModule(module) } = options;
    return new SharedService(name, { ...options, module } as unknown as SharedServiceOptions);
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
   * a callback failed or a command did not become ready; `SERVICE_LOST`, `CONFIG_MISMATCH` and `SUPERVISOR` for what has
   * a supervisor; `SERVICE_INFO` and `DOMAIN_MISMATCH` when the record cannot be used; `TIMEOUT`; `STATE_DIRECTORY`,
   * `IO`; `REF_COUNTER_INIT`, `ACQUIRE`, `LOCK`, `FULL`, `KEY_COLLISION`, `FOREIGN_OBJECT`, `MECHANISM_MISMATCH`; `PLATFORM`, `PERMISSION`,
   * `LIBRARY`; `INVALID_ARGUMENT`. The reason of an aborted signal
   */
  async acquire(options: WaitOptions = {}): Promise<ServiceHandle> {
    checkWait(options);
    const warm = this.#warm;
    // A plain check of a property and two system calls: this is the path that is taken thousands of times.
    if (warm === undefined || options.signal?.aborted || !this.#opened!.counter.tryAcquire(warm.generation)) {
      return await this.#enter(options);
    }
    const { settings } = this.#plan;
    const checked = "onHealthCheck" in settings && settings.onHealthCheck !== undefined;
    if (!checked && warm.isAlive()) return this.#handle(warm.attachment, 0);
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
    const { settings, supervised } = this.#plan;
    const { scope = "user", namespace, mechanism, stopTimeoutMs } = settings;
    const uid = currentUser();
    const directory = stateDirectory(settings.directory, scope, uid);
    const identity = { namespace, scope, directory };
    const counter = await openRefCounter(this.name, { ...identity, mechanism });
    const object = objectName(this.name, uid, identity);
    const store = new RecordStore(directory, object, uid);
    const report = (error: ProcrefError) => tell(this, "warning", error);
    const orders: SupervisorOrders = {
      ...orderedName(object),
      directory,
      mechanism: counter.capabilities.mechanism,
      user: uid,
      stopTimeoutMs,
      description: supervised?.description,
    };
    const mode = supervised === undefined
      ? new CallbackMode(orders, counter, store, settings, report)
      : new SupervisedMode(orders, counter, store, settings, supervised, report);
    const hint = scope === "user" ? new HolderHint(store.directory) : undefined;
    return this.#opened = { counter, store, mode, hint };
  }

  /** Takes a reference, waiting while the gate is closed, and goes on from there. */
  #enter(options: WaitOptions): Promise<ServiceHandle> {
    return this.#within(options, async (wait) => {
      const began = performance.now();
      const opened = await this.#open();
      await enter(opened, { signal: wait.signal, timeoutMs: this.#plan.settings.lockTimeoutMs });
      const handle = await this.#attachOrLeave(opened, wait, began);
      this.#leaveHint(opened);
      return handle;
    });
  }

  /** With a reference taken, goes on from there. */
  #attach(opened: Opened, options: WaitOptions, warm: WarmService): Promise<ServiceHandle> {
    const known = warm.isAlive() ? warm.attachment : undefined;
    return this.#within(options, (wait) => this.#attachOrLeave(opened, wait, performance.now(), known));
  }

  async #attachOrLeave(opened: Opened, wait: WaitOptions, began: number, known?: Attachment): Promise<ServiceHandle> {
    try {
      const attachment = await opened.mode.attach(wait, known);
      this.#remember(attachment);
      return this.#handle(attachment, performance.now() - began);
    } catch (error) {
      await opened.mode.release(undefined).catch((problem) => tell(this, "warning", problem));
      throw error;
    }
  }

  /** Makes the limit of the whole a signal, so that every step sees it. */
  async #within<T>({ signal, timeoutMs }: WaitOptions, work: (wait: WaitOptions) => Promise<T>): Promise<T> {
    const tooLate = (): ProcrefError => {
      const message = `Cannot acquire "${this.name}": it took longer than ${timeoutMs} ms`;
      return new ProcrefError("TIMEOUT", message, { details: { name: this.name } });
    };
    return await within({ signal, timeoutMs }, tooLate, (signal) => work({ signal }));
  }

  #remember(attachment: Attachment): void {
    if (this.#warm?.attachment === attachment) return;
    this.#forget();
    this.#warm = WarmService.of(attachment);
  }

  #forget(): void {
    this.#warm?.close();
    this.#warm = undefined;
  }

  #handle(attachment: Attachment, durationMs: number): ServiceHandle {
    const { record } = attachment;
    if (this.#held === undefined || this.#held.incarnation.isLost) {
      if (this.#held !== undefined) dropService(this.#watched);
      this.#held = { attachment, incarnation: new Incarnation(this.name, record.info), handles: 0 };
      holdService(this.#watched);
    } else if (this.#held.attachment !== attachment) {
      this.#renew(attachment);
    }
    const held = this.#held;
    held.handles++;
    if (CHANNELS.acquire.hasSubscribers) {
      CHANNELS.acquire.publish({ service: this.name, pid: record.info.pid, durationMs });
    }
    return new ServiceHandle(held.incarnation, () => this.#release(held));
  }

  async #release(held: Held): Promise<void> {
    if (--held.handles === 0 && this.#held === held) {
      this.#held = undefined;
      dropService(this.#watched);
    }
    if (CHANNELS.release.hasSubscribers) CHANNELS.release.publish({ service: this.name });
    try {
      await this.#opened!.mode.release(held.attachment.record, this.#isWarm);
    } catch (error) {
      tell(this, "warning", error);
      throw error;
    }
  }

  /** For people who ask who holds the service; off the warm path. */
  #leaveHint({ hint }: Opened): void {
    if (hint === undefined) return;
    hint.write();
    rememberHint(this.#watched);
  }

  async #lookAfter(): Promise<void> {
    const held = this.#held;
    // The last look may still be at work: it starts a supervisor where there is none.
    if (held === undefined || this.#looking) return;
    this.#looking = true;
    try {
      const { counter, mode, hint } = this.#opened!;
      this.#leaveHint(this.#opened!);
      if (verify(this.#opened!)) tell(this, "warning", removedObject(this.name));
      hint?.pruneInTurn(counter.count());
      // What comes after a loss is another service, which these handles are none of.
      if (held.incarnation.isLost) return;
      const news = await mode.lookAfter(held.attachment, this.#isWarm);
      if (news === undefined || this.#held !== held) return;
      if (isProcrefError(news)) return this.#lose(held.incarnation, news);
      this.#remember(news);
      this.#renew(news);
    } catch (error) {
      tell(this, "warning", error);
    } finally {
      this.#looking = false;
    }
  }

  /** The service has another life than the one that the handles know. */
  #renew(attachment: Attachment): void {
    const held = this.#held!;
    const { info } = attachment.record;
    const restarted = !isSameService(held.attachment.record, attachment.record);
    held.attachment = attachment;
    held.incarnation.info = info;
    if (restarted) tell(this, "restart", info);
  }

  #lose(incarnation: Incarnation, reason: ProcrefError): void {
    if (incarnation.isLost) return;
    this.#forget();
    incarnation.lose(reason);
    tell(this, "lost", reason);
  }
}

function isSameService(one: ReadyRecord, other: ReadyRecord): boolean {
  return one.info.pid === other.info.pid && one.info.identity?.start === other.info.identity?.start;
}
