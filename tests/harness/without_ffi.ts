/** Deno without native calls. */

import { dirname } from "node:path";
import "../../src/process/every_system.ts";
import { processSystem } from "../../src/process/platform.ts";

/** What a client is allowed, as README.md says it: by flag, a list each. */
export type Permissions = Readonly<Record<"run" | "sys" | "env" | "read" | "write", readonly string[]>>;

/** The narrowest permissions of a client of a service with this state directory, whose programs are run by others. */
export function narrowPermissions(state: string): Permissions {
  return {
    run: ["setsid", "/bin/sh"],
    sys: ["uid", "statfs"],
    env: ["NODE_V8_COVERAGE"],
    // Who may exchange the directory is seen in the one above it.
    read: [dirname(state)],
    write: [state],
  };
}

/** The command that runs a fixture with these permissions and no others. */
export function withoutFfi(permissions: Permissions): string[] {
  const flags = Object.entries(permissions).filter(([, values]) => values.length > 0)
    .map(([flag, values]) => `--allow-${flag}=${values.join(",")}`);
  return ["deno", "run", "--no-check", "--quiet", "--no-prompt", "--deny-ffi", ...flags];
}

/** The permissions in the command line of a process of Deno; none when it has ended. */
export function flagsOf(pid: number): string[] {
  const words = processSystem().command(pid) ?? [];
  return words.filter((word) => word.startsWith("--allow") || word === "-A").sort();
}
