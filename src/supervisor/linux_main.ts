/**
 * The supervisor of a command on Linux that is counted by semaphores, which most are. Clients wait longest for a
 * supervisor: this program names all that it needs at the top, so that a runtime fetches it at one time, and has nothing
 * of other systems and mechanisms, which Deno would fetch as well wherever an `import()` names them.
 *
 * @module
 */

import { loneSysvCounter } from "../kernel/lone_sysv_counter.ts";
import { LinuxProcesses } from "../process/linux/linux_processes.ts";
import { provideSystem } from "../process/platform.ts";
import type { ServiceDescription } from "../service/service_description.ts";
import type { SupervisorOrders } from "../service/supervisor_orders.ts";
import { CommandService } from "./command_service.ts";
import { type OpenCounter, openOffice, type Report } from "./office.ts";
import { readOrders, runProgram } from "./program.ts";
import { supervise } from "./supervisor.ts";

/**
 * Owns a service that is a command, until nobody is left.
 *
 * @throws ProcrefError those of the counter and the record
 */
export async function superviseCommand(
  orders: SupervisorOrders,
  description: ServiceDescription,
  openCounter: OpenCounter,
  report: Report,
): Promise<void> {
  const office = await openOffice(orders, openCounter);
  await supervise(orders, description, office, (...given) => new CommandService(...given), report);
}

async function work(report: Report): Promise<void> {
  provideSystem(() => new LinuxProcesses());
  const orders = readOrders();
  await superviseCommand(orders, orders.description!, (object, _, at) => loneSysvCounter(object, at), report);
}

if (import.meta.main) await runProgram(work);
