/**
 * Checks which part of the library may know which other part, by reading the sources. Prints each violation as
 * `file:line: what is wrong` and ends with 1 if there is any.
 *
 * Usage: deno run -A tools/check_layers.ts
 */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path/posix";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { lineAt, type SourceText, sourceText } from "./source_text.ts";

const LEAVES = ["errors", "waiting", "known_options"];
const SYSTEM = [...LEAVES, "ffi", "paths", "kernel", "process"];

/** Which rooms each room may import from, beside itself. Arrows point one way. */
const MAY_IMPORT: { readonly [room: string]: readonly string[] } = {
  errors: [],
  waiting: ["errors"],
  suggestion: [],
  known_options: ["errors", "suggestion"],
  ffi: ["errors"],
  paths: ["ffi"],
  kernel: [...LEAVES, "ffi", "paths"],
  process: [...LEAVES, "ffi", "paths"],
  service: SYSTEM,
  semaphore: [...SYSTEM, "service"],
  registry: [...SYSTEM, "service"],
  group: [...SYSTEM, "service"],
  lifecycle: [...SYSTEM, "service"],
  supervisor: [...SYSTEM, "service"],
  testing: [...LEAVES, "kernel"],
};
/** Rooms that may import from everywhere. */
const ROOFS = ["cli", "mod"];

/** Words that belong to some files alone; `where: "code"` does not look into strings. */
const WORDS = [
  { word: /\bDeno\b/g, where: "code", files: /^ffi\/(deno|mod)\.ts$/, what: "Deno" },
  { word: /\bBun\b/g, where: "code", files: /^ffi\/(bun|mod)\.ts$/, what: "Bun" },
  { word: /\bbun:\w+/g, where: "strings", files: /^ffi\/(bun|mod)\.ts$/, what: "a module of Bun" },
  {
    // A property of process or of the host, or taken out of it or of a module by name.
    word:
      /\b(?:process|host\(\))\s*\??\.\s*(?:platform|arch)\b|\b(?:platform|arch)\b[^{}]*\}\s*(?:=\s*process\b|from\s*["']node:)/g,
    where: "strings",
    files: /^(ffi\/symbols\/.*|ffi\/(libc|windows)|src\/paths|src\/kernel\/open|src\/process\/.*)\.ts$/,
    what: "the platform",
  },
] as const;

const MOST_LINES = 400;
/** What follows `from`, `import` or `import(`, as a string. */
const IMPORT = /\b(?:from|import\s*\(?)\s*(["'])([^"'\n]*)\1/g;

/**
 * Everything that breaks a rule, as `file:line: what is wrong`.
 *
 * @param files the sources by their path from the root of the repository; those outside mod.ts, src and ffi are ignored
 */
export function violations(files: ReadonlyMap<string, string>): string[] {
  return [...files].filter(([path]) => roomOf(path) !== undefined).flatMap(([path, source]) => {
    const text = sourceText(source);
    const found = [...imports(path, text), ...words(path, text), ...defaults(text), ...size(source)];
    return found.sort(([one], [other]) => one - other).map(([at, problem]) =>
      `${path}:${lineAt(source, at)}: ${problem}`
    );
  });
}

type Finding = [position: number, problem: string];

function imports(path: string, { withStrings, codeOnly }: SourceText): Finding[] {
  return [...withStrings.matchAll(IMPORT)].filter(({ index }) => codeOnly[index] !== " ").flatMap((match) => {
    const specifier = match[2];
    const problem = specifier.startsWith(".")
      ? relativeProblem(path, normalize(join(dirname(path), specifier)))
      : specifier.startsWith("node:")
      ? undefined
      : `imports ${specifier}: only relative files and node: modules are allowed`;
    return problem === undefined ? [] : [[match.index, problem] as Finding];
  });
}

function relativeProblem(from: string, to: string): string | undefined {
  const [room, other] = [roomOf(from)!, roomOf(to)];
  if (other === undefined) return `imports ${to}, which is no part of the library`;
  if (room === other || ROOFS.includes(room)) return undefined;
  const allowed = MAY_IMPORT[room];
  if (allowed === undefined) return `belongs to ${room}, a room that tools/check_layers.ts does not know`;
  return allowed.includes(other) ? undefined : `${room} imports ${to}: it may import ${list(allowed)}`;
}

/** The room of a file; undefined outside the library. */
function roomOf(path: string): string | undefined {
  if (path === "mod.ts") return "mod";
  return /^(ffi)\//.exec(path)?.[1] ?? /^src\/([^/]+?)(?:\.ts$|\/)/.exec(path)?.[1];
}

function list(rooms: readonly string[]): string {
  return rooms.length === 0 ? "nothing" : `itself, ${rooms.join(", ")}`;
}

function words(path: string, { withStrings, codeOnly }: SourceText): Finding[] {
  return WORDS.filter(({ files }) => !files.test(path)).flatMap(({ word, where, what }) =>
    [...(where === "code" ? codeOnly : withStrings).matchAll(word)].map(({ index }): Finding => [
      index,
      `names ${what}, which is the business of other files`,
    ])
  );
}

function defaults({ codeOnly }: SourceText): Finding[] {
  return [...codeOnly.matchAll(/\bexport\s+default\b/g)].map(({ index }) => [index, "has a default export"]);
}

function size(source: string): Finding[] {
  const lines = source.trimEnd().split("\n").length;
  return lines <= MOST_LINES ? [] : [[0, `has ${lines} lines, at most ${MOST_LINES} are allowed`]];
}

function sources(root: string): Map<string, string> {
  const paths = ["src", "ffi"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((path) => join(folder, String(path)))
  );
  const files = ["mod.ts", ...paths].filter((path) => path.endsWith(".ts")).sort();
  return new Map(files.map((path) => [path, readFileSync(join(root, path), "utf8")]));
}

if (import.meta.main) {
  const files = sources(fileURLToPath(new URL("..", import.meta.url)));
  const found = violations(files);
  for (const violation of found) console.error(violation);
  console.log(`${files.size} files, ${found.length} violations`);
  process.exitCode = found.length === 0 ? 0 : 1;
}
