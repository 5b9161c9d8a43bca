/** One service with a supervisor, its clients in this process and in others, and what may be left of it. */

import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import {
  openRefCounter,
  process as processes,
  type RefCounter,
  type ServiceHandle,
  SharedService,
  type SharedServiceOptions,
} from "../../mod.ts";
import { currentUser } from "../../src/kernel/open.ts";
import { objectName } from "../../src/kernel/object_name.ts";
import { parseIdentity } from "../../src/process/identity.ts";
import { slotsOf } from "../fixtures/counters.ts";
import { keyOf, listedSet, removeKey } from "../fixtures/sets.ts";
import { Child, type ChildOptions } from "./child.ts";
import { eventually } from "./eventually.ts";
import { isKept } from "./kept.ts";
import { removeTree, uniqueName, withDirectory } from "./names.ts";
import { onWindows } from "./platform.ts";
import { programCommand } from "./program.ts";
import { runtime, type RuntimeName } from "./runtime.ts";

/** The runtime that these tests do not run in. */
export const other: RuntimeName = runtime === "deno" ? "bun" : "deno";

export type Options = Readonly<Record<string, unknown>>;

export interface Acquired {
  readonly handle: number;
  readonly pid: number;
  readonly port?: number;
}

export interface Identity {
  readonly pid: number;
  readonly start: string;
}

export interface RecordOnDisk {
  readonly phase: string;
  readonly generation: number;
  readonly info?: Identity & { readonly port?: number };
  readonly supervisor?: Identity;
  readonly marks?: readonly string[];
  readonly failure?: { readonly code: string; readonly message: string };
}

export interface ClientOptions extends ChildOptions {
  readonly module?: string;
  readonly ready?: "true" | "false" | "throw" | "ask";
  /** A system call that is denied to it. */
  readonly deny?: string;
}

/**
 * The beginning of every service here: it notes its start in the journal, and that of an earlier one that still runs,
 * which must never be. It is ready once that is noted, unless a test says otherwise.
 */
const BEGIN = `
for old in $(sed -n 's/^start //p' "$JOURNAL"); do
  if [ -d /proc/self ]; then fate=$(sed 's/.*) //' "/proc/$old/stat" 2>/dev/null); else fate=$(ps -o stat= -p "$old"); fi
  case "$fate" in "" | Z* | X*) ;; *) echo "beside $old" >>"$JOURNAL" ;; esac
done
echo "start $$" >>"$JOURNAL"
echo noted
`;
const NOTED = { log: "^noted$" };

export class SupervisedStage {
  readonly name = uniqueName("supervised");
  /** A directory of the test's own. */
  readonly directory: string;
  readonly state: string;
  readonly journal: string;
  readonly #clients: Child[] = [];
  readonly #handles: ServiceHandle[] = [];
  readonly #supervisors: Identity[] = [];
  readonly #ends: (() => void)[] = [];

  constructor(directory: string) {
    this.directory = directory;
    this.state = join(directory, "state");
    this.journal = join(directory, "journal");
    mkdirSync(this.state, { mode: 0o700 });
    appendFileSync(this.journal, "");
  }

  /** The options of a service that is this shell script; `$$` is its process. Where there is no shell, `program` is it. */
  script(text: string, more: Options = {}, program?: string): Options {
    const env = { JOURNAL: this.journal, ...(more.env as Record<string, string> | undefined) };
    if (onWindows) assert.ok(program !== undefined, "the script has a program that stands for it");
    const command = onWindows ? programCommand(program!, "service") : ["sh", "-c", `${BEGIN}${text}`];
    return { command, directory: this.state, ready: NOTED, ...more, env };
  }

  /** The options of a service that sleeps. */
  sleeper(more: Options = {}): Options {
    return this.script("exec sleep 300", more, "await sleep()");
  }

  /** A client in this process; what it acquires is released when the test is over. */
  service(options: Options = this.sleeper(), name: string = this.name): SharedService {
    const service = new SharedService(name, options as unknown as SharedServiceOptions);
    return this.tracked(service);
  }

  tracked(service: SharedService): SharedService {
    const acquire = service.acquire.bind(service);
    service.acquire = async (wait): Promise<ServiceHandle> => {
      const handle = await acquire(wait);
      this.#handles.push(handle);
      this.record();
      return handle;
    };
    return service;
  }

  /** A client in a process of its own, which waits for calls. */
  async client(
    options: Options = this.sleeper(),
    { module, ready, deny, ...child }: ClientOptions = {},
  ): Promise<Child> {
    const configuration = JSON.stringify({ options, module, ready, deny });
    const client = new Child("supervised_client.ts", { ...child, args: [this.name, configuration] });
    this.#clients.push(client);
    await client.line("ready");
    return client;
  }

  /** A fixture of another kind, that is ended with the rest. */
  child(fixture: string, options: ChildOptions): Child {
    const child = new Child(fixture, options);
    this.#clients.push(child);
    return child;
  }

  /** Something else to be ended, whatever becomes of the test. */
  atEnd(end: () => void): void {
    this.#ends.push(end);
  }

