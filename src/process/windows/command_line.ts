/**
 * Command lines of Windows: one text for all arguments, which each program takes apart itself. These are the rules of
 * its C library and of CommandLineToArgvW.
 *
 * @module
 */

/** One text of which a program makes these words again. */
export function commandLine(words: readonly string[]): string {
  return words.map(quoted).join(" ");
}

function quoted(word: string): string {
  if (word !== "" && !/[\s"]/.test(word)) return word;
  // Backslashes are doubled only where a quotation mark follows: one of the word's own, or the last.
  return `"${word.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, "$1$1")}"`;
}

/** The words of such a text, as CommandLineToArgvW takes it apart. */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  // The program's name knows no backslashes before quotation marks.
  const [first, program, bare] = /^"([^"]*)"?|^([^\s]*)/.exec(text)!;
  words.push(program ?? bare);
  let rest = text.slice(first.length).replace(/^[ \t]+/, "");
  while (rest !== "") {
    let word = "";
    let isQuoted = false;
    let at = 0;
    for (; at < rest.length && (isQuoted || !/[ \t]/.test(rest[at])); at++) {
      const [backslashes] = /^\\*/.exec(rest.slice(at))!;
      at += backslashes.length;
      if (rest[at] !== '"') {
        word += backslashes;
        at--;
        if (backslashes === "") word += rest[++at];
        continue;
      }
      word += "\\".repeat(backslashes.length / 2);
      if (backslashes.length % 2 === 1) word += '"';
      else if (isQuoted && rest[at + 1] === '"') word += rest[at++];
      else isQuoted = !isQuoted;
    }
    words.push(word);
    rest = rest.slice(at).replace(/^[ \t]+/, "");
  }
  return words;
}
