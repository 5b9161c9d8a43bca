/**
 * Runs parts of the suite on Windows, which Wine makes of this Linux, in bun.exe and deno.exe. What it needs is fetched
 * into a folder outside the repository; of the machine itself only the package debootstrap is installed.
 *
 * Usage: deno run -A tools/test_windows.ts [--short] [deno|bun] [file, folder or the word chaos...]
 *        deno run -A tools/test_windows.ts --run deno|bun [argument...]
 */

import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Missing } from "./suite/fetching.ts";
import { type Case, readReport } from "./suite/junit.ts";
import { contractOf, recordResults, type SuiteResult } from "./suite/results.ts";
import { Tally } from "./suite/tally.ts";
import { machineCommand, MARK, PROGRAMS } from "./windows/machine.ts";
import { prepare } from "./windows/prepare.ts";
import { LEFT_OUT, SHORT, SUITES, WINE_SUITES } from "./windows/suites.ts";

type RuntimeName = keyof typeof PROGRAMS;

const LIMIT_MS = 900_000;
/** A part that is no file: kills at random, of both runtimes at once. */
const CHAOS = "chaos";
/** As many rounds of it as fit into a minute, and at most so many. */
const CHAOS_ROUNDS = 24;
const CHAOS_MINUTES = 1;

const temporary = mkdtempSync(join(tmpdir(), "procref-windows-run-"));
const [output, place] = ["output", "machine"].map((name) => join(temporary, name));
for (const folder of [output, place]) mkdirSync(folder);
const tally = new Tally();
/** What ran, by runtime. */
const ran: { readonly [R in RuntimeName]: Case[] } = { deno: [], bun: [] };
/** Why each test that was skipped was, by runtime. */
const reasons: { readonly [R in RuntimeName]: string[] } = { deno: [], bun: [] };
const words = process.argv.slice(2);
if (words[0] === "--run") process.exit(runOne(words.slice(1)));
const wanted = words.filter(isRuntime);
const runtimes: readonly RuntimeName[] = wanted.length > 0 ? wanted : ["deno", "bun"];
const paths = words.filter((word) => !isRuntime(word) && word !== "--short");
const isShort = words.includes("--short");
const all = isShort ? SHORT : [...SUITES, ...WINE_SUITES];
const isWhole = words.every((word) => word === "--short");

