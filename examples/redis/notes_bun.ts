/** Notes in Redis, by the client that is built into Bun. */

import type { Notes } from "../take_notes.ts";

/** The part of Bun that is used; a project that runs in Bun alone has `import { RedisClient } from "bun"`. */
interface BunRedis {
  connect(): Promise<void>;
  send(command: string, args: string[]): Promise<unknown>;
  close(): void;
}
const { RedisClient } = (globalThis as unknown as { Bun: { RedisClient: new (url: string) => BunRedis } }).Bun;

/** Opens the notes at an address such as `redis://127.0.0.1:6379`. */
export async function openNotes(url: string): Promise<Notes> {
  const client = new RedisClient(url);
  await client.connect();
  return {
    async add(text: string): Promise<void> {
      await client.send("RPUSH", ["notes", text]);
    },
    all: (): Promise<string[]> => client.send("LRANGE", ["notes", "0", "-1"]) as Promise<string[]>,
    close(): Promise<void> {
      client.close();
      return Promise.resolve();
    },
  };
}
