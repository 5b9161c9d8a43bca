/**
 * Starting a program on Windows that outlives whoever starts it: with a console of its own, outside of their job, and
 * with nothing inherited but its three standard streams.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { parse } from "node:path";
import { windowsError } from "../../../ffi/last_error.ts";
import { WINDOWS, WINDOWS_ERROR as E } from "../../../ffi/symbols/kernel32.ts";
import { JOB_LIMITS, PROCESS, PROCESS_INFORMATION, STARTUP_INFO } from "../../../ffi/symbols/windows_processes.ts";
import { wideText, windows } from "../../../ffi/windows.ts";
import { windowsProcessCalls } from "../../../ffi/windows_processes.ts";
import { ProcrefError } from "../../errors.ts";
import type { DetachedProcess, DetachedStart } from "../detached_process.ts";
import { commandLine } from "./command_line.ts";
import { giveRequestEvent } from "./process_handle.ts";

/** How often it is looked whether the program has said something, in milliseconds. */
const LOOK_MS = 5;
/** How much of the end of the program's errors is kept, in characters. */
const ERRORS_LENGTH = 2000;
/** The memory of an attribute list with two attributes, with room to spare. */
const ATTRIBUTES_SIZE = 256;
const POINTER_SIZE = 8;

/** The two ends of a pipe. */
interface Pipe {
  readonly read: bigint;
  readonly write: bigint;
}

/**
 * Starts a program that is no matter of this process, its console and its job.
 *
 * @throws ProcrefError `SUPERVISOR` when it cannot be started
 */
export function startDetachedProgram({ command, env, input }: DetachedStart): DetachedProcess {
  const pipes: Pipe[] = [];
  const handles = new Set<bigint>();
  const pipe = (size: number, theirs: keyof Pipe): Pipe => {
    const made = makePipe(size, theirs);
    pipes.push(made);
    for (const handle of [made.read, made.write]) handles.add(handle);
    return made;
  };
  try {
    const bytes = new TextEncoder().encode(input.text);
    const orders = pipe(bytes.length + 1, "read");
    fill(orders.write, bytes);
    const [output, errors] = [pipe(0, "write"), pipe(0, "write")];
    const streams = [orders.read, output.write, errors.write];
    const { handle: started } = startProgram({ command, env, cwd: undefined }, streams);
    for (const kept of [output.read, errors.read]) handles.delete(kept);
    return new StartedProgram(started, output.read, errors.read);
  } finally {
    for (const handle of handles) windows().CloseHandle(handle);
  }
}

/** A pipe, of which one end can be inherited. */
function makePipe(size: number, theirs: keyof Pipe): Pipe {
  const { CreatePipe, SetHandleInformation } = windowsProcessCalls();
  const [read, write] = [new DataView(new ArrayBuffer(8)), new DataView(new ArrayBuffer(8))];
  demand("CreatePipe", CreatePipe(new Uint8Array(read.buffer), new Uint8Array(write.buffer), null, size));
  const pipe = { read: read.getBigUint64(0, true), write: write.getBigUint64(0, true) };
  const result = SetHandleInformation(pipe[theirs], PROCESS.HANDLE_FLAG_INHERIT, PROCESS.HANDLE_FLAG_INHERIT);
  demand("SetHandleInformation", result);
  return pipe;
}

/**
 * Writes all into a pipe that nobody reads yet: whatever becomes of this process, the text is there as a whole. It never
 * waits: a pipe that does not hold it all is an error.
 */
function fill(write: bigint, bytes: Uint8Array): void {
  const { SetNamedPipeHandleState, WriteFile } = windowsProcessCalls();
  const word = new DataView(new ArrayBuffer(4));
  const wordBytes = new Uint8Array(word.buffer);
  word.setUint32(0, PROCESS.PIPE_NOWAIT, true);
  demand("SetNamedPipeHandleState", SetNamedPipeHandleState(write, wordBytes, null, null));
  demand("WriteFile", WriteFile(write, bytes, bytes.length, wordBytes, null));
  const written = word.getUint32(0, true);
  if (written < bytes.length) throw failed(`a pipe took ${written} of ${bytes.length} bytes`);
}

