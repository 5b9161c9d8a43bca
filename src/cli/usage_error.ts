/**
 * The mistake of somebody who typed a command.
 *
 * @module
 */

/** A command line that cannot be understood: its message is shown with a pointer to `--help`, and the status is 2. */
export class UsageError extends Error {
  /** The class name. */
  override readonly name: string = "UsageError";
}
