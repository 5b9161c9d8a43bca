/** Programs in the words of a test, on a system without a shell; see fixtures/program.ts. */

import { fileURLToPath } from "node:url";

const FIXTURE = fileURLToPath(new URL("../fixtures/program.ts", import.meta.url));

/** The command of a program; Bun starts fast. */
export function programCommand(code: string, kind: "service" | "plain" = "plain"): string[] {
  return ["bun", "run", FIXTURE, kind, encodeURIComponent(code)];
}
