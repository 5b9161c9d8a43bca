/**
 * How often a service came to an end in a row, and when that is too often.
 *
 * @module
 */

import type { RestartDescription } from "../service/service_description.ts";

/** The ends of a service in a row. */
export class Restarts {
  readonly #policy: RestartDescription;
  readonly #whys = new Set<string | undefined>();
  #ends = 0;
  /** When it ended for the first time. */
  #since = 0;

  constructor(policy: RestartDescription) {
    this.#policy = policy;
  }

  /** Notes an end, and for how long the service was ready; or a start that failed. */
  note(end?: { readonly why: string; readonly ranMs: number }): void {
    if (end !== undefined && end.ranMs >= this.#policy.resetAfterMs) this.#ends = 0;
    if (this.#ends === 0) {
      this.#since = performance.now();
      this.#whys.clear();
    }
    this.#ends++;
    this.#whys.add(end?.why);
  }

  /** How long to wait before it is started again; undefined when it is given up. */
  get pauseMs(): number | undefined {
    const { limit, delayMs, maxDelayMs } = this.#policy;
    return this.#ends > limit ? undefined : Math.min(delayMs * 2 ** (this.#ends - 1), maxDelayMs);
  }

  /** How often it ended, as the end of a sentence that says how; empty as long as it is not given up. */
  get story(): string {
    if (!this.isTooMuch) return "";
    const often = this.#whys.size === 1 ? `${this.#ends} times` : `the last of ${this.#ends} ends`;
    return `, ${often} ${this.#frame}`;
  }

  /** The same for a start that failed, as a sentence of its own. */
  get beforeFailedStart(): string {
    return this.isTooMuch ? `it failed ${this.#ends} times ${this.#frame}; the last time: ` : "";
  }

  get isTooMuch(): boolean {
    return this.pauseMs === undefined && this.#ends > 1;
  }

  get #frame(): string {
    const seconds = ((performance.now() - this.#since) / 1000).toFixed(1);
    return `within ${seconds} s (restart.limit ${this.#policy.limit})`;
  }
}
