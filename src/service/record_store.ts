/**
 * The file that holds a service's record: written as a whole or not at all, and read with distrust.
 *
 * @module
 */

import { host } from "../../ffi/mod.ts";
import { node } from "../../ffi/node.ts";
import { ProcrefError } from "../errors.ts";
import type { ObjectName, User } from "../kernel/object_name.ts";
import type { Mechanism } from "../kernel/ref_counter.ts";
import { attempting } from "../kernel/attempting.ts";
import { checkDirectory } from "../kernel/checked_directory.ts";
import { processSystem } from "../process/platform.ts";
import { removeHints } from "./hint_files.ts";
import { join, parentOf } from "../paths.ts";
import { formatRecord, parseRecord, type ServiceRecord } from "./record.ts";
import { persistently } from "../kernel/persistently.ts";
import { replaceFile } from "../kernel/replaced_file.ts";
import { readTrustedFile, type TrustedText } from "../kernel/trusted_file.ts";

/** How often a file that vanishes between two calls is written again. */
const MOST_TRIES = 1000;
/** What file systems without hard links answer. */
const NO_LINKS = ["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EMLINK"];

/**
 * The record of one service, in a directory of its own below the state directory. Only who has the gate writes; the
 * gate makes one fixed temporary name enough. Nothing is synced to disk: a record does not outlive a boot.
 */
export class RecordStore {
  /** The service's directory. */
  readonly directory: string;
  readonly #name: ObjectName;
  readonly #uid: User;
  readonly #path: string;
  readonly #temporary: string;
  /** Where {@link RecordStore.openText} makes its files. */
  readonly #text: string;
  readonly #mechanism: string;
  /** The mode of the files of this service. */
  readonly fileMode: number;

  constructor(stateDirectory: string, name: ObjectName, uid: User) {
    this.directory = join(stateDirectory, name.fileName);
    this.#name = name;
    this.#uid = uid;
    this.#path = join(this.directory, "record.json");
    this.#temporary = `${this.#path}.tmp`;
    this.#text = join(this.directory, "text.tmp");
    this.#mechanism = join(this.directory, "mechanism");
    this.fileMode = name.scope === "user" ? 0o600 : 0o644;
  }

