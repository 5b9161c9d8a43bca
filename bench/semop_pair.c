/*
 * What one acquire and one release cost the kernel alone: the operation arrays of src/kernel/sysv_operations.ts on a
 * private set of the same shape, with nothing around the system calls. One other reference is held all the time.
 *
 * Usage: semop_pair PAIR SLICES PAIRS
 *   PAIR    the arrays: unless-last, plain or generation
 *   SLICES  how many times are taken, after a tenth as many that are not
 *   PAIRS   how many pairs each time is taken of
 * Prints one line per slice: nanoseconds per pair. The set is removed at the end, also at a signal.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <time.h>
#include <unistd.h>

enum { REFERENCES, GATE, SEAT, GENERATION, FINGERPRINT, SET_SIZE = 8 };
enum { PUBLISHED = 1, LONGEST_SECONDS = 30 };

static struct sembuf enter[] = {{GATE, 0, IPC_NOWAIT}, {REFERENCES, 1, SEM_UNDO}};
static struct sembuf enter_generation[] = {
    {GATE, 0, IPC_NOWAIT},
    {GENERATION, -PUBLISHED, IPC_NOWAIT},
    {GENERATION, 0, IPC_NOWAIT},
    {GENERATION, PUBLISHED, 0},
    {REFERENCES, 1, SEM_UNDO},
};
static struct sembuf leave[] = {{REFERENCES, -1, SEM_UNDO | IPC_NOWAIT}};
static struct sembuf leave_unless_last[] = {{REFERENCES, -2, SEM_UNDO | IPC_NOWAIT}, {REFERENCES, 1, SEM_UNDO}};
/* What ours look like in use: a service is published, and the fingerprint is written. */
static struct sembuf mark[] = {
    {GENERATION, PUBLISHED, 0}, {FINGERPRINT, 1, 0}, {FINGERPRINT + 1, 2, 0}, {FINGERPRINT + 2, 3, 0},
    {FINGERPRINT + 3, 4, 0},
};

struct array {
  struct sembuf *operations;
  size_t count;
};
#define ARRAY(list) {list, sizeof(list) / sizeof((list)[0])}

static const struct pair {
  const char *name;
  struct array in, out;
} PAIRS[] = {
    {"unless-last", ARRAY(enter), ARRAY(leave_unless_last)},
    {"plain", ARRAY(enter), ARRAY(leave)},
    {"generation", ARRAY(enter_generation), ARRAY(leave_unless_last)},
};

static volatile sig_atomic_t set = -1;

static void remove_set(void) {
  if (set >= 0) semctl(set, 0, IPC_RMID);
}

static void give_up(int signal) {
  remove_set();
  _exit(128 + signal);
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void perform(const struct array *array) {
  if (semop(set, array->operations, array->count) != 0) fail("semop");
}

static double nanoseconds_per_pair(const struct pair *pair, long pairs) {
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  for (long done = 0; done < pairs; done++) {
    perform(&pair->in);
    perform(&pair->out);
  }
  clock_gettime(CLOCK_MONOTONIC, &to);
  return ((to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec)) / pairs;
}

static const struct pair *find(const char *name) {
  for (size_t at = 0; at < sizeof PAIRS / sizeof PAIRS[0]; at++) {
    if (strcmp(PAIRS[at].name, name) == 0) return &PAIRS[at];
  }
  return NULL;
}

int main(int count, char **words) {
  const struct pair *pair = count == 4 ? find(words[1]) : NULL;
  long slices = count == 4 ? atol(words[2]) : 0;
  long pairs = count == 4 ? atol(words[3]) : 0;
  if (pair == NULL || slices <= 0 || pairs <= 0) {
    fprintf(stderr, "usage: semop_pair unless-last|plain|generation SLICES PAIRS\n");
    return 2;
  }
  const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGALRM};
  for (size_t at = 0; at < sizeof signals / sizeof signals[0]; at++) signal(signals[at], give_up);
  alarm(LONGEST_SECONDS);
  atexit(remove_set);

  set = semget(IPC_PRIVATE, SET_SIZE, 0600);
  if (set < 0) fail("semget");
  const struct array marking = ARRAY(mark), entering = ARRAY(enter);
  perform(&marking);
  perform(&entering);
  for (long slice = 0; slice < slices / 10; slice++) nanoseconds_per_pair(pair, pairs);
  for (long slice = 0; slice < slices; slice++) printf("%.1f\n", nanoseconds_per_pair(pair, pairs));
  return 0;
}
