import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { faultOf } from "../../tools/abi/compile.ts";
import { linuxTables } from "../../tools/abi/linux.ts";
import { withoutCompiler } from "../fixtures/c_compiler.ts";

// All systems and both C libraries: deno task check:abi. Whether a wrong number fails: tests/tools/abi_test.ts.
for (const table of linuxTables(process.arch as "x64" | "arm64")) {
  test(`${table.file}${table.part ? ` (${table.part})` : ""} says what this machine's headers say`, {
    skip: withoutCompiler,
  }, () => {
    assert.equal(faultOf(table, ["cc"]), undefined);
  });
}
