/**
 * Replacing a file, and keeping the new one open.
 *
 * @module
 */

import { NodeFile } from "../../ffi/node_files.ts";
import { replaceBy, type Replacement } from "./replaced_file.ts";

/**
 * As `replaceFile`, for systems where an open file can be renamed.
 *
 * @returns a descriptor of the file, for the caller to close
 * @throws what the file system throws; the old text stays then
 */
export function replaceAndKeepOpen(path: string, text: string, options: Replacement = {}): number {
  const create = (path: string, mode: number): NodeFile => new NodeFile(path, mode);
  return replaceBy(create, path, text, options, (file, rename) => {
    try {
      rename();
    } catch (error) {
      file.close();
      throw error;
    }
  }).descriptor;
}
