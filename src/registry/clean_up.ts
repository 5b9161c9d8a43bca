/**
 * Removing what is left of registries that nobody uses: for `procref gc`.
 *
 * @module
 */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isProcrefError } from "../errors.ts";
import { type ObjectName, objectName, objectNameOfFile, type User } from "../kernel/object_name.ts";
import type { Mechanism } from "../kernel/ref_counter.ts";
import { SLOTS } from "../kernel/slots_path.ts";
import { attempting } from "../kernel/attempting.ts";
import { readTrustedFile } from "../kernel/trusted_file.ts";
import { isAlive } from "../process/identity.ts";
import { nameIn } from "./registry_state.ts";
import { REGISTRIES } from "./registry_options.ts";
import { entriesOf, FILE, GREATEST_SIZE, RegistryStore } from "./registry_store.ts";

/** What became of a registry. */
export interface RegistryCleanUp {
  /** Its name; when its file does not tell it, the name of its folder. */
  readonly name: string;
  /** Its folder. */
  readonly directory: string;
  /** Whether it was removed, or would be. */
  readonly removed: boolean;
  /** Why it was removed, or why it was kept. */
  readonly reason: string;
  /** Whether it should have been removed and could not be. */
  readonly failed: boolean;
}

/**
 * Removes what is left of the registries of a state directory that nobody uses. Those that somebody uses are kept and
 * not told of; so are those of another container.
 *
 * @param directory the state directory
 * @param options `user`: the effective user; `dryRun`: decide, and touch nothing
 * @returns one for each registry, by the names of their folders
 * @throws ProcrefError `IO`, `PERMISSION`
 */
export function cleanUpRegistries(directory: string, options: { user: User; dryRun: boolean }): RegistryCleanUp[] {
  const folder = join(directory, REGISTRIES);
  if (!existsSync(folder)) return [];
  const names = attempting(`list ${folder}`, folder, () => readdirSync(folder));
  const files = new Set(names.map((name) => name.endsWith(SLOTS) ? name.slice(0, -SLOTS.length) : name));
  return [...files].sort().flatMap((fileName) => {
    const unnamed = objectNameOfFile(fileName, "user");
    if (unnamed === undefined) return [];
    const mechanism = names.includes(`${fileName}${SLOTS}`) ? "slots" as const : undefined;
    const object = identify(unnamed, folder, options.user);
    return [cleanUp(object, folder, mechanism, options)];
  });
}

function cleanUp(
  name: ObjectName,
  folder: string,
  mechanism: Mechanism | undefined,
  { user, dryRun }: { user: User; dryRun: boolean },
): RegistryCleanUp {
  const store = new RegistryStore(name, { user, folder, mechanism, lockTimeoutMs: 0 });
  const verdict = (removed: boolean, reason: string, failed = false): RegistryCleanUp => {
    return { name: name.name, directory: store.directory, removed, reason, failed };
  };
  try {
    const kept = whyItStays(store);
    if (kept !== undefined) return verdict(false, kept);
    const reason = "nobody uses the registry";
    if (dryRun) return verdict(true, reason);
    return store.removeUnused(() => whyItStays(store) === undefined)
      ? verdict(true, reason)
      : verdict(false, "the registry came into use");
  } catch (error) {
    if (!isProcrefError(error)) throw error;
    // A kernel object of somebody else's is none of our business.
    const isForeign = isProcrefError(error, "FOREIGN_OBJECT") || isProcrefError(error, "KEY_COLLISION");
    return verdict(false, error.message, !isForeign);
  }
}

/** Who needs it, as far as this process knows; undefined for nobody. */
function whyItStays({ counter, look }: RegistryStore): string | undefined {
  const { references } = counter.snapshot();
  if (references > 0) return references === 1 ? "the registry is in use" : `the registry is in use by ${references}`;
  try {
    // Those whose kernel object a stranger has removed are counted again only when they come back.
    const needed = [...entriesOf(look()).values()].find((entry) => isAlive(entry));
    return needed && `process ${needed.pid} has registered "${needed.name}" and runs`;
  } catch (error) {
    if (isProcrefError(error, "DOMAIN_MISMATCH")) return "the registry belongs to another container";
    // What nobody can read, and nobody uses, is of no use.
    if (isProcrefError(error, "BROKEN_FILE")) return undefined;
    throw error;
  }
}

/** The name of the registry in a folder, as its file tells it; a file of another one tells nothing. */
function identify(unnamed: ObjectName, folder: string, user: User): ObjectName {
  try {
    const file = readTrustedFile(join(folder, unnamed.fileName, FILE), {
      scope: "user",
      uid: user,
      greatestSize: GREATEST_SIZE,
    });
    const named = objectName(nameIn(file?.text ?? "")!, user, { directory: folder });
    return named.fileName === unnamed.fileName ? named : unnamed;
  } catch {
    return unnamed;
  }
}
