/**
 * How a program that was restarted as a daemon tells the one that restarted it what has become of it: by a line in its
 * log, which both have at hand, and which is there for people too. Nothing else is shared: no descriptor stays open and
 * no file is left, whoever dies.
 *
 * @module
 */

import { writeSync } from "node:fs";
import process from "node:process";
import { allDetails, type ErrorCode, type ErrorDetails, isProcrefError, ProcrefError } from "../errors.ts";
import { attempting } from "../kernel/attempting.ts";

/** The variable by which a program knows that it is the daemon. It holds a word that only the two know. */
export const VARIABLE = "PROCREF_DAEMON";

/** What a daemon says: that it serves, or why not. */
export type Word = { readonly ready: true } | { readonly failed: ProcrefError };

/** The side of the daemon. It says one thing, once. */
class Handshake {
  readonly #token: string;
  #isOver = false;

  constructor(token: string) {
    this.#token = token;
  }

  ready(): void {
    this.#say("ready");
  }

  failed(error: unknown): void {
    const code = isProcrefError(error) ? error.code : "SPAWN";
    const { message } = error as Error;
    const details = isProcrefError(error) ? allDetails(error) : {};
    this.#say(`failed ${JSON.stringify({ code, message: message ?? String(error), details })}`);
  }

  #say(what: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      // At once, and as one line whatever others write.
      writeSync(2, `${beginning(this.#token, process.pid)}${what}\n`);
    } catch {
      // Whoever waits for it sees it in the end of this process, or in their patience.
    }
  }
}

let own: Handshake | undefined;

/**
 * The handshake of this process, if it was started as a daemon. The variable is removed, so that no program which is
 * started from here takes itself for one.
 *
 * @throws ProcrefError `PERMISSION` when the runtime does not let us see the variable
 */
export function takeHandshake(): Handshake | undefined {
  const doing = `see whether this program is the daemon (in Deno it needs --allow-env=${VARIABLE})`;
  const token = attempting(doing, undefined, () => process.env[VARIABLE]);
  if (token !== undefined && token !== "") {
    delete process.env[VARIABLE];
    own = new Handshake(token);
  }
  return own;
}

/** A daemon's main function failed: if it has not said that it serves, it says that. */
export function reportStartFailure(error: unknown): void {
  own?.failed(error);
}

/** What a daemon has said in its log; undefined when it has said nothing yet. */
export function wordIn(text: string, token: string, pid: number): Word | undefined {
  const start = text.indexOf(beginning(token, pid));
  if (start < 0) return undefined;
  const line = text.slice(start).split(/\r?\n/, 2);
  // Not the whole line yet.
  if (line.length < 2) return undefined;
  const said = line[0].slice(beginning(token, pid).length);
  return said === "ready" ? { ready: true } : { failed: errorOf(said.replace(/^failed /, "")) };
}

function beginning(token: string, pid: number): string {
  return `procref: daemon ${pid} ${token} `;
}

function errorOf(text: string): ProcrefError {
  const { code, message, details } = JSON.parse(text) as { code: ErrorCode; message: string; details: ErrorDetails };
  return new ProcrefError(code, message, { details });
}
