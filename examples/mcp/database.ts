/**
 * The database of all servers: notes in an SQLite file, over HTTP. It knows nothing of those who share it, and opens its
 * file so that a second one could not even read it.
 *
 * Usage: database.ts DIRECTORY PORT
 *
 * - `POST /notes`: keeps the body as a note; gives its number
 * - `GET /notes?with=TEXT`: the notes with this text in them, or all, as JSON
 * - `GET /health`: 200 while it works
 */

import { mkdirSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";

const [directory, port] = process.argv.slice(2);
mkdirSync(directory, { recursive: true });
const database = new DatabaseSync(join(directory, "notes.sqlite"));
database.exec("PRAGMA locking_mode = EXCLUSIVE");
database.exec("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)");
// The first write takes the lock, which is kept until the end.
database.exec("BEGIN IMMEDIATE; COMMIT");
const insert = database.prepare("INSERT INTO notes (text) VALUES (?)");
const select = database.prepare("SELECT id, text FROM notes WHERE instr(lower(text), lower(?)) > 0 ORDER BY id");

const server = createServer((request, response) => {
  answer(request, response).catch((error) => respond(response, 500, { error: String(error) }));
});
server.listen(Number(port), "127.0.0.1");
process.once("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
  database.close();
  process.exit(0);
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  switch (`${request.method} ${pathname}`) {
    case "POST /notes":
      return respond(response, 200, Number(insert.run(await body(request)).lastInsertRowid));
    case "GET /notes":
      return respond(response, 200, select.all(searchParams.get("with") ?? ""));
    case "GET /health":
      return respond(response, 200, "ok");
    default:
      return respond(response, 404, { error: "no such place" });
  }
}

async function body(request: IncomingMessage): Promise<string> {
  request.setEncoding("utf8");
  let text = "";
  for await (const part of request) text += part;
  return text;
}

function respond(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}
