/** The environment of a process, also of one that is changing its program at that moment. */

import "../../src/process/every_system.ts";
import { processSystem } from "../../src/process/platform.ts";

/** The variables of a process that runs, by name. */
export function environmentOf(pid: number): Record<string, string> {
  const text = new TextDecoder().decode(processSystem().environment(pid)!);
  return Object.fromEntries(
    text.split("\0").filter((entry) => entry !== "").map((entry) => {
      const at = entry.indexOf("=");
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}
