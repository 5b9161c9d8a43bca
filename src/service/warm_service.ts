/**
 * What a client remembers of a service, so that the next acquire reads no file.
 *
 * @module
 */

import { ProcessWatch } from "../process/process_watch.ts";
import type { Attachment } from "./mode.ts";

/** A service that is known to be usable as long as the generation is the same and its processes run. */
export class WarmService {
  /** What was found when it was attached to. */
  readonly attachment: Attachment;
  /** The counter's generation that this holds for. */
  readonly generation: number;
  /** The service, where it is a process, and its supervisor, where it has one: in this order they are looked at. */
  readonly #watches: readonly ProcessWatch[];

  private constructor(attachment: Attachment, generation: number, watches: readonly ProcessWatch[]) {
    this.attachment = attachment;
    this.generation = generation;
    this.#watches = watches;
  }

  /** Remembers a service; undefined when it changed while it was attached to, or has ended since. */
  static of(attachment: Attachment): WarmService | undefined {
    const { generation, record: { info, supervisor } } = attachment;
    if (generation === undefined) return undefined;
    const identities = [info.identity, supervisor].filter((identity) => identity !== undefined);
    const watches = identities.map((identity) => ProcessWatch.open(identity));
    const open = watches.filter((watch) => watch !== undefined);
    if (open.length === identities.length) return new WarmService(attachment, generation, open);
    open.forEach((watch) => watch.close());
    return undefined;
  }

  /** Whether the processes still run, one system call each; what cannot be asked counts as gone. */
  isAlive(): boolean {
    try {
      for (const watch of this.#watches) if (!watch.isAlive()) return false;
      return true;
    } catch {
      return false;
    }
  }

  /** Frees the descriptors. */
  close(): void {
    this.#watches.forEach((watch) => watch.close());
  }
}
