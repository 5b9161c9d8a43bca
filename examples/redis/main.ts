/** A client that knows nothing of how its Redis is shared: it is told an address. Runs in Deno and in Bun. */

import process from "node:process";
import { takeNotes } from "../take_notes.ts";

const url = process.env.REDIS_URL;
if (url === undefined) throw new Error("REDIS_URL is not set: run this by a task of deno.json");
const { openNotes } = await ("Bun" in globalThis ? import("./notes_bun.ts") : import("./notes.ts"));
await takeNotes(await openNotes(url), url);
