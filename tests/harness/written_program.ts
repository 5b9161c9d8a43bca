/** Programs that a test writes itself, so that what they do is read beside what is expected of them. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { Child, type ChildOptions } from "./child.ts";

const ROOT = new URL("../../", import.meta.url);

/** What every program has at hand. */
const PRELUDE = [
  ["* as lifecycle", "src/lifecycle/mod.ts"],
  ["{ answerCalls, say }", "tests/fixtures/calls.ts"],
].map(([names, path]) => `import ${names} from ${JSON.stringify(new URL(path, ROOT).href)};\n`).join("") +
  `import { existsSync, readFileSync, writeFileSync } from "node:fs";\nimport process from "node:process";\n` +
  `void [lifecycle, answerCalls, say, existsSync, readFileSync, writeFileSync, process];\n`;

let written = 0;

/** Writes a program; gives its path. */
export function writeProgram(directory: string, source: string): string {
  const path = join(directory, `program-${process.pid}-${++written}.ts`);
  writeFileSync(path, PRELUDE + source);
  return path;
}

/** Writes a program and runs it, in the directory. */
export function runProgram(directory: string, source: string, options: ChildOptions = {}): Child {
  return new Child(pathToFileURL(writeProgram(directory, source)).href, { cwd: directory, ...options });
}
