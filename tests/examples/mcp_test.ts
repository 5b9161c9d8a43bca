import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { once } from "node:events";
import process from "node:process";
import { test } from "node:test";
import { runnable } from "../harness/documented.ts";
import { eventually } from "../harness/eventually.ts";
import { DATABASE, fetchPackages, type Host, inExample, McpStage, RUN } from "../harness/mcp_host.ts";
import { bothRuntimes, runtime, type RuntimeName } from "../harness/runtime.ts";

const ROOT = new URL("../../", import.meta.url);

/** A command that stays between a host and its server: it starts the words after it, and waits for them. */
const STAYS = ["sh", "-c", '"$@"; exit $?', "sh"];

/** Runs a test with the packages of the example at hand. */
function onStage(work: (stage: McpStage) => Promise<void>): () => Promise<void> {
  return async () => {
    fetchPackages();
    await McpStage.with(work);
  };
}

/** A host with one server, which works. */
async function hostOf(stage: McpStage, command: readonly string[], env?: Record<string, string>): Promise<Host> {
  const host = stage.host(runtime, env);
  await host.start("server", command);
  assert.match(await host.call("server", "remember", { text: "it works" }), /^note \d+$/);
  return host;
}

/** What a new session finds. */
async function notesOf(stage: McpStage): Promise<string[]> {
  const host = await stage.host(runtime);
  await host.start("reader", stage.server(runtime));
  const notes = await host.call("reader", "list");
  await host.close("reader");
  return notes.split("\n").filter((line) => line !== "").map((line) => line.replace(/^\d+ /, ""));
}

test(
  "five MCP servers of hosts in both runtimes share one database, and no note is lost",
  onStage(async (stage) => {
    const sessions = await stage.sessions(5);
    const states = await Promise.all(sessions.map(({ host, server }) => host.call(server, "status")));
    const [database] = stage.databases();
    assert.deepEqual(stage.databases(), [database]);
    assert.deepEqual(states, states.map(() => `process ${database}, shared by 5`));
    const texts = Array.from({ length: 100 }, (_, index) => `text ${index}`);
    const numbers = await Promise.all(texts.map((text, index) => {
      const { host, server } = sessions[index % sessions.length];
      return host.call(server, "remember", { text });
    }));
    assert.equal(new Set(numbers).size, 100, "every write succeeded");
    for (const { host, server } of sessions) {
      assert.equal((await host.call(server, "list")).split("\n").length, 100, "all see all");
      assert.match(await host.call(server, "recall", { text: "TEXT 99" }), /^\d+ text 99$/);
    }
    assert.deepEqual(stage.databases(), [database], "it was one process all the time");
    await Promise.all(sessions.map(({ host, server }) => host.close(server)));
    await stage.assertNothingLeft();
    assert.deepEqual((await notesOf(stage)).sort(), texts.sort(), "the next session finds its data");
  }),
);

test(
  "hosts that are SIGKILLed while they write leave no MCP server, and the last one no database",
  onStage(async (stage) => {
    const sessions = await stage.sessions(4);
    const [database] = stage.databases();
    const [doomed, other] = [sessions[0].host, sessions[2].host];
    const acknowledged: string[] = [];
    const begin = (host: Host, server: string): Promise<unknown>[] =>
      Array.from({ length: 50 }, async (_, index) => {
        const text = `${server} ${index}`;
        await host.call(server, "remember", { text });
        acknowledged.push(text);
      });
    const writes = sessions.flatMap(({ host, server }) => begin(host, server));
    const others = writes.slice(100);
    await Promise.race(writes);
    await doomed.kill();
    await Promise.allSettled(writes);
    await Promise.all(others);
    await eventually(() => stage.servers().length === 2, "the servers of the dead host have ended");
    // The kernel takes a process out of the list before it takes back what that held.
    const shared = `process ${database}, shared by 2`;
    await eventually(async () => await other.call("server-2", "status") === shared, shared);
    await other.kill();
    await stage.assertNothingLeft();
    const kept = await notesOf(stage);
    assert.deepEqual(acknowledged.filter((text) => !kept.includes(text)), [], "what was acknowledged is there");
    assert.equal(new Set(kept).size, kept.length, "and once");
  }),
);

