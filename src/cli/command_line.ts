/**
 * The command line: finds the command and runs it.
 *
 * @module
 */

import { isProcrefError } from "../errors.ts";
import { type Command, EXIT, helpOf } from "./command.ts";
import { DOCTOR } from "./commands/doctor.ts";
import { GC } from "./commands/gc.ts";
import { LOCK, SEM } from "./commands/lock.ts";
import { LOGS } from "./commands/logs.ts";
import { LS } from "./commands/ls.ts";
import { RUN } from "./commands/run.ts";
import { STATUS } from "./commands/status.ts";
import { STOP } from "./commands/stop.ts";
import { Arguments } from "./options.ts";
import { didYouMean } from "../suggestion.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage_error.ts";
import { VERSION } from "./version.ts";

const COMMANDS: readonly Command[] = [RUN, LS, STATUS, LOGS, STOP, GC, LOCK, SEM, DOCTOR];

/**
 * Runs a command line.
 *
 * @param words what was typed after the program's name
 * @param terminal where to write
 * @returns the exit code
 */
export async function runCommandLine(words: readonly string[], terminal: Terminal): Promise<number> {
  const [first, ...rest] = words;
  try {
    switch (first) {
      case undefined:
        terminal.err(overview());
        return EXIT.usage;
      case "--help":
      case "-h":
        terminal.out(overview());
        return EXIT.ok;
      case "help":
        terminal.out(rest.length === 0 ? overview() : helpOf(find(rest[0])));
        return EXIT.ok;
      case "--version":
        terminal.out(`procref ${VERSION}\n`);
        return EXIT.ok;
      default:
        return await runCommand(find(first), rest, terminal);
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return complain(terminal, error.message, "`procref --help` lists the commands", EXIT.usage);
  }
}

async function runCommand(command: Command, words: readonly string[], terminal: Terminal): Promise<number> {
  try {
    // Everything after `--` belongs to somebody else's command.
    const end = words.indexOf("--");
    const ours = end < 0 ? words : words.slice(0, end);
    if (ours.includes("--help") || ours.includes("-h")) {
      terminal.out(helpOf(command));
      return EXIT.ok;
    }
    return await command.run(Arguments.parse(words, command.options, command.program), terminal);
  } catch (error) {
    if (error instanceof UsageError) {
      return complain(terminal, error.message, `see \`procref ${command.name} --help\``, EXIT.usage);
    }
    const code = command.failed ?? EXIT.failed;
    // A mistake of ours: where it happened helps whoever reports it.
    if (!isProcrefError(error)) return complain(terminal, String((error as Error)?.stack ?? error), undefined, code);
    if (error.code === "INVALID_NAME" || error.code === "INVALID_ARGUMENT") {
      return complain(
        terminal,
        `${error.message} [${error.code}]`,
        `see \`procref ${command.name} --help\``,
        EXIT.usage,
      );
    }
    return complain(terminal, `${error.message} [${error.code}]`, undefined, code);
  }
}

function find(name: string): Command {
  const command = COMMANDS.find((each) => each.name === name);
  if (command !== undefined) return command;
  const what = name.startsWith("-") ? "option" : "command";
  throw new UsageError(`unknown ${what} ${name}${didYouMean(name, [...COMMANDS.map((each) => each.name), "help"])}`);
}

function complain(terminal: Terminal, message: string, hint: string | undefined, code: number): number {
  terminal.err(`procref: ${message}\n${hint === undefined ? "" : `${hint}\n`}`);
  return code;
}

function overview(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  const lines = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `usage: procref COMMAND ...\n\nSeveral processes share one service: the first one starts it, the last one ` +
    `stops it.\n\n${lines.join("\n")}\n\n\`procref COMMAND --help\` says more; \`procref --version\` says which ` +
    `version this is.\n`;
}
