/**
 * Runs the one suite in both runtimes, then looks for anything that it left behind, and adds all up. Where each of them
 * can have semaphores of its own (root on Linux), both run at once: a suite waits for a third of its time.
 *
 * Usage: deno run -A tools/run_tests.ts [deno|bun] [file or folder...]
 */

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Case, readReport } from "./suite/junit.ts";
import { canList, type ListedProcess, listedProcesses, semaphoreSets } from "./suite/left_behind.ts";
import { contractOf, recordResults, type SuiteResult, versionOf } from "./suite/results.ts";
import { runWatched } from "./suite/run_watched.ts";
import { Tally } from "./suite/tally.ts";

type RuntimeName = "deno" | "bun";

const SETTLE_MS = 20_000;
/** How long one test may take, in milliseconds; the longest take a fifth of it. */
const LIMIT_MS = 120_000;
/** How long a suite may say nothing, in milliseconds: for tests that are stuck in a call, which no limit ends. */
const SILENCE_MS = 2 * LIMIT_MS;
const LIMIT_TESTS = fileURLToPath(new URL("./suite/limit_tests.ts", import.meta.url));
/** Where a run of one runtime is to leave its report for the run of both. */
const REPORT = "PROCREF_TEST_REPORT";
const SUPERVISORS = ["main.ts", "linux_bundle.js"].map((name) =>
  fileURLToPath(new URL(`../src/supervisor/${name}`, import.meta.url))
);

const arguments_ = process.argv.slice(2);
const wanted = arguments_.filter((word): word is RuntimeName => word === "deno" || word === "bun");
const paths = arguments_.filter((word) => word !== "deno" && word !== "bun");
const runtimes: readonly RuntimeName[] = wanted.length > 0 ? wanted : ["deno", "bun"];

const run = `${process.pid}-${Date.now().toString(36)}`;
const temporary = mkdtempSync(join(tmpdir(), "procref-run-"));
const state = join(temporary, "state");
const setsBefore = canList ? semaphoreSets() : [];
const supervisorsBefore = supervisors();
const tally = new Tally();
/** Whether each runtime can have semaphores of its own, so that neither finds those of the other one. */
const isApart = process.platform === "linux" && runtimes.length === 2 &&
  spawnSync("unshare", ["--ipc", "true"]).status === 0;

/** What a suite said while another one was shown. */
const later: string[] = [];
const casesByRuntime: Case[][] = [];
if (isApart) casesByRuntime.push(...await Promise.all(runtimes.map(runApart)));
else for (const runtime of runtimes) casesByRuntime.push(await runSuite(runtime));
for (const said of later) process.stdout.write(said);
checkSameCases(casesByRuntime);
if (!isApart) {
  await settle();
  checkNothingLeft();
}
if (paths.length === 0 && runtimes.length === 2) recordResults("test", runtimes.map(resultOf));
rmSync(temporary, { recursive: true, force: true });

tally.end();

/** Runs this program for one runtime alone, and adds up what it says; the first one is shown as it goes. */
async function runApart(runtime: RuntimeName, index: number): Promise<Case[]> {
  const report = join(temporary, `${runtime}.xml`);
  const words = ["--ipc", "--", process.execPath, "run", "-A", fileURLToPath(import.meta.url), runtime, ...paths];
  let said = "";
  const onText = (text: string): void => {
    said += text;
    if (index === 0) process.stdout.write(text);
  };
  await runWatched("unshare", words, {
    env: { ...process.env, [REPORT]: report },
    silenceMs: 2 * SILENCE_MS,
    onText,
    onSilence: () => onText(`the run of the suite in ${runtime} is silent\n`),
  });
  if (index > 0) later.push(said);
  if (!tally.addSumOf(said)) tally.check(`the suite in ${runtime} comes to an end`, false);
  return readReport(report);
}

async function runSuite(runtime: RuntimeName): Promise<Case[]> {
  const report = join(temporary, `${runtime}.xml`);
  const started = performance.now();
  console.log(`\n== ${runtime}`);
  const command = runtime === "deno"
    ? [
      "deno",
      "test",
      "-A",
      "--no-check",
      "--quiet",
      `--preload=${LIMIT_TESTS}`,
      `--junit-path=${report}`,
      ...(paths.length > 0 ? paths : ["tests/"]),
    ]
    : [
      "bun",
      "test",
      `--timeout=${LIMIT_MS}`,
      "--reporter=junit",
      `--reporter-outfile=${report}`,
      ...(paths.length > 0 ? paths : ["tests/"]),
    ];
  const status = await runWatched(command[0], command.slice(1), {
    env: {
      ...process.env,
      NO_COLOR: "1",
      PROCREF_DIR: state,
      PROCREF_TEST_LIMIT: String(LIMIT_MS),
      PROCREF_TEST_RUN: run,
      PROCREF_TEST_RUNTIME: runtime,
      PROCREF_TEST_TMP: temporary,
    },
    silenceMs: SILENCE_MS,
    onText: (text) => process.stdout.write(text),
    onSilence: () => endHung(runtime),
  });
  const cases = readReport(report);
  const count = (wanted: Case["outcome"]): number => cases.filter(({ outcome }) => outcome === wanted).length;
  tally.add(cases);
  if (status !== 0 && count("failed") === 0) tally.check(`${runtime} ends well (status ${status})`, false);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `${runtime}: ${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped in ${seconds} s`,
  );
  for (const { name, outcome } of cases) if (outcome === "skipped") console.log(`skipped in ${runtime}: ${name}`);
  const wanted = process.env[REPORT];
  if (wanted && existsSync(report)) copyFileSync(report, wanted);
  return cases;
}

