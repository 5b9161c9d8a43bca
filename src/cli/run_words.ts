/**
 * The words of `procref run`, as they are typed and as they are found again in the command line of a process.
 *
 * @module
 */

import { Arguments, NAMESPACE, type OptionTable, WHERE } from "./options.ts";
import { UsageError } from "./usage_error.ts";

/** The options of `procref run`. */
export const RUN_OPTIONS: OptionTable = {
  start: { value: "CMD", help: "the service's command" },
  port: { value: "auto|N", help: "its port; auto when CMD has {port}" },
  ready: { value: "HOW", help: "running, tcp, http:/path, exec:CMD or log:REGEX; tcp when it has a port" },
  linger: { value: "5s", help: "how long it is kept after its last client" },
  "start-timeout": { value: "30s", help: "how long it may take to be ready" },
  "stop-signal": { value: "NAME", help: "how it is asked to end: SIGTERM (unless given), SIGINT, SIGQUIT, SIGHUP" },
  "stop-timeout": { value: "10s", help: "how long it may take to end by itself; SIGKILL follows" },
  cwd: { value: "PATH", help: "its working directory" },
  env: { value: "K=V", multiple: true, help: "a variable of the client" },
  ...NAMESPACE,
  ...WHERE,
};

/**
 * The client that a process runs, if its command line is that of a `procref run` with a certain service: what follows
 * a word `run` can be read by the options of `run`, names that service, and goes on behind `--`.
 *
 * @param command the command line of the process, from the program on
 * @param service the service that the process holds
 */
export function clientOf(
  command: readonly string[],
  service: { readonly name: string; readonly namespace: string },
): readonly string[] | undefined {
  for (const [at, word] of command.entries()) {
    if (word === "--") return undefined;
    if (word !== "run") continue;
    const client = clientIn(command.slice(at + 1), service);
    if (client !== undefined) return client;
  }
  return undefined;
}

function clientIn(
  words: readonly string[],
  { name, namespace }: { readonly name: string; readonly namespace: string },
): readonly string[] | undefined {
  try {
    const args = Arguments.parse(words, RUN_OPTIONS);
    const isOurs = args.name(true) === name && (args.text("namespace") ?? "") === namespace;
    return isOurs && args.rest !== undefined && args.rest.length > 0 ? args.rest : undefined;
  } catch (error) {
    // It is the `run` of another program, or an argument.
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}
