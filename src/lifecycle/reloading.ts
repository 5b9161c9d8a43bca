/**
 * Doing one thing again when it is asked for, never twice at once.
 *
 * @module
 */

import { tell } from "./lifecycle.ts";

/** Reloads one at a time: who asks while one runs gets a further one, together with all who asked meanwhile. */
export class Reloading {
  readonly #work: () => unknown;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(work: () => unknown) {
    this.#work = work;
  }

  /** Resolves once a reload that began after this call is done, also when it failed. */
  reload(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#running = this.#run();
    return this.#next = this.#running.then(() => {
      this.#next = undefined;
      return this.#running = this.#run();
    });
  }

  async #run(): Promise<void> {
    try {
      // Not at once: what it throws then would be over before this promise is known.
      await Promise.resolve().then(this.#work);
    } catch (error) {
      tell(`cannot reload: ${error instanceof Error ? error.message : String(error)}; the program goes on as it was`);
    } finally {
      this.#running = undefined;
    }
  }
}
