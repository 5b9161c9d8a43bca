/**
 * The program that a client starts, detached, to look after a service: as its supervisor, or as the reaper of what the
 * clients' callbacks bring up. Its orders come from standard input, its first and only word goes to standard output.
 *
 * @module
 */

import { writeSync } from "node:fs";
import process from "node:process";
import { FAILED, type SupervisorOrders } from "../service/supervisor_orders.ts";
import { reap } from "./reaper.ts";
import { supervise } from "./supervisor.ts";

/** Tells the client that waits for it; one that has been killed meanwhile does not hear it. */
function report(line: string): void {
  try {
    writeSync(1, `${line}\n`);
  } catch {
    // Nobody is there.
  }
}

if (import.meta.main) {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) text += chunk;
  // A client that was killed before it had written them leaves no orders.
  if (text !== "") {
    try {
      const orders = JSON.parse(text) as SupervisorOrders;
      await (orders.description === undefined ? reap(orders, report) : supervise(orders, orders.description, report));
    } catch (error) {
      report(`${FAILED} ${JSON.stringify((error as Error).message)}`);
      process.exit(1);
    }
  }
  // A thread may still wait inside the kernel.
  process.exit(0);
}
