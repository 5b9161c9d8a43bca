/**
 * The mark that all processes of a service carry.
 *
 * @module
 */

/** The environment variable that holds it. */
export const MARK_VARIABLE = "PROCREF_MARK";
