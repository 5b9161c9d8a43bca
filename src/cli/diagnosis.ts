/**
 * Whether services can be shared here: what `procref doctor` checks, one thing after the other.
 *
 * @module
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { checkFileSystem } from "../kernel/file_system.ts";
import type { Scope } from "../kernel/object_name.ts";
import { chooseMechanism, currentUser, openRefCounter, type RefCounterOptions } from "../kernel/open.ts";
import type { RefCounter } from "../kernel/ref_counter.ts";
import { semaphoreLimits, semaphoreUsage } from "../kernel/semaphore_usage.ts";
import { attempting } from "../kernel/attempting.ts";
import { stateDirectory } from "../kernel/state_directory.ts";
import { domain } from "../process/domain.ts";
import { identityOf } from "../process/identity.ts";
import { processSystem } from "../process/platform.ts";
import { findProgram } from "../process/programs.ts";
import { endingByForce } from "../process/signals.ts";
import { killHolder, startHolder } from "./crash_trial.ts";
import { VERSION } from "./version.ts";

/** What a check found. */
export interface Finding {
  /** What was checked. */
  readonly check: string;
  /** How it went. */
  readonly verdict: "ok" | "warning" | "failed";
  /** What was found, and what to do about it. */
  readonly message: string;
}

/** Where services are. */
export interface Where {
  readonly directory: string | undefined;
  readonly scope: Scope;
}

/** A check that found something amiss that does not keep services from being shared. */
class Warning extends Error {}

type Check = (where: Where) => string | Promise<string>;

const CHECKS: readonly (readonly [check: string, work: Check])[] = [
  ["versions", versions],
  ["mechanism", mechanism],
  ["directory", directory],
  ["files", files],
  ["exclusion", exclusion],
  ["crash release", crashRelease],
  ["processes", processes],
  ["supervisors", supervisors],
  ["limits", limits],
  ["namespaces", namespaces],
];

/**
 * Runs all checks; one that fails does not keep the others from running.
 *
 * @param where where services are
 * @param begin is told which check begins
 */
export async function* diagnose(where: Where, begin: (check: string) => void): AsyncGenerator<Finding> {
  for (const [check, work] of CHECKS) {
    begin(check);
    try {
      yield { check, verdict: "ok", message: await work(where) };
    } catch (error) {
      yield { check, ...verdictOf(error) };
    }
  }
}

function verdictOf(error: unknown): Omit<Finding, "check"> {
  const { name, message } = error instanceof Error ? error : { name: "", message: String(error) };
  // What services need is refused by a ProcrefError; this is what doctor alone asks for.
  if (name === "NotCapable") {
    return { verdict: "warning", message: `not checked, for doctor itself wants -A: ${message}` };
  }
  return { verdict: error instanceof Warning ? "warning" : "failed", message };
}

function versions(): string {
  const { deno, bun } = process.versions as { deno?: string; bun?: string };
  const runtime = bun !== undefined ? `Bun ${bun}` : deno !== undefined ? `Deno ${deno}` : "an unknown runtime";
  const kernel = processSystem().kernelRelease() ?? "unknown";
  return `procref ${VERSION} on ${runtime}, kernel ${kernel}`;
}

function mechanism(): string {
  const { mechanism, reason } = chooseMechanism();
  return `${mechanism}: ${reason}`;
}

function directory({ directory, scope }: Where): string {
  const path = stateDirectory(directory, scope, currentUser());
  if (chooseMechanism().mechanism === "slots") checkFileSystem(path);
  return `${path}, ${scope === "user" ? "of this user alone" : "shared by its mode"}`;
}

function files({ directory, scope }: Where): string {
  const path = stateDirectory(directory, scope, currentUser());
  attempting(`keep state in ${path}`, path, () => tryFiles(path));
  return "written, read and removed";
}

