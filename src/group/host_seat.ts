/**
 * The one host of a group: a lock of the kernel that is its for as long as it lives, and what an earlier host has left.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ProcrefError } from "../errors.ts";
import { blockUntil } from "../kernel/blocking_wait.ts";
import { currentUser } from "../kernel/effective_user.ts";
import { objectName } from "../kernel/object_name.ts";
import { PathLock } from "../kernel/path_lock.ts";
import { attempting } from "../kernel/attempting.ts";
import { stateDirectory } from "../kernel/state_directory.ts";
import { formatIdentity, isAlive, ownIdentity, parseIdentity, type ProcessIdentity } from "../process/identity.ts";
import { endMarked } from "../process/marks.ts";
import { isPid } from "../process/pid.ts";
import { instanceEntry } from "./group_instance.ts";

/** What the file that is locked ends with. */
export const SEAT_ENDING = ".group";
/**
 * For how long a lock of nobody who hosts the group is waited for, in milliseconds: whoever cleans up has it for less
 * than one, and a host that has just taken it needs as long to say so.
 */
const LONGEST_WAIT_MS = 500;

/** The seat of the host of one group, as one object sees it. */
export class HostSeat {
  /** What the environment of everything that any host of this group has started holds. */
  readonly mark: string;
  readonly #service: string;
  readonly #lock: PathLock;

  /**
   * Makes the state directory and nothing else.
   *
   * @throws ProcrefError `STATE_DIRECTORY`, `INVALID_ARGUMENT`, `INVALID_NAME`, `PERMISSION`, `PLATFORM`, `LIBRARY`, `IO`
   */
  constructor(serviceName: string, domain: string, directory: string | undefined) {
    const user = currentUser();
    const state = stateDirectory(directory, "user", user);
    const { fileName } = objectName(serviceName, user, { namespace: domain, directory: state });
    this.mark = `group-${fileName}`;
    this.#service = serviceName;
    this.#lock = new PathLock(join(state, `${fileName}${SEAT_ENDING}`));
  }

  /**
   * Takes the seat.
   *
   * @throws ProcrefError `ALREADY_RUNNING` when another host has it, with its PID in the details as far as it is known;
   * those of the lock
   */
  take(): void {
    const { path } = this.#lock;
    blockUntil(() => this.#lock.tryLock() || hostIn(path) !== undefined, LONGEST_WAIT_MS);
    if (!this.#lock.held) throw this.#taken();
    // For people, and for the message of the next one who comes too early.
    this.#lock.write(`${formatIdentity(ownIdentity())}\n`);
  }

  /**
   * Whether the seat is still this host's. A stranger may have removed the file; then it is taken again, unless somebody
   * else was faster.
   *
   * @throws ProcrefError as {@link HostSeat.take}
   */
  keep(): void {
    if (this.#lock.isOurs()) return;
    this.#lock.close();
    this.take();
  }

  /**
   * Ends by force whatever hosts of this group have left, by identity; without the seat it is not ours to end.
   *
   * @param instance the name of an instance: then only what that one has left
   * @throws ProcrefError `TIMEOUT` when one is still there after 10 seconds; `IO`, `PLATFORM`, `PERMISSION`, `LIBRARY`
   */
  async endLeftovers(instance?: string): Promise<void> {
    if (!this.#lock.isOurs()) return;
    await endMarked([this.mark], instance === undefined ? undefined : instanceEntry(instance));
  }

  /** Gives the seat back, and removes the file; without the seat, only closes it. */
  leave(): void {
    if (this.#lock.held) this.#lock.remove();
    else this.#lock.close();
  }

  #taken(): ProcrefError {
    const { path } = this.#lock;
    const pid = hostIn(path)?.pid;
    const who = pid === undefined ? "another process" : `process ${pid}`;
    return new ProcrefError(
      "ALREADY_RUNNING",
      `Cannot host the group "${this.#service}": ${who} hosts it; stop it, or find its instances in the registry`,
      { details: { name: this.#service, path, pid } },
    );
  }
}

/**
 * Which process that runs says in the file that it is theirs; only as a hint, for it is read without the lock.
 *
 * @throws ProcrefError `IO`, `PERMISSION`
 */
export function hostIn(path: string): ProcessIdentity | undefined {
  const host = parseIdentity(attempting(`read ${path}`, path, () => textIn(path)).trimEnd());
  return isPid(host.pid, 1) && isAlive(host) ? host : undefined;
}

function textIn(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
