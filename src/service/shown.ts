/**
 * How consoles show an object whose facts are private: by what people want to know of it.
 *
 * @module
 */

import { CONSOLE_HOOK } from "../../ffi/mod.ts";

/** What a console gives to an object that shows itself, to show what is within. */
type Inspect = (value: unknown, options?: unknown) => string;

/** What `util.inspect` and the consoles of both runtimes ask an object for. */
const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/**
 * Lets consoles show the objects of a class as the name of the class and some facts.
 *
 * @param prototype the prototype of the class
 * @param factsOf the facts of one object; those that are undefined are left out
 */
export function showAs<T extends object>(prototype: T, factsOf: (object: T) => object): void {
  const show = (object: T, inspect: Inspect, options: unknown): string => {
    // A console may also be given the prototype, which has no facts.
    const facts = object === prototype ? {} : factsOf(object);
    const known = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
    return `${object.constructor.name} ${inspect(known, options)}`;
  };
  const hooks: Record<symbol, (this: T, ...given: never[]) => string> = {
    [INSPECT](_depth: number, options: unknown, inspect: Inspect): string {
      return show(this, inspect, options);
    },
    [CONSOLE_HOOK](inspect: Inspect, options: unknown): string {
      return show(this, inspect, options);
    },
  };
  for (const hook of Object.getOwnPropertySymbols(hooks)) {
    Object.defineProperty(prototype, hook, { value: hooks[hook], configurable: true, writable: true });
  }
}
