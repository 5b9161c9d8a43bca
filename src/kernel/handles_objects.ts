/**
 * The named kernel objects of a counter on Windows: their names, what is shared in memory, and the latch under which
 * they are looked at together.
 *
 * @module
 */

import process from "node:process";
import { windowsError } from "../../ffi/last_error.ts";
import { WINDOWS, WINDOWS_ERROR as E } from "../../ffi/symbols/kernel32.ts";
import { type SharedMemory, wideText, type Windows } from "../../ffi/windows.ts";
import { windowsProcessCalls } from "../../ffi/windows_processes.ts";
import { type ErrorCode, ProcrefError } from "../errors.ts";
import type { ObjectName } from "./object_name.ts";

/** What is held by having a handle. */
export type Held = "references" | "gate" | "seat";

/**
 * The shared memory: 32-bit words, each written by one store, so that a writer who dies leaves the old value or the new
 * one. New memory is zero, which is the value that a new counter has.
 */
const WORD = {
  /** The generation in the lower half, the incarnation in the upper one: they change together. */
  generation: 0,
  /** How many references were ever taken. */
  entries: 4,
  /** The process that took the gate last. */
  gateOwner: 8,
  /** The process that took the latch last. */
  latchOwner: 12,
} as const;
const MEMORY_SIZE = 4096;
/**
 * The steps under the latch take microseconds: whoever has it for so long has been stopped in the middle of one, also on
 * a machine that has far too much to do.
 */
const LATCH_LIMIT_MS = 10_000;
/** How long the kernel may take for the rest of a process that died with the latch: its number may be another's by then. */
const RUNDOWN_LIMIT_MS = 1000;
/** How many names are kept in the form that Windows takes. */
const MOST_NAMES = 16;
const READ_AND_WRITE = WINDOWS.FILE_MAP_READ | WINDOWS.FILE_MAP_WRITE;

interface Attached {
  readonly section: bigint;
  readonly latch: bigint;
  readonly memory: SharedMemory;
}

/**
 * The objects of one name, in the namespace of the session. The kernel removes each of them when its last handle is
 * closed, which it does itself for a process that dies.
 *
 * - The **section** is the shared memory. Whoever uses the counter has a handle of it.
 * - The **latch** is a mutex, had for the few calls of one step and never longer; one that its owner died with counts
 *   as free. It belongs to a thread of the system, which is no matter: a step does not wait, so it stays on its thread.
 * - **references**, **gate** and **seat** are events that nobody ever sets. To have a handle is to hold; of gate and
 *   seat there is one handle only. Unlike mutexes they do not care which thread lets go.
 *
 * The names of those three have the **incarnation** in them: a counter is removed by moving it on, and whoever still
 * holds something of the earlier one holds nothing any more.
 */
export class HandleObjects {
  readonly #windows: Windows;
  readonly #name: ObjectName;
  readonly #prefix: string;
  readonly #wide = new Map<string, Uint8Array>();
  #attached: Attached | undefined;
  #attachments = 0;

