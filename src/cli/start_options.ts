/**
 * How `procref run --start` describes a service.
 *
 * @module
 */

import { resolve } from "node:path";
import type { Readiness, SupervisedServiceOptions } from "../service/supervised_options.ts";
import { STOP_SIGNALS } from "../service/service_description.ts";
import type { Arguments } from "./options.ts";
import { didYouMean } from "../suggestion.ts";
import { UsageError } from "./usage_error.ts";
import { splitWords } from "./values.ts";

/** Options that say something only of a service that is started. */
const OF_START = ["port", "ready", "linger", "start-timeout", "stop-signal", "stop-timeout", "cwd"] as const;

/**
 * The options of a service that is started; undefined without `--start`.
 *
 * @throws UsageError
 */
export function startOptions(args: Arguments): SupervisedServiceOptions | undefined {
  const start = args.text("start");
  if (start === undefined) {
    const vain = OF_START.find((option) => args.has(option));
    if (vain !== undefined) throw new UsageError(`--${vain} says how a service is started; give --start as well`);
    return undefined;
  }
  const command = splitWords("--start", start);
  const cwd = args.text("cwd");
  const port = portOf(args.text("port")) ?? (namesPort(command) ? "auto" : undefined);
  const ready = readinessOf(args.text("ready"));
  if (port === undefined && (ready === "tcp" || (typeof ready === "object" && "http" in ready))) {
    const how = `--ready ${args.text("ready")}`;
    throw new UsageError(`${how} needs a port; give --port auto or a number`);
  }
  if (port === undefined && typeof ready === "object" && "exec" in ready && namesPort(ready.exec)) {
    throw new UsageError("--ready has {port}, and the service has no port; give --port auto or a number");
  }
  const given = {
    port,
    ready,
    lingerMs: args.durationMs("linger"),
    startTimeoutMs: timeLimit(args, "start-timeout"),
    stopSignal: args.choice("stop-signal", STOP_SIGNALS),
    stopTimeoutMs: timeLimit(args, "stop-timeout"),
    cwd: cwd === undefined ? undefined : resolve(cwd),
  };
  return { command, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}

function namesPort(words: readonly string[]): boolean {
  return words.some((word) => word.includes("{port}"));
}

function portOf(text: string | undefined): "auto" | number | undefined {
  if (text === undefined || text === "auto") return text;
  const port = /^\d+$/.test(text) ? Number(text) : NaN;
  if (port >= 1 && port <= 65535) return port;
  throw new UsageError(
    `--port takes auto or a whole number from 1 to 65535, not "${text}"${didYouMean(text, ["auto"])}`,
  );
}

function timeLimit(args: Arguments, option: string): number | undefined {
  const ms = args.durationMs(option);
  if (ms === 0) throw new UsageError(`--${option} takes more than 0`);
  return ms;
}

function readinessOf(text: string | undefined): Readiness | undefined {
  if (text === undefined || text === "running" || text === "tcp") return text;
  const [, kind, rest] = /^(http|exec|log):(.+)$/s.exec(text) ?? [];
  switch (kind) {
    case "http":
      if (rest.startsWith("/")) return { http: rest };
      break;
    case "exec":
      return { exec: splitWords("--ready exec:", rest) };
    case "log":
      return { log: pattern(rest) };
  }
  throw new UsageError(`--ready takes running, tcp, http:/path, exec:CMD or log:REGEX, not "${text}"`);
}

function pattern(source: string): RegExp {
  try {
    return new RegExp(source);
  } catch (error) {
    throw new UsageError(`--ready log: takes a regular expression: ${(error as Error).message}`);
  }
}
