/**
 * A program that outlives whoever starts it, and says one line to them.
 *
 * @module
 */

/** How such a program is started. */
export interface DetachedStart {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What it finds on its standard input. */
  readonly input: DetachedInput;
}

/** A text that only the program sees, whatever becomes of who started it. */
export interface DetachedInput {
  readonly text: string;
  /** The text as an open file that has no name; whoever calls this closes the descriptor. */
  open(): number;
}

/** A program that has been started. */
export interface DetachedProcess {
  /**
   * The first line that it says. Call it once.
   *
   * @returns the line, undefined when it ended without one, or `"late"`; and the end of what it said of errors
   */
  firstLine(timeoutMs: number): Promise<{ readonly line: string | undefined | "late"; readonly errors: string }>;
  /** Lets go of it: it runs on, and this process may end. */
  release(): void;
}
