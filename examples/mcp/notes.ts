/** The notes, as one server of many sees them: a database that is shared, and what is asked of it. */

import { createHash } from "node:crypto";
import { mkdirSync, realpathSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type ServiceHandle, SharedService } from "../../mod.ts";

/** A note. */
export interface Note {
  readonly id: number;
  readonly text: string;
}

/**
 * The database of a directory, to be shared by all who name that directory.
 *
 * @param directory where the notes are; made if it is missing
 */
export function sharedDatabase(directory: string): SharedService {
  mkdirSync(directory, { recursive: true });
  const path = realpathSync(directory);
  return new SharedService("notes", {
    namespace: createHash("sha256").update(path).digest("hex").slice(0, 16), // one directory has one database
    command: [process.execPath, ...runArguments(path), fileURLToPath(new URL("database.ts", import.meta.url)), path],
    args: ["{port}"],
    port: "auto",
    cwd: path,
    ready: { http: "/health" },
    lingerMs: 500, // hosts start their servers again and again
    onMismatch: "join", // a server in Deno starts it in Deno, one in Bun in Bun: either will do
  });
}

/** How this runtime runs the database; in Deno it may listen and use its directory, and nothing else. */
function runArguments(directory: string): string[] {
  if ("Bun" in globalThis) return ["run"];
  const permissions = ["--allow-net=127.0.0.1", `--allow-read=${directory}`, `--allow-write=${directory}`];
  return ["run", "--quiet", "--no-prompt", "--no-config", ...permissions];
}

/** What is asked of the database while it is held. */
export class Notes {
  readonly #database: ServiceHandle;

  constructor(database: ServiceHandle) {
    this.#database = database;
  }

  /** Keeps a note; gives its number. */
  async add(text: string): Promise<number> {
    return await this.#ask("/notes", { method: "POST", body: text }) as number;
  }

  /** The notes with this text in them; all of them for no text. */
  async find(text: string): Promise<Note[]> {
    return await this.#ask(`/notes?with=${encodeURIComponent(text)}`) as Note[];
  }

  async #ask(path: string, request?: RequestInit): Promise<unknown> {
    // Asked for each time: a database that was started again may have another port.
    const { host, port } = this.#database;
    const response = await fetch(`http://${host}:${port}${path}`, request);
    if (!response.ok) throw new Error(`the database says ${response.status}: ${await response.text()}`);
    return await response.json();
  }
}
