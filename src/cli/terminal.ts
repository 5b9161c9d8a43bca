/**
 * Where a command writes: plain text for programs, colour and progress for people.
 *
 * @module
 */

import process from "node:process";

/** A colour or weight by name. */
export type Paint = "bold" | "dim" | "red" | "green" | "yellow";

/** Where a command writes. */
export interface Terminal {
  /** How many columns standard output has; undefined when it is no terminal. */
  readonly columns: number | undefined;
  /** Whether standard output takes colour. */
  readonly color: boolean;
  /** Whether standard error is a terminal, so that a line may be written over. */
  readonly live: boolean;
  /** Writes to standard output. */
  out(text: string | Uint8Array): void;
  /** Writes to standard error. */
  err(text: string): void;
}

const CODES: { readonly [P in Paint]: number } = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 };

/** The terminal of this process. A reader of standard output that goes away ends the process, as SIGPIPE would. */
export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(128 + 13);
    throw error;
  });
  const isTerminal = stdout.isTTY === true;
  return {
    columns: isTerminal ? stdout.columns : undefined,
    color: isTerminal && wantsColor(),
    live: stderr.isTTY === true,
    out: (text: string | Uint8Array): void => void stdout.write(text),
    err: (text: string): void => void stderr.write(text),
  };
}

/** See no-color.org: any value but an empty one means none. */
function wantsColor(): boolean {
  try {
    return !process.env.NO_COLOR && process.env.TERM !== "dumb";
  } catch {
    // The runtime does not let us ask.
    return false;
  }
}

/** A text in a colour, where the terminal takes colour. */
export function paint(terminal: Terminal, how: Paint, text: string): string {
  return terminal.color && text !== "" ? `\x1b[${CODES[how]}m${text}\x1b[0m` : text;
}

/** A text without anything that a terminal would obey: control characters and marks that turn the order of letters. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu,
    (letter) =>
      letter === "\n" ? "\\n" : letter === "\t" ? " " : `\\x${letter.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** The words of a command as one would type them. */
export function commandText(words: readonly string[]): string {
  return words.map((word) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${printable(word).replaceAll("'", `'\\''`)}'`)
    .join(" ");
}
