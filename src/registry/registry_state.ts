/**
 * What the file of a registry says.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";
import type { ObjectName } from "../kernel/object_name.ts";
import type { StateFormat } from "../kernel/state_file.ts";
import type { Domain } from "../process/domain.ts";
import { isEntry, type KeptEntry } from "./service_entry.ts";

/** The state of a registry at one moment. */
export interface RegistryState {
  /** How many entries may be there. */
  readonly capacity: number;
  /** How often it was changed, from some number on. */
  readonly changes: number;
  /** The entries by name, in the order of their names. */
  readonly entries: ReadonlyMap<string, KeptEntry>;
}

/** The form on disk. */
interface StateJson {
  readonly procref: 1;
  readonly registry: string;
  readonly domain: Domain;
  readonly capacity: number;
  readonly changes: number;
  readonly entries: readonly KeptEntry[];
}

/**
 * The rest of a file's size by this number tells its place in the row of changes. A file system may give a new file the
 * number of one that was just removed, and its clock moves in steps of milliseconds; so without this two states of one
 * size that follow each other quickly could not be told apart without reading them.
 */
const SIZES = 256;

/**
 * The format of the file of a registry.
 *
 * @param name the registry; one that is known by its file name alone may have any name
 * @param here where this process lives: what was written in another container of the same boot is none of our business
 */
export function registryFormat(name: ObjectName, here: Domain): StateFormat<RegistryState> {
  return {
    format({ capacity, changes, entries }): string {
      const json: StateJson = {
        procref: 1,
        registry: name.name,
        domain: here,
        capacity,
        changes,
        entries: [...entries.values()],
      };
      const text = `${JSON.stringify(json)}\n`;
      const rest = (changes - new TextEncoder().encode(text).length) % SIZES;
      return text + " ".repeat(rest < 0 ? rest + SIZES : rest);
    },
    parse(text): RegistryState {
      const json = JSON.parse(text) as StateJson;
      check(json?.procref === 1, "is of another version");
      check(json.registry === name.name || name.name === name.fileName, "is of another registry");
      const { domain, capacity, changes, entries } = json;
      check(isDomain(domain), "does not say where it was written");
      if (domain.boot === here.boot && (domain.pid !== here.pid || domain.ipc !== here.ipc)) throw elsewhere(name.name);
      check(Number.isSafeInteger(capacity) && Number.isSafeInteger(changes), "has no numbers where they should be");
      check(Array.isArray(entries) && entries.every(isEntry), "has an entry that is none");
      // No process outlives its boot, whatever a clock that is set says of when it started.
      const living = domain.boot === here.boot ? entries : [];
      return { capacity, changes, entries: new Map(living.map((entry) => [entry.name, entry])) };
    },
  };
}

/** The name that the text of a registry says it has; undefined when it says none. */
export function nameIn(text: string): string | undefined {
  try {
    const { registry } = JSON.parse(text) as StateJson;
    return typeof registry === "string" ? registry : undefined;
  } catch {
    return undefined;
  }
}

/** The entries with another one, in the order of their names. */
export function withEntry(entries: ReadonlyMap<string, KeptEntry>, entry: KeptEntry): Map<string, KeptEntry> {
  const all = [...entries.values()].filter(({ name }) => name !== entry.name);
  const at = all.findIndex(({ name }) => name > entry.name);
  all.splice(at < 0 ? all.length : at, 0, entry);
  return new Map(all.map((each) => [each.name, each]));
}

function isDomain(value: unknown): value is Domain {
  const { boot, pid, ipc } = (value ?? {}) as Domain;
  return [boot, pid, ipc].every((part) => typeof part === "string");
}

function check(condition: boolean, problem: string): asserts condition {
  if (!condition) throw new Error(`it ${problem}`);
}

function elsewhere(name: string): ProcrefError {
  return new ProcrefError(
    "DOMAIN_MISMATCH",
    `Cannot use the registry "${name}": it was written in another container (PID or IPC namespace) that uses the same ` +
      "state directory, and whether processes of there run cannot be told here; give each container its own " +
      "PROCREF_DIR",
    { details: { name } },
  );
}
