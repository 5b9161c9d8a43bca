/**
 * How signals reach this process: which it was started to ignore, and which a terminal sends to its whole group.
 *
 * @module
 */

import { readProcFile } from "./proc_files.ts";

/** The numbers of the signals that this process ignores. */
export function ignoredSignals(): Set<number> {
  const [, mask = "0"] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readProcFile("/proc/self/status") ?? "") ?? [];
  const bits = BigInt(`0x${mask}`);
  return new Set(
    Array.from({ length: 64 }, (_, index) => index + 1).filter((number) => bits >> BigInt(number - 1) & 1n),
  );
}

/**
 * Whether the keys of a terminal (Ctrl-C) reach the process group of this process as a whole: it has a terminal and is
 * in front of it.
 */
export function terminalSignalsWholeGroup(): boolean {
  const text = readProcFile("/proc/self/stat") ?? "";
  // The fields after the command's name: state, parent, group, session, terminal, the group in front of the terminal.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields[5] !== undefined && fields[5] === fields[2];
}
