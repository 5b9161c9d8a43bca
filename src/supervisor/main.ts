/**
 * The program that a client starts, detached, to look after a service of whatever kind, on any system: as its supervisor,
 * or as the reaper of what the clients' callbacks bring up.
 *
 * @module
 */

import { agreedCounter } from "../kernel/agreed_counter.ts";
import { loadOwnSystem } from "../process/own_system.ts";
import { superviseCommand } from "./linux_main.ts";
import { openOffice, type Report } from "./office.ts";
import { readOrders, runProgram } from "./program.ts";
import { supervise } from "./supervisor.ts";

async function work(report: Report): Promise<void> {
  const system = loadOwnSystem();
  const orders = readOrders();
  const { description } = orders;
  await system;
  if (description === undefined) {
    const { reap } = await import("./reaper.ts");
    return await reap(orders, await openOffice(orders, agreedCounter), report);
  }
  if (description.module === undefined) return await superviseCommand(orders, description, agreedCounter, report);
  const { ModuleService } = await import("./module_service.ts");
  const office = await openOffice(orders, agreedCounter);
  await supervise(orders, description, office, (names, about, mark) => new ModuleService(names, about, mark), report);
}

/** Follows its orders and ends this process. */
export async function runSupervisor(): Promise<never> {
  return await runProgram(work);
}

if (import.meta.main) await runSupervisor();
