/**
 * Gives every test in Deno a time limit, as `bun test --timeout` does: `deno test` has none, and waits for ever. To be
 * loaded before the tests, by `--preload`; the limit in milliseconds is in PROCREF_TEST_LIMIT.
 */

import process from "node:process";

const timeout = Number(process.env.PROCREF_TEST_LIMIT);
const { test } = Deno;

/** What `node:test` asks for a test is one object; another form is not limited. */
function limited(...[definition, ...rest]: readonly unknown[]): unknown {
  const isObject = typeof definition === "object" && definition !== null;
  return Reflect.apply(test, Deno, [isObject ? { timeout, ...definition } : definition, ...rest]);
}

Object.assign(Deno, { test: Object.assign(limited, test) });
