/**
 * Runs the one suite in both runtimes, then looks for anything that it left behind, and adds all up.
 *
 * Usage: deno run -A tools/run_tests.ts [deno|bun] [file or folder...]
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

type RuntimeName = "deno" | "bun";

interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

interface Case {
  readonly name: string;
  readonly skipped: boolean;
}

const SETTLE_MS = 20_000;
const SUPERVISOR = fileURLToPath(new URL("../src/supervisor/main.ts", import.meta.url));

const arguments_ = process.argv.slice(2);
const wanted = arguments_.filter((word): word is RuntimeName => word === "deno" || word === "bun");
const paths = arguments_.filter((word) => word !== "deno" && word !== "bun");
const runtimes: readonly RuntimeName[] = wanted.length > 0 ? wanted : ["deno", "bun"];

const run = `${process.pid}-${Date.now().toString(36)}`;
const temporary = mkdtempSync(join(tmpdir(), "procref-run-"));
const state = join(temporary, "state");
const setsBefore = semaphoreSets();
const supervisorsBefore = supervisors();
const totals: Totals = { passed: 0, failed: 0, skipped: 0 };

const casesByRuntime = runtimes.map(runSuite);
checkSameCases(casesByRuntime);
await settle();
checkNothingLeft();
rmSync(temporary, { recursive: true, force: true });

console.log(`\ntotal: ${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(totals.failed === 0 && totals.passed > 0 ? 0 : 1);

function runSuite(runtime: RuntimeName): Case[] {
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
      `--junit-path=${report}`,
      ...(paths.length > 0 ? paths : ["tests/"]),
    ]
    : [
      "bun",
      "test",
      "--timeout=120000",
      "--reporter=junit",
      `--reporter-outfile=${report}`,
      ...(paths.length > 0 ? paths : ["tests/"]),
    ];
  const { status, error } = spawnSync(command[0], command.slice(1), {
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      NO_COLOR: "1",
      PROCREF_DIR: state,
      PROCREF_TEST_RUN: run,
      PROCREF_TEST_RUNTIME: runtime,
      PROCREF_TEST_TMP: temporary,
    },
  });
  if (error) console.error(`cannot run ${command[0]}: ${error.message}`);
  const cases = readReport(report);
  const skipped = cases.filter((each) => each.skipped).length;
  const failed = failures(report);
  totals.passed += cases.length - skipped - failed;
  totals.skipped += skipped;
  totals.failed += failed;
  if (status !== 0 && failed === 0) check(`${runtime} ends well (status ${status})`, false);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `${runtime}: ${cases.length - skipped - failed} passed, ${failed} failed, ${skipped} skipped in ${seconds} s`,
  );
  for (const each of cases) if (each.skipped) console.log(`skipped in ${runtime}: ${each.name}`);
  return cases;
}

function readReport(path: string): Case[] {
  const xml = readOrEmpty(path);
  const cases: Case[] = [];
  for (const [, attributes, end, body = ""] of xml.matchAll(/<testcase ([^>]*?)(\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const name = /\bname="([^"]*)"/.exec(attributes)?.[1] ?? "?";
    cases.push({ name, skipped: end !== "/>" && body.includes("<skipped") });
  }
  return cases;
}

function failures(path: string): number {
  return [...readOrEmpty(path).matchAll(/<testcase [^>]*?[^/]>(?:(?!<\/testcase>)[\s\S])*?<(failure|error)\b/g)].length;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** A list of files rots: the two runtimes must have run the same tests. */
function checkSameCases(all: readonly Case[][]): void {
  if (all.length < 2) return;
  const [first, second] = all.map((cases) => cases.map(({ name }) => name).sort());
  const missing = [
    ...first.filter((name) => !second.includes(name)),
    ...second.filter((name) => !first.includes(name)),
  ];
  check(
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
  return semaphoreSets().filter((set) => !setsBefore.includes(set));
}

function checkNothingLeft(): void {
  const sets = newSets();
  check(`no semaphore set is left behind${sets.length > 0 ? `: ${sets.join("; ")}` : ""}`, sets.length === 0);
  const left = processesOfThisRun();
  check(`no process is left behind${left.length > 0 ? `: ${left.join("; ")}` : ""}`, left.length === 0);
  const files = readdirSync(temporary, { recursive: true }).map(String)
    .filter((name) => name !== "state" && !/^(deno|bun)\.xml$/.test(name));
  check(`no file is left behind${files.length > 0 ? `: ${files.join(", ")}` : ""}`, files.length === 0);
}

function semaphoreSets(): string[] {
  return readOrEmpty("/proc/sysvipc/sem").split("\n").slice(1).filter((line) => line !== "")
    .map((line) => line.trim().split(/\s+/).slice(0, 2).join(" "));
}

/**
 * Everything that the run started carries its mark in the environment, unless it has ended; but for supervisors, which
 * take little of it over and are known by the program that they run.
 */
function processesOfThisRun(): string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid).filter((pid) =>
    readOrEmpty(`/proc/${pid}/environ`).split("\0").includes(`PROCREF_TEST_RUN=${run}`) ||
    readOrEmpty(`/proc/${pid}/cmdline`).split("\0").includes(SUPERVISOR) && !supervisorsBefore.includes(pid)
  ).map((pid) => `${pid} ${readOrEmpty(`/proc/${pid}/cmdline`).replaceAll("\0", " ")}`);
}

function supervisors(): string[] {
  return readdirSync("/proc").filter((name) => readOrEmpty(`/proc/${name}/cmdline`).split("\0").includes(SUPERVISOR));
}

function check(what: string, holds: boolean): void {
  console.log(`${holds ? "ok" : "FAILED"}: ${what}`);
  if (holds) totals.passed++;
  else totals.failed++;
}
