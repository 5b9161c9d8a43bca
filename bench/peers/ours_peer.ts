/** This library as a peer. Arguments: a name, a mechanism, a directory. */

import process from "node:process";
import { type Mechanism, openRefCounter } from "../../mod.ts";
import { followOrders } from "./peer_protocol.ts";

const [name, mechanism, directory] = process.argv.slice(2);
const counter = await openRefCounter(name, { mechanism: mechanism as Mechanism, directory });
await followOrders({
  pair(): void {
    counter.tryAcquire();
    counter.release();
  },
  lock: () => counter.lock(),
});
