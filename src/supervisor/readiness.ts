/**
 * Asking a service whether it is ready.
 *
 * @module
 */

import type { ChildProcess } from "node:child_process";
import { node } from "../../ffi/node.ts";
import { oneLine } from "../service/one_line.ts";
import type { ReadinessDescription } from "../service/service_description.ts";

/** How long one question may take, in milliseconds. */
const QUESTION_MS = 2000;
/** How long the rest of the output of a command that said no may take to arrive, in milliseconds. */
const DRAIN_MS = 100;
/** How much of that output is kept, in letters. */
const MOST_OUTPUT = 4096;

/** What a question is asked with. */
export interface Question {
  readonly ready: Exclude<ReadinessDescription, { kind: "log" | "running" }>;
  readonly host: string;
  readonly port: number | undefined;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What a service said: yes, or what it was instead, which may be nothing in all the time that a question has. */
export type Answer = "yes" | { readonly no: string; readonly isLate?: boolean };

/** Asks once. Any failure is a no: the service may not be there yet. */
export function ask({ ready, host, port, cwd, env }: Question): Promise<Answer> {
  switch (ready.kind) {
    case "tcp":
      return askTcp(host, port!);
    case "http":
      return askHttp(host, port!, ready.path, ready.status);
    case "exec":
      return askCommand(ready.command, cwd, env);
  }
}

// The modules of the network are loaded only where they are needed: they make a supervisor larger and slower to start.
async function askTcp(host: string, port: number): Promise<Answer> {
  const { connect } = await import("node:net");
  return await new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (answer: Answer) => {
      socket.destroy();
      resolve(answer);
    };
    // A port that nobody listens on may be given to the asking socket itself, which then talks to itself.
    // And Bun tells of a connection that was refused as of one that was made (under Wine), without another side.
    const isSomebody = () => socket.localPort !== port && socket.remotePort === port;
    socket.once("connect", () => settle(isSomebody() ? "yes" : { no: REFUSED }));
    socket.once("error", (error) => settle({ no: meaningOf(error) }));
    socket.setTimeout(QUESTION_MS, () => settle(LATE));
  });
}

async function askHttp(host: string, port: number, path: string, status: number | undefined): Promise<Answer> {
  const { request } = await import("node:http");
  return await new Promise((resolve) => {
    const question = request({ host, port, path, agent: false, timeout: QUESTION_MS }, (response) => {
      const { statusCode = 0 } = response;
      const fits = status === undefined ? statusCode >= 200 && statusCode < 400 : statusCode === status;
      resolve(fits ? "yes" : { no: `status ${statusCode}, expected ${status ?? "200 to 399"}` });
      question.destroy();
    });
    question.once("timeout", () => {
      resolve(LATE);
      question.destroy();
    });
    question.once("error", (error) => resolve({ no: meaningOf(error) }));
    question.once("close", () => resolve({ no: CLOSED }));
    question.end();
  });
}

const REFUSED = "connection refused";
const CLOSED = "the connection was closed without an answer";
const LATE: Answer = { no: `no answer within ${QUESTION_MS} ms`, isLate: true };
const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: REFUSED,
  ECONNRESET: CLOSED,
  ETIMEDOUT: "no answer",
  ENOTFOUND: "no such host",
};

function meaningOf(error: Error): string {
  const { code = "" } = error as NodeJS.ErrnoException;
  return MEANINGS[code] ?? oneLine(error.message || code || error.name);
}

function askCommand(
  [program, ...args]: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<Answer> {
  return new Promise((resolve) => {
    const fail = (error: Error) => resolve({ no: `cannot be run: ${oneLine(error.message)}` });
    let child: ChildProcess;
    try {
      child = node.child_process.spawn(program, args, {
        cwd,
        env: { ...env },
        stdio: ["ignore", "pipe", "pipe"],
        windowsHide: true,
      });
    } catch (error) {
      return fail(error as Error);
    }
    const lastLine = lastLineOf(child);
    const late = setTimeout(() => child.kill("SIGKILL"), QUESTION_MS);
    child.once("error", (error) => {
      clearTimeout(late);
      fail(error);
    });
    child.once("exit", (code, signal) => {
      if (code === 0) resolve("yes");
      clearTimeout(late);
      const isLate = child.killed;
      const no = () => resolve({ no: `${endOf(code, signal, isLate)}${lastLine()}`, isLate });
      // Whoever it has left behind may keep its output open.
      const rest = setTimeout(no, DRAIN_MS);
      child.once("close", () => {
        clearTimeout(rest);
        no();
      });
    });
  });
}

function endOf(code: number | null, signal: NodeJS.Signals | null, isLate: boolean): string {
  if (isLate) return `did not end within ${QUESTION_MS} ms`;
  return signal === null ? `ended with ${code}` : `was ended by ${signal}`;
}

/** The last line of what a command has written when it is asked for, after a colon; that of standard error goes first. */
function lastLineOf(child: ChildProcess): () => string {
  const texts = [child.stderr!, child.stdout!].map((output) => {
    let text = "";
    output.setEncoding("utf8");
    output.on("data", (piece) => text = (text + piece).slice(-MOST_OUTPUT));
    return () => text.trim().split("\n").at(-1)!.trim();
  });
  return () => {
    const line = texts.map((text) => text()).find((text) => text !== "");
    return line === undefined ? "" : `: ${oneLine(line)}`;
  };
}
