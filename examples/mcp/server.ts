/**
 * A server of the Model Context Protocol over stdin and stdout, which keeps notes. A host starts one for each of its
 * sessions, and every other host does the same; all of them share one database, which the first one starts and the last
 * one stops. However a host ends, its server ends as well.
 *
 * Usage: deno run -A examples/mcp/server.ts [DIRECTORY]
 *        bun run examples/mcp/server.ts [DIRECTORY]
 *
 * The notes are in DIRECTORY, or in `.procref-notes` in the home directory. The packages that package.json names are
 * fetched at the first start. Bun leaves that to `bun install` where a folder above has `node_modules`.
 */

import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";
import { releaseWithParent, type ServiceHandle } from "../../mod.ts";
import { type Note, Notes, sharedDatabase } from "./notes.ts";

interface ToolResult {
  content: { type: "text"; text: string }[];
  [key: string]: unknown;
}

const [directory = join(homedir(), ".procref-notes")] = process.argv.slice(2);
const database = sharedDatabase(directory);
const handles: ServiceHandle[] = [];
const calls = new Set<Promise<unknown>>();

// Before anything that takes time: a host may die while its server starts.
releaseWithParent(() => handles, { onParentGone: finishCalls });
handles.push(await database.acquire());
const notes = new Notes(handles[0]);

const server = new McpServer({ name: "notes", version: "1.0.0" });
server.registerTool(
  "remember",
  { description: "Keeps a note for all sessions, of now and later.", inputSchema: { text: z.string().min(1) } },
  ({ text }: { text: string }) => answer(async () => `note ${await notes.add(text)}`),
);
server.registerTool(
  "recall",
  { description: "Finds the notes with a text in them.", inputSchema: { text: z.string().min(1) } },
  ({ text }: { text: string }) => answer(async () => listed(await notes.find(text))),
);
server.registerTool(
  "list",
  { description: "Lists all notes." },
  () => answer(async () => listed(await notes.find(""))),
);
server.registerTool(
  "status",
  { description: "Tells which process is the database, and how many servers share it." },
  () => answer(async () => `process ${handles[0].pid}, shared by ${await database.count()}`),
);
await server.connect(new StdioServerTransport());

/** The answer to a call, which is waited for when the host is gone: what it asked for last is done. */
async function answer(work: () => Promise<string>): Promise<ToolResult> {
  const call = work();
  calls.add(call);
  try {
    return { content: [{ type: "text", text: await call }] };
  } finally {
    calls.delete(call);
  }
}

async function finishCalls(): Promise<void> {
  // What was read last becomes a call within this turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  while (calls.size > 0) await Promise.allSettled(calls);
  // And its answer is written within this one.
  await new Promise((resolve) => setImmediate(resolve));
}

function listed(notes: readonly Note[]): string {
  return notes.map(({ id, text }) => `${id} ${text}`).join("\n");
}
