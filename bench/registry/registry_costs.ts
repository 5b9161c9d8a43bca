/** Measures a service registry in both runtimes: small, and with a thousand entries. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { bothRuntimes, type RuntimeName } from "../../tests/harness/runtime.ts";
import type { Report } from "../report.ts";
import { runProgram } from "../run_program.ts";
import { commandOf } from "../runtimes.ts";
import type { RegistryCosts } from "./lookups.ts";

const RUN_MS = 60_000;
const HOLDER = fileURLToPath(new URL("../../tests/fixtures/registry_holder.ts", import.meta.url));
/** What is asked for, by the number of entries: of a find in microseconds, of a change in milliseconds. */
const ASKED = [
  { entries: 32, findUs: 5, changeMs: 15 },
  { entries: 1000, findUs: 5, changeMs: 25 },
] as const;

/**
 * Runs `lookups.ts` in both runtimes, beside a process that has registered something.
 *
 * @param directory where state is kept
 * @param name the registry's name
 */
export async function registryCosts(report: Report, directory: string, name: string): Promise<void> {
  for (const { entries, findUs, changeMs } of ASKED) {
    for (const runtime of bothRuntimes) {
      const costs = await measure(runtime, directory, `${name}-${entries}`, entries);
      const { find, calls, reads, changesMs, listMs } = costs;
      const what = `${runtime}, ${entries} entries`;
      const [median, slowest] = [find.medianNs, find.p99Ns].map((ns) => (ns / 1000).toFixed(2));
      report.figure(`${what}: find takes ${median} us (p99 ${slowest} us)`, find.medianNs / 1000, findUs, "us");
      report.figure(`${what}: a change takes ${(changesMs / 2).toFixed(2)} ms`, changesMs / 2, changeMs, "ms");
      report.say(`   ${what}: a list takes ${listMs.toFixed(2)} ms`);
      const { semctl, poll, ...others } = calls;
      const listed = Object.entries(calls).map(([symbol, times]) => `${symbol} ${times}`).join(", ");
      report.promise(
        `${what}: 1000 finds call semctl twice and poll once each, and nothing else (${listed})`,
        semctl === 2000 && poll === 1000 && Object.keys(others).length === 0,
      );
      if (reads === undefined) report.say(`skipped: ${runtime}: this kernel does not count reads in /proc/self/io`);
      // The file is looked at, but not opened, four times a second.
      else report.promise(`${what}: 1000 finds read no file (${reads} reads)`, reads === 0);
    }
  }
}

async function measure(runtime: RuntimeName, directory: string, name: string, entries: number): Promise<RegistryCosts> {
  const env = { PROCREF_DIR: directory };
  const options = JSON.stringify({ capacity: entries });
  const holder = spawn("bun", ["run", HOLDER, name, options, "other"], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await once(holder.stdout!, "data");
    return JSON.parse(
      await runProgram(commandOf(runtime, "registry/lookups.ts", name, String(entries), "other"), RUN_MS, env),
    );
  } finally {
    const ended = once(holder, "exit");
    holder.kill("SIGTERM");
    await ended;
  }
}
