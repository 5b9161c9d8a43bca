/**
 * A C program that compiles only where a table of ours says what the system's headers say, and that links only where
 * the system's libraries have each of its functions. All numbers come from the table; nothing is stated twice.
 */

import type { CFunction, CType, SymbolTable } from "../../ffi/types.ts";

/** The C names of a struct that a layout of ours describes. */
export interface StructNames {
  /** Its type. */
  readonly type: string;
  /** The member that each name of ours stands for; the name `size` stands for the whole. */
  readonly members: { readonly [ours: string]: string };
  /** What else of a layout is not an offset, as C says it. */
  readonly expressions?: { readonly [ours: string]: string };
}

/** A table of ours with what C needs to know in order to check it. */
export interface AbiTable {
  /** The file of it. */
  readonly file: string;
  /** What of the file it is, where there are several; for messages. */
  readonly part?: string;
  /** The beginning of the program: what to include. */
  readonly headers: string;
  /** Flags of the linker. */
  readonly libraries?: readonly string[];
  /** The functions. */
  readonly symbols?: SymbolTable;
  /** How C declares them, with types as the headers have them, without names of parameters. */
  readonly declarations?: { readonly [symbol: string]: string };
  /** Functions that no header declares: that they are there is all that is checked. */
  readonly undeclared?: readonly string[];
  /** Whether arguments for `...` travel as fixed ones do; where they do not, no function may be given any. */
  readonly variadicAsFixed?: boolean;
  /** The constants, with error numbers. */
  readonly constants?: { readonly [name: string]: number | bigint };
  /** The layouts. */
  readonly layouts?: object;
  /** Their names in C. */
  readonly structs?: { readonly [ours: string]: StructNames };
}

/** What a type of ours demands of one of C. Handles are pointers in C, and numbers for us. */
const DEMANDS: { readonly [T in CType]: string } = {
  i32: "IS_INTEGER(T, 4) && IS_SIGNED(T)",
  u32: "IS_INTEGER(T, 4) && !IS_SIGNED(T)",
  i64: "IS_INTEGER(T, 8) && IS_SIGNED(T)",
  u64: "IS_INTEGER(T, 8) && !IS_SIGNED(T)",
  isize: "IS_POINTER(T) || (IS_INTEGER(T, sizeof(void *)) && IS_SIGNED(T))",
  usize: "IS_POINTER(T) || (IS_INTEGER(T, sizeof(void *)) && !IS_SIGNED(T))",
  pointer: "IS_POINTER(T)",
  buffer: "IS_POINTER(T)",
};

const ENUMERATION = /^enum |CLASS$/;

const MACROS = `
#include <stddef.h>
/* 1 is an integer, 2 a character, 3 an enumeration, 4 a truth value, 5 a pointer. */
#define CLASS(T) __builtin_classify_type((T)0)
#define IS_POINTER(T) (CLASS(T) == 5)
#define IS_INTEGER(T, bytes) (CLASS(T) >= 1 && CLASS(T) <= 4 && sizeof(T) == (bytes))
#define IS_SIGNED(T) ((__typeof__(__builtin_choose_expr(IS_POINTER(T), 0ULL, (T)0)))-1 < 1)
#define TEXT(word) #word
#define EXPANDED(word) TEXT(word)
#define LABEL(name) EXPANDED(__USER_LABEL_PREFIX__) name
`;

/**
 * The program that checks a table.
 *
 * @throws Error when the table has something that C cannot be asked about, for want of a name or declaration
 */
export function probe(table: AbiTable): string {
  const { symbols = {} } = table;
  const functions = Object.entries(symbols).flatMap(([symbol, prototype]) => functionLines(table, symbol, prototype));
  return [
    table.headers,
    MACROS,
    ...Object.entries(table.constants ?? {}).map(([name, value]) => equals(name, value)),
    ...structLines(table),
    ...functions,
    ...linkLines(Object.keys(symbols)),
    "",
  ].join("\n");
}

/** How many statements a program makes. */
export function countAssertions(program: string): number {
  return program.split("_Static_assert(").length - 1;
}

function assertion(condition: string, what: string): string {
  return `_Static_assert(${condition}, ${JSON.stringify(what)});`;
}

function equals(expression: string, value: number | bigint): string {
  // 64 bits without a sign, as C compares them: of a pointer too.
  const bits = `${BigInt.asUintN(64, BigInt(value))}ULL`;
  return assertion(`(unsigned long long)(${expression}) == ${bits}`, `${expression} is not ${value}`);
}

function structLines({ layouts = {}, structs = {} }: AbiTable): string[] {
  return Object.entries(layouts as Record<string, Record<string, number>>).flatMap(([struct, fields]) => {
    const names = known(structs[struct], `struct ${struct}`);
    const whole = names.expressions ?? {};
    return Object.entries(fields).map(([field, value]) => {
      if (field === "size") return equals(`sizeof(${names.type})`, value);
      if (field in whole) return equals(whole[field], value);
      return equals(`offsetof(${names.type}, ${known(names.members[field], `${struct}.${field}`)})`, value);
    });
  });
}

function functionLines(table: AbiTable, symbol: string, prototype: CFunction): string[] {
  const { declarations = {}, undeclared = [], variadicAsFixed = false } = table;
  if (undeclared.includes(symbol)) return [];
  const declaration = known(declarations[symbol], `function ${symbol}`);
  const [, result, list] = /^(.*?)\b\w+\((.*)\)$/.exec(declaration) ?? [];
  const parameters = known(list, `declaration ${declaration}`).split(",").map((type) => type.trim())
    .filter((type) => type !== "void");
  const variadic = parameters.at(-1) === "...";
  if (variadic) parameters.pop();
  const ours = prototype.parameters;
  if (ours.length !== parameters.length && !(variadic && ours.length > parameters.length && variadicAsFixed)) {
    throw new Error(`${table.file}: ${symbol} has ${ours.length} parameters, but C has ${declaration}`);
  }
  return [
    // A function without a declaration is an error here, and one with another declaration in the next line.
    assertion(`sizeof(&${symbol}) == sizeof(void *)`, `${symbol} is not declared`),
    `${declaration};`,
    fits(prototype.result, result.trim(), `the result of ${symbol}`),
    ...parameters.map((type, index) => fits(ours[index], type, `parameter ${index + 1} of ${symbol}`)),
  ];
}

function fits(ours: CType, theirs: string, what: string): string {
  // Compilers differ in whether an enumeration has a sign; its values have none.
  if (ENUMERATION.test(theirs)) return assertion(`IS_INTEGER(${theirs}, 4)`, `${what} is ${theirs}, not ${ours}`);
  return assertion(DEMANDS[ours].replaceAll("(T", `(${theirs}`), `${what} is ${theirs}, not ${ours}`);
}

/** References by the names that the loader is asked for, past whatever a header makes of them. */
function linkLines(symbols: readonly string[]): string[] {
  return [
    ...symbols.map((symbol, index) => `extern char symbol_${index} __asm__(LABEL(${JSON.stringify(symbol)}));`),
    `const void *const volatile symbols[] = {${symbols.map((_, index) => `&symbol_${index}, `).join("")}0};`,
    "int main(void) { return symbols[0] == symbols; }",
  ];
}

function known<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`C cannot be asked about ${what}: tools/abi has no name for it`);
  return value;
}
