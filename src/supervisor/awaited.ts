/**
 * What a start waits for, and how near it came to that: for the error when it takes too long.
 *
 * @module
 */

import { oneLine } from "../service/one_line.ts";
import type { ReadinessDescription } from "../service/service_description.ts";
import { type Answer, ask, type Question } from "./readiness.ts";

/** A question that is under way for longer is told of, and not the answer to the one before; in milliseconds. */
const LONG_MS = 500;
/** How much of a command is shown, in letters. */
const MOST_COMMAND = 80;

/** What one start waits for. */
export class Awaited {
  /** For example `tcp 127.0.0.1:8080`. */
  readonly waitedFor: string;
  readonly #ready: ReadinessDescription;
  #answer: Answer | undefined;
  #askedAt: number | undefined;

  /** @param ready with all placeholders replaced */
  constructor(ready: ReadinessDescription, host: string, port: number | undefined) {
    this.#ready = ready;
    this.waitedFor = nameOf(ready, host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`);
  }

  /** Asks once, and keeps the answer. */
  async isReady(question: Question): Promise<boolean> {
    this.#askedAt = performance.now();
    this.#answer = await ask(question);
    this.#askedAt = undefined;
    return this.#answer === "yes";
  }

  /** What was last heard. */
  get lastAnswer(): string {
    const ready = this.#ready;
    if (ready.kind === "log") return `no line matches /${oneLine(ready.pattern)}/${ready.flags}`;
    const answer = this.#answer;
    const pendingMs = this.#askedAt === undefined ? undefined : Math.round(performance.now() - this.#askedAt);
    const isSilent = answer === undefined || (answer !== "yes" && !answer.isLate && pendingMs! >= LONG_MS);
    if (pendingMs !== undefined && isSilent) {
      return ready.kind === "exec" ? `has not ended after ${pendingMs} ms` : `no answer within ${pendingMs} ms`;
    }
    if (answer === undefined) return "its program has not begun";
    // It said yes, and its process ended in that moment.
    return answer === "yes" ? "yes, but its process has ended" : answer.no;
  }

  /** Both, for a message. */
  toString(): string {
    const isSentence = this.#ready.kind === "exec" && (this.#answer ?? this.#askedAt) !== undefined;
    return `${this.waitedFor}${isSentence ? "" : ":"} ${this.lastAnswer}`;
  }
}

function nameOf(ready: ReadinessDescription, address: string): string {
  switch (ready.kind) {
    case "tcp":
      return `tcp ${address}`;
    case "http":
      return `http ${address}${oneLine(ready.path)}`;
    case "exec":
      return `exec "${oneLine(ready.command.join(" "), MOST_COMMAND)}"`;
    default:
      return ready.kind;
  }
}
