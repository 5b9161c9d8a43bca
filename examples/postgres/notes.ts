/** Notes in PostgreSQL, by npm:postgres. */

import postgres from "npm:postgres@3.4.9";
import type { Notes } from "../take_notes.ts";

/** Opens the notes at an address such as `postgres://postgres@127.0.0.1:5432/postgres`. */
export async function openNotes(url: string): Promise<Notes> {
  // The driver prints notices, for example that there is a table already.
  const sql = postgres(url, { max: 1, onnotice: () => {} });
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
