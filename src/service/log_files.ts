/**
 * The files that hold what a service wrote.
 *
 * @module
 */

import { host } from "../../ffi/mod.ts";
import { join } from "../paths.ts";

/** The name of the log in the service's directory; the older part has `.1` behind it. */
export const LOG_NAME = "service.log";

/** Removes the log of a service. */
export function removeLog(serviceDirectory: string): void {
  for (const name of [LOG_NAME, `${LOG_NAME}.1`]) host().files.remove(join(serviceDirectory, name));
}
