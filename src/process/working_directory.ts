/**
 * Whether a program can be started in a directory.
 *
 * @module
 */

import { node } from "../../ffi/node.ts";
import { processSystem } from "./platform.ts";

/**
 * Why no program can be started in a directory; undefined when nothing is known against it. The system is asked as for
 * a program, which takes no permission to read.
 */
export function faultOfDirectory(path: string): "does not exist" | "is no directory" | undefined {
  const system = processSystem();
  // Only of a directory one can ask for "."; behind the root of Windows a second slash would lead to devices.
  const inside = path.endsWith(node.path.sep) || path.endsWith("/") ? `${path}.` : `${path}/.`;
  if (system.canRun(inside) !== false) return undefined;
  return system.canRun(path) === false ? "does not exist" : "is no directory";
}