/** What a program of Windows is started with. */
export interface ProgramStart {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Its working directory; undefined for the root of its drive. */
  readonly cwd: string | undefined;
}

/**
 * Starts a program that is no matter of this process, its console and its job, with three handles as its standard
 * streams, which must be inheritable. Windows makes a process first and lets it run then: if this process is killed
 * between, nobody ever would. So it is in a job that ends it then, and that lets it go once it runs.
 *
 * @returns the handle of its process, to be closed by whoever calls this, and its PID
 * @throws ProcrefError `SUPERVISOR`
 */
export function startProgram(
  { command, env, cwd }: ProgramStart,
  streams: readonly bigint[],
): { readonly handle: bigint; readonly pid: number } {
  const { CreateProcessW, LocalFree } = windowsProcessCalls();
  const startup = new DataView(new ArrayBuffer(STARTUP_INFO.size));
  startup.setUint32(STARTUP_INFO.cb, STARTUP_INFO.size, true);
  startup.setUint32(STARTUP_INFO.flags, PROCESS.STARTF_USESTDHANDLES, true);
  [STARTUP_INFO.input, STARTUP_INFO.output, STARTUP_INFO.error].forEach((at, index) =>
    startup.setBigUint64(at, streams[index], true)
  );
  const job = BigInt(demand("CreateJobObjectW", windowsProcessCalls().CreateJobObjectW(null, null)));
  limit(job, PROCESS.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | PROCESS.JOB_OBJECT_LIMIT_BREAKAWAY_OK);
  const attributes = onlyInherits([...new Set(streams)], job);
  startup.setBigUint64(STARTUP_INFO.attributes, attributes, true);
  const information = new DataView(new ArrayBuffer(PROCESS_INFORMATION.size));
  const start = (more: number): number =>
    CreateProcessW(
      wideText(command[0]),
      wideText(commandLine(command)),
      null,
      null,
      1,
      PROCESS.CREATE_NO_WINDOW | PROCESS.CREATE_UNICODE_ENVIRONMENT | PROCESS.EXTENDED_STARTUPINFO_PRESENT | more,
      wideText(environmentBlock(env)),
      wideText(cwd ?? (parse(command[0]).root || "C:\\")),
      new Uint8Array(startup.buffer),
      new Uint8Array(information.buffer),
    );
  try {
    let result = start(PROCESS.CREATE_BREAKAWAY_FROM_JOB);
    // The job of this process lets nobody go: then its end is also that of what is started here.
    if (result === -E.ERROR_ACCESS_DENIED) result = start(0);
    demand("CreateProcessW", result);
    limit(job, PROCESS.JOB_OBJECT_LIMIT_BREAKAWAY_OK);
  } finally {
    windows().CloseHandle(job);
    LocalFree(attributes);
  }
  windows().CloseHandle(information.getBigUint64(PROCESS_INFORMATION.thread, true));
  const handle = information.getBigUint64(PROCESS_INFORMATION.process, true);
  const pid = information.getUint32(PROCESS_INFORMATION.pid, true);
  giveRequestEvent(pid, handle);
  return { handle, pid };
}

function limit(job: bigint, flags: number): void {
  const limits = new DataView(new ArrayBuffer(JOB_LIMITS.size));
  limits.setUint32(JOB_LIMITS.flags, flags, true);
  const bytes = new Uint8Array(limits.buffer);
  const { SetInformationJobObject } = windowsProcessCalls();
  const result = SetInformationJobObject(job, PROCESS.JobObjectExtendedLimitInformation, bytes, bytes.length);
  demand("SetInformationJobObject", result);
}

/**
 * An attribute list by which a process inherits these handles and no others, and is in a job from its first moment. It
 * is in memory that does not move.
 */
