/**
 * A service that a module brings up by its callbacks, inside the supervisor.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";
import { endContained } from "../process/contained.ts";
import { stopWithGroup } from "../process/group.ts";
import { endMarked } from "../process/marks.ts";
import { ProcessWatch } from "../process/process_watch.ts";
import { delay } from "../waiting.ts";
import { runCallback, untilYes } from "../service/callback.ts";
import type { Awaitable, CallbackContext } from "../service/options.ts";
import type { ServiceDescription } from "../service/service_description.ts";
import { ServiceInfo, type ServiceInfoJson } from "../service/service_info.ts";
import type { ServiceModule, ServiceModuleContext } from "../service/service_module.ts";
import type { End, Life, LifeSource, Progress } from "./life.ts";
import type { Names } from "./placeholders.ts";
import { choosePort } from "./ports.ts";
import { environment } from "./service_process.ts";

/** How often a process that is nobody's child here is looked at, in milliseconds: one system call. */
const LOOK_MS = 100;

/** Brings a module's service to life. */
export class ModuleService implements LifeSource {
  readonly #names: Names;
  readonly #description: ServiceDescription;
  readonly #mark: string;
  #module: ServiceModule | undefined;
  #last: ServiceInfo | undefined;

  constructor(names: Names, description: ServiceDescription, mark: string) {
    this.#names = names;
    this.#description = description;
    this.#mark = mark;
  }

  async begin(signal: AbortSignal, lastPort: number | undefined, progress: Progress): Promise<Life> {
    progress.waits();
    const module = this.#module ??= await this.#load();
    const { host } = this.#description;
    const port = await choosePort(this.#names.name, this.#description, { first: lastPort });
    const context = (signal: AbortSignal): ServiceModuleContext => ({
      name: this.#names.name,
      host,
      port,
      directory: this.#names.dir,
      env: environment(this.#description, { ...this.#names, port, host }, this.#mark),
      signal,
    });
    const old = this.#last;
    const { recover } = module;
    const info = old !== undefined && recover !== undefined
      ? await this.#produce("recover", signal, port, (at) => recover.call(module, old, context(at)))
      : await this.#produce("start", signal, port, (at) => module.start(context(at)));
    const end = new AbortController();
    const life: Life = {
      info,
      ended: this.#watch(info, end.signal),
      stop: async () => {
        end.abort();
        await this.#stop(module, info, context);
      },
    };
    try {
      await this.#awaitHealthy(module, info, context, signal);
    } catch (error) {
      await life.stop();
      throw error;
    }
    this.#last = info;
    return life;
  }

  async #load(): Promise<ServiceModule> {
    const { module } = this.#description;
    try {
      const { default: callbacks } = await import(module!);
      if (typeof callbacks?.start === "function") return callbacks;
    } catch (cause) {
      throw this.#error("SERVICE_START", `its module ${module} cannot be loaded: ${(cause as Error).message}`, cause);
    }
    throw this.#error("SERVICE_START", `its module ${module} has no default export with a function start`);
  }

  async #produce(
    what: "start" | "recover",
    signal: AbortSignal,
    port: number | undefined,
    callback: (signal: AbortSignal) => Awaitable<ServiceInfo | ServiceInfoJson | void>,
  ): Promise<ServiceInfo> {
    const code = what === "start" ? "SERVICE_START" : "SERVICE_RECOVERY";
    const { startTimeoutMs: timeoutMs, host } = this.#description;
    const run = { what, service: this.#names.name, code, timeoutMs, signal } as const;
    const given = await runCallback(run, ({ signal }: CallbackContext) => callback(signal));
    const json = given instanceof ServiceInfo ? given.toJSON() : given ?? {};
    return ServiceInfo.fromJSON({ host, port, metadata: {}, ...json });
  }

  async #awaitHealthy(
    module: ServiceModule,
    info: ServiceInfo,
    context: (signal: AbortSignal) => ServiceModuleContext,
    signal: AbortSignal,
  ): Promise<void> {
    const { health } = module;
    if (health === undefined) return;
    const { startTimeoutMs: timeoutMs, readyIntervalMs } = this.#description;
    const question = {
      what: "health",
      doing: "start",
      service: this.#names.name,
      code: "SERVICE_START",
      timeoutMs,
      intervalMs: readyIntervalMs,
      signal,
    } as const;
    await untilYes(question, (run) => health.call(module, info, context(run.signal)));
  }

  /** Resolves when the process of the info has ended; never for a service without one. */
  async #watch({ identity }: ServiceInfo, signal: AbortSignal): Promise<End> {
    if (identity === undefined) return await new Promise(() => {});
    using watch = ProcessWatch.open(identity);
    while (watch?.seemsAlive()) {
      if (signal.aborted) return await new Promise(() => {});
      await delay(LOOK_MS);
    }
    return { why: `its process ${identity.pid} ended`, exitCode: undefined };
  }

  async #stop(
    module: ServiceModule,
    info: ServiceInfo,
    context: (signal: AbortSignal) => ServiceModuleContext,
  ): Promise<void> {
    const { stopTimeoutMs } = this.#description;
    try {
      if (module.stop !== undefined) {
        const run = {
          what: "stop",
          service: this.#names.name,
          code: "SERVICE_STOP",
          timeoutMs: stopTimeoutMs,
        } as const;
        await runCallback(run, ({ signal }) => module.stop!(info, context(signal)));
      }
    } finally {
      if (info.identity !== undefined) await stopWithGroup(info.identity, stopTimeoutMs);
      await endContained();
      await endMarked([this.#mark]);
    }
  }

  #error(code: "SERVICE_START", why: string, cause?: unknown): ProcrefError {
    return new ProcrefError(code, `Cannot start "${this.#names.name}": ${why}`, {
      cause,
      details: { name: this.#names.name },
    });
  }
}
