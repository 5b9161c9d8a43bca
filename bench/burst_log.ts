/** The log of a burst: what the callbacks did, one line each, appended by many processes. */

import { appendFileSync, readFileSync } from "node:fs";
import type { process as processes } from "../mod.ts";

/** A callback that ran, and the service's process. */
export interface BurstEntry {
  readonly callback: "onFirstAcquire" | "onLastRelease";
  readonly service: processes.ProcessIdentity;
}

export function appendEntry(path: string, entry: BurstEntry): void {
  appendFileSync(path, `${JSON.stringify(entry)}\n`);
}

/** All entries; none when nobody has written one. */
export function readEntries(path: string): BurstEntry[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return [];
  }
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}
