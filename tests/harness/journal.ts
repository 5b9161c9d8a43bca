/** What the callbacks of several processes did, in order: one line each in a file. */

import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { identityOf } from "../../src/process/mod.ts";

export interface Entry {
  /** The callback: start, stop, health or recover. */
  readonly what: string;
  /** The client that it ran in. */
  readonly client: number;
  /** The service's process. */
  readonly service: number;
  /** When that process began, if it ran when it was noted: its number alone may be another's soon. */
  readonly start: string;
}

/** A journal in a directory of a test. */
export class Journal {
  readonly path: string;

  constructor(directory: string) {
    this.path = join(directory, "journal");
    appendFileSync(this.path, "");
  }

  static append(path: string, what: string, service: number, client: number): void {
    appendFileSync(path, `${what} ${client} ${service} ${identityOf(service)?.start ?? ""}\n`);
  }

  entries(what?: string): Entry[] {
    return readFileSync(this.path, "utf8").split("\n").filter((line) => line !== "").map((line) => {
      const [word, client, service, ...start] = line.split(" ");
      return { what: word, client: Number(client), service: Number(service), start: start.join(" ") };
    }).filter((entry) => what === undefined || entry.what === what);
  }

  /** The callbacks alone, in order. */
  words(): string[] {
    return this.entries().map(({ what }) => what);
  }
}
