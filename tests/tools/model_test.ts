import assert from "node:assert/strict";
import { test } from "node:test";
import { report } from "../../tools/model.ts";
import { readPanOutput } from "../../tools/model/pan_output.ts";
import { type Row, ROWS } from "../../tools/model/rows.ts";
import { missingTool, runRow } from "../../tools/model/run_row.ts";

const FINISHED = `
(Spin Version 6.5.2 -- 6 December 2019)
	+ Partial Order Reduction
	+ Compression

Full statespace search for:
	never claim         	- (none specified)
	assertion violations	+
	cycle checks       	- (disabled by -DSAFETY)
	invalid end states	+

State-vector 144 byte, depth reached 406, errors: 0
   423745 states, stored
   813041 states, matched
  1236786 transitions (= stored+matched)

pan: elapsed time 0.61 seconds
pan: rate 694663.93 states/second
`;
const STOPPED = FINISHED.replace("errors: 0", "errors: 1").replace(
  "(Spin Version",
  "pan:1: assertion violated (references==0) (at depth 143)\npan: wrote x.pml.trail\n\n(Spin Version",
).replace("2019)\n", "2019)\nWarning: Search not completed\n");
const MISSING = missingTool();
const ROW: Row = {
  name: "small",
  model: "callback",
  defines: ["KILLS=0"],
  check: "safety",
  expected: "ok",
};

test("a search that ended without an error holds, with its numbers", () => {
  assert.deepEqual(readPanOutput(FINISHED), { verdict: "ok", states: 423745, seconds: 0.61, what: "" });
});

test("the states of a search for cycles are those that are stored, however many were visited", () => {
  const text = FINISHED.replace("423745 states, stored", "2.54e+06 states, stored (2.18e+07 visited)");
  assert.equal(readPanOutput(text).states, 2_540_000);
});

test("an error is a violation, and says of what", () => {
  const { verdict, what } = readPanOutput(STOPPED);
  assert.equal(verdict, "violation");
  assert.equal(what, "assertion violated (references==0)");
  for (const error of ["invalid end state", "acceptance cycle"]) {
    const found = readPanOutput(STOPPED.replace("assertion violated (references==0)", error));
    assert.deepEqual([found.verdict, found.what], ["violation", error]);
  }
});

test("a search that left states out is neither good nor a violation", () => {
  const texts = {
    depth: `error: max search depth too small\n${FINISHED}`,
    "depth and an error": `error: max search depth too small\n${STOPPED}`,
    memory: `pan: reached -DMEMLIM bound\n${FINISHED}`,
    truncated: FINISHED.replace("2019)\n", "2019)\nWarning: Search not completed\n"),
    "cut off": FINISHED.slice(0, FINISHED.indexOf("State-vector")),
    approximate: FINISHED.replace("Full statespace", "Bit statespace"),
    "without states": FINISHED.replace("423745 states", "0 states"),
    "an error that is not told": FINISHED.replace("errors: 0", "errors: 1"),
    nothing: "",
  };
  for (const [what, text] of Object.entries(texts)) assert.equal(readPanOutput(text).verdict, "unfinished", what);
});

test("a bound of the model that does not suffice is no violation of the protocol", () => {
  for (const bound of ["0", "(0)"]) {
    assert.equal(readPanOutput(STOPPED.replace("(references==0)", bound)).verdict, "unfinished");
  }
});

test("a row fails unless it gives what is expected", () => {
  const ok = readPanOutput(FINISHED);
  const violation = readPanOutput(STOPPED);
  const unfinished = readPanOutput("");
  const mistake: Row = { ...ROW, expected: "violation" };
  assert.deepEqual([ok, violation, unfinished].map((result) => report(ROW, result).holds), [true, false, false]);
  assert.deepEqual([ok, violation, unfinished].map((result) => report(mistake, result).holds), [false, true, false]);
  assert.equal(report(ROW, ok).line, "ok callback: small, safety: 423745 states, 0.6 s");
  assert.equal(report(mistake, ok).line, "FAILED callback: small, safety: no violation, 423745 states, 0.6 s");
  assert.match(report(ROW, unfinished).line, /^FAILED .* unfinished \(ok expected\): it did not reach its end;/);
});

test("no two rows are called the same", () => {
  const names = ROWS.map(({ model, name, check }) => `${model}: ${name}, ${check}`);
  assert.deepEqual(names, [...new Set(names)]);
});

test("a small model holds, and one with a mistake is violated", { skip: MISSING ?? false, timeout: 120_000 }, () => {
  assert.equal(runRow(ROW).verdict, "ok");
  assert.equal(runRow({ ...ROW, defines: ["KILLS=0", "DECREMENT_THEN_READ"] }).verdict, "violation");
});

test("a model that cannot be translated is unfinished", { skip: MISSING ?? false, timeout: 60_000 }, () => {
  const { verdict, what } = runRow({ ...ROW, defines: ["KILLS=)"] });
  assert.equal(verdict, "unfinished");
  assert.match(what, /^spin: /);
});
