/**
 * Asking a service whether it is ready.
 *
 * @module
 */

import { spawn } from "node:child_process";
import type { ReadinessDescription } from "../service/service_description.ts";

/** How long one question may take, in milliseconds. */
const QUESTION_MS = 2000;

/** What a question is asked with. */
export interface Question {
  readonly ready: Exclude<ReadinessDescription, { kind: "log" | "running" }>;
  readonly host: string;
  readonly port: number | undefined;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Asks once. Any failure is a no: the service may not be there yet. */
export function isReady({ ready, host, port, cwd, env }: Question): Promise<boolean> {
  switch (ready.kind) {
    case "tcp":
      return accepts(host, port!);
    case "http":
      return answers(host, port!, ready.path, ready.status);
    case "exec":
      return succeeds(ready.command, cwd, env);
  }
}

// The modules of the network are loaded only where they are needed: they make a supervisor larger and slower to start.
async function accepts(host: string, port: number): Promise<boolean> {
  const { connect } = await import("node:net");
  return await new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    // A port that nobody listens on may be given to the asking socket itself, which then talks to itself.
    // And Bun tells of a connection that was refused as of one that was made (under Wine), without another side.
    socket.once("connect", () => settle(socket.localPort !== port && socket.remotePort === port));
    socket.once("error", () => settle(false));
    socket.setTimeout(QUESTION_MS, () => settle(false));
  });
}

async function answers(host: string, port: number, path: string, status: number | undefined): Promise<boolean> {
  const { request } = await import("node:http");
  return await new Promise((resolve) => {
    const question = request({ host, port, path, agent: false, timeout: QUESTION_MS }, (response) => {
      const { statusCode = 0 } = response;
      resolve(status === undefined ? statusCode >= 200 && statusCode < 400 : statusCode === status);
      question.destroy();
    });
    question.once("timeout", () => question.destroy());
    question.once("error", () => resolve(false));
    question.once("close", () => resolve(false));
    question.end();
  });
}

function succeeds(
  [program, ...args]: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env: { ...env }, stdio: "ignore", windowsHide: true });
    const timer = setTimeout(() => child.kill("SIGKILL"), QUESTION_MS);
    const settle = (ready: boolean) => {
      clearTimeout(timer);
      resolve(ready);
    };
    child.once("error", () => settle(false));
    child.once("exit", (code) => settle(code === 0));
  });
}
