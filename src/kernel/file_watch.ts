/**
 * Being told by the kernel when a file is replaced, made or removed.
 *
 * @module
 */

import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";

/**
 * A watch of one file by its directory: a watch of the file itself would end when the file is replaced. It may begin some
 * milliseconds late and miss what happens until then, and it ends without a word when the directory goes: whoever relies
 * on it also looks now and then.
 */
export class FileWatch implements Disposable {
  #watcher: FSWatcher | undefined;

  /**
   * Begins to watch, if that is possible: there is a directory, and the system has watches left.
   *
   * @param path an absolute path
   * @param changed is called after each change
   */
  constructor(path: string, changed: () => void) {
    const name = basename(path);
    try {
      this.#watcher = watch(dirname(path), (_, changedName) => {
        if (changedName === null || basename(changedName) === name) changed();
      });
      this.#watcher.on("error", () => this.close());
    } catch {
      // No directory, no permission, no watches left: what is not told must be looked for.
    }
  }

  /** Whether changes are told, as far as is known. */
  get works(): boolean {
    return this.#watcher !== undefined;
  }

  /** Ends the watch. Safe to call again. */
  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
