/**
 * Which name an error number has on the system that runs: the same number is another error elsewhere.
 *
 * @module
 */

import { host } from "../mod.ts";
import { DARWIN_ERRNO } from "./darwin_libc.ts";
import { LINUX_ERRNO } from "./linux_libc.ts";

/** The error numbers of a system by their names; those of Linux unless it is another one that is known. */
export function errnosOf(platform: string = host().platform): Readonly<Record<string, number>> {
  return platform === "darwin" ? DARWIN_ERRNO : LINUX_ERRNO;
}
