/** The result of a run as text. */

import { execFileSync } from "node:child_process";
import { cpus, release, type } from "node:os";
import { SETTLE_MS } from "./ending.ts";
import { onWindows } from "./platform.ts";
import { type Statistics, type Times, timesOf } from "./statistics.ts";

export interface Report {
  readonly tables: string;
  /** The whole of docs/chaos.md. */
  readonly document: string;
}

/** Describes a run. */
export function describe(statistics: Statistics, seed: number, tookMs: number): Report {
  const { rows, kills, rounds, violations, settle, lastClient, left } = statistics;
  const tables = [
    table(
      ["killed by SIGKILL", "runtime", "count", "violations"],
      [
        ...rows.map(({ kind, runtime, count, violations }) => [kind, runtime, String(count), String(violations)]),
        ["all", "", String(kills), String(violations.length)],
      ],
    ),
    table(
      ["time", "count", "p50", "p99", "max"],
      [
        times("from the end of the last client until nothing is left", timesOf(settle)),
        times("from SIGKILL of the last client until its service is gone", timesOf(lastClient)),
      ],
    ),
    table(["beside that", "count"], [
      ["rounds", String(rounds)],
      ["instances of services", String(statistics.instances)],
      ["supervisors and reapers stopped and continued", String(statistics.stops)],
      ["left for gc: an empty set or directory, no process", String(left.gc)],
      ["left for the next client, which cleared it up", String(left.nextClient)],
      ["callbacks killed with an instance that they had not returned yet", String(statistics.unknownStarts)],
      ...(onWindows ? [["hosts of consoles that Wine forgot", String(statistics.forgottenHosts)]] : []),
    ]),
  ].join("\n\n");
  const minutes = (tookMs / 60_000).toFixed(1);
  const machine = `${cpus().length} cores, ${type()} ${release()}, deno ${version("deno")}, bun ${version("bun")}`;
  const date = new Date().toISOString().slice(0, 10);
  const document = `${HEAD}
## The last run that was written down

${date}, ${machine}. Seed ${seed}, ${rounds} rounds in ${minutes} minutes: ${kills} kills, ${violations.length}
violations.

${tables}

${ROWS}`;
  return { tables, document };
}

const HEAD = `# Chaos

\`deno task chaos --seed N --rounds N\` kills clients, supervisors, reapers and services at random, and looks for what may
never happen. \`--write\` writes this file. The seed is printed, and reproduces the plan of every round; how the processes
meet is up to the machine.

In each round up to five clients, in Deno and in Bun, acquire, use and release a service of their own, are killed by
SIGKILL, or stopped by SIGSTOP and continued. In three of four rounds the service is a command with a supervisor, else
it has callbacks and a reaper. Kills come at any moment, with delays from below a millisecond on: in the first steps of
an acquire, while a supervisor starts or stops. Instances of the service are slow, fail, crash, never become ready,
ignore SIGTERM, or have children in other sessions.

\`deno task test:windows chaos\` does the same under Wine for a minute, with a program of Bun for the service. There
TerminateProcess kills, and in about half of all cases the Linux below by SIGKILL, which Wine knows nothing of before;
the times below are longer.

## What is checked

- **Never two instances.** Each holds a lock from its first step until it and, where it has a supervisor, all its children
  are gone. One that does not get the lock at once says so in a journal, however short the overlap was.
- **No handle without a live service.** The client looks at the process as soon as it has the handle, and whether it is
  its own. It may be dead only if the run killed it or its supervisor at most 500 ms before that look (and as long as
  the client was stopped), or if it was told to crash.
- **Nobody is stopped under a holder.** The instance of a holder may end only if the run killed it or its supervisor, or
  if it was told to crash. The service of a holder comes back within 10 s, or the handle says that it is lost.
- **No refusal without a reason.** An acquire may fail only when a start was told to fail, or something that it needed
  was killed; and with the error that says so.
- **Nothing is left.** At most ${SETTLE_MS / 1000} s after the last client no process, semaphore set or file of the
  service is there.

\`tests/chaos_test.ts\` breaks each of these rules on purpose, and sees that the run notices.

## What is told apart

- A client that is killed in its first steps, before a supervisor or reaper has its seat, may leave an **empty set or
  directory**, or a record that says START and names no process. The run removes it by the same rule as everybody: with
  the gate, and if nobody holds anything. It is told apart only if no other client left in its own time after that.
- When the supervisor is killed and then the last client before it noticed, **the next client clears up**. The service
  has ended even so, by its parent-death signal; its children, its record and the set may be there, and with callbacks
  the service itself. The run lets one client come, and nothing may be left after it.
- A client that is killed inside \`onFirstAcquire\` leaves **an instance that nobody knows of**, as the README says. The
  run ends it.
`;

const ROWS =
  `"Client, acquiring" and so on: what the client was doing. "Stopped": it was stopped by SIGSTOP then. "The last one": all
others had left. "Supervisor, in START": what its record said; "not on record": it had not written one yet, or had
removed it. "Service, family": how the instance behaved. A violation is counted in the row of the kill before it. Times
are in milliseconds and were taken while other rounds ran; the second one leaves out services that ignore SIGTERM.
`;

function times(what: string, { count, p50, p99, max }: Times): string[] {
  return [what, String(count), p50.toFixed(0), p99.toFixed(0), max.toFixed(0)];
}

/** A table in Markdown, with its columns aligned as the formatter does. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(3, ...[title, ...rows.map((row) => row[column])].map(length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

function length(text: string): number {
  return text.length;
}

function version(runtime: string): string {
  return /\d+\.\d+\.\d+\S*/.exec(execFileSync(runtime, ["--version"], { encoding: "utf8" }))?.[0] ?? "?";
}
