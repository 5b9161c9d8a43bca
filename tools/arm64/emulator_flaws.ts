/**
 * What the emulator does otherwise than Linux does on arm64. A flaw excuses the failure of the tests that it names, and
 * only if a program in C without anything of the library shows it too.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATHS } from "./paths.ts";

export interface Flaw {
  readonly tests: readonly string[];
  /** In the message of the failure. */
  readonly shownBy: string;
  readonly what: string;
  /** Ends with 42 where the flaw is. */
  readonly program: string;
}

export const FLAWS: readonly Flaw[] = [{
  tests: ["memory is lent to C at its offset, and nothing beyond it is touched"],
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
}, {
  tests: ["deno", "bun"].map((runtime) => `a signal that ${runtime} was started to ignore stays ignored`),
  // It ends by the SIGHUP that it should not know of.
  shownBy: "129 !== 143",
  what: "a program that is started with a signal ignored does not have it in SigIgn of its /proc/PID/status",
  // The first time it ignores SIGHUP and becomes itself again: by the shell, which can start the script of the command.
  program: `#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int count, char **arguments) {
  char line[256], *end = strrchr(arguments[0], '.');
  unsigned long long ignored;
  if (count == 1) {
    if (end == NULL || signal(SIGHUP, SIG_IGN) == SIG_ERR) return 1;
    *end = 0;
    execl("/bin/sh", "sh", "-c", "exec $0 again", arguments[0], (char *)NULL);
    return 2;
  }
  struct sigaction now;
  if (sigaction(SIGHUP, NULL, &now) || now.sa_handler != SIG_IGN) return 3;
  FILE *status = fopen("/proc/self/status", "r");
  while (status != NULL && fgets(line, sizeof line, status) != NULL)
    if (sscanf(line, "SigIgn: %llx", &ignored) == 1) return ignored & 1 ? 0 : 42;
  return 4;
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
