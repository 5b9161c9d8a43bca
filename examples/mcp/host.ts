/**
 * A host, as an editor is one: it starts servers over pipes by the official client, and calls their tools.
 *
 * Usage: deno run -A examples/mcp/host.ts [DIRECTORY]
 *        bun run examples/mcp/host.ts [DIRECTORY]
 *        ... host.ts --lines
 *
 * Without `--lines` it shows two servers, one in Deno and one in Bun, that share their notes. With it, it does what it is
 * told by lines of JSON, `[ID, WHAT, SERVER, ...REST]`, and answers each by a line, `[ID, VALUE]` or
 * `[ID, null, MESSAGE]`:
 *
 * - `start`, with the words of a command: starts a server under this name; gives its PID
 * - `call`, with a tool and its arguments: gives the text that the tool answers
 * - `close`: says goodbye to the server, as the official client does
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const SERVER = fileURLToPath(new URL("server.ts", import.meta.url));
const COMMANDS = { deno: ["deno", "run", "-A", "--quiet", SERVER], bun: ["bun", "run", SERVER] };

/** A session with one server. */
class Session {
  readonly #client = new Client({ name: "example", version: "1.0.0" });
  readonly #transport: StdioClientTransport;

  constructor([command, ...args]: readonly string[]) {
    // The official client passes a few variables on, and those that are named.
    const named = Object.entries(process.env).filter(([name]) => /^PROCREF_|^NO_COLOR$/.test(name));
    this.#transport = new StdioClientTransport({ command, args, env: Object.fromEntries(named) as never });
  }

  async start(): Promise<number> {
    await this.#client.connect(this.#transport);
    return this.#transport.pid!;
  }

  async call(name: string, args: Record<string, unknown> = {}): Promise<string> {
    const { content, isError } = await this.#client.callTool({ name, arguments: args });
    const [{ text }] = content as { text: string }[];
    if (isError) throw new Error(text);
    return text;
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

if (process.argv[2] === "--lines") await obey();
else await show(process.argv[2]);

async function show(given: string | undefined): Promise<void> {
  const directory = given ?? mkdtempSync(join(tmpdir(), "procref-notes-"));
  const deno = new Session([...COMMANDS.deno, directory]);
  const bun = new Session([...COMMANDS.bun, directory]);
  await Promise.all([deno.start(), bun.start()]);
  console.log(`the server in Deno says: ${await deno.call("status")}`);
  console.log(`the server in Bun says: ${await bun.call("status")}`);
  console.log(`Deno remembers: ${await deno.call("remember", { text: "the coffee is in the cellar" })}`);
  console.log(`Bun recalls: ${await bun.call("recall", { text: "coffee" })}`);
  await Promise.all([deno.close(), bun.close()]);
  if (given === undefined) rmSync(directory, { recursive: true });
}

async function obey(): Promise<void> {
  const sessions = new Map<string, Session>();
  say(["ready"]);
  for await (const line of createInterface({ input: process.stdin })) {
    const [id, what, name, ...rest] = JSON.parse(line);
    // Each is done as soon as it can be, whatever becomes of those before it.
    perform(sessions, what, name, rest).then((value) => say([id, value]), (error) => say([id, null, error.message]));
  }
  process.exit();
}

async function perform(
  sessions: Map<string, Session>,
  what: string,
  name: string,
  rest: readonly never[],
): Promise<unknown> {
  if (what === "start") sessions.set(name, new Session(rest));
  const session = sessions.get(name);
  if (session === undefined) throw new Error(`no server ${name} was started`);
  switch (what) {
    case "start":
      return await session.start();
    case "call":
      return await session.call(rest[0], rest[1]);
    case "close":
      return await session.close();
    default:
      throw new Error(`${what} is nothing that can be done`);
  }
}

function say(what: readonly unknown[]): void {
  console.log(JSON.stringify(what));
}
