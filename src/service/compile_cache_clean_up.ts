/**
 * Removing what nobody needs of the compile cache: for `procref gc`.
 *
 * @module
 */

import { type Dirent, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { attempting } from "../kernel/attempting.ts";
import type { FileCleanUp } from "../kernel/file_clean_up.ts";
import { isProcrefError } from "../errors.ts";
import { existingCompileCache } from "./compile_cache.ts";

const HOUR_MS = 3_600_000;
/** Whoever still needs a file that is older makes it anew, within a tenth of a second. */
const MONTH_MS = 30 * 24 * HOUR_MS;
/** What Bun calls its files: by hashes, and an unfinished one with a dot before. */
const FILE = /^\.?[\da-f]{16}[\da-f.-]*(\.pile)?$/;
/** What Bun calls the directory of one of its versions. */
const VERSION = /^v\d/;

/**
 * Removes the files of the compile cache that were not finished within an hour, whose writers were killed, and those of
 * more than thirty days: of another version, or of a project that may be gone. A directory that cannot be read has none.
 *
 * @param options `dryRun`: decide, and touch nothing
 * @returns one for each file that was removed or should have been
 */
export function cleanUpCompileCache({ dryRun }: { dryRun: boolean }): FileCleanUp[] {
  const directory = existingCompileCache();
  if (directory === undefined) return [];
  return filesIn(directory).flatMap(({ name, parentPath }) => {
    const path = join(parentPath, name);
    const ageMs = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    const isUnfinished = name.startsWith(".");
    if (ageMs < (isUnfinished ? HOUR_MS : MONTH_MS)) return [];
    const reason = isUnfinished ? "its writer was killed" : "it was compiled more than 30 days ago";
    return [remove({ kind: "compiled program", name, path, removed: true, reason, failed: false }, dryRun)];
  });
}

/** The files right in it, and those in the directories of the versions of a runtime. */
function filesIn(directory: string): Dirent[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    const versions = entries.filter((entry) => entry.isDirectory() && VERSION.test(entry.name));
    const inVersions = versions.flatMap(({ name }) => readdirSync(join(directory, name), { withFileTypes: true }));
    return [...entries, ...inVersions].filter((entry) => entry.isFile() && FILE.test(entry.name));
  } catch {
    return [];
  }
}

function remove(found: FileCleanUp, dryRun: boolean): FileCleanUp {
  try {
    if (!dryRun) attempting(`remove ${found.path}`, found.path, () => rmSync(found.path, { force: true }));
    return found;
  } catch (error) {
    if (!isProcrefError(error)) throw error;
    return { ...found, removed: false, reason: error.message, failed: true };
  }
}
