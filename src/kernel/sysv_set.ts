/**
 * Finding, making and recognising the semaphore set of a name.
 *
 * @module
 */

import { systemError } from "../../ffi/errno.ts";
import type { Libc } from "../../ffi/libc.ts";
import type { UnixConstants, UnixErrors } from "../../ffi/symbols/unix_libc.ts";
import { ProcrefError } from "../errors.ts";
import type { ObjectName } from "./object_name.ts";
import { FINGERPRINT_SIZE, LOCK_IF_UNUSED, SEMAPHORE, SET_SIZE, writeFingerprint } from "./sysv_operations.ts";

/** How often a set that vanishes between two calls is looked for again. */
export const MOST_RENEWALS = 1000;

/** The set of a name: its key in the kernel, its fingerprint, and how to open it. */
export class SysvSet {
  /** The 32-bit key, never 0 (which the kernel takes for "a private one"). */
  readonly key: number;
  readonly #libc: Libc;
  readonly #constants: UnixConstants;
  readonly #errors: UnixErrors;
  readonly #name: ObjectName;
  readonly #uid: number;
  readonly #checkAlone: () => void;
  readonly #fingerprint: readonly number[];
  readonly #mode: number;

  /**
   * @param checkAlone throws when the name is counted in another way
   */
  constructor(libc: Libc, name: ObjectName, uid: number, checkAlone: () => void = () => {}) {
    this.#checkAlone = checkAlone;
    this.#libc = libc;
    this.#constants = libc.constants;
    this.#errors = libc.errors;
    this.#name = name;
    this.#uid = uid;
    this.#mode = name.scope === "user" ? 0o600 : 0o666;
    const words = new DataView(name.digest.buffer, name.digest.byteOffset);
    this.key = words.getInt32(0) || 1;
    // 15 bits each, 1 to 32767: 0 would look like a set that nobody has marked yet.
    this.#fingerprint = Array.from(
      { length: FINGERPRINT_SIZE },
      (_, index) => 1 + words.getUint16(4 + 2 * index) % libc.constants.SEMVMX,
    );
  }

  /**
   * The identifier of the set.
   *
   * @param create whether to make it when it does not exist
   * @returns the identifier, or undefined when it does not exist and was not to be made
   * @throws ProcrefError `REF_COUNTER_INIT`, `KEY_COLLISION`, `FOREIGN_OBJECT`, `PLATFORM`
   */
  open(create: boolean): number | undefined {
    for (let tries = 0; tries < MOST_RENEWALS; tries++) {
      const flags = create ? this.#constants.IPC_CREAT | this.#mode : 0;
      const id = this.#libc.semget(this.key, create ? SET_SIZE : 0, flags);
      if (id === -this.#errors.ENOENT) return undefined;
      if (id < 0) throw this.#openError(id);
      if (this.#recognise(id)) return id;
    }
    throw new ProcrefError("REF_COUNTER_INIT", `Cannot open ${this.describe()}: it is removed as fast as it is made`);
  }

  /**
   * The identifier of the set, for who is about to take something: it is made when it is missing, and only then it is
   * looked whether others count the name in another way. A set that is of no use then goes again.
   *
   * @param id the set, where it is open already
   * @param isHeld whether this process holds anything of it
   * @throws ProcrefError `MECHANISM_MISMATCH`, and as {@link SysvSet.open}
   */
  openAlone(id: number | undefined, isHeld: boolean): number {
    const opened = id ?? this.open(true)!;
    try {
      this.#checkAlone();
      return opened;
    } catch (error) {
      const { bytes, count } = LOCK_IF_UNUSED;
      const unused = !isHeld && this.#libc.semop(opened, bytes, count) === 0;
      if (unused) this.#libc.semctl(opened, 0, this.#libc.constants.IPC_RMID, null);
      throw error;
    }
  }

  /** What the set is called in messages, with the words that `ipcs` prints. */
  describe(id?: number): string {
    const key = (this.key >>> 0).toString(16).padStart(8, "0");
    return `"${this.#name.name}" (semaphore set${id === undefined ? "" : ` ${id}`} with key 0x${key})`;
  }

  /** Whether the set is ours and of this name; false when it vanished while it was looked at. */
  #recognise(id: number): boolean {
    const { semidDs } = this.#libc.layouts;
    const status = new DataView(new ArrayBuffer(semidDs.size));
    const bytes = new Uint8Array(status.buffer);
    const result = this.#libc.semctl(id, 0, this.#constants.IPC_STAT, bytes);
    if (this.vanished(result)) return false;
    if (result === -this.#errors.EACCES) throw this.#foreign(id, "another user made it and shuts us out");
    if (result < 0) throw systemError("REF_COUNTER_INIT", `open ${this.describe(id)}`, "semctl(IPC_STAT)", result);

    const size = status.getUint16(semidDs.nsems, true);
    if (size !== SET_SIZE) throw this.#foreign(id, `it has ${size} semaphores, ours have ${SET_SIZE}`);
    const owner = status.getUint32(semidDs.uid, true);
    const mode = status.getUint16(semidDs.mode, true) & 0o777;
    if (this.#name.scope === "user" && (owner !== this.#uid || mode !== this.#mode)) {
      throw this.#foreign(
        id,
        `it belongs to user ${owner} with mode ${mode.toString(8)}, ours would be ` +
          `${this.#uid} with ${this.#mode.toString(8)}`,
      );
    }
    return this.#compareFingerprint(id);
  }

  #compareFingerprint(id: number): boolean {
    const mark = writeFingerprint(this.#fingerprint);
    const marked = this.#libc.semop(id, mark.bytes, mark.count);
    if (this.vanished(marked)) return false;
    if (marked < 0 && marked !== -this.#errors.EAGAIN) {
      throw systemError("REF_COUNTER_INIT", `mark ${this.describe(id)}`, "semop", marked);
    }
    const values = this.values(id);
    if (values === undefined) return false;
    const found = values.subarray(SEMAPHORE.fingerprint, SEMAPHORE.fingerprint + FINGERPRINT_SIZE);
    if (this.#fingerprint.every((number, index) => found[index] === number)) return true;
    throw new ProcrefError(
      "KEY_COLLISION",
      `Cannot open ${this.describe(id)}: another name has the same key, or another program uses it; ` +
        `choose another name or namespace`,
      { details: { name: this.#name.name } },
    );
  }

  /**
   * The values of all semaphores at one moment, or undefined when the set has vanished.
   *
   * @throws ProcrefError `COUNT`
   */
  values(id: number): Uint16Array | undefined {
    const values = new Uint16Array(SET_SIZE);
    const result = this.#libc.semctl(id, 0, this.#constants.GETALL, new Uint8Array(values.buffer));
    if (this.vanished(result)) return undefined;
    if (result < 0) throw systemError("COUNT", `read ${this.describe(id)}`, "semctl(GETALL)", result);
    return values;
  }

  #openError(result: number): ProcrefError {
    const details = { name: this.#name.name };
    const doing = `open ${this.describe()}`;
    switch (-result) {
      case this.#errors.EINVAL:
        return this.#foreign(undefined, `it has fewer than ${SET_SIZE} semaphores`);
      case this.#errors.EACCES:
        return this.#foreign(undefined, "another user made it and shuts us out");
      case this.#errors.ENOSPC:
        return systemError(
          "REF_COUNTER_INIT",
          doing,
          "semget",
          result,
          "the system's limit of semaphore sets is " +
            "reached; see `ipcs -s` for leftovers and kernel.sem (sysctl) for the limit",
          details,
        );
      case this.#errors.ENOSYS:
      case this.#errors.EPERM:
        return systemError(
          "PLATFORM",
          doing,
          "semget",
          result,
          "this kernel or container denies System V " +
            "semaphores; allow the calls semget, semop and semctl",
          details,
        );
      default:
        return systemError("REF_COUNTER_INIT", doing, "semget", result, "", details);
    }
  }

  #foreign(id: number | undefined, why: string): ProcrefError {
    const remedy = id === undefined ? "`ipcs -s` shows it" : `its owner or root removes it with \`ipcrm -s ${id}\``;
    return new ProcrefError(
      "FOREIGN_OBJECT",
      `Cannot open ${this.describe(id)}: it is not ours: ${why}; ${remedy}, or choose another name or namespace`,
      { details: { name: this.#name.name } },
    );
  }

  /** Whether a result says that the set does not exist any more. */
  vanished(result: number): boolean {
    return result < 0 && (result === -this.#errors.EINVAL || result === -this.#errors.EIDRM);
  }

  /**
   * Whether a failure means that this process can have no more operations undone: macOS says so with EINVAL, as it does
   * of a set that is gone. It is not gone if it has values; and its number is never given to another set.
   */
  undoesAreFull(id: number, result: number): boolean {
    const { undoesPerProcess } = this.#libc.semaphores;
    return undoesPerProcess !== undefined && result === -this.#errors.EINVAL &&
      this.#libc.semctl(id, 0, this.#constants.GETVAL, null) >= 0;
  }
}
