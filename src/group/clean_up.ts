/**
 * Removing what killed hosts have left of their groups: for `procref gc`. Instances that a dead host has left are no
 * business of it: clients may use them, and the next host ends them, with or without the file.
 *
 * @module
 */

import { cleanUpFiles, type FileCleanUp, type FileKind } from "../kernel/file_clean_up.ts";
import type { User } from "../kernel/object_name.ts";
import { hostIn, SEAT_ENDING } from "./host_seat.ts";

const SEATS: FileKind = {
  kind: "group",
  ending: SEAT_ENDING,
  lockEnding: SEAT_ENDING,
  otherEndings: [],
  whenLocked: "somebody hosts the group",
  whenUnused: "nobody hosts the group",
  whoUses(path: string): string | undefined {
    const host = hostIn(path);
    return host && `process ${host.pid} hosts the group`;
  },
};

/**
 * Removes the seats of the hosts of groups in a state directory that nobody has.
 *
 * @param directory the state directory
 * @param options `user`: the effective user; `dryRun`: decide, and touch nothing
 * @returns one for each group, by its file name
 * @throws ProcrefError `IO`, `PERMISSION`
 */
export function cleanUpSeats(directory: string, options: { user: User; dryRun: boolean }): FileCleanUp[] {
  return cleanUpFiles(directory, SEATS, options);
}
