/**
 * What macOS tells of how a process was started: its arguments and environment, as `sysctl` gives them.
 *
 * @module
 */

/** How a process was started. */
export interface ProcessArguments {
  /** Its command line. */
  readonly command: string[];
  /** Its environment, `NAME=value` with a NUL after each; empty where the system hides it. */
  readonly environment: Uint8Array;
}

const NUL = 0;

/**
 * Takes the answer to KERN_PROCARGS2 apart: the number of arguments, the path of the program with NULs up to a full
 * word, the arguments, and the environment up to an empty text or the end. What the loader is told (`executable_path=`
 * and others) may follow as if it were more of the environment.
 *
 * @returns undefined when it is cut off before the end of the arguments
 */
export function parseProcessArguments(bytes: Uint8Array): ProcessArguments | undefined {
  if (bytes.length < 4) return undefined;
  const count = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
  let at = bytes.indexOf(NUL, 4);
  if (at < 0) return undefined;
  while (bytes[at] === NUL) at++;
  const command: string[] = [];
  for (let index = 0; index < count; index++) {
    const end = bytes.indexOf(NUL, at);
    if (end < 0) return undefined;
    command.push(new TextDecoder().decode(bytes.subarray(at, end)));
    at = end + 1;
  }
  return { command, environment: bytes.subarray(at, endOfTexts(bytes, at)) };
}

/** Where the texts end that begin here: at an empty one, or with the bytes. */
function endOfTexts(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] !== NUL) {
    const end = bytes.indexOf(NUL, at);
    if (end < 0) return bytes.length;
    at = end + 1;
  }
  return at;
}
