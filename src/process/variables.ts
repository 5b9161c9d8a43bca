/**
 * The variables of an environment by the rules of the system: on Windows `Path` and `PATH` are one name.
 *
 * @module
 */

import { processSystem } from "./platform.ts";

/** Variables by name; an undefined one is not there. */
export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * One environment of several. What a later one says of a variable counts, in whatever case it writes the name where the
 * system sees no difference; undefined takes the variable away. A program that got both would find either of them.
 *
 * @param environments from the least to the most important
 * @param ignoresCase whether names that differ in case alone are one
 */
export function mergedVariables(
  environments: readonly Variables[],
  ignoresCase: boolean = processSystem().variablesIgnoreCase,
): Record<string, string> {
  const merged = new Map<string, readonly [name: string, value: string | undefined]>();
  for (const [name, value] of environments.flatMap((environment) => Object.entries(environment))) {
    merged.set(keyOf(name, ignoresCase), [name, value]);
  }
  return Object.fromEntries([...merged.values()].filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/**
 * The value of a variable.
 *
 * @param environment where to look
 * @param name its name; in whatever case where the system sees no difference
 * @param ignoresCase whether names that differ in case alone are one
 */
export function variableOf(
  environment: Variables,
  name: string,
  ignoresCase: boolean = processSystem().variablesIgnoreCase,
): string | undefined {
  const wanted = keyOf(name, ignoresCase);
  return Object.entries(environment).findLast(([each, value]) =>
    value !== undefined && keyOf(each, ignoresCase) === wanted
  )?.[1];
}

/** Windows compares names by their capitals. */
function keyOf(name: string, ignoresCase: boolean): string {
  return ignoresCase ? name.toUpperCase() : name;
}
