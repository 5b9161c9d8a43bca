/**
 * The error of who would count a name in another way than others do.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";

/** The error `MECHANISM_MISMATCH`; `where` is what was found of theirs. */
export function mismatch(
  object: { readonly name: string },
  ours: string,
  theirs: string,
  where: string,
): ProcrefError {
  return new ProcrefError(
    "MECHANISM_MISMATCH",
    `Cannot count "${object.name}" by the mechanism ${ours}: others count it by ${theirs} (${where}), and neither would ` +
      `see the other; give all of them the same \`mechanism\`, or end those that use it and run \`procref gc\``,
    { details: { name: object.name } },
  );
}