function tryFiles(path: string): void {
  const folder = mkdtempSync(join(path, ".doctor-"));
  try {
    const file = join(folder, "file");
    writeFileSync(file, "text", { flag: "wx", mode: 0o600 });
    expect(readFileSync(file, "utf8") === "text", "what was written is not read");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A name that nobody else uses. */
function testName(): string {
  return `procref-doctor-${process.pid}-${Math.random().toString(36).slice(2)}`;
}

/** How the counters of the trials are kept: as those of services are. Semaphores need no directory. */
function trialOptions({ directory, scope }: Where): RefCounterOptions {
  const { mechanism } = chooseMechanism();
  if (mechanism !== "slots") return { mechanism };
  return { mechanism, directory: stateDirectory(directory, scope, currentUser()) };
}

async function exclusion(where: Where): Promise<string> {
  const name = testName();
  const options = trialOptions(where);
  using one = await openRefCounter(name, options);
  using other = await openRefCounter(name, options);
  expect(one.tryLock() && !other.tryLock(), "two had the gate at one time");
  expect(!other.tryAcquire(), "a reference was given while the gate was closed");
  one.unlock();
  expect(one.tryAcquire() && other.tryAcquire() && one.count() === 2, "two references do not count as two");
  expect(!other.tryLockIfUnused(), "the gate was given for unused under a reference");
  expect(one.releaseUnlessLast() && !other.releaseUnlessLast(), "the last reference was not told from another");
  expect(one.trySeat() && !other.trySeat(), "two had the seat at one time");
  return "gate, seat and references exclude as they should";
}

async function crashRelease(where: Where): Promise<string> {
  const name = testName();
  const options = trialOptions(where);
  const counter = await openRefCounter(name, options);
  // Its own reference keeps the kernel object, and shows that the death takes no more than it should.
  expect(counter.tryAcquire(), "no reference was given");
  try {
    const holder = await startHolder(name, options);
    try {
      const { references, seated } = counter.snapshot();
      expect(
        references === 2 && seated,
        "a child's reference was not counted here: is there an IPC namespace between?",
      );
    } finally {
      await killHolder(holder);
    }
    expectReleased(counter);
  } finally {
    counter.close();
  }
  return `the kernel took back what a child held that was killed by ${endingByForce()}`;
}

function expectReleased(counter: RefCounter): void {
  const { references, seated } = counter.snapshot();
  expect(
    references === 1,
    `${references - 1} references of a killed process are left: this kernel does not take them back`,
  );
  expect(!seated, "the seat of a killed process is left: this kernel does not give it back");
}

function processes(): string {
  if (identityOf(process.pid) === undefined) {
    throw new Error("Cannot see the start time of a process: on Linux, is /proc mounted?");
  }
  if (!processSystem().list().includes(process.ppid) && process.ppid !== 0) {
    throw new Warning("processes of others are hidden (hidepid of /proc); who holds a service may not be shown");
  }
  const { askedPrograms = [] } = processSystem();
  if (askedPrograms.length > 0) {
    throw new Warning(`native calls are not allowed, so ${askedPrograms} is asked about processes, which takes longer`);
  }
  const hold = processSystem().hold(process.pid);
  if (typeof hold === "string") {
    throw new Warning("this kernel gives no hold on a process; processes are watched by their identity, more slowly");
  }
  hold.close();
  return "identities are there, and a hold on a process";
}

function supervisors(): string {
  const { detachingProgram } = processSystem();
  if (detachingProgram !== undefined && !("found" in findProgram(detachingProgram, process.env.PATH))) {
    throw new Error(`${detachingProgram} is not on the PATH, so that no supervisor can be started; install util-linux`);
  }
  const by = processSystem().endsWithSupervisor();
  if (by === undefined) {
    throw new Warning(
      "a service whose supervisor is killed runs on until a client looks or the next one comes, or until `procref gc`; " +
        "on Linux setpriv (util-linux) would end it at once",
    );
  }
  return `they can be started${
    detachingProgram ? ` (${detachingProgram})` : ""
  }, and their services die with them (${by})`;
}

const SET_SIZE = 8;
const MOST_OPERATIONS = 5;

function limits(): string {
  if (chooseMechanism().mechanism !== "sysv") return "semaphores are not used here";
  const [limits, usage] = [semaphoreLimits(), semaphoreUsage()];
  if (limits === undefined || usage === undefined) return "this system does not tell how many semaphores are in use";
  const { perSet, perStep, mostSets, mostSemaphores } = limits;
  const { sets, semaphores } = usage;
  const text = `${sets} of ${mostSets} semaphore sets in use, ${semaphores} of ${mostSemaphores} semaphores`;
  const remedy = "; raise kernel.sem (sysctl)";
  expect(perSet >= SET_SIZE, `a set may have ${perSet} semaphores, ${SET_SIZE} are needed${remedy}`);
  expect(perStep >= MOST_OPERATIONS, `a step may have ${perStep} operations, ${MOST_OPERATIONS} are needed${remedy}`);
  expect(sets < mostSets && semaphores + SET_SIZE <= mostSemaphores, `${text}: none is left${remedy}`);
  if (sets > 0.9 * mostSets || semaphores > 0.9 * mostSemaphores) throw new Warning(`${text}: they run short${remedy}`);
  return text;
}

function namespaces(): string {
  const { boot, pid, ipc } = domain();
  if (boot === "" || pid + ipc === "") {
    throw new Warning(
      "boot or namespaces are not known, so that containers with one state directory are not told apart",
    );
  }
  return `${
    [...new Set([pid, ipc])].filter((part) => part !== "").join(", ")
  }, boot ${boot}; only processes of the same can share`;
}

function expect(condition: boolean, problem: string): asserts condition {
  if (!condition) throw new Error(problem);
}
