/** Programs that stand in documents. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);
/** Where the package's entries are in this repository. */
const ENTRIES: Record<string, string> = JSON.parse(readFileSync(new URL("deno.json", ROOT), "utf8")).imports;

/** A program with this repository in place of the package. */
export function runnable(program: string): string {
  return program.replace(/"(@procref\/core[^"]*)"/g, (_, entry) => {
    assert.ok(entry in ENTRIES, `${entry} is exported`);
    return JSON.stringify(fileURLToPath(new URL(ENTRIES[entry], ROOT)));
  });
}
