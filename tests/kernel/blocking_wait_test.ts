import assert from "node:assert/strict";
import { test } from "node:test";
import { blockFor, blockUntil } from "../../src/kernel/blocking_wait.ts";

test("it is asked until the answer is true, and nothing else happens meanwhile", () => {
  let asked = 0, happened = false;
  queueMicrotask(() => happened = true);
  assert.equal(blockUntil(() => ++asked === 5, 10_000), true);
  assert.deepEqual([asked, happened], [5, false]);
});

test("it is asked once also without any time, and not for ever", () => {
  assert.equal(blockUntil(() => true, -1), true);
  let asked = 0;
  assert.equal(blockUntil(() => ++asked < 0, -1), false);
  assert.equal(asked, 1);
  const started = performance.now();
  assert.equal(blockUntil(() => false, 5), false);
  assert.ok(performance.now() - started > 5);
});

test("what a question throws ends the wait", () => {
  const error = new Error("no answer");
  assert.throws(() =>
    blockUntil(() => {
      throw error;
    }, 10_000), error);
});

test("a thread is blocked for so long", () => {
  const started = performance.now();
  blockFor(20);
  assert.ok(performance.now() - started >= 19);
});
