import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runtime } from "./harness/runtime.ts";
import { withDirectory } from "./harness/names.ts";

const DEMO = fileURLToPath(new URL("../examples/demo.ts", import.meta.url));

/** What the timeline must say, in this order; other lines may stand between. */
const TIMELINE = [
  /^ +\d+ {2}A \(Deno, process \d+\), B \(Bun, process \d+\), C \(Deno, process \d+\) are there; no server runs$/,
  /^ +\d+ {2}count 0$/,
  /^ +\d+ {2}[ABC] \((Deno|Bun), process \d+\) started the server: process \d+, port \d+, ready after \d+ ms$/,
  /^ +\d+ {2}count 3$/,
  /^ +\d+ {2}A reads what B wrote: "hello from B"$/,
  /^ +\d+ {2}B reads what C wrote: "hello from C"$/,
  /^ +\d+ {2}C reads what A wrote: "hello from A"$/,
  /^ +\d+ {2}[ABC] \(.*\), which started the server, is killed \(SIGKILL\)$/,
  /^ +\d+ {2}count 2, \d+\.\d ms after the signal$/,
  /^ +\d+ {2}[AB] still reads what [ABC] wrote: /,
  /^ +\d+ {2}[AB] releases$/,
  /^ +\d+ {2}count 1$/,
  /^ +\d+ {2}[BC], the last one, is killed \(SIGKILL\)$/,
  /^ +\d+ {2}count 0$/,
  /^ +\d+ {2}the server is gone, \d+\.\d ms after the signal$/,
  /^ok: no process of this demo runs$/,
  /^ok: no semaphore set of this demo exists$/,
  /^ok: the state directory is empty$/,
  /^Every promise was kept\.$/,
];

function runDemo(temporary: string, path = process.env.PATH): Promise<{ code: number | null; output: string }> {
  const first = runtime === "deno" ? ["run", "-A", "--no-check", "--quiet"] : ["run"];
  const child = spawn(process.execPath, [...first, DEMO], {
    env: { ...process.env, PATH: path, TMPDIR: temporary },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => output += text);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

test("the demo keeps every promise and tells so", async () => {
  await withDirectory(async (temporary) => {
    const { code, output } = await runDemo(temporary);
    assert.equal(code, 0, output);
    const lines = output.split("\n");
    for (const expected of TIMELINE) {
      const at = lines.findIndex((line) => expected.test(line));
      assert.ok(at >= 0, `no line ${expected} where it should be in:\n${output}`);
      lines.splice(0, at + 1);
    }
  });
});

test("the demo says what is missing, and fails, when the other runtime is not there", async () => {
  await withDirectory(async (temporary) => {
    const { code, output } = await runDemo(temporary, temporary);
    assert.equal(code, 1, output);
    const other = runtime === "deno" ? "bun" : "deno";
    assert.match(output, new RegExp(`^FAILED: cannot run ${other}, which must be on the PATH: `, "m"));
  });
});
