/**
 * Verifies the models of the lifecycle in tests/model with spin. Prints a line for each row; ends with 1 if one of
 * them did not give what it must.
 *
 * Usage: deno run -A tools/model.ts [--short|--thorough] [part of a name...]
 */

import process from "node:process";
import type { PanResult } from "./model/pan_output.ts";
import { type Row, ROWS } from "./model/rows.ts";
import { missingTool, runRow } from "./model/run_row.ts";

const LONGEST_REASON = 70;

/** The line of a row and whether the row gave what it must. */
export function report(row: Row, { verdict, states, seconds, what }: PanResult): { holds: boolean; line: string } {
  const holds = verdict === row.expected;
  const title = `${row.model}: ${row.name}, ${row.check}`;
  const numbers = `${states} states, ${seconds.toFixed(1)} s`;
  const found = what.length > LONGEST_REASON ? `${what.slice(0, LONGEST_REASON)}...` : what;
  const wrong = holds ? "" : ` (${row.expected} expected)`;
  const result = verdict === "ok" ? numbers : `${verdict}${wrong}: ${found}; ${numbers}`;
  return {
    holds,
    line: `${holds ? "ok" : "FAILED"} ${title}: ${verdict === "ok" && !holds ? `no violation, ` : ""}${result}`,
  };
}

function main(words: readonly string[]): void {
  const missing = missingTool();
  if (missing !== undefined) {
    console.error(missing);
    process.exitCode = 1;
    return;
  }
  const [short, thorough] = ["--short", "--thorough"].map((word) => words.includes(word));
  const parts = words.filter((word) => !word.startsWith("--"));
  const named = ROWS.filter(({ model, name }) => parts.every((part) => `${model}: ${name}`.includes(part)));
  const rows = named.filter((row) => (thorough || !row.thorough) && !(short && row.long));
  let failed = 0;
  for (const row of rows) {
    const { holds, line } = report(row, runRow(row));
    console.log(line);
    if (!holds) failed++;
  }
  const larger = named.length - rows.length;
  if (larger > 0) console.log(`\n${larger} larger rows are not part of this run${short ? "" : ": --thorough"}`);
  console.log(`\ntotal: ${rows.length - failed} passed, ${failed} failed, 0 skipped`);
  if (failed > 0 || rows.length === 0) process.exitCode = 1;
}

if (import.meta.main) main(process.argv.slice(2));
