/**
 * What others said, in the middle of a sentence of ours.
 *
 * @module
 */

/** How long it may be there, in letters. */
const MOST = 160;

/** A text as one line of bounded length, without anything that a terminal would obey. */
export function oneLine(text: string, most: number = MOST): string {
  const plain = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\s]+/gu, " ").trim();
  const letters = Array.from(plain);
  return letters.length <= most ? plain : `${letters.slice(0, most - 1).join("")}…`;
}
