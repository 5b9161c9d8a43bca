/**
 * The program that a client starts, detached, to look after a service: as its supervisor, or as the reaper of what the
 * clients' callbacks bring up. Its orders come from standard input, its first and only word goes to standard output.
 *
 * @module
 */

import { readSync, writeSync } from "node:fs";
import process from "node:process";
import { loadOwnSystem } from "../process/own_system.ts";
import { FAILED, type SupervisorOrders } from "../service/supervisor_orders.ts";

/** What standard input holds. */
function readOrders(): SupervisorOrders {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65536);
  let text = "";
  for (let length; (length = readSync(0, buffer)) > 0;) {
    text += decoder.decode(buffer.subarray(0, length), { stream: true });
  }
  return JSON.parse(text);
}

/** Tells the client that waits for it; one that has been killed meanwhile does not hear it. */
function report(line: string): void {
  try {
    writeSync(1, `${line}\n`);
  } catch {
    // Nobody is there.
  }
}

/** Each of the two loads only what it needs. */
async function follow(orders: SupervisorOrders): Promise<void> {
  await loadOwnSystem();
  const { description } = orders;
  if (description === undefined) {
    const { reap } = await import("./reaper.ts");
    await reap(orders, report);
  } else {
    const { supervise } = await import("./supervisor.ts");
    await supervise(orders, description, report);
  }
}

/** Follows the orders and ends this process. */
export async function runSupervisor(): Promise<never> {
  try {
    await follow(readOrders());
  } catch (error) {
    report(`${FAILED} ${JSON.stringify((error as Error).message)}`);
    process.exit(1);
  }
  // A thread may still wait inside the kernel.
  process.exit(0);
}

if (import.meta.main) await runSupervisor();
