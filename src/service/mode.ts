/**
 * What the two lifecycles have in common for a client: callbacks in the clients, and a supervisor.
 *
 * @module
 */

import type { ProcrefError } from "../errors.ts";
import type { WaitOptions } from "../waiting.ts";
import type { ServiceRecord } from "./record.ts";
import type { ServiceInfo } from "./service_info.ts";

/**
 * How long holders may take to count themselves again in a new kernel object, or to write a record again that a stranger
 * removed, in milliseconds: they look once a second.
 */
export const SETTLE_MS = 3000;

/** The record of a service that is in use. */
export type ReadyRecord = ServiceRecord & { readonly info: ServiceInfo };

/** What an acquire found or brought about. */
export interface Attachment {
  /** The record of the usable service. */
  readonly record: ReadyRecord;
  /** The counter's generation that the record is sure to belong to; undefined when something changed meanwhile. */
  readonly generation: number | undefined;
}

/** What a holder finds when it looks after its service: nothing new, the service's next life, or its end. */
export type News = undefined | Attachment | ProcrefError;

/** The lifecycle of one service in one client. */
export interface Mode {
  /**
   * Finds a usable service or brings one up. The caller has entered and holds a reference, which it keeps when this
   * throws.
   *
   * @param known what the caller knows to be published now, to be checked instead of the record
   */
  attach(options: WaitOptions, known?: Attachment): Promise<Attachment>;

  /**
   * Gives a reference back. When this throws, it has been given back all the same.
   *
   * @param last the last that the caller knew of the service
   * @param isAlive tells by descriptors that are open already whether service and supervisor run; false when unknown
   */
  release(last: ServiceRecord | undefined, isAlive?: () => boolean): Promise<void>;

  /**
   * Looks after a service that is held: repairs what a stranger removed, and tells what became of the service.
   *
   * @param known what the caller knows to be published
   * @param isAlive tells by descriptors that are open already whether service and supervisor run; false when unknown
   */
  lookAfter(known: Attachment, isAlive: () => boolean): Promise<News>;
}
