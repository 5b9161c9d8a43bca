/** The same by the library, without a task: this program shares its database itself. Runs in Deno and in Bun. */

import { fileURLToPath } from "node:url";
import process from "node:process";
import { SharedService } from "../../mod.ts";
import { takeNotes } from "../take_notes.ts";

const [namespace = "library"] = process.argv.slice(2);

const database = new SharedService("postgres", {
  namespace,
  command: [fileURLToPath(new URL("start.sh", import.meta.url)), "{namespace}", "{port}"],
  port: "auto",
  // Its port is open before it takes clients, for example while it recovers.
  ready: { exec: ["pg_isready", "-q", "-h", "{host}", "-p", "{port}"] },
  // A fast shutdown. SIGTERM would wait for connections that others have left open; SIGQUIT writes no checkpoint.
  stopSignal: "SIGINT",
  stopTimeoutMs: 60_000,
});

await using handle = await database.acquire();
const { openNotes } = await ("Bun" in globalThis ? import("./notes_bun.ts") : import("./notes.ts"));
const url = `postgres://postgres@${handle.host}:${handle.port}/postgres`;
await takeNotes(await openNotes(url), url);
