/**
 * Checks every constant, error number, layout and prototype of the tables in ffi/symbols against the headers of its
 * system, and that the system's libraries have each function: by programs that compile and link only if all is right.
 * Nothing of them is run. What it needs is fetched into a folder outside the repository. With `--short`, what takes
 * the compiler a minute to link for the first time is compiled alone.
 *
 * Usage: deno run -A tools/check_abi.ts [--short] [part of a target's name...]
 */

import process from "node:process";
import { faultOf } from "./abi/compile.ts";
import { DARWIN_TABLE, DARWIN_UNCHECKED } from "./abi/darwin.ts";
import { linuxTables } from "./abi/linux.ts";
import { ZIG_ENVIRONMENT, ZIG_VERSION, zigFor } from "./abi/prepare.ts";
import { Missing } from "./suite/fetching.ts";
import { type AbiTable, countAssertions, probe } from "./abi/probe.ts";
import { WINDOWS_UNCHECKED, windowsTables } from "./abi/windows.ts";
import { type AbiResult, recordResults } from "./suite/results.ts";
import { Tally } from "./suite/tally.ts";

type Architecture = "x64" | "arm64";

interface Target {
  readonly system: string;
  readonly architecture: Architecture;
  /** Whose headers these are. */
  readonly headers: string;
  /** The target in zig's words; undefined for the machine's own compiler. */
  readonly zig?: string;
  /** Whether zig makes the system's whole library of sources before it links for the first time. */
  readonly makesLibrary?: boolean;
  readonly tables: readonly AbiTable[];
}

const windows = await windowsTables();
const own = process.arch as Architecture;

// glibc in the oldest version that Deno runs with: what is newer must not be used.
const TARGETS: readonly Target[] = [
  { system: "Linux (this machine)", architecture: own, headers: "its own headers", tables: linuxTables(own) },
  ...(["x64", "arm64"] as const).flatMap((architecture): Target[] => {
    const cpu = architecture === "x64" ? "x86_64" : "aarch64";
    return [
      {
        system: "Linux (glibc)",
        architecture,
        headers: "glibc's headers, linked with glibc 2.27",
        zig: `${cpu}-linux-gnu.2.27`,
        tables: linuxTables(architecture),
      },
      {
        system: "Linux (musl)",
        architecture,
        headers: "musl's headers",
        zig: `${cpu}-linux-musl`,
        makesLibrary: true,
        tables: linuxTables(architecture),
      },
      { system: "macOS", architecture, headers: "Apple's headers", zig: `${cpu}-macos`, tables: [DARWIN_TABLE] },
      {
        system: "Windows",
        architecture,
        headers: "mingw-w64's headers",
        zig: `${cpu}-windows-gnu`,
        makesLibrary: true,
        tables: windows,
      },
    ];
  }),
];

const tally = new Tally();
const results: AbiResult[] = [];
const words = process.argv.slice(2).filter((word) => word !== "--short");
const isShort = process.argv.includes("--short");

/** Whether a table is right on a target; says so. */
function holds({ system, architecture, zig, makesLibrary = false }: Target, table: AbiTable): boolean {
  const what = `${system} ${architecture}: ${table.file}${table.part ? ` (${table.part})` : ""}`;
  const links = !(isShort && makesLibrary);
  let fault: string | undefined;
  try {
    fault = faultOf(table, zig ? zigFor(zig) : ["cc"], ZIG_ENVIRONMENT, links);
  } catch (error) {
    if (error instanceof Missing) throw error;
    fault = (error as Error).message;
  }
  if (fault !== undefined) console.error(fault);
  const functions = Object.keys(table.symbols ?? {}).length;
  const counts = fault === undefined
    ? `: ${countAssertions(probe(table))} assertions, ${functions} functions${links ? "" : ", not linked"}`
    : "";
  tally.check(`${what}${counts}`, fault === undefined);
  return fault === undefined;
}

function check(target: Target): void {
  const { system, architecture, headers, zig, tables } = target;
  const right = tables.filter((table) => holds(target, table)).length === tables.length;
  if (!right || zig === undefined) return;
  results.push({
    kind: "abi",
    system,
    architecture,
    how: `zig cc ${ZIG_VERSION} with ${headers}`,
    tables: [...new Set(tables.map(({ file }) => file))],
    checks: tables.map((table) => countAssertions(probe(table))).reduce((sum, count) => sum + count, 0),
  });
}

const wanted = TARGETS.filter(({ system, architecture }) =>
  words.length === 0 || words.some((word) => `${system} ${architecture}`.includes(word))
);
try {
  for (const target of wanted) check(target);
  if (words.length === 0) recordResults("check:abi", results);
} catch (error) {
  if (!(error instanceof Missing)) throw error;
  console.error(`cannot compile for other systems here: ${error.message}`);
  tally.check("everything that compiling for other systems needs is there", false);
}
for (const what of [DARWIN_UNCHECKED, WINDOWS_UNCHECKED]) console.log(`not checked: ${what}`);
tally.end();
