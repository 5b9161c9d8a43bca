/**
 * What a service's options come to, for either lifecycle.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { basename } from "node:path";
import {
  type CallbackServiceOptions,
  completeOptions,
  type CompleteSettings,
  completeTimes,
  isSupervised,
  type SharedServiceOptions,
} from "./options.ts";
import { checkOptionNames } from "./option_names.ts";
import { describeService, type SupervisedClientOptions } from "./supervised_options.ts";

/** The options with everything filled in: those of callbacks, or those of a supervised service. */
export type Plan =
  | { readonly settings: CallbackServiceOptions & CompleteSettings; readonly supervised?: undefined }
  | { readonly settings: CompleteSettings; readonly supervised: SupervisedClientOptions };

/**
 * Checks options and fills in what is not given.
 *
 * @throws ProcrefError `INVALID_ARGUMENT`, `PERMISSION`
 */
export function planOf(name: string, options: SharedServiceOptions): Plan {
  checkOptionNames(name, options);
  if (!isSupervised(options)) return { settings: completeOptions(options) };
  const settings = completeTimes(options);
  return { settings, supervised: describeService(name, settings) };
}

/** A name for the service of a module: the readable part of its address, and a digest of the whole. */
export function nameOfModule(module: string): string {
  const readable = basename(new URL(module).pathname).replace(/[^A-Za-z0-9._-]/g, "_").slice(0, 80);
  return `${readable}-${createHash("sha256").update(module).digest("hex").slice(0, 12)}`;
}
