/**
 * Describing a service step by step.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";
import type { ServiceCallbacks, ServiceSettings, SharedServiceOptions } from "./options.ts";

/**
 * Describes a service step by step; the same as the options object of the constructor. Made by
 * `SharedService.builder(name)`.
 *
 * @typeParam S what `build()` makes
 */
export class SharedServiceBuilder<S> {
  readonly #make: (options: SharedServiceOptions) => S;
  #callbacks: Partial<ServiceCallbacks> = {};
  #settings: ServiceSettings = {};

  /**
   * Made by `SharedService.builder(name)`.
   *
   * @param make makes the service from the options that came together
   */
  constructor(make: (options: SharedServiceOptions) => S) {
    this.#make = make;
  }

  /** Sets what brings the service up. */
  onFirstAcquire(callback: ServiceCallbacks["onFirstAcquire"]): this {
    return this.#callback({ onFirstAcquire: callback });
  }

  /** Sets what takes the service down. */
  onLastRelease(callback: NonNullable<ServiceCallbacks["onLastRelease"]>): this {
    return this.#callback({ onLastRelease: callback });
  }

  /** Sets what tells whether the service is usable. */
  onHealthCheck(callback: NonNullable<ServiceCallbacks["onHealthCheck"]>): this {
    return this.#callback({ onHealthCheck: callback });
  }

  /** Sets what repairs the service. */
  onRecover(callback: NonNullable<ServiceCallbacks["onRecover"]>): this {
    return this.#callback({ onRecover: callback });
  }

  /** Sets who shares it, where its record is, or how long a step may take; may be called again for more. */
  settings(settings: ServiceSettings): this {
    this.#settings = { ...this.#settings, ...settings };
    return this;
  }

  /**
   * Makes the service.
   *
   * @throws ProcrefError `INVALID_NAME`, `INVALID_ARGUMENT`, also when `onFirstAcquire` is missing
   */
  build(): S {
    const { onFirstAcquire } = this.#callbacks;
    if (onFirstAcquire === undefined) {
      throw new ProcrefError("INVALID_ARGUMENT", "Cannot build a service without onFirstAcquire");
    }
    return this.#make({ ...this.#settings, ...this.#callbacks, onFirstAcquire });
  }

  #callback(callback: Partial<ServiceCallbacks>): this {
    this.#callbacks = { ...this.#callbacks, ...callback };
    return this;
  }
}
