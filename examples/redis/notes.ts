/** Notes in Redis, by npm:redis. */

import { createClient } from "npm:redis@6.3.1";
import type { Notes } from "../take_notes.ts";

/** Opens the notes at an address such as `redis://127.0.0.1:6379`. */
export async function openNotes(url: string): Promise<Notes> {
  const client = createClient({ url });
  client.on("error", (error) => console.error(`Redis: ${error.message}`));
  await client.connect();
  return {
    async add(text: string): Promise<void> {
      await client.rPush("notes", text);
    },
    all: (): Promise<string[]> => client.lRange("notes", 0, -1),
    async close(): Promise<void> {
      await client.close();
    },
  };
}
