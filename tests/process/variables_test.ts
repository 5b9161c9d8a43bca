import assert from "node:assert/strict";
import { test } from "node:test";
import { mergedVariables, variableOf } from "../../src/process/variables.ts";
import type { ServiceDescription } from "../../src/service/service_description.ts";
import { environment } from "../../src/supervisor/service_process.ts";
import { onWindows } from "../harness/platform.ts";

const INHERITED = { Path: "theirs", HOME: "home", Gone: "x" };

test("what a later environment says counts, and undefined takes a variable away", () => {
  assert.deepEqual(mergedVariables([INHERITED, { HOME: "ours", Gone: undefined }], false), {
    Path: "theirs",
    HOME: "ours",
  });
});

test("where names have no case there is one variable of each, called as the last one calls it", () => {
  assert.deepEqual(mergedVariables([INHERITED, { PATH: "ours", GONE: undefined }], true), {
    PATH: "ours",
    HOME: "home",
  });
  assert.deepEqual(mergedVariables([INHERITED, { PATH: "ours" }], false), { ...INHERITED, PATH: "ours" });
});

test("a variable is found by its name, in whatever case where that does not matter", () => {
  assert.equal(variableOf(INHERITED, "PATH", true), "theirs");
  assert.equal(variableOf(INHERITED, "PATH", false), undefined);
  assert.equal(variableOf({ PATH: "one", Path: "two" }, "path", true), "two");
});

test("a service's own variable takes the place of an inherited one by the rule of this system", () => {
  const description = { inherited: INHERITED, env: { PATH: "{name}" } } as unknown as ServiceDescription;
  const values = { port: undefined, host: "host", name: "ours", namespace: "", dir: "/" };
  const { Path, PATH, PROCREF_MARK } = environment(description, values, "mark");
  assert.deepEqual([PATH, Path, PROCREF_MARK], ["ours", onWindows ? undefined : "theirs", "mark"]);
});
