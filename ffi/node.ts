/**
 * The modules of Node, each loaded when it is first used. In Deno the first of them costs some 8 ms, `node:fs` or
 * `node:process` 20 more, and `node:child_process` as much again for its first child (Deno 2.9.6, medians of 20 starts on
 * a slow machine): too much for what clients wait for. Everybody else imports them.
 *
 * @module
 */

import type child_process from "node:child_process";
import type fs from "node:fs";
import type os from "node:os";
import type path from "node:path";
import type process from "node:process";
import type url from "node:url";

interface Modules {
  readonly child_process: typeof child_process;
  readonly fs: typeof fs;
  readonly os: typeof os;
  readonly path: typeof path;
  readonly process: typeof process;
  readonly url: typeof url;
}

/** The modules, by their names without `node:`. */
export const node: Modules = {
  get child_process() {
    return builtin("child_process");
  },
  get fs() {
    return builtin("fs");
  },
  get os() {
    return builtin("os");
  },
  get path() {
    return builtin("path");
  },
  get process() {
    return builtin("process");
  },
  get url() {
    return builtin("url");
  },
};

function builtin<M extends keyof Modules>(name: M): Modules[M] {
  const { process } = globalThis as unknown as { process: { getBuiltinModule(name: string): Modules[M] } };
  return process.getBuiltinModule(`node:${name}`);
}
