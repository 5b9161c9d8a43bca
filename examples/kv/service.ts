/** How the key-value server is shared: what brings it up, what tells that it works, what takes it down. */

import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { process as processes, ServiceInfo, SharedService } from "../../mod.ts";

const STOP_MS = 5000;
const LOOK_AGAIN_MS = 5;

/** What the callbacks did, for those who want to tell. */
export type Report =
  | { readonly event: "started"; readonly server: number; readonly port: number; readonly ms: number }
  | {
    readonly event: "stopped";
    readonly server: number;
    readonly outcome: processes.StopOutcome;
    readonly ms: number;
  };

/** The name that clients share the server by. */
export const NAME = "key-value";

/** One data directory has one server. */
export function namespaceOf(directory: string): string {
  return createHash("sha256").update(realpathSync(directory)).digest("hex").slice(0, 16);
}

/**
 * The server of a data directory, to be shared by all who name that directory.
 *
 * @param directory where the entries are; made if it is missing
 * @param report is told when this process started or stopped the server
 */
export function keyValueService(directory: string, report: (what: Report) => void = () => {}): SharedService {
  mkdirSync(directory, { recursive: true });
  return SharedService.builder(NAME)
    .onFirstAcquire(async ({ signal }) => {
      const begun = performance.now();
      const info = await start(directory, signal);
      report({ event: "started", server: info.pid!, port: info.port!, ms: performance.now() - begun });
      return info;
    })
    .onHealthCheck((info, { signal }) => isHealthy(info.port!, signal))
    .onLastRelease(async (info) => {
      const begun = performance.now();
      const outcome = await processes.stop(info.identity!, STOP_MS);
      report({ event: "stopped", server: info.pid!, outcome, ms: performance.now() - begun });
    })
    .settings({ namespace: namespaceOf(directory), startTimeoutMs: 10_000 })
    .build();
}

/** Starts the server detached, so that it outlives us, and waits until it answers. */
async function start(directory: string, signal: AbortSignal): Promise<ServiceInfo> {
  rmSync(join(directory, "ready.json"), { force: true });
  const child = spawn(process.execPath, command(directory), { detached: true, stdio: "ignore" });
  child.unref();
  const given = AbortSignal.any([signal, ended(child)]);
  try {
    for (;;) {
      given.throwIfAborted();
      const port = announcedPort(directory, child.pid!);
      if (port !== undefined && await isHealthy(port, given)) return new ServiceInfo(child.pid, port);
      await delay(LOOK_AGAIN_MS);
    }
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

/** The arguments of this runtime for the server; in Deno it may listen and use its directory, and nothing else. */
function command(directory: string): string[] {
  const server = [fileURLToPath(new URL("server.ts", import.meta.url)), directory];
  if ("Bun" in globalThis) return ["run", ...server];
  const permissions = ["--allow-net=127.0.0.1", `--allow-read=${directory}`, `--allow-write=${directory}`];
  return ["run", "--quiet", "--no-prompt", ...permissions, ...server];
}

/** Aborts when the child ends, or cannot be started at all. */
function ended(child: ChildProcess): AbortSignal {
  const controller = new AbortController();
  child.once("error", (error) => controller.abort(error));
  child.once("exit", (code, signal) => {
    controller.abort(new Error(`the server ended with ${signal ?? code} before it was ready`));
  });
  return controller.signal;
}

/** Where the server of this PID says that it listens, or undefined as long as it does not. */
function announcedPort(directory: string, pid: number): number | undefined {
  try {
    const ready = JSON.parse(readFileSync(join(directory, "ready.json"), "utf8"));
    return ready.pid === pid ? ready.port : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function isHealthy(port: number, signal: AbortSignal): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/health`, { signal });
  return await response.text() === "ok" && response.ok;
}
