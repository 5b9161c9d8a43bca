/** What a run of the demo may leave behind, and how that is found and removed (Linux). */

import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { process as processes } from "../mod.ts";

/**
 * The processes that carry a variable in the environment that they were started with: all that inherited it from us,
 * and all that these started.
 */
export function processesWith(variable: string, value: string): processes.ProcessIdentity[] {
  const found: processes.ProcessIdentity[] = [];
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid <= 1 || pid === process.pid) continue;
    // The identity first: what the environment says is then about this very process, or about none.
    const identity = processes.identityOf(pid);
    if (identity !== undefined && environmentOf(pid).includes(`${variable}=${value}`)) found.push(identity);
  }
  return found;
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return []; // it ended meanwhile, or belongs to somebody else
  }
}
