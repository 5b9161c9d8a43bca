/**
 * A client of the shared key-value server. Any number of them, in Deno and in Bun, use one server; the first one starts
 * it, the last one stops it.
 *
 * Usage: client.ts DIRECTORY COMMAND...
 *        client.ts DIRECTORY            reads commands, one a line; `acquire` first
 *
 * - `put NAME VALUE`, `get NAME`, `delete NAME`: an entry
 * - `count`: how many references there are
 * - `acquire`, `release`: when commands come by lines; what is still held is released at the end
 *
 * Every answer is a line of JSON: `{"value": ...}` or `{"error": "..."}`. When this client starts or stops the server,
 * it says so by a line with `event`.
 */

import { createInterface } from "node:readline";
import process from "node:process";
import type { ServiceHandle } from "../../mod.ts";
import { keyValueService } from "./service.ts";

const [directory, ...command] = process.argv.slice(2);
if (directory === undefined) throw new Error("give the directory that the entries are kept in");
const service = keyValueService(directory, say);
let handle: ServiceHandle | undefined;

if (command.length > 0) {
  await reply(async () => {
    await acquire();
    return await obey(command);
  });
} else {
  say({ event: "ready", pid: process.pid });
  for await (const line of createInterface({ input: process.stdin })) {
    await reply(() => obey(line.trim().split(" ")));
  }
}
await handle?.release();
process.exit();

async function obey([verb, name = "", ...value]: readonly string[]): Promise<unknown> {
  switch (verb) {
    case "acquire":
      return await acquire();
    case "release":
      await handle?.release();
      handle = undefined;
      return true;
    case "count":
      return await service.count();
    case "get":
      return await request("GET", name);
    case "put":
      return await request("PUT", name, value.join(" "));
    case "delete":
      return await request("DELETE", name);
    default:
      throw new Error(`${verb} is no command`);
  }
}

async function acquire(): Promise<{ server?: number; port?: number }> {
  handle ??= await service.acquire();
  return { server: handle.pid, port: handle.port };
}

/** The text of the answer, or null when there is no such key. */
async function request(method: string, name: string, body?: string): Promise<string | null> {
  if (handle === undefined) throw new Error("acquire the server first");
  const url = `http://${handle.host}:${handle.port}/keys/${encodeURIComponent(name)}`;
  const response = await fetch(url, { method, body });
  const text = await response.text();
  if (response.ok) return text;
  if (response.status === 404) return null;
  throw new Error(`${response.status} ${text}`);
}

async function reply(work: () => Promise<unknown>): Promise<void> {
  try {
    say({ value: await work() });
  } catch (error) {
    say({ error: (error as Error).message });
    process.exitCode = 1;
  }
}

function say(what: object): void {
  console.log(JSON.stringify(what));
}
