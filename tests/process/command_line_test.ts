import assert from "node:assert/strict";
import { test } from "node:test";
import { commandLine, wordsOf } from "../../src/process/windows/command_line.ts";

/** Words as a program has them, and as they are written in a command line of Windows. */
const WRITTEN: readonly (readonly [word: string, text: string])[] = [
  ["plain", "plain"],
  ["", '""'],
  ["two words", '"two words"'],
  ["a tab\there", '"a tab\there"'],
  ['say "hello"', '"say \\"hello\\""'],
  ['"', '"\\""'],
  ["C:\\Program Files\\x", '"C:\\Program Files\\x"'],
  ["C:\\", "C:\\"],
  ["C:\\a b\\", '"C:\\a b\\\\"'],
  ['a\\"b', '"a\\\\\\"b"'],
  ["a\\\\b", "a\\\\b"],
  ["%PATH% & | < > ^", '"%PATH% & | < > ^"'],
  ["wörld — 🌍", '"wörld — 🌍"'],
];

test("a word is written so that a program of Windows makes the same word of it", () => {
  for (const [word, text] of WRITTEN) {
    assert.equal(commandLine(["p", word]), `p ${text}`);
    assert.deepEqual(wordsOf(`p ${text}`), ["p", word]);
  }
});

test("all words of a command line come back, in their order", () => {
  const words = ["C:\\Program Files\\bun.exe", ...WRITTEN.map(([word]) => word)];
  assert.deepEqual(wordsOf(commandLine(words)), words);
});

test("any words of quotation marks, backslashes and spaces come back", () => {
  const letters = ["a", " ", '"', "\\"];
  for (let number = 0; number < 4 ** 6; number++) {
    const word = Array.from({ length: 6 }, (_, at) => letters[Math.floor(number / 4 ** at) % 4]).join("");
    assert.deepEqual(wordsOf(commandLine(["p.exe", word, "z"])), ["p.exe", word, "z"], JSON.stringify(word));
  }
});

test("two quotation marks inside of others are one", () => {
  assert.deepEqual(wordsOf('p "a ""b"" c"'), ["p", 'a "b" c']);
  assert.deepEqual(wordsOf('"C:\\a b\\p.exe" x   y '), ["C:\\a b\\p.exe", "x", "y"]);
});
