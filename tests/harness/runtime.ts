/** Which runtime this is, and whether it is the one that was asked for. */

import assert from "node:assert/strict";
import process from "node:process";

export type RuntimeName = "deno" | "bun";

export const runtime: RuntimeName = "Bun" in globalThis ? "bun" : "deno";
export const bothRuntimes: readonly RuntimeName[] = ["deno", "bun"];

/** A suite that runs in the wrong runtime and passes proves nothing. */
export function assertRuntime(): void {
  const wanted = process.env.PROCREF_TEST_RUNTIME;
  if (wanted !== undefined) assert.equal(runtime, wanted, "the suite runs in another runtime than was asked for");
  assert.equal("Deno" in globalThis, runtime === "deno");
}
