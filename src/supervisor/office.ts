/**
 * What a supervisor and a reaper work with.
 *
 * @module
 */

import type { ObjectName } from "../kernel/object_name.ts";
import type { Mechanism, RefCounter } from "../kernel/ref_counter.ts";
import { RecordStore } from "../service/record_store.ts";
import { nameOfOrders, type SupervisorOrders } from "../service/supervisor_orders.ts";

/** Says one line to the client that waits for it. */
export type Report = (line: string) => void;

/** The counter and the record of one service. */
export interface Office {
  readonly counter: RefCounter;
  readonly store: RecordStore;
}

/** How the counter of a name is opened whose mechanism is known. */
export type OpenCounter = (
  object: ObjectName,
  mechanism: Mechanism,
  directory: string,
) => RefCounter | Promise<RefCounter>;

/**
 * Opens the counter and the record that the orders are about. The directory has been checked by the client; what is in
 * it is checked again.
 *
 * @throws ProcrefError those of opening
 */
export async function openOffice(orders: SupervisorOrders, openCounter: OpenCounter): Promise<Office> {
  const { mechanism, directory, user } = orders;
  const object = nameOfOrders(orders);
  return {
    counter: await openCounter(object, mechanism, directory),
    store: new RecordStore(directory, object, user),
  };
}
