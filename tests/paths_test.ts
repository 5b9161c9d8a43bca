import assert from "node:assert/strict";
import * as path from "node:path";
import process from "node:process";
import { test } from "node:test";
import { isAbsolute, join, parentOf } from "../src/paths.ts";

const ABSOLUTE = process.platform === "win32"
  ? ["C:\\", "C:\\one", "C:\\one\\two", "C:/one/two"]
  : ["/", "/one", "/one/two", "/one/two/", "/one//two", "/one/two//", "//one", "/one two/ü.json"];

test("paths are put together and taken apart as node:path does it", () => {
  for (const directory of ABSOLUTE) {
    assert.equal(parentOf(directory), path.dirname(directory).replace(/(?<=.)[/]+$/, ""), directory);
    assert.ok(isAbsolute(directory));
    if (/[\\/]{2}|[\\/]$/.test(directory) && directory !== "/") continue;
    for (const name of ["record.json", ".hidden", "with space"]) {
      assert.equal(join(directory, name), path.join(directory, name));
    }
  }
  for (const relative of ["", ".", "one", "one/two", "~/one"]) assert.ok(!isAbsolute(relative), relative);
});
