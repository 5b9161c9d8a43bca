/**
 * A key-value server over HTTP that keeps its entries in an SQLite file. It is an ordinary server and knows nothing of
 * those who share it.
 *
 * Usage: server.ts DIRECTORY [PORT]
 *
 * - `GET`, `PUT`, `DELETE /keys/NAME`: an entry as plain text; 404 when there is none
 * - `GET /health`: 200 while the server works
 *
 * It listens on 127.0.0.1, on a free port unless one is given, keeps its entries in DIRECTORY/entries.sqlite, and says
 * where it listens by writing DIRECTORY/ready.json (`pid` and `port`). SIGTERM closes the database and ends it with 0.
 */

import { Buffer } from "node:buffer";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";

const LONGEST_VALUE = 1_000_000;

const [directory, port = "0"] = process.argv.slice(2);
const readyFile = join(directory, "ready.json");
const database = new DatabaseSync(join(directory, "entries.sqlite"));
database.exec("CREATE TABLE IF NOT EXISTS entries (name TEXT PRIMARY KEY, value TEXT NOT NULL)");
const select = database.prepare("SELECT value FROM entries WHERE name = ?");
const upsert = database.prepare("INSERT OR REPLACE INTO entries (name, value) VALUES (?, ?)");
const remove = database.prepare("DELETE FROM entries WHERE name = ?");

const server = createServer((request, response) => {
  answer(request, response).catch((error) => respond(response, 500, String(error)));
});
server.listen(Number(port), "127.0.0.1", announce);
process.once("SIGTERM", stop);

/** Writes the ready file: a reader sees all of it or none. */
function announce(): void {
  const { port } = server.address() as AddressInfo;
  writeFileSync(`${readyFile}.tmp`, JSON.stringify({ pid: process.pid, port }));
  renameSync(`${readyFile}.tmp`, readyFile);
}

function stop(): void {
  server.close();
  server.closeAllConnections();
  database.close();
  rmSync(readyFile, { force: true });
  process.exit(0);
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = "GET", url = "/" } = request;
  if (method === "GET" && url === "/health") return respond(response, 200, "ok");
  if (!url.startsWith("/keys/")) return respond(response, 404, "no such place");
  const name = decodeURIComponent(url.slice("/keys/".length));
  switch (method) {
    case "GET": {
      const entry = select.get(name) as { value: string } | undefined;
      return entry === undefined ? respond(response, 404, "no such key") : respond(response, 200, entry.value);
    }
    case "PUT": {
      const value = await body(request);
      if (value === undefined) return respond(response, 413, `a value has at most ${LONGEST_VALUE} bytes`);
      upsert.run(name, value);
      return respond(response, 204);
    }
    case "DELETE":
      return Number(remove.run(name).changes) === 0 ? respond(response, 404, "no such key") : respond(response, 204);
    default:
      return respond(response, 405, "use GET, PUT or DELETE");
  }
}

/** The body as text, or undefined when it is too long. */
async function body(request: IncomingMessage): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length > LONGEST_VALUE) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function respond(response: ServerResponse, status: number, text?: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(text);
}
