/**
 * Programs that Deno has compiled into one file. The base of such files comes from a host of its own, so a stand-in takes
 * their place: a command that runs a program of Deno, which says of itself what a compiled one says. For Bun there is the
 * real thing, in tests/package.
 */

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runnable } from "../harness/documented.ts";
import { eventually } from "../harness/eventually.ts";
import { Child } from "../harness/child.ts";
import { withDirectory } from "../harness/names.ts";

const STAND_IN = `
import process from "node:process";

globalThis.Deno.build = { ...globalThis.Deno.build, standalone: true };
process.execPath = process.env.COMPILED;
`;

const MAIN = `
import "./stand_in.ts";
import { process as processes, SharedService, supervisorEntry } from "@procref/core";

ENTRY
console.log("main runs");
const service = new SharedService("compiled", { command: ["sleep", "60"] });
await using handle = await service.acquire();
console.log("holds", await service.count(), processes.isAlive(handle.info.identity));
`;

/** Runs the stand-in of a compiled program. */
async function withCompiled(entry: string, work: (child: Child) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    const [compiled, state] = ["compiled", "state"].map((name) => join(directory, name));
    mkdirSync(state, { mode: 0o700 });
    writeFileSync(join(directory, "stand_in.ts"), STAND_IN);
    writeFileSync(join(directory, "main.ts"), runnable(MAIN.replace("ENTRY", entry)));
    const run = `exec deno run -A --no-check --quiet '${join(directory, "main.ts")}' "$@"`;
    writeFileSync(compiled, `#!/bin/sh\n${run}\n`, { mode: 0o755 });
    const env = { COMPILED: compiled, PROCREF_DIR: state };
    await using child = new Child("nothing", { command: [compiled], env });
    await work(child);
    await eventually(() => readdirSync(state).length === 0, "nothing is left");
  });
}

test("a program that Deno compiled into one file is its own supervisor, and runs its own main part once", async () => {
  await withCompiled("await supervisorEntry();", async (child) => {
    assert.equal((await child.exited).code, 0, child.errors);
    assert.deepEqual(child.takeLines("main "), ["runs"]);
    assert.deepEqual(child.takeLines("holds "), ["1 true"]);
  });
});

test("one without the supervisor's entry is told what to do, and its main part runs once", async () => {
  await withCompiled("void supervisorEntry;", async (child) => {
    assert.equal((await child.exited).code, 1);
    assert.deepEqual(child.takeLines("main "), ["runs"]);
    assert.match(child.errors, /let its first line be `await supervisorEntry\(\)`/);
  });
});
