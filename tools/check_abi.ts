/**
 * Checks every constant, error number, layout and prototype of the tables in ffi/symbols against the headers of its
 * system, and that the system's libraries have each function: by programs that compile and link only if all is right.
 * Nothing of them is run. What it needs is fetched into a folder outside the repository.
 *
 * Usage: deno run -A tools/check_abi.ts [part of a target's name...]
 */

import process from "node:process";
import { faultOf } from "./abi/compile.ts";
import { DARWIN_TABLE, DARWIN_UNCHECKED } from "./abi/darwin.ts";
import { linuxTables } from "./abi/linux.ts";
import { Missing, ZIG_ENVIRONMENT, zigFor, zigVersion } from "./abi/prepare.ts";
import { type AbiTable, countAssertions, probe } from "./abi/probe.ts";
import { windowsTables } from "./abi/windows.ts";

interface Target {
  readonly name: string;
  readonly compiler: () => readonly string[];
  readonly tables: readonly AbiTable[];
}

const windows = await windowsTables();
const windowsThere = [...windows.values()].filter((table) => table !== undefined);
const zig = (name: string, target: string, tables: readonly AbiTable[]): Target => ({
  name: `${name} (${target})`,
  compiler: () => zigFor(target),
  tables,
});

// glibc in the oldest version that Deno runs with: what is newer must not be used.
const TARGETS: readonly Target[] = [
  { name: "this machine (cc)", compiler: () => ["cc"], tables: linuxTables(process.arch as "x64" | "arm64") },
  zig("Linux x64, glibc", "x86_64-linux-gnu.2.27", linuxTables("x64")),
  zig("Linux arm64, glibc", "aarch64-linux-gnu.2.27", linuxTables("arm64")),
  zig("Linux x64, musl", "x86_64-linux-musl", linuxTables("x64")),
  zig("Linux arm64, musl", "aarch64-linux-musl", linuxTables("arm64")),
  zig("macOS x64", "x86_64-macos", [DARWIN_TABLE]),
  zig("macOS arm64", "aarch64-macos", [DARWIN_TABLE]),
  zig("Windows x64", "x86_64-windows-gnu", windowsThere),
  zig("Windows arm64", "aarch64-windows-gnu", windowsThere),
];

const totals = { passed: 0, failed: 0, skipped: 0 };
const words = process.argv.slice(2);

function skip(why: string): void {
  totals.skipped++;
  console.log(`skipped: ${why}`);
}

function check(target: Target, table: AbiTable): void {
  const what = `${target.name}: ${table.name}`;
  try {
    const assertions = countAssertions(probe(table));
    const fault = faultOf(table, target.compiler(), ZIG_ENVIRONMENT);
    if (fault !== undefined) throw new Error(fault);
    totals.passed++;
    const functions = Object.keys(table.symbols ?? {}).length;
    console.log(`ok: ${what}: ${assertions} assertions${functions > 0 ? `, ${functions} functions linked` : ""}`);
  } catch (error) {
    totals.failed++;
    console.log(`FAILED: ${what}\n${(error as Error).message}`);
    if (error instanceof Missing) throw error;
  }
}

console.log(`with ${zigVersion()}`);
try {
  for (const target of TARGETS) {
    if (words.length > 0 && !words.some((word) => target.name.includes(word))) continue;
    for (const table of target.tables) check(target, table);
  }
} catch (error) {
  if (!(error instanceof Missing)) throw error;
}
if (words.length === 0) {
  skip(DARWIN_UNCHECKED);
  for (const [file, table] of windows) if (table === undefined) skip(`ffi/symbols/${file} is not there yet`);
}
console.log(`\ntotal: ${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(totals.failed === 0 && totals.passed > 0 ? 0 : 1);