test(
  "MCP servers go on with their notes when the database is SIGKILLed",
  onStage(async (stage) => {
    const sessions = await stage.sessions(2);
    const write = ({ host, server }: (typeof sessions)[number], text: string): Promise<string> =>
      host.call(server, "remember", { text });
    await Promise.all(sessions.map((session) => write(session, "before")));
    const [killed] = stage.databases();
    process.kill(killed, "SIGKILL");
    for (const session of sessions) {
      await eventually(() => write(session, "after").then(() => true, () => false), "a write succeeds again");
    }
    assert.equal(stage.databases().length, 1);
    assert.notEqual(stage.databases()[0], killed);
    const found = await Promise.all(sessions.map(({ host, server }) => host.call(server, "list")));
    assert.match(found[0], /^1 before\n2 before\n(\d+ after\n?)+$/);
    assert.equal(found[0], found[1]);
  }),
);

test(
  "a host that is SIGKILLed while its MCP servers start leaves nothing",
  onStage(async (stage) => {
    for (const all of [1, 4]) {
      const host = stage.host(runtime);
      const starts = Array.from(
        { length: 4 },
        (_, index) => host.start(`${index}`, stage.server(bothRuntimes[index % 2])),
      );
      await eventually(() => stage.servers().length >= all, "servers are about to start");
      await host.kill();
      await Promise.allSettled(starts);
      await stage.assertNothingLeft();
    }
  }),
);

const REQUESTS = [
  {
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "pipe", version: "1" } },
  },
  { method: "notifications/initialized" },
  { id: 2, method: "tools/call", params: { name: "remember", arguments: { text: "last words" } } },
].map((request) => `${JSON.stringify({ jsonrpc: "2.0", ...request })}\n`).join("");

for (const runtime of bothRuntimes) {
  test(
    `an MCP server in ${runtime} whose standard input is closed answers what it was asked, and ends well`,
    onStage(async (stage) => {
      const [command, ...args] = stage.server(runtime);
      const server = spawn(command, args, {
        env: { ...process.env, ...stage.env },
        stdio: ["pipe", "pipe", "inherit"],
      });
      let answers = "";
      server.stdout.setEncoding("utf8").on("data", (text) => answers += text);
      server.stdin.end(REQUESTS);
      assert.deepEqual(await once(server, "close"), [0, null]);
      const [, second] = answers.trim().split("\n").map((line) => JSON.parse(line));
      assert.deepEqual(second.result.content, [{ type: "text", text: "note 1" }]);
      await stage.assertNothingLeft();
      assert.deepEqual(await notesOf(stage), ["last words"]);
    }),
  );
}

/** Runs a test with a pipe that never ends, as one that a stranger has inherited does. */
async function withEndlessPipe(stage: McpStage, work: (pipe: string) => Promise<void>): Promise<void> {
  const pipe = stage.path("pipe");
  execFileSync("mkfifo", [pipe]);
  const open = openSync(pipe, constants.O_RDWR);
  try {
    await work(pipe);
  } finally {
    closeSync(open);
    rmSync(pipe);
  }
}

/** Starts the words after it with a named pipe in place of standard input, of which all is passed on but the end. */
const THROUGH_PIPE = [
  "sh",
  "-c",
  'exec 3<&0; cat <&3 >"$PROCREF_TEST_PIPE" & exec "$@" <"$PROCREF_TEST_PIPE" 3<&-',
  "sh",
];

