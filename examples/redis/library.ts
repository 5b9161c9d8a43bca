/** The same by the library, without a task: this program shares its Redis itself. Runs in Deno and in Bun. */

import { fileURLToPath } from "node:url";
import process from "node:process";
import { SharedService } from "../../mod.ts";
import { takeNotes } from "../take_notes.ts";

const [namespace = "library"] = process.argv.slice(2);

const redis = new SharedService("redis", {
  namespace,
  command: [fileURLToPath(new URL("start.sh", import.meta.url)), "{namespace}", "{port}"],
  port: "auto",
  // Its port is open while it loads its data. Without -e the status of redis-cli is 0 even then.
  ready: { exec: ["redis-cli", "-e", "-h", "{host}", "-p", "{port}", "PING"] },
  // SIGTERM, as usual: it saves, if there are save points, and ends.
  stopTimeoutMs: 60_000,
});

await using handle = await redis.acquire();
const { openNotes } = await ("Bun" in globalThis ? import("./notes_bun.ts") : import("./notes.ts"));
const url = `redis://${handle.host}:${handle.port}`;
await takeNotes(await openNotes(url), url);
