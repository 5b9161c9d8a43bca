import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { runWatched } from "../../tools/suite/run_watched.ts";

const LONG_MS = 60_000;

/** Runs lines of a shell, watched. */
async function runShell(
  lines: string,
  silenceMs: number,
): Promise<{ said: string; silences: number; status: unknown }> {
  let [said, silences] = ["", 0];
  const status = await runWatched("/bin/sh", ["-c", lines], {
    env: process.env,
    silenceMs,
    onText: (text) => said += text,
    onSilence: () => silences++,
  });
  return { said, silences, status };
}

test("a program is run to its end and heard of both its outputs", async () => {
  const { said, silences, status } = await runShell("echo one; echo two >&2; exit 3", LONG_MS);
  assert.deepEqual([said.split("\n").sort(), silences, status], [["", "one", "two"], 0, 3]);
});

test("a program that has fallen silent is killed, and it is said before", async () => {
  const { said, silences, status } = await runShell("echo here; exec sleep 300", 300);
  assert.deepEqual([said, silences, status], ["here\n", 1, null]);
});

test("a program that goes on speaking is not killed", async () => {
  const { silences, status } = await runShell("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.2; done", 1000);
  assert.deepEqual([silences, status], [0, 0]);
});

test("a program that has ended is not waited for because of what it has left behind", async () => {
  const { said, silences, status } = await runShell("sleep 300 & echo $!", LONG_MS);
  process.kill(Number(said), "SIGKILL");
  assert.deepEqual([silences, status], [0, 0]);
});

test("a program that is not there is an error", async () => {
  const watched = { env: process.env, silenceMs: LONG_MS, onText: () => {}, onSilence: () => {} };
  await assert.rejects(runWatched("/no/such/program", [], watched), /ENOENT/);
});