for (const server of bothRuntimes) {
  test(
    `a host that dies while somebody else keeps its pipe open leaves no MCP server in ${server}`,
    onStage(async (stage) => {
      const between = process.platform === "linux" ? [[], STAYS] : [[]];
      for (const words of between) {
        await withEndlessPipe(stage, async (pipe) => {
          const command = [...THROUGH_PIPE, ...words, ...stage.server(server)];
          const host = await hostOf(stage, command, { PROCREF_TEST_PIPE: pipe });
          await host.kill();
          await stage.assertNothingLeft();
        });
      }
      assert.equal((await notesOf(stage)).length, between.length);
    }),
  );
}

/** The wrappers that people write into the configuration of their host, by what they are called. */
const wrappers: { readonly [name: string]: (stage: McpStage, server: RuntimeName) => string[] } = {
  "a shell": (stage, server) => [...STAYS, ...stage.server(server)],
  "bunx": (stage, server) => {
    const bin = stage.path("node_modules/.bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(`${bin}/notes-server`, `#!/bin/sh\nexec "$@"\n`);
    chmodSync(`${bin}/notes-server`, 0o755);
    return [
      "sh",
      "-c",
      'cd "$0" && exec bunx --no-install notes-server "$@"',
      stage.path("."),
      ...stage.server(server),
    ];
  },
  "deno task": (stage, server) => {
    writeFileSync(stage.path("deno.json"), JSON.stringify({ tasks: { notes: stage.server(server).join(" ") } }));
    // The notes are named once more for the wrapper to be found by.
    return ["deno", "task", "--quiet", "--config", stage.path("deno.json"), "notes", stage.notes];
  },
};

for (const [name, wrapped] of Object.entries(wrappers)) {
  test(
    `a host that is SIGKILLED leaves no MCP server behind ${name}, nor that`,
    onStage(async (stage) => {
      for (const server of bothRuntimes) {
        const host = await hostOf(stage, wrapped(stage, server));
        assert.ok(stage.servers().length >= 2, "the server, and what is between it and the host");
        await host.kill();
        await stage.assertNothingLeft();
      }
      assert.equal((await notesOf(stage)).length, 2);
    }),
  );
}

test(
  "an MCP server ends when what stands between it and its host is killed",
  onStage(async (stage) => {
    for (const server of bothRuntimes) {
      const host = stage.host(runtime);
      const wrapper = await host.start("server", [...STAYS, ...stage.server(server)]);
      process.kill(wrapper, "SIGKILL");
      await stage.assertNothingLeft();
    }
  }),
);

test(
  "the lines for MCP servers in the README work in both runtimes as they stand there",
  onStage(async (stage) => {
    const database = ["deno", "run", "-A", "--no-config", DATABASE, stage.notes, "{port}"];
    const [before, after] = readmeLines().split('["redis-server", "--port", "{port}"]');
    writeFileSync(stage.path("main.ts"), runnable(`${before}${JSON.stringify(database)}${after}`));
    for (const name of ["package.json", "deno.json"]) {
      copyFileSync(new URL(`examples/mcp/${name}`, ROOT), stage.path(name));
    }
    const host = stage.host(runtime);
    await Promise.all(bothRuntimes.map((each) => host.start(each, [...RUN[each], stage.path("main.ts"), stage.notes])));
    const [one, other] = await Promise.all(bothRuntimes.map((each) => host.call(each, "where")));
    assert.match(one, /^port \d+$/);
    assert.equal(one, other);
    assert.equal(stage.databases().length, 1);
    await host.kill();
    await stage.assertNothingLeft();
  }),
);

function readmeLines(): string {
  const section = readFileSync(new URL("README.md", ROOT), "utf8").split("\n## MCP servers\n")[1];
  return /```ts\n([\s\S]*?)```/.exec(section)![1];
}

test(
  "the types of the MCP example hold",
  onStage(() => {
    const { code, output } = inExample(["deno", "check", "--quiet"]);
    assert.equal(code, 0, output);
    return Promise.resolve();
  }),
);
