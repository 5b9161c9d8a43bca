/** What a peer that is written in TypeScript does with the lines that it is told. */

import { createInterface } from "node:readline";
import process from "node:process";

/** What a peer can do. */
export interface PeerActions {
  /** Acquires and releases once. */
  pair(): unknown;
  /** Takes what only one can have, waiting for it. */
  lock(): unknown;
}

/** Takes `pairs N` (says `pair NS`) and `lock` (says `locked`) until the input ends. */
export async function followOrders({ pair, lock }: PeerActions): Promise<void> {
  console.log("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const [word, count] = line.split(" ");
    if (word === "pairs") {
      const began = performance.now();
      for (let done = 0; done < Number(count); done++) await pair();
      console.log(`pair ${((performance.now() - began) * 1e6 / Number(count)).toFixed(1)}`);
    } else {
      await lock();
      console.log("locked");
    }
  }
  process.exit(0);
}