/** Says what a suite that has come to a stop waits for, and ends all of it, so that the others go on. */
function endHung(runtime: RuntimeName): void {
  console.log();
  tally.check(`${runtime} goes on (nothing was heard of it for ${SILENCE_MS / 1000} s)`, false);
  for (const each of ofThisRun()) {
    console.log(`  ${each.pid}, ${each.whereabouts()}: ${each.command}`);
    try {
      process.kill(each.pid, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
}

function resultOf(runtime: RuntimeName, index: number): SuiteResult {
  const cases = casesByRuntime[index];
  const count = (wanted: Case["outcome"]): number => cases.filter(({ outcome }) => outcome === wanted).length;
  const system = { linux: "Linux (glibc)", darwin: "macOS", win32: "Windows" }[process.platform as string];
  return {
    kind: "suite",
    system: system ?? process.platform,
    architecture: process.arch,
    runtime: `${runtime === "deno" ? "Deno" : "Bun"} ${versionOf(runtime)}`,
    how: "natively",
    parts: ["tests"],
    contract: contractOf(cases),
    passed: count("passed"),
    failed: count("failed"),
    leftOut: cases.filter(({ outcome }) => outcome === "skipped").map(({ name }) => ({ what: name, why: "" })),
  };
}

/** A list of files rots: the two runtimes must have run the same tests. */
function checkSameCases(all: readonly Case[][]): void {
  if (all.length < 2) return;
  const [first, second] = all.map((cases) => cases.map(({ name }) => name).sort());
  const missing = [
    ...first.filter((name) => !second.includes(name)),
    ...second.filter((name) => !first.includes(name)),
  ];
  tally.check(
    `both runtimes ran the same tests${missing.length > 0 ? `; not so: ${missing.join(", ")}` : ""}`,
    missing.length === 0,
  );
}

/** Supervisors end a moment after the last client; one that does not is a failure. */
async function settle(): Promise<void> {
  const deadline = performance.now() + SETTLE_MS;
  while (performance.now() < deadline && (processesOfThisRun().length > 0 || newSets().length > 0)) await delay(50);
}

function newSets(): string[] {
  return (canList ? semaphoreSets() : []).filter((set) => !setsBefore.includes(set));
}

function checkNothingLeft(): void {
  if (canList) checkNobodyLeft();
  else console.log("not looked for: processes that are left behind");
  const files = readdirSync(temporary, { recursive: true }).map(String)
    .filter((name) => name !== "state" && !/^(deno|bun)\.xml$/.test(name));
  tally.check(`no file is left behind${files.length > 0 ? `: ${files.join(", ")}` : ""}`, files.length === 0);
}

function checkNobodyLeft(): void {
  const sets = newSets();
  tally.check(`no semaphore set is left behind${sets.length > 0 ? `: ${sets.join("; ")}` : ""}`, sets.length === 0);
  const left = processesOfThisRun();
  tally.check(`no process is left behind${left.length > 0 ? `: ${left.join("; ")}` : ""}`, left.length === 0);
}

/**
 * Everything that the run started carries its mark in the environment, unless it has ended; but for supervisors, which
 * take little of it over and are known by the program that they run.
 */
function ofThisRun(): ListedProcess[] {
  return (canList ? listedProcesses() : []).filter((each) =>
    each.hasVariable(`PROCREF_TEST_RUN=${run}`) ||
    isSupervisor(each) && !supervisorsBefore.includes(each.pid)
  );
}

function processesOfThisRun(): string[] {
  return ofThisRun().map(({ pid, command }) => `${pid} ${command}`);
}

function supervisors(): number[] {
  return (canList ? listedProcesses() : []).filter(isSupervisor).map(({ pid }) => pid);
}

function isSupervisor(each: ListedProcess): boolean {
  return SUPERVISORS.some((program) => each.hasArgument(program)) && each.sharesSemaphores();
}