function onlyInherits(handles: readonly bigint[], job: bigint): bigint {
  const { LocalAlloc, WriteProcessMemory, InitializeProcThreadAttributeList, UpdateProcThreadAttribute } =
    windowsProcessCalls();
  const list = new DataView(new ArrayBuffer(POINTER_SIZE * (handles.length + 1)));
  [...handles, job].forEach((handle, index) => list.setBigUint64(POINTER_SIZE * index, handle, true));
  const bytes = new Uint8Array(list.buffer);
  const size = new DataView(new ArrayBuffer(8));
  size.setBigUint64(0, BigInt(ATTRIBUTES_SIZE), true);
  const memory = BigInt(demand("LocalAlloc", LocalAlloc(0, BigInt(ATTRIBUTES_SIZE + bytes.length))));
  const values = memory + BigInt(ATTRIBUTES_SIZE);
  demand("WriteProcessMemory", WriteProcessMemory(PROCESS.CURRENT, values, bytes, BigInt(bytes.length), null));
  const initialized = InitializeProcThreadAttributeList(memory, 2, 0, new Uint8Array(size.buffer));
  demand("InitializeProcThreadAttributeList", initialized);
  const inherited = BigInt(POINTER_SIZE * handles.length);
  for (
    const [attribute, at, length] of [
      [PROCESS.PROC_THREAD_ATTRIBUTE_HANDLE_LIST, values, inherited],
      [PROCESS.PROC_THREAD_ATTRIBUTE_JOB_LIST, values + inherited, BigInt(POINTER_SIZE)],
    ] as const
  ) {
    const updated = UpdateProcThreadAttribute(memory, 0, BigInt(attribute), at, length, null, null);
    demand("UpdateProcThreadAttribute", updated);
  }
  return memory;
}

/** The variables as Windows takes them: in order, each with a NUL behind it, and one more at the end. */
function environmentBlock(env: Readonly<Record<string, string>>): string {
  const entries = Object.entries(env).map(([name, value]) => ({ key: name.toUpperCase(), text: `${name}=${value}\0` }));
  return entries.sort((one, other) => one.key < other.key ? -1 : 1).map(({ text }) => text).join("") || "\0";
}

class StartedProgram implements DetachedProcess {
  readonly #process: bigint;
  readonly #output: bigint;
  readonly #errors: bigint;

  constructor(process: bigint, output: bigint, errors: bigint) {
    this.#process = process;
    this.#output = output;
    this.#errors = errors;
  }

  async firstLine(timeoutMs: number): Promise<{ line: string | undefined | "late"; errors: string }> {
    const deadline = performance.now() + timeoutMs;
    const [output, errors] = [new TextDecoder(), new TextDecoder()];
    let said = "";
    let complaint = "";
    for (;;) {
      // Asked first: what it said before its end is read after it.
      const ended = windows().WaitForSingleObject(this.#process, 0) !== WINDOWS.WAIT_TIMEOUT;
      said += output.decode(readWhatIsThere(this.#output), { stream: true });
      complaint = (complaint + errors.decode(readWhatIsThere(this.#errors), { stream: true })).slice(-ERRORS_LENGTH);
      const end = said.indexOf("\n");
      if (end >= 0) return { line: said.slice(0, end).replace(/\r$/, ""), errors: complaint };
      if (ended) return { line: undefined, errors: complaint };
      if (performance.now() >= deadline) return { line: "late", errors: complaint };
      await delay(LOOK_MS);
    }
  }

  release(): void {
    for (const handle of [this.#process, this.#output, this.#errors]) windows().CloseHandle(handle);
  }
}

/** What is in a pipe at the moment; of one that nobody has any more, what is left. */
function readWhatIsThere(pipe: bigint): Uint8Array {
  const { PeekNamedPipe, ReadFile } = windowsProcessCalls();
  const word = new DataView(new ArrayBuffer(4));
  const wordBytes = new Uint8Array(word.buffer);
  if (PeekNamedPipe(pipe, null, 0, null, wordBytes, null) < 0) return new Uint8Array(0);
  const bytes = new Uint8Array(new ArrayBuffer(word.getUint32(0, true)));
  if (bytes.length === 0 || ReadFile(pipe, bytes, bytes.length, wordBytes, null) < 0) return new Uint8Array(0);
  return bytes.subarray(0, word.getUint32(0, true));
}

function demand(call: string, result: number): number {
  if (result >= 0) return result;
  throw windowsError("SUPERVISOR", "start a program that outlives this one", call, result);
}

function failed(why: string): ProcrefError {
  return new ProcrefError("SUPERVISOR", `Cannot start a program that outlives this one: ${why}`);
}