try {
  prepare();
  for (const runtime of runtimes) checkRuntime(runtime);
  for (const runtime of runtimes) {
    for (const suite of paths.length > 0 ? paths.filter((path) => path !== CHAOS) : all) runPart(runtime, suite);
  }
  // Wine and what is killed in it want both cores for themselves; beside a suite, as in .ci/run, it takes long.
  if ((isWhole && !isShort) || paths.includes(CHAOS)) runChaos();
  tally.check("no process of Wine is left behind", processesOfThisRun().length === 0);
  if (isWhole) recordResults("test:windows", runtimes.map(resultOf));
} catch (error) {
  if (!(error instanceof Missing)) throw error;
  console.error(`cannot run Windows here: ${error.message}`);
  tally.check("everything that Windows needs is there", false);
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
tally.end();

function isRuntime(word: string): word is RuntimeName {
  return Object.hasOwn(PROGRAMS, word);
}

/** Runs one program with the standard streams of this one, for trying things out. */
function runOne([runtime, ...args]: readonly string[]): number {
  try {
    prepare();
    const [command, ...rest] = machineCommand(
      [PROGRAMS[runtime as RuntimeName] ?? runtime, ...args],
      {},
      output,
      place,
    );
    return spawnSync(command, rest, { stdio: "inherit" }).status ?? 1;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** A suite that runs on another system and passes proves nothing. */
function checkRuntime(runtime: RuntimeName): void {
  const print = "console.log([process.platform, process.arch, process.version].join())";
  const { stdout, stderr } = run(runtime, runtime === "deno" ? ["eval", print] : ["-e", print]);
  const holds = stdout.startsWith("win32,x64,");
  if (!holds) console.error(stdout, stderr);
  const version = run(runtime, ["--version"]).stdout.split("\n")[0].trim();
  tally.check(`${runtime} runs on Windows: ${version}`, holds);
}

/**
 * Runs one file or folder in one runtime, and adds up what came of it. Wine is slow and its server is one process: on a
 * busy machine a time limit is missed now and then. So a part that fails is run once more, and both runs are printed;
 * what fails twice has failed. A runtime that ends without a report has not failed by a test of ours (Deno 2.9.5 panics
 * there now and then, in mio's named_pipe.rs), and gets four more tries.
 */
function runPart(runtime: RuntimeName, suite: string): void {
  let attempt = attemptPart(runtime, suite);
  for (let more = attempt.reported ? 1 : 4; attempt.failed && more > 0; more--) {
    console.log(`again: ${runtime} windows ${suite}`);
    attempt = attemptPart(runtime, suite);
  }
  attempt.count();
}

/** How a part went, and what adds it up. */
interface Attempt {
  readonly failed: boolean;
  /** Whether the runtime came so far that it could say how the tests went. */
  readonly reported: boolean;
  count(): void;
}

function attemptPart(runtime: RuntimeName, suite: string): Attempt {
  const what = `${runtime} windows ${suite}`;
  const started = performance.now();
  const { status, error, stdout, stderr } = run(runtime, argumentsOf(runtime, suite));
  const cases = readReport(join(output, "report.xml"));
  const [passed, failed, skipped] = ["passed", "failed", "skipped"].map((wanted) =>
    cases.filter(({ outcome }) => outcome === wanted)
  );
  const broken = failed.length === 0 && (passed.length === 0 || status !== 0);
  if (failed.length > 0 || broken) console.log(`${error?.message ?? ""}${stdout}${stderr}`);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const why = linesOf(join(output, "skipped"));
  const problems = ["processes", "files"].flatMap((kind) => {
    const left = linesOf(join(output, kind));
    return left.length > 0 ? [`${what} leaves no ${kind} behind: ${left.join("; ")}`] : [];
  });
  if (why.length !== skipped.length) problems.push(`${what} says of each test that it skips why`);
  console.log(
    `${failed.length > 0 || broken ? "FAILED" : "ok"}: ${what}: ${passed.length} passed, ${failed.length} failed, ` +
      `${skipped.length} skipped in ${seconds} s${broken ? ` (it ended with status ${status})` : ""}`,
  );
  for (const { name } of failed) console.log(`  failed: ${name}`);
  for (const { name } of skipped) console.log(`  skipped: ${name}`);
  return {
    failed: failed.length > 0 || broken || problems.length > 0,
    reported: cases.length > 0,
    count(): void {
      tally.add(cases);
      ran[runtime].push(...cases);
      reasons[runtime].push(...why);
      if (broken) tally.failed++;
      for (const problem of problems) tally.check(problem, false);
    },
  };
}

/** Runs `deno task chaos` there for a while. Its seed is that of PROCREF_CHAOS_SEED, if there is one. */
function runChaos(): void {
  const seed = Number(process.env.PROCREF_CHAOS_SEED ?? Date.now() % 2 ** 31);
  console.log(`chaos on Windows: PROCREF_CHAOS_SEED=${seed}`);
  const bounds = ["--rounds", CHAOS_ROUNDS, "--minutes", CHAOS_MINUTES, "--abreast", 3];
  const args = ["run", "-A", "--no-check", "--quiet", "tools/chaos.ts", "--seed", seed, ...bounds].map(String);
  const { status, stdout, stderr } = run("deno", args);
  const sum = /^\d+ kills, \d+ violations$/m.exec(stdout)?.[0] ?? "it came to no end";
  if (status !== 0) console.log(`${stdout}${stderr}`);
  tally.check(`chaos on Windows, seed ${seed}: ${sum}`, status === 0);
  for (const kind of ["processes", "files"]) {
    const left = linesOf(join(output, kind));
    tally.check(
      `chaos on Windows leaves no ${kind} behind${left.map((line) => `; ${line}`).join("")}`,
      left.length === 0,
    );
  }
}

function resultOf(runtime: RuntimeName): SuiteResult {
  const count = (wanted: Case["outcome"]): number => ran[runtime].filter(({ outcome }) => outcome === wanted).length;
  return {
    kind: "suite",
    system: "Windows",
    architecture: "x64",
    runtime: `${runtime === "deno" ? "Deno" : "Bun"} ${versionIn(run(runtime, ["--version"]).stdout)}`,
    how: `under Wine ${versionIn(runWords(["--version"]).stdout)}`,
    parts: all,
    contract: contractOf(ran[runtime]),
    passed: count("passed"),
    failed: count("failed"),
    leftOut: [
      ...[...new Set(reasons[runtime])].map((why) => ({
        what: `${reasons[runtime].filter((each) => each === why).length} tests`,
        why,
      })),
      ...LEFT_OUT,
    ],
  };
}

function argumentsOf(runtime: RuntimeName, suite: string): string[] {
  const report = "Z:\\output\\report.xml";
  return runtime === "deno"
    ? ["test", "-A", "--no-check", "--quiet", `--junit-path=${report}`, suite]
    : ["test", "--timeout=120000", "--reporter=junit", `--reporter-outfile=${report}`, `./${suite}`];
}

function versionIn(text: string): string {
  return /\d+(?:\.\d+)+/.exec(text)?.[0] ?? "unknown";
}

/** Runs a runtime in a machine of its own to its end. */
function run(runtime: RuntimeName, args: readonly string[]): SpawnSyncReturns<string> {
  return runWords([PROGRAMS[runtime], ...args], {
    PROCREF_TEST_RUNTIME: runtime,
    PROCREF_TEST_SKIPPED: "Z:\\output\\skipped",
  });
}

function runWords(words: readonly string[], more: Readonly<Record<string, string>> = {}): SpawnSyncReturns<string> {
  for (const name of readdirSync(output)) rmSync(join(output, name));
  const [name, value] = MARK.split("=");
  const [command, ...args] = machineCommand(words, { NO_COLOR: "1", ...more, [name]: value }, output, place);
  return spawnSync(command, args, { encoding: "utf8", maxBuffer: 2 ** 28, timeout: LIMIT_MS, killSignal: "SIGKILL" });
}

function linesOf(path: string): string[] {
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").filter((line) => line !== "") : [];
}

function processesOfThisRun(): string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(MARK);
    } catch {
      return false;
    }
  });
}
