/**
 * `procref lock` and `procref sem`
 *
 * @module
 */

import { join } from "node:path";
import process from "node:process";
import { isProcrefError, ProcrefError } from "../../errors.ts";
import { currentUser } from "../../kernel/effective_user.ts";
import { objectName } from "../../kernel/object_name.ts";
import { stateDirectory } from "../../kernel/state_directory.ts";
import { mergedVariables } from "../../process/variables.ts";
import { SEMAPHORE_ENDING } from "../../semaphore/clean_up.ts";
import { FileSemaphore } from "../../semaphore/file_semaphore.ts";
import type { Permit } from "../../semaphore/permit.ts";
import { SignalRelay, statusOfSignal } from "../client_process.ts";
import { type Command, EXIT } from "../command.ts";
import { runNamedProgram } from "../named_program.ts";
import { type Arguments, NAMESPACE, type OptionTable, WHERE } from "../options.ts";
import { withProgress } from "../progress.ts";
import { printable, type Terminal } from "../terminal.ts";
import { UsageError } from "../usage_error.ts";

const MOST_JOBS = 1_000_000;
const PROGRAM = "the command";

const OPTIONS: OptionTable = {
  nonblock: { short: "n", help: "do not wait: 75 at once when it is held" },
  timeout: { value: "5s", help: "wait that long: 75 when it is held until then; without end unless given" },
  priority: { value: "N", help: "of those who wait, the greatest is served first; 0 unless given" },
  ...NAMESPACE,
  directory: WHERE.directory,
};

const DETAILS =
  "Those who wait are served by --priority, then in the order in which they came. It is held by procref, and given back\n" +
  "when CMD ends, or when procref is killed: CMD runs on without it then.\n\n" +
  "exit codes: that of CMD, 128+n when signal n ended it; 75 when it could not be had; 125 when procref failed, 126 when\n" +
  "CMD is not executable, 127 when it is not found; 2 for a wrong command line";

/** Runs a program while nobody else of the same name does. */
export const LOCK: Command = {
  name: "lock",
  usage: "NAME [options] -- CMD [ARGS...]",
  summary: "run a command while no other command of that name runs",
  details: DETAILS,
  options: OPTIONS,
  program: PROGRAM,
  failed: EXIT.procrefFailed,
  run: (args: Arguments, terminal: Terminal): Promise<number> => runWithPermit(args, terminal, 1),
};

/** Runs a program while only so many others of the same name do. */
export const SEM: Command = {
  name: "sem",
  usage: "NAME [-j N] [options] -- CMD [ARGS...]",
  summary: "run a command while at most N commands of that name run",
  details: DETAILS,
  options: {
    jobs: { value: "N", short: "j", help: "how many may run at a time; 1 unless given, as lock has it" },
    ...OPTIONS,
  },
  program: PROGRAM,
  failed: EXIT.procrefFailed,
  run(args: Arguments, terminal: Terminal): Promise<number> {
    const jobs = args.number("jobs", MOST_JOBS) ?? 1;
    if (jobs === 0) throw new UsageError("--jobs takes a whole number from 1, not 0");
    return runWithPermit(args, terminal, jobs);
  },
};

async function runWithPermit(args: Arguments, terminal: Terminal, jobs: number): Promise<number> {
  const name = args.name(true);
  const command = args.rest ?? [];
  if (command.length === 0) throw new UsageError("the command is missing: end with -- CMD ARGS...");
  if (args.has("nonblock") && args.has("timeout")) {
    throw new UsageError("--nonblock does not wait: leave out --timeout");
  }
  const waiting = {
    wait: !args.has("nonblock"),
    timeoutMs: args.durationMs("timeout"),
    priority: args.integer("priority"),
  };
  using semaphore = new FileSemaphore(pathOf(name, args), jobs, { removesUnused: true });

  const aborted = new AbortController();
  using relay = new SignalRelay((signal) => aborted.abort(signal));
  let permit: Permit;
  try {
    const { signal } = aborted;
    const wait = (): string => `waiting for ${printable(name)}, which ${holdersOf(semaphore)}`;
    permit = await withProgress(terminal, wait, () => semaphore.acquire({ ...waiting, signal }));
  } catch (error) {
    if (aborted.signal.aborted) return statusOfSignal(aborted.signal.reason);
    if (!isProcrefError(error, "NO_CAPACITY") && !isProcrefError(error, "TIMEOUT")) throw explained(error, name, jobs);
    terminal.err(`procref: cannot have ${printable(name)}: it ${holdersOf(semaphore)} [${error.code}]\n`);
    return EXIT.notAvailable;
  }
  try {
    return await runNamedProgram(command, mergedVariables([process.env]), relay, terminal);
  } finally {
    try {
      permit.release();
    } catch (error) {
      terminal.err(`procref: warning: ${printable((error as Error).message)}\n`);
    }
  }
}

/** The file of a name, in the state directory. */
function pathOf(name: string, args: Arguments): string {
  const user = currentUser();
  const { fileName } = objectName(name, user, { namespace: args.text("namespace") });
  return join(stateDirectory(args.text("directory"), "user", user), `${fileName}${SEMAPHORE_ENDING}`);
}

/** Who holds it now, as the end of a sentence. */
function holdersOf(semaphore: FileSemaphore): string {
  let pids: (number | "unknown")[] = [];
  try {
    pids = semaphore.inspect().holders.map(({ pid }) => pid ?? "unknown");
  } catch {
    // It is said for people alone, and the wait itself meets the same error.
  }
  if (pids.length === 0) return "was held until now";
  return pids.length === 1 ? `is held by process ${pids[0]}` : `is held by the processes ${pids.join(", ")}`;
}

/** The same error in the words of the command line. */
function explained(error: unknown, name: string, jobs: number): unknown {
  if (!isProcrefError(error, "CONFIG_MISMATCH")) return error;
  return new ProcrefError(
    error.code,
    `Cannot use "${name}" with -j ${jobs}: it is in use with another number; give the same, or choose another NAME`,
    { cause: error, details: error.details },
  );
}
