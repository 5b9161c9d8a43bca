/**
 * Replacing a file as a whole: whoever reads it sees the old text or the new one, also when the writer dies.
 *
 * @module
 */

import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";

/** How a file is replaced. */
export interface Replacement {
  /** Where the new text is until it is whole; one writer at a time may use it. `PATH.tmp` unless given. */
  readonly temporary?: string;
  /** The permissions of the file: 0600 unless given. */
  readonly mode?: number;
  /** Whether the text shall be on the disk before it takes the place of the old one, so that no power cut divides it. */
  readonly isDurable?: boolean;
}

/**
 * Replaces a file. What a writer that died has left at the temporary path is removed; the new file is made by this very
 * call, so that nothing which somebody has put there is written to.
 *
 * @throws what the file system throws; the old text stays then
 */
export function replaceFile(path: string, text: string, options: Replacement = {}): void {
  replace(path, text, options, (descriptor, rename) => {
    closeSync(descriptor);
    rename();
  });
}

/**
 * As {@link replaceFile}, for systems where an open file can be renamed.
 *
 * @returns a descriptor of the file, for the caller to close
 */
export function replaceAndKeepOpen(path: string, text: string, options: Replacement = {}): number {
  return replace(path, text, options, (descriptor, rename) => {
    try {
      rename();
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  });
}

function replace(
  path: string,
  text: string,
  { temporary = `${path}.tmp`, mode = 0o600, isDurable = false }: Replacement,
  finish: (descriptor: number, rename: () => void) => void,
): number {
  const bytes = new TextEncoder().encode(text);
  const descriptor = openNew(temporary, mode);
  try {
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
      if (isDurable) fsyncSync(descriptor);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    finish(descriptor, () => renameSync(temporary, path));
    return descriptor;
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function openNew(path: string, mode: number): number {
  try {
    return openSync(path, "wx", mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    rmSync(path, { force: true });
    return openSync(path, "wx", mode);
  }
}
