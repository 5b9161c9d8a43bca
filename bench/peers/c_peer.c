/*
 * The raw system calls as a peer: two semaphores of one set, a count and a lock, changed with SEM_UNDO.
 *
 * Usage: c_peer KEY
 * Lines that it takes: "pairs N" says "pair NS", the nanoseconds of one acquire and release; "lock" waits inside the
 * kernel and says "locked". It ends at the end of its input.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <time.h>

enum { REFERENCES, GATE, SET_SIZE = 2 };

static struct sembuf enter[] = {{GATE, 0, IPC_NOWAIT}, {REFERENCES, 1, SEM_UNDO}};
static struct sembuf leave[] = {{REFERENCES, -1, SEM_UNDO | IPC_NOWAIT}};
static struct sembuf lock[] = {{GATE, 0, 0}, {GATE, 1, SEM_UNDO}};

static void perform(int set, struct sembuf *operations, size_t count) {
  if (semop(set, operations, count) == 0) return;
  perror("semop");
  exit(1);
}

int main(int count, char **words) {
  int set = count == 2 ? semget((key_t)strtol(words[1], NULL, 0), SET_SIZE, IPC_CREAT | 0600) : -1;
  if (set < 0) {
    fprintf(stderr, "usage: c_peer KEY\n");
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("ready");
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (strncmp(line, "pairs ", 6) == 0) {
      long pairs = atol(line + 6);
      struct timespec from, to;
      clock_gettime(CLOCK_MONOTONIC, &from);
      for (long done = 0; done < pairs; done++) {
        perform(set, enter, 2);
        perform(set, leave, 1);
      }
      clock_gettime(CLOCK_MONOTONIC, &to);
      printf("pair %.1f\n", ((to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec)) / pairs);
    } else if (strncmp(line, "lock", 4) == 0) {
      perform(set, lock, 2);
      puts("locked");
    } else if (strncmp(line, "remove", 6) == 0) {
      semctl(set, 0, IPC_RMID);
      puts("removed");
    }
  }
  return 0;
}
