/**
 * The values that options take: durations, words of a command, variables, placeholders.
 *
 * @module
 */

import { sep } from "node:path";
import { LONGEST_TIMER_MS } from "../waiting.ts";
import { UsageError } from "./usage_error.ts";

const UNITS: { readonly [unit: string]: number } = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * Reads a duration such as `500ms`, `5s`, `1.5m` or `2h`; `0` needs no unit.
 *
 * @param option the option that it belongs to, for the message
 * @returns milliseconds
 * @throws UsageError
 */
export function durationMs(option: string, text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  const ms = Math.round(Number(number) * (UNITS[unit] ?? (Number(number) === 0 ? 1 : NaN)));
  if (ms >= 0 && ms <= LONGEST_TIMER_MS) return ms;
  throw new UsageError(`${option} takes a duration such as 500ms, 5s, 2m or 1h, not "${text}"`);
}

/** A duration as {@link durationMs} reads it, in the largest unit that says it in whole numbers. */
export function durationOption(ms: number): string {
  const [unit, size] = Object.entries(UNITS).findLast(([, size]) => ms % size === 0) ?? ["ms", 1];
  return ms === 0 ? "0" : `${ms / size}${unit}`;
}

/**
 * Reads a whole number.
 *
 * @throws UsageError
 */
export function wholeNumber(option: string, text: string, greatest: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  if (number <= greatest) return number;
  throw new UsageError(`${option} takes a whole number from 0 to ${greatest}, not "${text}"`);
}

/**
 * Splits a command into words as a shell does: blanks separate, single quotes keep everything, double quotes keep all
 * but a backslash before `$`, `` ` ``, `"`, `\` and the end of a line, a backslash keeps the next character, and the end
 * of a line behind one is nothing. Where paths are written with backslashes, one keeps only a quote that follows, as
 * everywhere on that system. Nothing is expanded, and no shell runs.
 *
 * @param option the option that it belongs to, for the message
 * @param text the command
 * @param separator what stands between the folders of a path
 * @throws UsageError for a quote that is not closed, and for no word at all
 */
export function splitWords(option: string, text: string, separator: string = sep): string[] {
  const kept = separator === "\\" ? /^["']/ : /^/;
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (/\s/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (letter === "'" || letter === '"') {
      const [inside, end] = quoted(option, text, at, separator);
      word = (word ?? "") + inside;
      at = end;
    } else if (letter === "\\" && kept.test(text.slice(at + 1))) {
      if (++at === text.length) throw new UsageError(`${option} ends with a backslash: ${text}`);
      if (text[at] !== "\n") word = (word ?? "") + text[at];
    } else {
      word = (word ?? "") + letter;
    }
  }
  if (word !== undefined) words.push(word);
  if (words.length === 0) throw new UsageError(`${option} names no command`);
  return words;
}

/** What stands in quotes, and where they end. */
function quoted(option: string, text: string, start: number, separator: string): [inside: string, end: number] {
  const quote = text[start];
  const kept = separator === "\\" ? /["]/ : /[$`"\\\n]/;
  let inside = "";
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === quote) return [inside, at];
    const escapes = quote === '"' && text[at] === "\\" && kept.test(text[at + 1] ?? "");
    const letter = escapes ? text[++at] : text[at];
    if (!escapes || letter !== "\n") inside += letter;
  }
  throw new UsageError(`${option} has a quote that is not closed: ${text}`);
}

/**
 * Reads variables given as `K=V`.
 *
 * @throws UsageError
 */
export function variables(option: string, pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(pairs.map((pair) => {
    const [, name, value] = /^([^=\0]+)=([^\0]*)$/s.exec(pair) ?? [];
    if (name === undefined) throw new UsageError(`${option} takes NAME=VALUE, not "${pair}"`);
    return [name, value];
  }));
}

/**
 * Puts what is known of a service into a text: `{port}` for the fact `port`. Any other braces stay.
 *
 * @param text the text
 * @param facts what is known
 * @param missing gives what stands for a fact that is asked for and undefined, or throws
 */
export function fillIn(
  text: string,
  facts: { readonly [name: string]: string | number | undefined },
  missing: (name: string) => string,
): string {
  return text.replace(/\{(\w+)\}/g, (placeholder, name) => {
    if (!Object.hasOwn(facts, name)) return placeholder;
    return String(facts[name] ?? missing(name));
  });
}
