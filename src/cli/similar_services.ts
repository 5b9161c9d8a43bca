/**
 * Helping somebody who asked for a service that is not there.
 *
 * @module
 */

import type { Catalog } from "../service/catalog.ts";
import { didYouMean } from "../suggestion.ts";
import { printable } from "./terminal.ts";

/**
 * A line that names the service that was meant, if there is one of a similar name or the same in another namespace.
 *
 * @returns the line with its end, or nothing
 */
export function servicesLike(catalog: Catalog, wanted: { name: string; namespace: string }): string {
  const others = catalog.entries().map(({ object }) => object)
    // Without a record that can be used, nobody knows the name.
    .filter(({ name, fileName }) => name !== fileName);
  const twin = others.find(({ name, namespace }) => name === wanted.name && namespace !== wanted.namespace);
  if (twin !== undefined) {
    const option = twin.namespace === "" ? "no namespace" : `--namespace ${printable(twin.namespace)}`;
    return `there is one of that name with ${option}\n`;
  }
  const hint = didYouMean(wanted.name, others.map(({ name }) => name));
  return hint === "" ? "" : printable(hint.slice(2)) + "\n";
}
