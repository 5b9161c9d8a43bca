/**
 * One instance of a program at a time, by a lock that the kernel keeps for as long as the program lives.
 *
 * | what is at the path | what happens |
 * | --- | --- |
 * | nothing | the file is made |
 * | a file that a living instance has locked | `ALREADY_RUNNING`, with its PID |
 * | a file that nobody has locked: stale, empty, with a PID that another process or this one has now | it is taken over |
 * | a file that never was one of an instance (it holds anything but a PID) | `BROKEN_FILE`, and it stays as it is |
 *
 * | the program dies | what is left |
 * | --- | --- |
 * | before it has locked the file | nothing, or an empty file |
 * | while it has it locked | the file, unlocked: the next one takes it over at once |
 * | while it removes it | the file, unlocked, or nothing |
 *
 * The file goes after all shutdown hooks, whatever ends the program but force: a successor does not begin while this one
 * still drains its server.
 *
 * @module
 */

import { resolve } from "node:path";
import process from "node:process";
import { ProcrefError } from "../errors.ts";
import { PathLock } from "../kernel/path_lock.ts";
import { until } from "../waiting.ts";
import { type InstanceInfo, isInstanceAlive, ownInstanceText, readInstanceFile } from "./instance_file.ts";
import { type Lifecycle, processLifecycle, tell } from "./lifecycle.ts";

/** For how long an owner may have the lock without having written who it is, in milliseconds. */
const INTRODUCTION_MS = 1000;
/** For how long a number is doubted that cannot be checked: somebody may just be asking for the status. */
const DOUBT_MS = 100;

/** How an instance is kept alone. */
export interface InstanceOptions {
  /** The life that it belongs to: that of this process unless given. */
  readonly lifecycle?: Lifecycle;
}

/** That this process is the only instance. Dispose it to give that up, and the file with it, before the program ends. */
export class Instance implements Disposable {
  /** The file that stands for it. */
  readonly path: string;
  readonly #lock: PathLock;
  readonly #onExit = (): void => this.release();
  readonly #unregister: () => boolean;

  /** For {@link ensureSingleInstance}. */
  constructor(lock: PathLock, lifecycle: Lifecycle) {
    this.path = lock.path;
    this.#lock = lock;
    const name = `release ${lock.path}`;
    this.#unregister = lifecycle.registerShutdownHook(() => this.release(), { name, last: true });
    process.on("exit", this.#onExit);
  }

  /** Whether this process still is the only one: nobody has removed or replaced the file. */
  isHeld(): boolean {
    return this.#lock.isOurs();
  }

  /** Removes the file, unless a stranger has replaced it, and gives the lock back. Safe to call again. */
  release(): void {
    this.#unregister();
    process.off("exit", this.#onExit);
    if (!this.#lock.held) return;
    try {
      this.#lock.remove();
    } catch (error) {
      // The lock is given back all the same, and only the lock counts.
      tell(`warning: ${(error as Error).message}`);
    }
  }

  /** As `release()`. */
  [Symbol.dispose](): void {
    this.release();
  }
}

/**
 * Makes this process the only instance of its program, or says which one is.
 *
 * The kernel decides by the lock on the file. What the file says (PID and start time) is for people, for
 * {@link status}, and for programs that read PID files. Two that start at the same moment never both win. The file goes
 * after all shutdown hooks; when this process is killed it stays, unlocked, and is in nobody's way.
 *
 * @param path the file, relative to the working directory; owner-only directories are made on the way to it. All who
 * shall exclude each other must name the same file on a file system of this machine, as users who may write to it
 * @param options the lifecycle that it belongs to
 * @returns the instance, held until the program ends or disposes it
 * @throws ProcrefError `ALREADY_RUNNING` with the other one's PID in `details.pid`; `BROKEN_FILE` when the file is none
 * of an instance; `STATE_DIRECTORY` on a file system whose locks cannot be trusted; `PERMISSION`, `IO`, `LOCK`,
 * `PLATFORM`, `LIBRARY`
 *
 * @example
 * ```ts
 * import { ensureSingleInstance, status } from "@procref/core/lifecycle";
 * import assert from "node:assert/strict";
 * import process from "node:process";
 *
 * {
 *   using _instance = await ensureSingleInstance("example.pid");
 *   assert.equal(status("example.pid").pid, process.pid);
 *   await assert.rejects(ensureSingleInstance("example.pid"), { code: "ALREADY_RUNNING" });
 * }
 * assert.equal(status("example.pid").running, false);
 * ```
 */
export async function ensureSingleInstance(path: string, options: InstanceOptions = {}): Promise<Instance> {
  const { lifecycle = processLifecycle() } = options;
  const lock = new PathLock(resolve(path));
  try {
    await takeLock(lock);
    // Looked at with the lock: what is there now is nobody's.
    readInstanceFile(lock.path);
    lock.write(ownInstanceText());
    return new Instance(lock, lifecycle);
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** Takes the lock, or throws once it is known who has it. */
async function takeLock(lock: PathLock): Promise<void> {
  const began = performance.now();
  let owner: InstanceInfo | undefined;
  const isOver = (): boolean => {
    if (lock.tryLock()) return true;
    owner = readInstanceFile(lock.path);
    const alive = owner && isInstanceAlive(owner);
    if (alive === true) throw alreadyRunning(lock.path, owner);
    const patience = alive === "unknown" ? DOUBT_MS : INTRODUCTION_MS;
    // It may have died since, or not have written yet what it is; or its number is of another PID namespace.
    if (performance.now() - began >= patience) throw alreadyRunning(lock.path, owner);
    return false;
  };
  await until(isOver, {}, () => `lock ${lock.path}`);
}

function alreadyRunning(path: string, owner: InstanceInfo | undefined): ProcrefError {
  const who = owner === undefined ? "a process that has not said its PID" : `process ${owner.pid}`;
  const details = { path, ...(owner === undefined ? {} : { pid: owner.pid }) };
  const message = `Cannot start another instance: ${who} has ${path} locked; stop it first, or name another file`;
  return new ProcrefError("ALREADY_RUNNING", message, { details });
}