  /** Notes something as a service does. */
  note(word: string, text: string | number): void {
    appendFileSync(this.journal, `${word} ${text}\n`);
  }

  /** What the services have noted, as lines of words. */
  notes(word: string): string[] {
    return readFileSync(this.journal, "utf8").split("\n").filter((line) => line.startsWith(`${word} `))
      .map((line) => line.slice(word.length + 1));
  }

  /** The processes of all lives of the service so far. */
  starts(): number[] {
    return this.notes("start").map(Number);
  }

  running(): number[] {
    // Programs say who they are; shells do not know it.
    const known = new Map(this.notes("born").map(parseIdentity).map((identity) => [identity.pid, identity]));
    const all = [...this.starts(), ...this.notes("child").map(Number)];
    return all.filter((pid) => processes.isAlive(known.get(pid) ?? pid));
  }

  /** Where the files of the service are, also when it is not there at the moment. */
  get folder(): string {
    const identity = { namespace: undefined, scope: "user", directory: this.state } as const;
    return join(this.state, objectName(this.name, currentUser(), identity).fileName);
  }

  /** The path of a file of the service, whether it is there or not; undefined without a directory of it. */
  file(name: string): string | undefined {
    const folders = existsSync(this.state) ? readdirSync(this.state) : [];
    const folder = folders.find((each) => !each.endsWith(".slots"));
    return folder && join(this.state, folder, name);
  }

  /** The record as it stands, or undefined. */
  record(): RecordOnDisk | undefined {
    const path = this.file("record.json");
    if (path === undefined) return undefined;
    try {
      const record: RecordOnDisk = JSON.parse(readFileSync(path, "utf8"));
      const { supervisor } = record;
      const known = this.#supervisors.some(({ pid, start }) => pid === supervisor?.pid && start === supervisor.start);
      if (supervisor !== undefined && !known) this.#supervisors.push(supervisor);
      return record;
    } catch {
      return undefined;
    }
  }

  async phase(wanted: string): Promise<RecordOnDisk> {
    await eventually(() => this.record()?.phase === wanted, `the record says ${wanted}`);
    return this.record()!;
  }

  /** Who is in office. */
  supervisor(): Identity {
    const supervisor = this.record()?.supervisor;
    assert.ok(supervisor, "a supervisor is on record");
    assert.ok(processes.isAlive(supervisor), "it runs");
    return supervisor;
  }

  /** Kills who is in office and waits until it is gone. */
  async killSupervisor(signal: NodeJS.Signals = "SIGKILL"): Promise<Identity> {
    const supervisor = this.supervisor();
    process.kill(supervisor.pid, onWindows ? "SIGKILL" : signal);
    await eventually(() => !processes.isAlive(supervisor), "the supervisor is gone");
    return supervisor;
  }

  counter(): Promise<RefCounter> {
    return openRefCounter(this.name, { directory: this.state });
  }

  get key(): number {
    return keyOf(this.name, { directory: this.state });
  }

  /** Whether there is a kernel object or directory that counts its references. */
  isCounted(): boolean {
    return isKept(this.name, { directory: this.state }) || existsSync(slotsOf(this.name, this.state));
  }

  /** Nothing is left of it: no process, no supervisor, no file, no kernel object. Nor did two ever run at once. */
  async assertNothingLeft(timeoutMs = 10_000): Promise<void> {
    await eventually(() => this.running().length === 0, "no service runs", timeoutMs);
    await eventually(() => !this.isCounted(), "the semaphores or lock files are gone", timeoutMs);
    // Windows removes a directory when the last one closes it that has looked at it.
    if (onWindows) await eventually(() => readdirSync(this.state).length === 0, "no file is left", timeoutMs);
    assert.deepEqual(readdirSync(this.state), [], "no file is left");
    const ended = (): boolean => this.#supervisors.every((supervisor) => !processes.isAlive(supervisor));
    await eventually(ended, "no supervisor runs", timeoutMs);
    assert.deepEqual(this.notes("beside"), [], "no life began beside another");
  }

  /** Nothing of any service in this state directory is left, of whatever namespace. */
  async assertAllStopped(): Promise<void> {
    const stopped = (): boolean => this.running().length === 0 && readdirSync(this.state).length === 0;
    await eventually(stopped, "no service runs, and no file is left");
  }

  async close(): Promise<void> {
    for (const end of this.#ends) end();
    for (const client of this.#clients) await client[Symbol.asyncDispose]();
    await Promise.allSettled(this.#handles.map((handle) => handle.release()));
    this.record();
    try {
      await eventually(() => !this.isCounted(), "all is cleared up", 5000);
    } catch {
      // The test has failed, or a stranger was played: what is left is ended here.
      for (const supervisor of this.#supervisors) processes.kill(supervisor);
      if (!onWindows && listedSet(this.key) !== undefined) removeKey(this.key);
    }
    for (const pid of this.running()) processes.kill(pid);
    removeTree(this.state);
  }
}

/** Runs a test on a stage, and clears it away whatever happened. */
export async function onStage(work: (stage: SupervisedStage) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    const stage = new SupervisedStage(directory);
    try {
      await work(stage);
    } finally {
      await stage.close();
    }
  });
}
