/** PLATFORMS.md as a text. */

import type { AbiResult, Result, SuiteResult } from "../suite/results.ts";
import { AFTER, BEFORE, UNTESTED } from "./words.ts";

interface TableOptions {
  /** Whether rows say what ran of the suite, and how many tests and numbers there were. */
  readonly amounts: boolean;
}

/** The whole document. */
export function platformsDocument(results: readonly Result[]): string {
  const sections = [BEFORE, table(results), leftOut(results), AFTER].filter((text) => text !== "");
  return `${sections.join("\n\n")}\n`;
}

/** The rows of the table. */
export function tableOf(results: readonly Result[], options: TableOptions): string[] {
  const suites = results.filter((result): result is SuiteResult => result.kind === "suite");
  const abis = results.filter((result): result is AbiResult => result.kind === "abi");
  return [
    ...suites.flatMap((suite) => rowsOfSuite(suite, options)),
    ...abis.map((abi) => rowOfAbi(abi, options)),
    ...UNTESTED.map((row) => cells(row)),
  ];
}

function table(results: readonly Result[]): string {
  const head = ["System", "Architecture", "Runtime", "Mechanism", "What was done"];
  return [cells(head), cells(head.map(() => "---")), ...tableOf(results, { amounts: true })].join("\n");
}

function rowsOfSuite(suite: SuiteResult, { amounts }: TableOptions): string[] {
  const { system, architecture, runtime, how, contract, parts, passed } = suite;
  return Object.entries(contract).filter(([mechanism]) => mechanism !== "memory").map(([mechanism, count]) => {
    const whole = parts.length === 1 && parts[0] === "tests" ? "the whole suite" : partsByFolder(parts);
    const ran = amounts ? `: ${whole}; ${count} tests of the contract, ${passed} in all` : "";
    return cells([system, architecture, runtime, `\`${mechanism}\``, `executed ${how}${ran}`]);
  });
}

/** Folders that ran as a whole, and how many files of others. */
function partsByFolder(parts: readonly string[]): string {
  const files = parts.filter((part) => part.endsWith(".ts"));
  const folders = [...new Set(files.map((file) => file.slice(0, file.lastIndexOf("/"))))];
  return [
    ...parts.filter((part) => !files.includes(part)).map((part) => `\`${part}\``),
    ...folders.map((folder) => {
      const count = files.filter((file) => file.startsWith(`${folder}/`)).length;
      return `${count} file${count === 1 ? "" : "s"} of \`${folder}\``;
    }),
  ].join(", ");
}

function rowOfAbi({ system, architecture, how, tables, checks }: AbiResult, { amounts }: TableOptions): string {
  const what = tables.map((name) => `\`${name}\``).join(", ");
  return cells([
    system,
    architecture,
    "any",
    "any",
    `ABI-checked: ${what} by ${how}${amounts ? `; ${checks} numbers` : ""}`,
  ]);
}

function leftOut(results: readonly Result[]): string {
  const suites = results.filter((result): result is SuiteResult =>
    result.kind === "suite" && result.leftOut.length > 0
  );
  if (suites.length === 0) return "";
  const lists = suites.map(({ system, architecture, runtime, leftOut }) => {
    const items = leftOut.map(({ what, why }) => `- ${what}${why === "" ? "" : `: ${why}`}`);
    return [`### ${system} ${architecture}, ${runtime}`, "", ...items].join("\n");
  });
  return ["## What is left out, and why", ...lists].join("\n\n");
}

function cells(texts: readonly string[]): string {
  return `| ${texts.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
}
