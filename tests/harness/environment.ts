/** Environments: those of other processes, and our own for a while. */

import { join } from "node:path";
import process from "node:process";
import "../../src/process/every_system.ts";
import { processSystem } from "../../src/process/platform.ts";

/** The variables of a process that runs, by name, also while it changes its program. */
export function environmentOf(pid: number): Record<string, string> {
  const text = new TextDecoder().decode(processSystem().environment(pid)!);
  return Object.fromEntries(
    text.split("\0").filter((entry) => entry !== "").map((entry) => {
      const at = entry.indexOf("=");
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

/** Does something with other environment variables; undefined takes one away. */
export function withEnvironment<T>(variables: Record<string, string | undefined>, work: () => T): T {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  const set = (name: string, value: string | undefined): void => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  try {
    for (const [name, value] of Object.entries(variables)) set(name, value);
    return work();
  } finally {
    for (const [name, value] of before) set(name, value);
  }
}

/** Variables by which what is compiled for supervisors is somewhere else, while Deno keeps its own caches where they are. */
export function compiledIn(directory: string): Record<string, string> {
  const { DENO_DIR, XDG_CACHE_HOME, HOME = "/" } = process.env;
  return {
    XDG_CACHE_HOME: directory,
    ...(process.platform === "linux"
      ? { DENO_DIR: DENO_DIR ?? join(XDG_CACHE_HOME ?? join(HOME, ".cache"), "deno") }
      : {}),
  };
}
