/**
 * Runs parts of the suite on Linux arm64, which an emulator (qemu-user) makes of this x86-64, and processes of both at
 * one counter. What it needs is fetched into a folder outside the repository; nothing is installed.
 *
 * Usage: deno run -A tools/test_arm64.ts [--short|--mixed] [deno|bun] [file or folder...]
 */

import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { writeCommands } from "./arm64/commands.ts";
import { type Flaw, presentFlaws } from "./arm64/emulator_flaws.ts";
import { type Case, readReport } from "./suite/junit.ts";
import type { RuntimeName } from "../tests/harness/runtime.ts";
import { CONTRACT, LEFT_OUT, OF_CONTRACT, SHORT, SUITES } from "./arm64/suites.ts";
import { contractOf, recordResults, type SuiteResult, versionOf } from "./suite/results.ts";
import { Tally } from "./suite/tally.ts";
import { PATHS } from "./arm64/paths.ts";
import { prepare } from "./arm64/prepare.ts";
import { Missing } from "./suite/fetching.ts";

type Architecture = "arm64" | "x64";
/** A case, and the flaw of the emulator that explains its failure. */
type Ran = Case & { readonly flaw: Flaw | undefined };

const MIXED = "./tools/arm64/mixed_test.ts";
/** The emulator needs up to twenty times as long as the machine. */
const LIMIT_MS = 900_000;

const root = fileURLToPath(new URL("..", import.meta.url));
const words = process.argv.slice(2);
const wanted = words.filter((word): word is RuntimeName => word === "deno" || word === "bun");
const runtimes: readonly RuntimeName[] = wanted.length > 0 ? wanted : ["deno", "bun"];
const paths = words.filter((word) => !["deno", "bun", "--mixed", "--short"].includes(word));
const suites: { readonly [R in RuntimeName]: readonly string[] } = paths.length > 0
  ? { deno: paths, bun: paths }
  : words.includes("--mixed")
  ? { deno: [], bun: [] }
  : words.includes("--short")
  ? { deno: SHORT, bun: SHORT }
  : SUITES;
const tally = new Tally();
/** What ran on arm64, by runtime. */
const ran: { readonly [R in RuntimeName]: Ran[] } = { deno: [], bun: [] };

const temporary = mkdtempSync(join(tmpdir(), "procref-arm64-run-"));
try {
  await main();
} catch (error) {
  if (!(error instanceof Missing)) throw error;
  console.error(`cannot run arm64 here: ${error.message}`);
  tally.check("everything that arm64 needs is there", false);
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
tally.end();

async function main(): Promise<void> {
  prepare();
  writeCommands();
  console.log(firstLineOf(PATHS.emulator));
  for (const runtime of runtimes) checkRuntime(runtime);
  const flaws = presentFlaws();
  for (const { what } of flaws) console.log(`the emulator has a flaw, shown in C: ${what}`);
  const setsBefore = semaphoreSets();
  // Both at once: each waits for one process at a time, mostly.
  await Promise.all(runtimes.map((runtime) => runParts(runtime, flaws)));
  const left = semaphoreSets().filter((set) => !setsBefore.includes(set));
  tally.check(`no semaphore set is left behind${left.length > 0 ? `: ${left.join("; ")}` : ""}`, left.length === 0);
  if (words.every((word) => word === "--short")) recordResults("test:arm64", runtimes.map(resultOf));
  const files = runtimes.flatMap((runtime) => readdirSync(folderOf(runtime)))
    .filter((name) => name !== "state" && !name.endsWith(".xml"));
  tally.check(`no file is left behind${files.length > 0 ? `: ${files.join(", ")}` : ""}`, files.length === 0);
}

/** A suite that runs on another architecture and passes proves nothing. */
function checkRuntime(runtime: RuntimeName): void {
  const command = join(PATHS.commands, runtime);
  const print = "console.log(`${process.platform} ${process.arch}`)";
  const { stdout, stderr } = spawnSync(command, [...runtime === "deno" ? ["eval"] : ["-e"], print], {
    encoding: "utf8",
  });
  const holds = stdout === "linux arm64\n";
  if (!holds) console.error(stdout, stderr);
  tally.check(`${runtime} runs on arm64: ${firstLineOf(command)}`, holds);
}

/** Runs all files of one runtime, one after the other. */
async function runParts(runtime: RuntimeName, flaws: readonly Flaw[]): Promise<void> {
  mkdirSync(folderOf(runtime));
  for (const suite of suites[runtime]) await runPart(runtime, "arm64", suite, flaws);
  if (paths.length === 0) await runPart(runtime, "x64", MIXED, []);
}

/** Runs one file or folder in one runtime, and adds up what came of it. */
async function runPart(
  runtime: RuntimeName,
  architecture: Architecture,
  suite: string,
  flaws: readonly Flaw[],
): Promise<void> {
  const what = `${runtime} ${architecture} ${suite}`;
  const report = join(folderOf(runtime), `${what.replace(/\W+/g, "-")}.xml`);
  const started = performance.now();
  const [command, ...args] = commandOf(runtime, suite, report);
  const { status, output } = await run(command, args, environment(runtime, architecture));
  const cases: Ran[] = readReport(report).filter(({ name }) => suite !== CONTRACT || name.startsWith(OF_CONTRACT)).map((
    each,
  ) => ({ ...each, flaw: flawOf(each, output, flaws) }));
  if (architecture === "arm64") ran[runtime].push(...cases);
  const failed = cases.filter(({ outcome, flaw }) => outcome === "failed" && flaw === undefined);
  const skipped = cases.filter(({ outcome, flaw }) => outcome === "skipped" || flaw !== undefined);
  const passed = cases.filter(({ outcome }) => outcome === "passed");
  const excused = cases.some(({ flaw }) => flaw !== undefined);
  const broken = failed.length === 0 && (passed.length === 0 || (status !== 0 && !excused));
  if (failed.length > 0 || broken) console.log(output);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  tally.passed += passed.length;
  tally.failed += failed.length + (broken ? 1 : 0);
  tally.skipped += skipped.length;
  console.log(
    `${failed.length > 0 || broken ? "FAILED" : "ok"}: ${what}: ${passed.length} passed, ${failed.length} failed, ` +
      `${skipped.length} skipped in ${seconds} s${broken ? ` (it ended with status ${status})` : ""}`,
  );
  for (const { name, flaw } of skipped) console.log(`  skipped: ${name}${flaw ? ` (the emulator: ${flaw.what})` : ""}`);
}

/** Runs a program to its end; its status is null when it was ended. */
function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ readonly status: number | null; readonly output: string }> {
  return new Promise((resolve) => {
    const options = { cwd: root, encoding: "utf8", env, maxBuffer: 2 ** 28, timeout: LIMIT_MS } as const;
    const child = execFile(command, args, options, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === "number" ? error.code : null;
      resolve({ status, output: `${status === null ? `${error}\n` : ""}${stdout}${stderr}` });
    });
    child.stdin!.end();
  });
}

