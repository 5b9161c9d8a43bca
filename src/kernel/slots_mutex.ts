/**
 * The mutex that makes each step of a counter of lock files one. It is held for microseconds, so it is waited for
 * without giving way to anything else, but not for ever: whoever has it may have been stopped (SIGSTOP) in the middle.
 *
 * @module
 */

import { isWindows } from "../../ffi/windows.ts";
import { type ErrorCode, ProcrefError } from "../errors.ts";
import { blockUntil } from "./blocking_wait.ts";
import type { LockFile, Words } from "./lock_file.ts";
import type { SlotFiles } from "./slot_files.ts";

/**
 * How long a step waits for the steps of others, in milliseconds: with fifty processes on two idle cores some 100, with
 * eighteen busy programs beside them more than 2,000.
 */
const LONGEST_WAIT_MS = 10_000;

/** How an attempt to begin a step went; `gone` is for one that was not to make anything and found nothing. */
export type Begun = "entered" | "busy" | "gone";

/** The mutex of one name, as one object sees it. */
export class SlotsMutex {
  readonly #files: SlotFiles;
  readonly #describe: string;
  readonly #checkAlone: () => void;
  #file: LockFile | undefined;
  /** Whether it was looked, since this file was opened, that nobody counts the name in another way. */
  #alone = false;

  /**
   * @param checkAlone is called when another file than before was opened, before it is locked for more than a look
   */
  constructor(files: SlotFiles, describe: string, checkAlone: () => void) {
    this.#files = files;
    this.#describe = describe;
    this.#checkAlone = checkAlone;
  }

  /** Device and inode of the mutex that was entered last: while it is the same, so is the counter. */
  get inode(): string | undefined {
    return this.#file?.inode;
  }

  /**
   * Begins a step, waiting for those of others.
   *
   * @param create whether to make the counter when there is none
   * @returns whether it began; false when there is no counter
   * @throws ProcrefError of the given code when somebody is in the middle of a step for more than 10 seconds; those of
   * opening
   */
  enter(create: boolean, code: ErrorCode, doing: string): boolean {
    let begun: Begun = "busy";
    const attempt = (): boolean => (begun = this.tryEnter(create)) !== "busy";
    if (!blockUntil(attempt, LONGEST_WAIT_MS)) throw this.#stuck(code, doing);
    return (begun as Begun) === "entered";
  }

  /**
   * Begins a step if nobody else is in the middle of one.
   *
   * @throws ProcrefError those of opening
   */
  tryEnter(create: boolean): Begun {
    for (;;) {
      const file = this.#file ??= this.#files.openMutex(create);
      if (file === undefined) return "gone";
      if (create && !this.#alone) {
        this.#checkAlone();
        this.#alone = true;
      }
      if (!file.tryLock("exclusive")) {
        // One who removes the counter has it locked to the end.
        if (this.#files.isMutex(file)) return "busy";
      } else if (this.#files.isMutex(file)) {
        return "entered";
      }
      this.close();
    }
  }

  /** Ends the step. */
  leave(): void {
    this.#file?.unlock();
  }

  /** Within a step: what is written in the mutex. */
  read(): Words {
    return this.#file!.read();
  }

  /** Within a step: writes it. */
  write(first: number, second: number): void {
    this.#file!.write(first, second);
  }

  /** Forgets the file, and ends the step. */
  close(): void {
    this.#alone = false;
    if (this.#file === undefined) return;
    this.#file.close();
    this.#file = undefined;
    this.#files.sweep();
  }

  #stuck(code: ErrorCode, doing: string): ProcrefError {
    return new ProcrefError(
      code,
      `Cannot ${doing} ${this.#describe}: a process has been in the middle of a step for ${LONGEST_WAIT_MS} ms, as one ` +
        (isWindows()
          ? "that is suspended is; let it go on or end it"
          : "that is stopped (SIGSTOP) is; `/proc/locks` shows it; continue it or end it"),
    );
  }
}
