/**
 * The program that a client starts, detached, to look after a service: as its supervisor, or as the reaper of what the
 * clients' callbacks bring up. Its orders come from standard input, its first and only word goes to standard output.
 *
 * @module
 */

import { host } from "../../ffi/mod.ts";
import { loadOwnSystem } from "../process/own_system.ts";
import { FAILED, type SupervisorOrders } from "../service/supervisor_orders.ts";
import { supervise } from "./supervisor.ts";

/** What standard input holds. */
function readOrders(): SupervisorOrders {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65536);
  let text = "";
  for (let length; (length = host().readInput(buffer)) > 0;) {
    text += decoder.decode(buffer.subarray(0, length), { stream: true });
  }
  return JSON.parse(text);
}

/** Tells the client that waits for it; one that has been killed meanwhile does not hear it. */
function report(line: string): void {
  try {
    host().writeOutput(new TextEncoder().encode(`${line}\n`));
  } catch {
    // Nobody is there.
  }
}

/** Clients wait longest for a supervisor, so its modules are all named at the top: a runtime fetches them at one time. */
async function work(): Promise<void> {
  const system = loadOwnSystem();
  const orders = readOrders();
  const { description } = orders;
  await system;
  if (description !== undefined) return await supervise(orders, description, report);
  const { reap } = await import("./reaper.ts");
  await reap(orders, report);
}

/** Follows its orders and ends this process. */
export async function runSupervisor(): Promise<never> {
  try {
    await work();
  } catch (error) {
    report(`${FAILED} ${JSON.stringify((error as Error).message)}`);
    return host().exit(1);
  }
  // A thread may still wait inside the kernel.
  return host().exit(0);
}

if (import.meta.main) await runSupervisor();
