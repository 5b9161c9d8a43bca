/**
 * What the emulator does otherwise than Linux does on arm64. A flaw excuses the failure of one test, and only if a
 * program in C without anything of the library shows it too.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATHS } from "./paths.ts";

export interface Flaw {
  readonly test: string;
  /** In the message of the failure. */
  readonly shownBy: string;
  readonly what: string;
  /** Ends with 42 where the flaw is. */
  readonly program: string;
}

export const FLAWS: readonly Flaw[] = [{
  test: "memory is lent to C at its offset, and nothing beyond it is touched",
  // The upper half of the mode is what lay there before: 0xaaaa0180.
  shownBy: "2863268224",
  what: "semctl(IPC_STAT) writes only the lower 2 of the 4 bytes of sem_perm.mode",
  program: `#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
int main(void) {
  struct semid_ds status;
  int id = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
  if (id < 0) return 1;
  memset(&status, 0xaa, sizeof status);
  int failed = semctl(id, 0, IPC_STAT, &status);
  semctl(id, 0, IPC_RMID);
  if (failed) return 2;
  unsigned int mode;
  memcpy(&mode, &status.sem_perm.mode, sizeof mode);
  return mode == 0600 ? 0 : mode == 0xaaaa0180u ? 42 : 3;
}
`,
}];

/** Those of the flaws that this emulator has. */
export function presentFlaws(): Flaw[] {
  const directory = mkdtempSync(join(tmpdir(), "procref-arm64-flaws-"));
  try {
    return FLAWS.filter(({ program }) => endOf(program, directory) === 42);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function endOf(text: string, directory: string): number | null {
  const source = join(directory, "flaw.c");
  const program = join(directory, "flaw");
  writeFileSync(source, text);
  const { status, stderr } = spawnSync(join(PATHS.commands, "cc"), ["-Wall", "-o", program, source]);
  if (status !== 0) throw new Error(`the cross compiler failed: ${stderr}`);
  return spawnSync(program).status;
}
