/**
 * Replacing a file as a whole: whoever reads it sees the old text or the new one, also when the writer dies.
 *
 * @module
 */

import type { NewFile } from "../../ffi/host.ts";
import { host } from "../../ffi/mod.ts";

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
  replaceBy(host().files.create, path, text, options, (file, rename) => {
    file.close();
    rename();
  });
}

/**
 * Replaces a file by one that is made in a way of the caller's.
 *
 * @param create makes a file where there is none
 * @param finish closes the file and renames it, as the caller needs it
 * @returns the file that was made
 */
export function replaceBy<F extends NewFile>(
  create: (path: string, mode: number) => F,
  path: string,
  text: string,
  { temporary = `${path}.tmp`, mode = 0o600, isDurable = false }: Replacement,
  finish: (file: F, rename: () => void) => void,
): F {
  const { rename, remove } = host().files;
  const bytes = new TextEncoder().encode(text);
  const file = createAnew(create, temporary, mode);
  try {
    try {
      for (let at = 0; at < bytes.length;) at += file.write(bytes.subarray(at));
      if (isDurable) file.sync();
    } catch (error) {
      file.close();
      throw error;
    }
    finish(file, () => rename(temporary, path));
    return file;
  } catch (error) {
    remove(temporary);
    throw error;
  }
}

function createAnew<F extends NewFile>(create: (path: string, mode: number) => F, path: string, mode: number): F {
  try {
    return create(path, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    host().files.remove(path);
    return create(path, mode);
  }
}
