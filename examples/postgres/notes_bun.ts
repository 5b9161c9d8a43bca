/** Notes in PostgreSQL, by the client that is built into Bun. */

import type { Notes } from "../take_notes.ts";

/** The part of Bun that is used; a project that runs in Bun alone has `import { SQL } from "bun"`. */
interface BunSql {
  (words: TemplateStringsArray, ...values: unknown[]): Promise<{ text: string }[]>;
  end(): Promise<void>;
}
const { SQL } = (globalThis as unknown as { Bun: { SQL: new (url: string, options: object) => BunSql } }).Bun;

/** Opens the notes at an address such as `postgres://postgres@127.0.0.1:5432/postgres`. */
export async function openNotes(url: string): Promise<Notes> {
  const sql = new SQL(url, { max: 1 });
  await sql`CREATE TABLE IF NOT EXISTS notes (id BIGINT GENERATED ALWAYS AS IDENTITY, text TEXT NOT NULL)`;
  return {
    async add(text: string): Promise<void> {
      await sql`INSERT INTO notes (text) VALUES (${text})`;
    },
    async all(): Promise<string[]> {
      return (await sql`SELECT text FROM notes ORDER BY id`).map(({ text }) => text);
    },
    close: (): Promise<void> => sql.end(),
  };
}
