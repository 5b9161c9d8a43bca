import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { assertRuntime } from "./harness/runtime.ts";

test("the suite runs in the runtime that was asked for", () => {
  assertRuntime();
});

test("the suite has a state directory of its own", () => {
  assert.ok(process.env.PROCREF_DIR, "run the suite by `deno task test`, which gives it one");
});
