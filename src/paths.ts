/**
 * The two questions about paths that are asked while clients wait for a supervisor; `node:path` takes Deno longer to load
 * than the start of a service takes.
 *
 * @module
 */

import { host } from "../ffi/mod.ts";
import { node } from "../ffi/node.ts";

/** The path of what has this name in a directory. */
export function join(directory: string, name: string): string {
  if (host().platform === "win32") return node.path.join(directory, name);
  return directory.endsWith("/") ? `${directory}${name}` : `${directory}/${name}`;
}

/** The directory that an absolute path is in. */
export function parentOf(path: string): string {
  if (host().platform === "win32") return node.path.dirname(path);
  return /^(\/.*?)?\/+[^/]*\/*$/.exec(path)?.[1] ?? "/";
}

/** Whether a path says where it begins. */
export function isAbsolute(path: string): boolean {
  return host().platform === "win32" ? node.path.isAbsolute(path) : path.startsWith("/");
}
