/** The reports of both runtimes' test runners. */

import { readFileSync } from "node:fs";

export interface Case {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** What the report says of it beside. */
  readonly text: string;
}

/** All cases of a report; none if there is no report. */
export function readReport(path: string): Case[] {
  const found = textOf(path).matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g);
  return [...found].map(([, attributes, text = ""]) => ({
    name: /\bname="([^"]*)"/.exec(attributes)?.[1] ?? "?",
    outcome: text.includes("<skipped") ? "skipped" : /<(failure|error)\b/.test(text) ? "failed" : "passed",
    text,
  }));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