  constructor(windows: Windows, name: ObjectName) {
    this.#windows = windows;
    this.#name = name;
    const digits = Array.from(name.digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0"));
    this.#prefix = `Local\\procref.${digits.join("")}`;
  }

  /** What the counter is called in messages. */
  describe(): string {
    return `"${this.#name.name}" (kernel objects ${this.#prefix}.*)`;
  }

  /** Whether the section is open here. */
  get isAttached(): boolean {
    return this.#attached !== undefined;
  }

  /** What changes when the counter is removed, also by this process; undefined while the section is not open here. */
  get era(): string | undefined {
    return this.isAttached ? `${this.#attachments}.${this.incarnation}` : undefined;
  }

  /**
   * Opens section and latch.
   *
   * @param create whether to make them when they do not exist
   * @returns whether they are open now
   * @throws ProcrefError `REF_COUNTER_INIT`, `KEY_COLLISION`, `FOREIGN_OBJECT`
   */
  attach(create: boolean): boolean {
    if (this.#attached !== undefined) return true;
    const { CreateFileMappingW, OpenFileMappingW, CreateMutexW, CloseHandle, mapView } = this.#windows;
    const name = this.#wideName("state");
    const section = create
      ? CreateFileMappingW(WINDOWS.INVALID_HANDLE_VALUE, null, WINDOWS.PAGE_READWRITE, 0, MEMORY_SIZE, name)
      : OpenFileMappingW(READ_AND_WRITE, 0, name);
    if (!create && section === -E.ERROR_FILE_NOT_FOUND) return false;
    this.#check(section, create ? "CreateFileMappingW" : "OpenFileMappingW");
    const latch = CreateMutexW(null, 0, this.#wideName("latch"));
    const memory = latch < 0 ? latch : mapView(BigInt(section), READ_AND_WRITE, MEMORY_SIZE);
    if (typeof memory === "number") {
      for (const handle of [section, latch]) if (handle > 0) CloseHandle(BigInt(handle));
      this.#check(memory, latch < 0 ? "CreateMutexW" : "MapViewOfFile");
    } else {
      this.#attached = { section: BigInt(section), latch: BigInt(latch), memory };
      this.#attachments++;
    }
    return true;
  }

  /** Closes section and latch. */
  detach(): void {
    if (this.#attached === undefined) return;
    const { section, latch, memory } = this.#attached;
    this.#attached = undefined;
    this.#windows.unmapView(memory);
    for (const handle of [latch, section]) this.#windows.CloseHandle(handle);
  }

  /**
   * Does one step while nobody else does one. The objects must be attached.
   *
   * @param code the error of a latch that cannot be had
   * @param doing the step, as it follows "Cannot"
   */
  underLatch<T>(code: ErrorCode, doing: string, work: () => T): T {
    const { latch } = this.#attached!;
    const result = this.#windows.WaitForSingleObject(latch, LATCH_LIMIT_MS);
    // An abandoned latch is had like any other: its owner died, and what it held goes with it.
    if (result !== WINDOWS.WAIT_OBJECT_0 && result !== WINDOWS.WAIT_ABANDONED) throw this.#noLatch(code, doing, result);
    try {
      if (result === WINDOWS.WAIT_ABANDONED) this.#awaitRundown(this.#word(WORD.latchOwner));
      this.#setWord(WORD.latchOwner, process.pid);
      return work();
    } finally {
      this.#windows.ReleaseMutex(latch);
    }
  }

  /** Whether anybody holds gate or seat. */
  isHeld(what: Held): boolean {
    const handle = this.#open(what);
    if (handle === undefined) return false;
    this.close(handle);
    return true;
  }

  /**
   * How many handles are held.
   *
   * @param own a handle of ours among them; without it, one is opened and subtracted
   */
  count(what: Held, own?: bigint): number {
    const handle = own ?? this.#open(what);
    if (handle === undefined) return 0;
    try {
      return this.#countOf(handle) - (own === undefined ? 1 : 0);
    } finally {
      if (own === undefined) this.close(handle);
    }
  }

  /**
   * Holds, unless as many do as may.
   *
   * @param most how many may
   * @returns the handle
   */
  hold(what: Held, most: number): bigint | undefined {
    const handle = this.#windows.CreateEventW(null, 1, 0, this.#wideName(`${this.incarnation}.${what}`));
    this.#check(handle, "CreateEventW");
    const held = BigInt(handle);
    let kept = false;
    try {
      kept = this.#countOf(held) <= most;
    } finally {
      if (!kept) this.close(held);
    }
    return kept ? held : undefined;
  }

  /**
   * Lets go.
   *
   * @param code the error of a handle that is none, and what was to be done, as it follows "Cannot"
   */
  close(handle: bigint, code: ErrorCode = "COUNT", doing = "read"): void {
    const result = this.#windows.CloseHandle(handle);
    if (result >= 0) return;
    throw windowsError(code, `${doing} ${this.describe()}`, "CloseHandle", result, "", { name: this.#name.name });
  }

  /** The how-manieth counter of this name it is, of those that were removed under somebody's hands. */
  get incarnation(): number {
    return this.#word(WORD.generation) >>> 16;
  }

  /** How often something was published or withdrawn. */
  get generation(): number {
    return this.#word(WORD.generation) & 0xffff;
  }

  set generation(generation: number) {
    this.#setWord(WORD.generation, this.incarnation << 16 | generation);
  }

  /** How many references were ever taken, up to where 32 bits begin anew. */
  get entries(): number {
    return this.#word(WORD.entries);
  }

  /** One more reference was taken. */
  noteEntry(): void {
    this.#setWord(WORD.entries, this.entries + 1);
  }

  /** The process that took the gate last, or 0. */
  get gateOwner(): number {
    return this.#word(WORD.gateOwner);
  }

  set gateOwner(pid: number) {
    this.#setWord(WORD.gateOwner, pid);
  }

  /** Removes the counter: the next incarnation is a new one, with nothing held and nothing published. */
  moveOn(): void {
    this.#setWord(WORD.generation, this.incarnation + 1 << 16);
  }

  /**
   * Waits until a process that died in the middle of a step is completely gone. The kernel frees its latch first, then
   * closes its handles one by one, and among them may be one by which it looked at gate or seat, which is no holder.
   */
  #awaitRundown(pid: number): void {
    const handle = windowsProcessCalls().OpenProcess(WINDOWS.SYNCHRONIZE, 0, pid);
    // There is none of this number any more.
    if (handle < 0) return;
    this.#windows.WaitForSingleObject(BigInt(handle), RUNDOWN_LIMIT_MS);
    this.#windows.CloseHandle(BigInt(handle));
  }

  #word(at: number): number {
    return this.#attached!.memory.view.getUint32(at, true);
  }

  #setWord(at: number, value: number): void {
    this.#attached!.memory.view.setUint32(at, value, true);
  }

  /** Opens what somebody holds, for a moment. */
  #open(what: Held): bigint | undefined {
    const name = this.#wideName(`${this.incarnation}.${what}`);
    const handle = this.#windows.OpenEventW(WINDOWS.SYNCHRONIZE, 0, name);
    if (handle === -E.ERROR_FILE_NOT_FOUND) return undefined;
    this.#check(handle, "OpenEventW");
    return BigInt(handle);
  }

  #countOf(handle: bigint): number {
    const count = this.#windows.handleCount(handle);
    if (count >= 0) return count;
    const status = (count >>> 0).toString(16);
    throw new ProcrefError("COUNT", `Cannot count ${this.describe()}: NtQueryObject gave the status 0x${status}`, {
      details: { name: this.#name.name, call: "NtQueryObject", errno: count },
    });
  }

  #wideName(part: string): Uint8Array {
    let wide = this.#wide.get(part);
    if (wide === undefined) {
      // Those of earlier incarnations are of no use.
      if (this.#wide.size > MOST_NAMES) this.#wide.clear();
      this.#wide.set(part, wide = wideText(`${this.#prefix}.${part}`));
    }
    return wide;
  }

  #check(result: number, call: string): void {
    if (result >= 0) return;
    const details = { name: this.#name.name };
    const [code, remedy]: [ErrorCode, string] = result === -E.ERROR_ACCESS_DENIED
      ? ["FOREIGN_OBJECT", "it is not ours: another user made it, or this user with other rights (as administrator)"]
      : result === -E.ERROR_INVALID_HANDLE
      ? ["KEY_COLLISION", "another program uses the name for another kind of object; choose another name or namespace"]
      : ["REF_COUNTER_INIT", ""];
    throw windowsError(code, `open ${this.describe()}`, call, result, remedy, details);
  }

  #noLatch(code: ErrorCode, doing: string, result: number): ProcrefError {
    const details = { name: this.#name.name };
    const what = `${doing} ${this.describe()}`;
    if (result !== WINDOWS.WAIT_TIMEOUT) return windowsError(code, what, "WaitForSingleObject", result, "", details);
    return new ProcrefError(
      code,
      `Cannot ${what}: a process has been in the middle of a step for ${LATCH_LIMIT_MS} ms; if it is suspended, let ` +
        "it go on or end it",
      { details },
    );
  }
}
