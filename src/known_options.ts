/**
 * Refusing options that nobody knows: one that is silently left out is a mistake that shows much later, if ever.
 *
 * @module
 */

import { ProcrefError } from "./errors.ts";
import { didYouMean } from "./suggestion.ts";

/** The names of the options of a type, as a list; the compiler sees that none is missing and none is too many. */
export function namesOf<T>(names: { readonly [K in keyof T]-?: true }): readonly string[] {
  return Object.keys(names);
}

/** The options that are given: those that are not undefined. */
export function given(options: object): string[] {
  return Object.entries(options).filter(([, value]) => value !== undefined).map(([name]) => name);
}

/**
 * Checks that every option is known. Costs a look at each.
 *
 * @param options what was given; an option that is undefined was not
 * @param known the names of all that there are
 * @param owner what they are options of, as it follows "of"
 * @throws ProcrefError `INVALID_ARGUMENT`, which names the first that is not known, and the one that it may stand for
 */
export function refuseUnknown(options: object, known: readonly string[], owner: string): void {
  const unknown = given(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new ProcrefError(
    "INVALID_ARGUMENT",
    `Cannot use ${unknown} as an option of ${owner}: there is none of that name${didYouMean(unknown, known)}`,
    { details: { field: unknown } },
  );
}
