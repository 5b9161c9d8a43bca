import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join, parse, sep } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { faultOfDirectory } from "../../src/process/working_directory.ts";
import { withDirectory } from "../harness/names.ts";

test("a directory has no fault, however it is written; the root has none", async () => {
  await withDirectory((directory) => {
    const inner = join(directory, "a folder");
    mkdirSync(inner);
    for (const path of ["/", parse(process.cwd()).root, process.cwd(), inner, `${inner}/`, `${inner}${sep}`]) {
      assert.equal(faultOfDirectory(path), undefined, path);
    }
    assert.equal(faultOfDirectory(join(inner, "nothing")), "does not exist");
  });
});