function resultOf(runtime: RuntimeName): SuiteResult {
  const cases = ran[runtime];
  return {
    kind: "suite",
    system: "Linux (glibc)",
    architecture: "arm64",
    runtime: `${runtime === "deno" ? "Deno" : "Bun"} ${versionOf(join(PATHS.commands, runtime))}`,
    // Debian's own mends change the rest of the version.
    how: `under qemu-user ${versionOf(PATHS.emulator).split(".", 2).join(".")} on x64, and beside processes of x64`,
    parts: suites[runtime],
    contract: contractOf(cases),
    passed: cases.filter(({ outcome }) => outcome === "passed").length,
    failed: cases.filter(({ outcome, flaw }) => outcome === "failed" && flaw === undefined).length,
    leftOut: [
      ...cases.flatMap(({ name, flaw }) =>
        flaw === undefined ? [] : [{ what: name, why: `the emulator: ${flaw.what}` }]
      ),
      ...LEFT_OUT[runtime],
    ],
  };
}

/** The flaw that explains a failure. Bun's report does not say why a test failed, but its output does. */
function flawOf({ name, outcome, text }: Case, output: string, flaws: readonly Flaw[]): Flaw | undefined {
  if (outcome !== "failed") return undefined;
  return flaws.find(({ tests, shownBy }) =>
    tests.includes(name) && (text.includes(shownBy) || output.includes(shownBy))
  );
}

function commandOf(runtime: RuntimeName, suite: string, report: string): string[] {
  const filter = suite !== CONTRACT ? [] : runtime === "deno" ? [`--filter=${OF_CONTRACT}`] : ["-t", "\\(sysv\\)"];
  return runtime === "deno"
    ? ["deno", "test", "-A", "--no-check", "--quiet", `--junit-path=${report}`, ...filter, suite]
    : ["bun", "test", "--timeout=300000", "--reporter=junit", `--reporter-outfile=${report}`, ...filter, suite];
}

/** Tests start `deno`, `bun` and `cc` by name: on arm64, all of them are those of arm64. */
function environment(runtime: RuntimeName, architecture: Architecture): NodeJS.ProcessEnv {
  return {
    ...process.env,
    ...architecture === "arm64" && { PATH: `${PATHS.commands}:${process.env.PATH}` },
    NO_COLOR: "1",
    PROCREF_DIR: join(folderOf(runtime), "state"),
    PROCREF_TEST_RUNTIME: runtime,
    PROCREF_TEST_TMP: folderOf(runtime),
  };
}

/** Where a runtime's tests put their files. */
function folderOf(runtime: RuntimeName): string {
  return join(temporary, runtime);
}

function firstLineOf(program: string): string {
  return spawnSync(program, ["--version"], { encoding: "utf8" }).stdout?.split("\n")[0] ?? "";
}

function semaphoreSets(): string[] {
  return readFileSync("/proc/sysvipc/sem", "utf8").split("\n").slice(1).filter((line) => line !== "")
    .map((line) => line.trim().split(/\s+/).slice(0, 2).join(" "));
}
