/** What the clients of the database examples do: every line of standard input is kept as a note. */

import { createInterface } from "node:readline";
import process from "node:process";

/** Notes that are kept in a database. */
export interface Notes {
  /** Keeps a note and resolves once the database has it. */
  add(text: string): Promise<void>;
  /** All notes, the oldest first. */
  all(): Promise<string[]>;
  /** Ends the connection. */
  close(): Promise<void>;
}

/**
 * Prints what is there, and then takes down a line at a time, until the input ends.
 *
 * @param notes where they are kept
 * @param where what is printed of that
 */
export async function takeNotes(notes: Notes, where: string): Promise<void> {
  console.log(`${where}: ${JSON.stringify(await notes.all())}`);
  for await (const line of createInterface({ input: process.stdin })) {
    await notes.add(line);
    console.log(`noted: ${JSON.stringify(await notes.all())}`);
  }
  await notes.close();
}
