/**
 * A program that a client starts, detached, to look after a service: its orders come from standard input, its first and
 * only word goes to standard output.
 *
 * @module
 */

import { host } from "../../ffi/mod.ts";
import { FAILED, type SupervisorOrders } from "../service/supervisor_orders.ts";
import type { Report } from "./office.ts";

/** What standard input holds. */
export function readOrders(): SupervisorOrders {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65536);
  let text = "";
  for (let length; (length = host().readInput(buffer)) > 0;) {
    text += decoder.decode(buffer.subarray(0, length), { stream: true });
  }
  return JSON.parse(text);
}

/** Does the work of the program, and ends this process. */
export async function runProgram(work: (report: Report) => Promise<void>): Promise<never> {
  try {
    await work(report);
  } catch (error) {
    report(`${FAILED} ${JSON.stringify((error as Error).message)}`);
    return host().exit(1);
  }
  // A thread may still wait inside the kernel.
  return host().exit(0);
}

/** Tells the client that waits for it; one that has been killed meanwhile does not hear it. */
function report(line: string): void {
  try {
    host().writeOutput(new TextEncoder().encode(`${line}\n`));
  } catch {
    // Nobody is there.
  }
}
