/**
 * Writing down what a supervisor does, so that clients notice.
 *
 * @module
 */

import type { DirectoryWatch } from "../../ffi/host.ts";
import { host } from "../../ffi/mod.ts";
import type { RefCounter } from "../kernel/ref_counter.ts";
import type { ProcessIdentity } from "../process/identity.ts";
import type { ServiceRecord } from "../service/record.ts";
import { LOG_NAME } from "../service/log_files.ts";
import type { RecordStore } from "../service/record_store.ts";
import type { Configuration } from "../service/service_description.ts";

/**
 * Publishes the record of a service. The generation of the counter is even from before a record other than READY is
 * written, so that what clients remember is void by then, and moves once more after each record: whoever saw an
 * earlier number and waits for another one finds the new record.
 */
export class Publisher {
  readonly #counter: RefCounter;
  readonly #store: RecordStore;
  readonly #supervisor: ProcessIdentity;
  readonly #configuration: Configuration;
  #last: ServiceRecord | undefined;
  /** Of the file that was written last. */
  #stamp: string | undefined;
  #isWatching = false;
  #watcher: DirectoryWatch | undefined;

  constructor(counter: RefCounter, store: RecordStore, supervisor: ProcessIdentity, configuration: Configuration) {
    this.#counter = counter;
    this.#store = store;
    this.#supervisor = supervisor;
    this.#configuration = configuration;
  }

  /** What was published last. */
  get phase(): ServiceRecord["phase"] | undefined {
    return this.#last?.phase;
  }

  /**
   * Publishes a record.
   *
   * @throws ProcrefError `IO`, `STATE_DIRECTORY`, `PERMISSION`, `LOCK`
   */
  publish(record: Omit<ServiceRecord, "generation" | "supervisor" | "configuration">): void {
    const published = record.phase === "READY";
    if (!published) this.#counter.advanceGeneration(false);
    const generation = this.#counter.nextGeneration(published);
    const complete = { ...record, generation, supervisor: this.#supervisor, configuration: this.#configuration };
    if (record.phase === "STOP") this.#store.writeStop(complete, () => {});
    else this.#store.write(complete);
    this.#last = complete;
    this.#stamp = this.#store.stamp();
    this.#counter.advanceGeneration(published);
    this.#watch();
  }

  /** Publishes the last record in a new counter, whose generation began anew. */
  publishAgain(): void {
    if (this.#last !== undefined) this.publish(this.#last);
  }

  /** Ends the watch over the record. */
  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#isWatching = false;
    this.#last = undefined;
  }

  /**
   * Begins to watch over the record: a stranger may remove it (a cleaner of temporary files does) or spoil it, and it is
   * written again. To look at it does not open it, for that would be told as well.
   */
  watch(): void {
    this.#isWatching = this.#last !== undefined;
    this.#watch();
    if (this.#isWatching) this.#restore();
  }

  #watch(): void {
    if (!this.#isWatching || this.#watcher !== undefined) return;
    try {
      this.#watcher = host().files.watch(this.#store.directory, (file) => {
        // What is written to the log is told as well, and is not meant.
        if (!file?.startsWith(LOG_NAME)) this.#restore();
      });
    } catch {
      // No watches left, or the directory is being removed this moment: clients start over when they miss the record.
    }
  }

  #restore(): void {
    try {
      if (this.#last === undefined || this.#store.stamp() === this.#stamp) return;
      this.#store.write(this.#last);
      this.#stamp = this.#store.stamp();
      // The directory may be a new one.
      this.#watcher?.close();
      this.#watcher = undefined;
      this.#watch();
    } catch {
      setTimeout(() => this.#restore(), 100);
    }
  }
}
