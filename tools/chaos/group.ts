/** The clients of a round: what each of them does, and what is done to it. */

import { CallError, type Seen, type ServiceConfiguration } from "./calls.ts";
import type { Client, ClientPool } from "./client_process.ts";
import type { Holder, Observer } from "./observer.ts";
import type { RuntimeName } from "./plan.ts";

type State = "none" | "idle" | "acquiring" | "holding" | "releasing";

/** How long a client may take to leave at the end, in milliseconds. */
const LEAVE_MS = 30_000;

/** The place of one client, which another one takes when it has been killed. */
export class Slot {
  readonly label: string;
  readonly runtime: RuntimeName;
  state: State = "none";
  heldSince: number | undefined;
  /** What it does at the moment, so that it can be waited for. */
  busy: Promise<void> = Promise.resolve();
  readonly #pool: ClientPool;
  readonly #configuration: ServiceConfiguration;
  readonly #observer: () => Observer;
  #client: Client | undefined;
  #stoppedMs = 0;
  #isStopped = false;

  constructor(
    index: number,
    runtime: RuntimeName,
    pool: ClientPool,
    configuration: ServiceConfiguration,
    observer: () => Observer,
  ) {
    this.label = `client ${index} (${runtime})`;
    this.runtime = runtime;
    this.#pool = pool;
    this.#configuration = configuration;
    this.#observer = observer;
  }

  get client(): Client | undefined {
    return this.#client;
  }

  /**
   * Begins to acquire; resolves once the call is on its way.
   *
   * @param call how: in the ordinary way, or with a fault
   */
  async acquire(call: "acquire" | "breakHandle" | "breakRefusal" = "acquire"): Promise<void> {
    if (this.state !== "none" && this.state !== "idle") return;
    this.state = "acquiring";
    const client = this.#client ??= await this.#open();
    const since = Date.now();
    this.#stoppedMs = 0;
    this.#observer().note(`${this.label} acquires (${client.pid})`);
    this.busy = this.#settle(client, client.call<Seen>(call), (seen) => {
      this.#observer().given(this.label, seen, this.#stoppedMs);
      this.state = "holding";
      this.heldSince = Date.now();
    }, (error) => {
      this.#observer().refused(this.label, error, since);
      this.state = "idle";
    });
  }

  async use(): Promise<Seen | undefined> {
    const client = this.#client;
    if (this.state !== "holding" || client === undefined) return undefined;
    try {
      const seen = await client.call<Seen>("use");
      this.#observer().used(this.label, seen);
      return seen;
    } catch (error) {
      if (this.#client === client) this.#observer().violate(`${this.label} cannot use its handle: ${String(error)}`);
      return undefined;
    }
  }

  release(): void {
    const client = this.#client;
    if (this.state !== "holding" || client === undefined) return;
    this.state = "releasing";
    this.heldSince = undefined;
    this.#observer().note(`${this.label} releases`);
    this.busy = this.#settle(client, client.call("release"), () => {
      this.#observer().wasKilledAcquiring = false;
      this.state = "idle";
    }, (error) => {
      this.#observer().violate(`${this.label} cannot release: ${error.code}: ${error.message}`);
      this.state = "idle";
    });
  }

  /** SIGKILL, at whatever it does; false when there is nobody. */
  kill(kind?: string): boolean {
    const client = this.#client;
    if (client === undefined) return false;
    const what = kind ?? `client, ${this.#isStopped ? "stopped" : this.state}`;
    if (this.state === "acquiring") this.#observer().wasKilledAcquiring = true;
    this.#forget();
    // Where there are two ways to kill, by turns.
    if (client.pid % 8 === 0 && client.killFromLinux()) {
      this.#observer().killed("client", `${what}, by Linux`, this.runtime, client.pid);
    } else if (client.kill()) this.#observer().killed("client", what, this.runtime, client.pid);
    return true;
  }

  /** SIGSTOP, and SIGCONT after a while. */
  async pause(ms: number): Promise<void> {
    const client = this.#client;
    if (client === undefined || this.#isStopped || !client.stop()) return;
    this.#isStopped = true;
    this.#observer().note(`${this.label} is stopped for ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.#stoppedMs += ms + 100;
    if (this.#client === client) this.#isStopped = false;
    client.resume();
  }

  /** Waits until it does nothing, and makes it give back what it holds. */
  async leave(): Promise<void> {
    await this.#within(this.busy, "end what it does");
    this.release();
    await this.#within(this.busy, "release");
  }

  /** Lets the client go, which holds nothing. */
  dismiss(): void {
    if (this.#client !== undefined && !this.#client.hasEnded) this.#pool.give(this.#client);
    this.#forget();
  }

  /** What no client does that keeps to the rules. */
  async breakRule(call: "breakOverlap" | "breakStop"): Promise<void> {
    await this.#client?.call(call).catch(() => {});
  }

  async awaitIdle(): Promise<void> {
    await this.#within(this.busy, "end what it does");
  }

  holder(): Holder {
    return { label: this.label, heldSince: this.heldSince };
  }

  async #open(): Promise<Client> {
    const client = await this.#pool.take(this.runtime);
    await client.call("open", this.#configuration);
    return client;
  }

  #forget(): void {
    this.#client = undefined;
    this.state = "none";
    this.heldSince = undefined;
    this.#isStopped = false;
  }

  async #settle<T>(
    client: Client,
    answer: Promise<T>,
    done: (value: T) => void,
    failed: (error: CallError) => void,
  ): Promise<void> {
    try {
      const value = await answer;
      if (this.#client === client) done(value);
    } catch (error) {
      if (this.#client !== client) return;
      if (error instanceof CallError && error.code !== "ENDED") return failed(error);
      this.#observer().violate(`${this.label} ended by itself: ${String(error)} ${client.errors}`);
      this.#forget();
    }
  }

  async #within(work: Promise<void>, what: string): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#observer().violate(`${this.label} did not ${what} within ${LEAVE_MS} ms`);
        resolve();
      }, LEAVE_MS);
    });
    await Promise.race([work, late]);
    clearTimeout(timer);
  }
}