  /**
   * Reads the record.
   *
   * @param report is told why a file that is there cannot be used
   * @returns the record, or undefined when there is none that can be used
   * @throws ProcrefError `DOMAIN_MISMATCH`; `PERMISSION` when the runtime does not allow it
   */
  read(report: (problem: ProcrefError) => void): ServiceRecord | undefined {
    try {
      const file = attempting(`read ${this.#path}`, this.#path, () => this.#file());
      if (file === undefined) return undefined;
      const record = parseRecord(this.#name, file.text);
      return record === undefined || file.owner === this.#uid ? record : checkForeign(record, file.owner);
    } catch (error) {
      const problem = error as ProcrefError;
      if (problem.code === "DOMAIN_MISMATCH" || problem.code === "PERMISSION") throw problem;
      report(
        new ProcrefError("SERVICE_INFO", `Cannot use ${this.#path}, so it is ignored: ${problem.message}`, {
          cause: problem,
          details: { name: this.#name.name, path: this.#path },
        }),
      );
      return undefined;
    }
  }

  /** Whether a file is there, usable or not. */
  exists(): boolean {
    return isThere(this.#path);
  }

  /**
   * What tells the file that is there from any other, without opening it; undefined when there is none.
   */
  stamp(): string | undefined {
    const status = host().files.status(this.#path);
    return status && `${status.ino} ${status.mtimeMs} ${status.size}`;
  }

  /**
   * Writes the record; the gate must be held. A reader sees the old record or the new one, also when the writer dies.
   *
   * @throws ProcrefError `IO` (disk full, read-only), `STATE_DIRECTORY`, `PERMISSION`
   */
  write(record: ServiceRecord): void {
    const write = (): void => {
      this.#makeDirectory();
      checkDirectory(this.directory, this.#name.scope, this.#uid);
      const text = formatRecord(this.#name, record);
      replaceFile(this.#path, text, { temporary: this.#temporary, mode: this.fileMode });
    };
    attempting(`write ${this.#path}`, this.#path, () => persistently(this.#uid, write));
  }

  /**
   * Writes down that the service is being stopped; the gate must be held. What cannot be written (the disk is full, or
   * everything was removed) does not keep a service from being stopped: it is told, and that is all.
   */
  writeStop(record: Omit<ServiceRecord, "phase">, report: (problem: ProcrefError) => void): void {
    if (!isThere(parentOf(this.directory))) return;
    try {
      this.write({ ...record, phase: "STOP" });
    } catch (error) {
      report(error as ProcrefError);
    }
  }

  /**
   * A text as an open file that nobody else can open, to be read from its beginning by whoever inherits the descriptor;
   * the gate must be held. Unlike a pipe it holds any text as a whole, whatever becomes of who wrote it. It has no name
   * any more when something is written into it; one that a death in between leaves is empty, and the next one's.
   *
   * @throws ProcrefError `IO`, `STATE_DIRECTORY`, `PERMISSION`
   */
  openText(text: string): number {
    const path = this.#text;
    return attempting(`write ${path}`, path, () => {
      this.#makeDirectory();
      checkDirectory(this.directory, this.#name.scope, this.#uid);
      host().files.remove(path);
      const descriptor = node.fs.openSync(path, "wx+", 0o600);
      host().files.remove(path);
      const bytes = new TextEncoder().encode(text);
      // By position, so that whoever reads begins at the beginning.
      for (let at = 0; at < bytes.length;) at += node.fs.writeSync(descriptor, bytes, at, bytes.length - at, at);
      return descriptor;
    });
  }

  /**
   * Makes sure that all clients of the service count their references in one way: the first one writes down which, and
   * the file goes with everything else. A reference must be held, so that nobody removes it meanwhile.
   *
   * @returns what is on record: the given mechanism, or another one that others count by
   * @throws ProcrefError `IO`, `STATE_DIRECTORY`, `PERMISSION`, `SERVICE_INFO`
   */
  agreeOn(mechanism: Mechanism): string {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const agreed = this.mechanism();
      if (agreed !== undefined) return agreed;
      attempting(`write ${this.#mechanism}`, this.#mechanism, () => this.#writeMechanism(mechanism));
    }
    throw new ProcrefError("IO", `Cannot write ${this.#mechanism}: it is removed as fast as it is made`);
  }

  /**
   * The mechanism that is on record; undefined when there is none.
   *
   * @throws ProcrefError `SERVICE_INFO` when the file cannot be trusted, `IO`, `PERMISSION`
   */
  mechanism(): string | undefined {
    const trust = { scope: this.#name.scope, uid: this.#uid };
    return attempting(`read ${this.#mechanism}`, this.#mechanism, () => readTrustedFile(this.#mechanism, trust))?.text;
  }

  /** Whether a mechanism is on record; the file is not opened, which others would be told of. */
  hasMechanism(): boolean {
    return isThere(this.#mechanism);
  }

  /** One of those who come at once writes it, as a whole: a link is made only where there is nothing yet. */
  #writeMechanism(mechanism: Mechanism): void {
    persistently(this.#uid, () => {
      this.#makeDirectory();
      checkDirectory(this.directory, this.#name.scope, this.#uid);
    });
    const temporary = `${this.#mechanism}.${crypto.randomUUID()}.tmp`;
    try {
      node.fs.writeFileSync(temporary, mechanism, { flag: "wx", mode: this.fileMode });
      node.fs.linkSync(temporary, this.#mechanism);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Somebody was faster; or whoever cleans up was, and all is made anew.
      if (code === "EEXIST" || code === "ENOENT") return;
      if (!NO_LINKS.includes(code!)) throw error;
      // Then two that come at one moment may both be content with this; each looks for the other's kernel object, too.
      node.fs.renameSync(temporary, this.#mechanism);
    } finally {
      persistently(this.#uid, () => host().files.remove(temporary));
    }
  }

  #removeMechanism(): void {
    if (!isThere(this.directory)) return;
    const names = persistently(this.#uid, () => node.fs.readdirSync(this.directory));
    const left = names.filter((name) => /^mechanism\.[\w-]+\.tmp$/.test(name));
    for (const name of [...left, "mechanism"]) {
      persistently(this.#uid, () => host().files.remove(join(this.directory, name)));
    }
  }

  /**
   * Removes the record, the hints of who holds the service, and the service's directory; the gate must be held. What
   * others have put there stays.
   *
   * @throws ProcrefError `IO`, `PERMISSION`
   */
  remove(): void {
    attempting(`remove ${this.#path}`, this.#path, () => {
      for (const path of [this.#temporary, this.#path, this.#text]) {
        persistently(this.#uid, () => host().files.remove(path));
      }
      this.#removeMechanism();
      // In a directory that is shared with others there are none, and nothing is looked for.
      if (this.#name.scope === "user") removeHints(this.directory, this.#uid);
      try {
        persistently(this.#uid, () => node.fs.rmdirSync(this.directory));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== "ENOENT" && code !== "ENOTEMPTY") throw error;
      }
    });
  }

  /**
   * The text of the file, whatever it says, or undefined when there is none.
   *
   * @throws ProcrefError `SERVICE_INFO` when the file cannot be trusted; what the file system throws
   */
  text(): string | undefined {
    return this.#file()?.text;
  }

  #file(): TrustedText | undefined {
    return readTrustedFile(this.#path, { scope: this.#name.scope, uid: this.#uid });
  }

  /** Makes the service's directory, and the state directory if a cleaner of temporary files has removed it. */
  #makeDirectory(): void {
    const { scope } = this.#name;
    const { files } = host();
    const parent = parentOf(this.directory);
    if (scope === "user" && !isThere(parent)) {
      files.makeDirectory(parent, 0o700);
      checkDirectory(parent, scope, this.#uid);
    }
    files.makeDirectory(this.directory, scope === "user" ? 0o700 : 0o775);
  }
}

/**
 * A record of scope `system` that another user wrote. What it names will be signalled on its word, so it may name only
 * processes of that user; marks are found by us in our own processes alone, so they are none of its business.
 */
function checkForeign(record: ServiceRecord, owner: User): ServiceRecord {
  for (const identity of [record.info?.identity, record.supervisor]) {
    const theirs = identity === undefined || [owner, undefined].includes(processSystem().owner(identity.pid));
    if (theirs) continue;
    throw new ProcrefError(
      "SERVICE_INFO",
      `user ${owner} wrote it, and its process ${identity.pid} is not that user's`,
    );
  }
  return { ...record, marks: undefined };
}

/** Whether there is something at a path, be it a link to nowhere. */
function isThere(path: string): boolean {
  return host().files.status(path) !== undefined;
}
