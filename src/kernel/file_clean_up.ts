/**
 * Removing files of the state directory that nobody uses: those of one name, of which one is locked by whoever changes
 * or uses the others. It is locked while they are removed, and removed as the last one, so that whoever comes meanwhile
 * goes on with new files, as {@link PathLock} sees to it.
 *
 * | the process dies | what is left |
 * | --- | --- |
 * | while it removes the files | some of them, unlocked, for those who use them or clean up next |
 *
 * @module
 */

import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isProcrefError } from "../errors.ts";
import { objectNameOfFile, type User } from "./object_name.ts";
import { PathLock } from "./path_lock.ts";
import { persistently } from "./persistently.ts";
import { attempting } from "./attempting.ts";

/** What became of the files of one name. */
export interface FileCleanUp {
  /** What they are of, in a word. */
  readonly kind: string;
  /** The name of the file without its ending; the name that it was made of is not in it. */
  readonly name: string;
  /** The path of the file. */
  readonly path: string;
  /** Whether it was removed with all that belongs to it, or would be. */
  readonly removed: boolean;
  /** Why it was removed, or why it was kept. */
  readonly reason: string;
  /** Whether it should have been removed and could not be, or nobody can tell whether it should have been. */
  readonly failed: boolean;
}

/** Files that are used in one way. */
export interface FileKind {
  /** What they are of, in a word. */
  readonly kind: string;
  /** How the name of the file ends. */
  readonly ending: string;
  /** How the name of the file that is locked ends; it may be the same one. */
  readonly lockEnding: string;
  /** How the names of others end that belong to it. */
  readonly otherEndings: readonly string[];
  /** Why one stays that somebody has locked. */
  readonly whenLocked: string;
  /** Why one goes that nobody uses. */
  readonly whenUnused: string;
  /**
   * Who uses a file, as far as it tells; undefined for nobody. It is asked without the lock and again with it.
   *
   * @throws ProcrefError when that cannot be known: then the file stays
   */
  whoUses(path: string): string | undefined;
}

/**
 * Removes the files of a kind that nobody uses. Files that are called otherwise than ours stay, and so do links and
 * directories.
 *
 * @param directory the state directory
 * @param kind what to remove, and when
 * @param options `user`: the effective user; `dryRun`: decide, and touch nothing
 * @returns one for each name, in their order
 * @throws ProcrefError `IO`, `PERMISSION`
 */
export function cleanUpFiles(
  directory: string,
  kind: FileKind,
  options: { user: User; dryRun: boolean },
): FileCleanUp[] {
  const files = attempting(
    `list ${directory}`,
    directory,
    () => readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile()).map(({ name }) => name),
  );
  const names = endingsOf(kind).flatMap((ending) =>
    files.filter((file) => file.endsWith(ending)).map((file) => file.slice(0, -ending.length))
  ).filter((name) => objectNameOfFile(name, "user") !== undefined);
  return [...new Set(names)].sort().map((name) => cleanUp(directory, name, kind, options));
}

function cleanUp(
  directory: string,
  name: string,
  kind: FileKind,
  { user, dryRun }: { user: User; dryRun: boolean },
): FileCleanUp {
  const path = join(directory, `${name}${kind.ending}`);
  const verdict = (removed: boolean, reason: string, failed = false): FileCleanUp => {
    return { kind: kind.kind, name, path, removed, reason, failed };
  };
  try {
    using lock = new PathLock(join(directory, `${name}${kind.lockEnding}`));
    // What is used is not locked for that, nor is a lock file made for it.
    const kept = kind.whoUses(path) ?? (lock.isLockedByOthers() ? kind.whenLocked : undefined);
    if (kept !== undefined) return verdict(false, kept);
    if (dryRun) return verdict(true, kind.whenUnused);
    if (!lock.tryLock()) return verdict(false, kind.whenLocked);
    const came = kind.whoUses(path);
    if (came !== undefined) return verdict(false, came);
    // A stranger who removes the lock file would let somebody else in at this moment.
    if (!lock.isOurs()) return verdict(false, kind.whenLocked);
    for (const ending of endingsOf(kind)) {
      if (ending !== kind.lockEnding) remove(join(directory, `${name}${ending}`), user);
    }
    lock.remove();
    return verdict(true, kind.whenUnused);
  } catch (error) {
    if (!isProcrefError(error)) throw error;
    return verdict(false, error.message, true);
  }
}

function endingsOf({ ending, lockEnding, otherEndings }: FileKind): readonly string[] {
  return [...otherEndings, ending, lockEnding];
}

function remove(path: string, user: User): void {
  attempting(`remove ${path}`, path, () => persistently(user, () => rmSync(path, { force: true })));
}
