/**
 * Reading the words of a command line by a table of options.
 *
 * @module
 */

import { parseArgs } from "node:util";
import type { Scope } from "../kernel/object_name.ts";
import { didYouMean } from "../suggestion.ts";
import { UsageError } from "./usage_error.ts";
import { durationMs, wholeNumber } from "./values.ts";

/** One option of a command. */
export interface OptionSpec {
  /** What its value is called in the help; without it the option is a switch. */
  readonly value?: string;
  /** Its one-letter form. */
  readonly short?: string;
  /** Whether it may be given several times. */
  readonly multiple?: boolean;
  /** What it does, for the help. */
  readonly help: string;
}

/** The options of a command by name. */
export type OptionTable = { readonly [name: string]: OptionSpec };

/** Options that say where a service is. */
export const WHERE: OptionTable = {
  directory: { value: "PATH", help: "the state directory (else $PROCREF_DIR, else that of the user)" },
  scope: { value: "user|system", help: "who shares the service; user unless given" },
};

/** The option that tells services of one name apart. */
export const NAMESPACE: OptionTable = {
  namespace: { value: "X", help: "the project or worktree that the name belongs to" },
};

/** The option of commands that answer programs. */
export const JSON_OPTION: OptionTable = {
  json: { help: "print JSON" },
};

const HELP: OptionTable = { help: { short: "h", help: "print this help" } };

/** The words of a command line, understood. */
export class Arguments {
  /** What is no option, before `--`. */
  readonly positionals: readonly string[];
  /** What follows `--`; undefined without one. */
  readonly rest: readonly string[] | undefined;
  readonly #values: ReadonlyMap<string, readonly (string | true)[]>;

  private constructor(
    positionals: readonly string[],
    rest: readonly string[] | undefined,
    values: ReadonlyMap<string, readonly (string | true)[]>,
  ) {
    this.positionals = positionals;
    this.rest = rest;
    this.#values = values;
  }

  /**
   * Reads words by a table.
   *
   * @param words what follows the name of the command
   * @param specs the options that it has
   * @param program what it calls the program that it runs, which stands after `--`; undefined when it runs none
   * @throws UsageError for an unknown option, a missing value, one too many, an option given twice, or a program
   * without `--` before it
   */
  static parse(words: readonly string[], specs: OptionTable, program?: string): Arguments {
    const table: OptionTable = { ...specs, ...HELP };
    const options = Object.fromEntries(
      Object.entries(table).map(([name, { value, short }]) => [name, {
        type: value === undefined ? "boolean" as const : "string" as const,
        ...(short === undefined ? {} : { short }),
      }]),
    );
    const { tokens } = parseArgs({
      args: [...words],
      options,
      strict: false,
      allowPositionals: true,
      tokens: true,
    });
    const end = tokens.find(({ kind }) => kind === "option-terminator")?.index ?? words.length;
    const values = new Map<string, (string | true)[]>();
    let named = 0;
    for (const token of tokens) {
      // What follows belongs to that program, so that nothing is said of its options.
      if (token.kind === "positional" && program !== undefined && end === words.length && ++named === 2) {
        throw new UsageError(`"${token.value}": put -- before ${program}`);
      }
      if (token.kind !== "option") continue;
      const given = values.get(token.name) ?? [];
      given.push(valueOf(token, table));
      if (given.length > 1 && !table[token.name].multiple) throw new UsageError(`${token.rawName} is given twice`);
      values.set(token.name, given);
    }
    const positionals = tokens.flatMap((token) =>
      token.kind === "positional" && token.index < end ? [token.value] : []
    );
    return new Arguments(positionals, end < words.length ? words.slice(end + 1) : undefined, values);
  }

  /** Whether a switch is given. */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The value of an option, or undefined. */
  text(name: string): string | undefined {
    return this.list(name)[0];
  }

  /** All values of an option. */
  list(name: string): readonly string[] {
    return (this.#values.get(name) ?? []) as readonly string[];
  }

  /** A duration in milliseconds, or undefined. */
  durationMs(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : durationMs(`--${name}`, text);
  }

  /** A whole number, or undefined. */
  number(name: string, greatest = 2 ** 31 - 1): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : wholeNumber(`--${name}`, text, greatest);
  }

  /** A whole number that may be negative, or undefined. */
  integer(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const size = wholeNumber(`--${name}`, text.replace(/^-/, ""), 2 ** 31 - 1);
    return text.startsWith("-") ? -size : size;
  }

  /** One word out of a few, or undefined. */
  choice<T extends string>(name: string, words: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined || words.includes(text as T)) return text as T | undefined;
    throw new UsageError(`--${name} takes ${words.join(" or ")}, not "${text}"${didYouMean(text, words)}`);
  }

  /** Where services are, by the options of {@link WHERE}. */
  where(): { directory: string | undefined; scope: Scope } {
    return { directory: this.text("directory"), scope: this.choice("scope", ["user", "system"]) ?? "user" };
  }

  /**
   * The one positional word, which is the name of a service.
   *
   * @param takesRest whether the command also takes what follows `--`
   * @throws UsageError when there is none or more than one
   */
  name(takesRest = false): string {
    this.atMost(1, takesRest);
    if (this.positionals.length === 0) throw new UsageError("the NAME is missing");
    return this.positionals[0];
  }

  /**
   * Checks that there are no more words than a command takes.
   *
   * @throws UsageError
   */
  atMost(positionals: number, takesRest = false): void {
    const extra = this.positionals[positionals] ?? (takesRest ? undefined : this.rest?.[0]);
    if (extra !== undefined) throw new UsageError(`"${extra}" is one word too many`);
  }
}

function valueOf(
  { name, rawName, value, inlineValue }: { name: string; rawName: string; value?: string; inlineValue?: boolean },
  table: OptionTable,
): string | true {
  const spec = Object.hasOwn(table, name) ? table[name] : undefined;
  if (spec === undefined) {
    const known = Object.keys(table).map((each) => `--${each}`);
    throw new UsageError(`unknown option ${rawName}${didYouMean(`--${name}`, known)}`);
  }
  if (spec.value === undefined) {
    if (value === undefined) return true;
    throw new UsageError(`${rawName} takes no value`);
  }
  if (value === undefined) throw new UsageError(`${rawName} needs a value: ${rawName} ${spec.value}`);
  if (value.startsWith("-") && !inlineValue) {
    throw new UsageError(
      `${rawName} needs a value: ${rawName} ${spec.value} (one that begins with -: --${name}=${value})`,
    );
  }
  return value;
}

/** The lines of a help about options, aligned. */
export function describeOptions(specs: OptionTable): string {
  const rows = Object.entries({ ...specs, ...HELP }).map(([name, { value, short, help, multiple }]) => [
    `${short === undefined ? "   " : `-${short},`} --${name}${value === undefined ? "" : ` ${value}`}${
      multiple ? "..." : ""
    }`,
    help,
  ]);
  const width = Math.max(...rows.map(([form]) => form.length));
  return rows.map(([form, help]) => `  ${form.padEnd(width)}  ${help}`).join("\n");
}
