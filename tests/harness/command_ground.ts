/** A place for commands: a state directory of their own, and a name that no other test uses. */

import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { CommandOptions } from "./command.ts";
import { eventually } from "./eventually.ts";
import { uniqueName, withDirectory } from "./names.ts";

/** A state directory that is empty again in the end: whatever was started is gone. */
export async function onGround(
  work: (state: string, options: CommandOptions, name: string) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    const state = join(directory, "state");
    mkdirSync(state, { mode: 0o700 });
    await work(state, { env: { PROCREF_DIR: state } }, uniqueName());
    await eventually(() => readdirSync(state).length === 0, "nothing is left");
  });
}
