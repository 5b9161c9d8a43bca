/**
 * One of many clients that start at once. Arguments: the service's name, a log file. It acquires, says so, releases
 * when it is told to by a line of standard input, and ends.
 */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import process from "node:process";
import { process as processes, type ServiceInfoJson, SharedService } from "../mod.ts";
import { appendEntry } from "./burst_log.ts";

const ACQUIRE_MS = 90_000;
const STOP_MS = 5000;

const [name, log] = process.argv.slice(2);
const service = new SharedService(name, {
  onFirstAcquire(): ServiceInfoJson {
    // It ends by itself, whatever becomes of the clients.
    const child = spawn("sleep", ["150"], { detached: true, stdio: "ignore" });
    child.unref();
    appendEntry(log, { callback: "onFirstAcquire", service: processes.identityOf(child.pid!)! });
    return { pid: child.pid };
  },
  async onLastRelease({ identity }): Promise<void> {
    appendEntry(log, { callback: "onLastRelease", service: identity! });
    await processes.stop(identity!, STOP_MS);
  },
});
service.addEventListener("warning", (event) => console.error((event as CustomEvent).detail.message));

const told = new Promise<void>((resolve) => {
  const input = createInterface({ input: process.stdin });
  input.once("line", () => resolve());
  // Whoever would tell us is gone.
  input.once("close", () => process.exit(1));
});
const handle = await service.acquire({ timeoutMs: ACQUIRE_MS });
console.log(`acquired ${handle.pid}`);
await told;
await handle.release();
process.exit(0);
