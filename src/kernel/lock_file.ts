/**
 * A file that is open to be locked, whatever locks it.
 *
 * @module
 */

/** What a lock file says: two numbers of 32 bits, 0 where nothing was written. */
export type Words = readonly [first: number, second: number];

/**
 * A file that is open to be locked. The lock belongs to this opening of it: another one, of this process or any other, is
 * a stranger. It is gone when the file is closed or the process dies. Programs that the process starts do not inherit it;
 * a child by a plain fork, which only native code can make, has it too until it ends or becomes another program.
 */
export interface LockFile {
  /** What tells the open file from all others: device and inode. */
  readonly inode: string;
  /** Whether a path leads to what is open. */
  isAt(path: string): boolean;
  /**
   * Takes the lock, or changes its kind, unless somebody else has one that excludes it; then it may have none any more.
   *
   * @throws ProcrefError `LOCK`
   */
  tryLock(kind: "shared" | "exclusive"): boolean;
  /** Waits for the shared lock on another thread, inside the kernel; it may come back without it. */
  awaitShared(): Promise<void>;
  /** Gives the lock back. */
  unlock(): void;
  /** What the file says. */
  read(): Words;
  /**
   * Writes in place what the file shall say: one small write, which a death does not divide.
   *
   * @throws ProcrefError `IO`
   */
  write(first: number, second?: number): void;
  /** Closes the file and gives its lock back. */
  close(): void;
}

/** How many bytes a lock file has, once something was written. */
export const WORDS_SIZE = 8;

/** What bytes of a file say, of which there were so many. */
export function wordsOf(bytes: Uint8Array, length: number): Words {
  if (length < WORDS_SIZE) return [0, 0];
  const view = new DataView(bytes.buffer);
  return [view.getUint32(0, true), view.getUint32(4, true)];
}

/** The bytes that say two numbers. */
export function bytesOf(first: number, second: number): Uint8Array {
  const bytes = new Uint8Array(WORDS_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, first, true);
  view.setUint32(4, second, true);
  return bytes;
}
