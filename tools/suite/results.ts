/** What a task really ran, as PLATFORMS.md is made of. */

import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Case } from "./junit.ts";

/** A suite that ran in one runtime on one system. */
export interface SuiteResult {
  readonly kind: "suite";
  /** As people call it: `Linux (glibc)`, `macOS`, `Windows`. */
  readonly system: string;
  /** As `process.arch` calls it. */
  readonly architecture: string;
  /** With its version. */
  readonly runtime: string;
  /** `natively`, or what stood for the system: `under Wine 10.0`. */
  readonly how: string;
  /** The folders and files that ran. */
  readonly parts: readonly string[];
  /** How many tests of the contract each mechanism passed. */
  readonly contract: { readonly [mechanism: string]: number };
  readonly passed: number;
  readonly failed: number;
  /** What did not run, and why. */
  readonly leftOut: readonly LeftOut[];
}

export interface LeftOut {
  readonly what: string;
  readonly why: string;
}

/** Tables that a compiler compared with a system's headers, and linked with its library. */
export interface AbiResult {
  readonly kind: "abi";
  readonly system: string;
  readonly architecture: string;
  /** By what: `zig cc 0.15 with Apple's headers`. */
  readonly how: string;
  readonly tables: readonly string[];
  /** How many numbers and prototypes were compared. */
  readonly checks: number;
}

export type Result = SuiteResult | AbiResult;

/** How many tests of the contract each mechanism passed, by the names of the tests. */
export function contractOf(cases: readonly Case[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { name, outcome } of cases) {
    const mechanism = /^RefCounter \(([^)]+)\) /.exec(name)?.[1];
    if (mechanism !== undefined && outcome === "passed") counts[mechanism] = (counts[mechanism] ?? 0) + 1;
  }
  return counts;
}

/** The version that a command prints of itself, by its first number with dots. */
export function versionOf(command: string, args: readonly string[] = ["--version"]): string {
  const { stdout } = spawnSync(command, args, { encoding: "utf8" });
  return /\d+(?:\.\d+)+/.exec(stdout ?? "")?.[0] ?? "unknown";
}

/** Writes what a task ran into the folder that PROCREF_RESULTS names, if it names one. */
export function recordResults(task: string, results: readonly Result[]): void {
  const folder = process.env.PROCREF_RESULTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${task.replace(":", "-")}.json`), `${JSON.stringify(results, undefined, 2)}\n`);
}
