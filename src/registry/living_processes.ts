/**
 * Whether the processes of entries run, asked so that asking again is cheap.
 *
 * @module
 */

import { isProcrefError } from "../errors.ts";
import { formatIdentity, isAlive, isSameProcess, type ProcessIdentity } from "../process/identity.ts";
import { ProcessWatch } from "../process/process_watch.ts";

/** How many processes are watched at one time: each watch is an open descriptor, and a process may have 1,024. */
const MOST_WATCHES = 64;

/** What is known of the processes that were asked about. */
export class LivingProcesses {
  readonly #own: ProcessIdentity;
  /** In the order of their first question. */
  readonly #watches = new Map<string, ProcessWatch>();

  /** @param own this process, which runs */
  constructor(own: ProcessIdentity) {
    this.#own = own;
  }

  /** Whether a process runs, which is watched from now on: to ask again costs one system call. A zombie does not run. */
  isAlive(identity: ProcessIdentity): boolean {
    if (isSameProcess(identity, this.#own)) return true;
    const key = formatIdentity(identity);
    const watch = this.#watches.get(key) ?? this.#watch(key, identity);
    if (watch === undefined) return false;
    if (watch === "unwatched") return isAlive(identity);
    if (watch.seemsAlive()) return true;
    watch.close();
    this.#watches.delete(key);
    return false;
  }

  /** A question about many processes, each of which is asked about once, and none is watched for it. */
  sweep(): (identity: ProcessIdentity) => boolean {
    const known = new Map<string, boolean>();
    return (identity) => {
      if (isSameProcess(identity, this.#own)) return true;
      const key = formatIdentity(identity);
      const answer = known.get(key) ?? this.#watches.get(key)?.isAlive() ?? isAlive(identity);
      known.set(key, answer);
      return answer;
    };
  }

  /** Ends all watches. */
  close(): void {
    for (const watch of this.#watches.values()) watch.close();
    this.#watches.clear();
  }

  /** Begins to watch a process in the place of the one that is watched longest; undefined when it does not run. */
  #watch(key: string, identity: ProcessIdentity): ProcessWatch | "unwatched" | undefined {
    if (this.#watches.size >= MOST_WATCHES) {
      const [[oldest, watch]] = this.#watches;
      watch.close();
      this.#watches.delete(oldest);
    }
    try {
      const watch = ProcessWatch.open(identity);
      if (watch !== undefined) this.#watches.set(key, watch);
      return watch;
    } catch (error) {
      // Too many files are open: that is no reason to take anybody for dead.
      if (!isProcrefError(error, "OTHER")) throw error;
      return "unwatched";
    }
  }
}
