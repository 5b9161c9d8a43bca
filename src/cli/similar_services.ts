/**
 * Helping somebody who asked for a service that is not there.
 *
 * @module
 */

import type { Catalog } from "../service/catalog.ts";
import { didYouMean } from "../suggestion.ts";
import { commandText, printable } from "./terminal.ts";

/** How many namespaces are named at most. */
const MOST_NAMED = 5;

/**
 * A line that names the services that were meant, if there are any of the same name in other namespaces, or one of a
 * similar name.
 *
 * @returns the line with its end, or nothing
 */
export function servicesLike(catalog: Catalog, wanted: { name: string; namespace: string }): string {
  const others = catalog.entries().map(({ object }) => object)
    // Without a record that can be used, nobody knows the name.
    .filter(({ name, fileName }) => name !== fileName);
  const twins = others.filter(({ name, namespace }) => name === wanted.name && namespace !== wanted.namespace);
  if (twins.length > 0) {
    const options = twins.map(({ namespace }) =>
      namespace === "" ? "no namespace" : `--namespace ${commandText([namespace])}`
    );
    return `there ${twins.length === 1 ? "is one" : `are ${twins.length}`} of that name with ${listed(options)}\n`;
  }
  const hint = didYouMean(wanted.name, others.map(({ name }) => name));
  return hint === "" ? "" : printable(hint.slice(2)) + "\n";
}

/** Some of many, as a part of a sentence. */
function listed(all: readonly string[]): string {
  const more = all.length - MOST_NAMED;
  const named = more > 0 ? [...all.slice(0, MOST_NAMED), `${more} more`] : all;
  return named.length === 1 ? named[0] : `${named.slice(0, -1).join(", ")} and ${named.at(-1)}`;
}
