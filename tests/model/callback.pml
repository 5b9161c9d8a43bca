/*
 * The lifecycle of a service whose callbacks run inside the clients, with a reaper for the case that the last client
 * is killed, on System V semaphores or with LOCK_FILES on lock files.
 *
 * One system call, one write of the record, one look at a process is one step. Each macro that changes the model is
 * explained in README.md beside this file.
 */

#ifndef CLIENTS
#define CLIENTS 2
#endif
#ifndef ROUNDS /* how often each client comes */
#define ROUNDS 1
#endif
#ifndef KILLS /* how many clients and reapers are SIGKILLed, all in all */
#define KILLS 1
#endif
#ifndef TROUBLES /* how many times a service dies or falls ill by itself or a callback throws, all in all */
#define TROUBLES 0
#endif

/* How many reapers and services the model has room for; the dead count until nobody knows them. */
#define ROOM 4
#define NOBODY ROOM

/* Phases of the record. */
#define NONE 0
#define START 1
#define READY 2
#define STOP 3

/* States of a process. One that is going has given its semaphores back, but still looks alive. */
#define GONE 0
#define ALIVE 1
#define GOING 2

/* The semaphores, with the names of their holders for the undo. */
byte references;
byte gate; /* 0; client + 1; CLIENTS + reaper + 1 */
byte seat; /* 0; reaper + 1 */
#define CLIENT_GATE(c) (c + 1)
#define REAPER_GATE(r) (CLIENTS + r + 1)
#define A_REAPER_SITS (seat != 0 && seat <= ROOM)

#ifdef LOCK_FILES
/* What the dead held is given back one by one, each at any later time. */
byte late_references;
#define LATE_GATE (CLIENTS + ROOM + 1)
#define LATE_SEAT (ROOM + 1)
#else
#define LATE_GATE 0
#define LATE_SEAT 0
#endif

/* The record. The number of a service stands for its generation as well: it is given again only when nothing knows
 * it any more. */
byte phase = NONE;
byte recorded = NOBODY;

byte reaper[ROOM + 1];
bit busy[ROOM + 1]; /* the model's process is not yet back at its beginning */
bit in_office[ROOM + 1];
bit evicted[ROOM + 1]; /* its set of semaphores was removed */

byte service[ROOM + 1];
bit sick[ROOM + 1];    /* it fails its check from now on */
bit stopped[ROOM + 1]; /* somebody ended it in the course of the protocol */

bit alive[CLIENTS];
bit counted[CLIENTS];
byte rounds[CLIENTS];
byte held[CLIENTS];    /* the service that it accepted */
byte seen[CLIENTS];    /* the service that it knows of from the record */
byte made[CLIENTS];    /* the service that its callback spawned, while it is not yet on record */
byte spawned[CLIENTS]; /* the reaper that it spawned */

byte kills = KILLS;
byte troubles = TROUBLES;
/* A reaper was killed, and no acquire has seen to another since. */
bit unwatched;

#if CLIENTS > 2
#define SOME_CLIENT(what, x) (what[0] == x || what[1] == x || what[2] == x)
#else
#define SOME_CLIENT(what, x) (what[0] == x || what[1] == x)
#endif
#define REAPER_IS_KNOWN(r) (reaper[r] != GONE || SOME_CLIENT(spawned, r))
#define REAPER_IS_TAKEN(r) (busy[r] || REAPER_IS_KNOWN(r))
#define SERVICE_IS_KNOWN(n) \
  (service[n] != GONE || recorded == n || SOME_CLIENT(held, n) || SOME_CLIENT(seen, n) || SOME_CLIENT(made, n))

inline write_record(new_phase, number) {
  phase = new_phase;
  recorded = number
}

inline kill_client(c) {
  alive[c] = 0;
#ifdef LOCK_FILES
  late_references = late_references + counted[c];
#else
  references = references - counted[c];
#endif
  counted[c] = 0;
  held[c] = NOBODY;
  if
  :: gate == CLIENT_GATE(c) -> gate = LATE_GATE
  :: else
  fi;
#ifndef WITHOUT_EXCEPTION
  /* What a callback spawned and did not return is unknown: the stated exception. It is taken out of the model. */
  service[made[c]] = GONE;
#endif
  made[c] = NOBODY
}

inline kill_reaper(r) {
  reaper[r] = GOING;
  unwatched = unwatched || seat == r + 1;
  if
  :: seat == r + 1 -> seat = LATE_SEAT
  :: else
  fi;
  if
  :: gate == REAPER_GATE(r) -> gate = LATE_GATE
  :: else
  fi
}

/* Ends a service. One that is well must have no holders. */
inline end_service(n) {
  atomic {
    assert(service[n] == GONE || sick[n] || !SOME_CLIENT(held, n));
    stopped[n] = (service[n] != GONE || stopped[n]);
    if
    :: service[n] == ALIVE -> service[n] = GOING
    :: else
    fi
  };
  service[n] == GONE
}

/* The set of semaphores is removed, with all that is in it. */
inline remove_set() {
  assert(references == 0);
  if
  :: A_REAPER_SITS -> evicted[seat - 1] = 1
  :: else
  fi;
  gate = 0;
  seat = 0
}

inline take_reaper(c, r) {
  spawned[c] = r;
  reaper[r] = ALIVE;
  busy[r] = 1;
  in_office[r] = 0;
  evicted[r] = 0
}

/* Under the gate: as long as the seat is free, spawns a reaper and waits until it is in office or gone. */
inline bring_reaper(c) {
  do
  :: atomic { seat == 0 ->
      if
      :: !REAPER_IS_TAKEN(0) -> take_reaper(c, 0)
      :: REAPER_IS_TAKEN(0) && !REAPER_IS_TAKEN(1) -> take_reaper(c, 1)
      :: REAPER_IS_TAKEN(0) && REAPER_IS_TAKEN(1) && !REAPER_IS_TAKEN(2) -> take_reaper(c, 2)
      :: REAPER_IS_TAKEN(0) && REAPER_IS_TAKEN(1) && REAPER_IS_TAKEN(2) && !REAPER_IS_TAKEN(3) -> take_reaper(c, 3)
      :: REAPER_IS_KNOWN(0) && REAPER_IS_KNOWN(1) && REAPER_IS_KNOWN(2) && REAPER_IS_KNOWN(3) -> assert(false)
      fi
    };
    atomic { in_office[spawned[c]] || reaper[spawned[c]] == GONE -> spawned[c] = NOBODY }
  :: atomic { seat != 0 -> break }
  od
}

inline take_service(c, n) {
  made[c] = n;
  service[n] = ALIVE;
  sick[n] = 0;
  stopped[n] = 0;
  assert((n == 0 || service[0] == GONE) && (n == 1 || service[1] == GONE) && (n == 2 || service[2] == GONE) &&
    (n == 3 || service[3] == GONE))
}

inline spawn_service(c) {
  if
  :: !SERVICE_IS_KNOWN(0) -> take_service(c, 0)
  :: SERVICE_IS_KNOWN(0) && !SERVICE_IS_KNOWN(1) -> take_service(c, 1)
  :: SERVICE_IS_KNOWN(0) && SERVICE_IS_KNOWN(1) && !SERVICE_IS_KNOWN(2) -> take_service(c, 2)
  :: SERVICE_IS_KNOWN(0) && SERVICE_IS_KNOWN(1) && SERVICE_IS_KNOWN(2) && !SERVICE_IS_KNOWN(3) -> take_service(c, 3)
  :: SERVICE_IS_KNOWN(0) && SERVICE_IS_KNOWN(1) && SERVICE_IS_KNOWN(2) && SERVICE_IS_KNOWN(3) -> assert(false)
  fi
}

proctype Client(byte c) {
  byte read_phase, again;

  do
  :: atomic { rounds[c] > 0 -> rounds[c]--; alive[c] = 1 };
    {
#ifdef ENTER_PAST_GATE
      atomic { references++; counted[c] = 1 };
#else
      atomic { gate == 0 -> references++; counted[c] = 1 };
#endif
look:
      atomic { read_phase = phase; seen[c] = recorded };
      if
      :: read_phase == READY ->
        /* The check of its health, outside of the gate. */
        atomic {
          if
          :: service[seen[c]] != GONE && !sick[seen[c]] ->
            assert(!stopped[seen[c]]);
            held[c] = seen[c];
            seen[c] = NOBODY;
            goto hold
          :: else
          fi
        }
      :: else
      fi;
      atomic { gate == 0 -> gate = CLIENT_GATE(c) };
#ifdef RECORD_NOT_READ_AGAIN
      again = seen[c];
#else
      atomic { read_phase = phase; again = recorded };
#endif
#ifndef DO_NOT_COMPARE_GENERATION
      if
      :: read_phase == READY && again != seen[c] -> gate = 0; goto look
      :: else
      fi;
#endif
      seen[c] = again;
#ifndef REAPER_AFTER_RECORD
      bring_reaper(c);
#endif
      if
      :: read_phase != NONE && seen[c] != NOBODY ->
        /* A repair, or the rest of a start, a repair or a stop during which somebody died. */
        atomic { write_record(START, seen[c]) };
        end_service(seen[c])
      :: else ->
        atomic { write_record(START, NOBODY) }
      fi;
      if
      :: atomic { spawn_service(c) }
      :: atomic { troubles > 0 -> troubles-- } ; /* the callback throws */
        atomic { write_record(NONE, NOBODY); seen[c] = NOBODY };
        gate = 0;
        goto leave
      fi;
      atomic { write_record(READY, made[c]); held[c] = made[c]; made[c] = NOBODY; seen[c] = NOBODY };
#ifdef REAPER_AFTER_RECORD
      bring_reaper(c);
#endif
      gate = 0;
hold:
      atomic { read_phase = NONE; again = 0 };
      /* An acquire is done when the seat is taken; the exception ends with it. */
#ifndef REAPER_NOT_REPLACED
      if
      :: atomic { seat == 0 -> skip };
        atomic { gate == 0 -> gate = CLIENT_GATE(c) };
        bring_reaper(c);
        gate = 0
      :: else
      fi;
#else
      unwatched = 0;
#endif
leave:
      atomic { read_phase = NONE; again = 0; seen[c] = NOBODY; held[c] = NOBODY };
#ifdef DECREMENT_THEN_READ
      atomic { references--; counted[c] = 0 };
      if
      :: references == 0
      :: else -> goto done
      fi;
      atomic { gate == 0 -> gate = CLIENT_GATE(c) };
#else
      if
      :: atomic { references >= 2 -> references--; counted[c] = 0; goto done }
      :: atomic { references == 1 && gate == 0 -> references--; counted[c] = 0; gate = CLIENT_GATE(c) }
      fi;
#endif
      atomic { seen[c] = recorded; read_phase = phase };
      if
      :: read_phase != NONE && seen[c] != NOBODY ->
#ifndef DO_NOT_WRITE_STOP
        atomic { write_record(STOP, seen[c]) };
#endif
        end_service(seen[c])
      :: else
      fi;
      atomic { write_record(NONE, NOBODY); seen[c] = NOBODY };
#ifdef KEEP_SET
      gate = 0;
#else
      atomic { remove_set() };
#endif
done:
      atomic { alive[c] = 0 }
    } unless { !alive[c] };
    atomic {
      held[c] = NOBODY;
      seen[c] = NOBODY;
      spawned[c] = NOBODY;
      read_phase = NONE;
      again = 0
    }
  :: atomic { rounds[c] == 0 -> break }
  od
}

proctype Reaper(byte r) {
  byte target = NOBODY;

end_unused:
  do
  :: atomic { reaper[r] == ALIVE && busy[r] -> skip };
    {
      if
      :: atomic { seat == 0 -> seat = r + 1; unwatched = 0 }
      :: else -> goto exit
      fi;
      atomic { in_office[r] = 1 };
#ifdef EVICTED_REAPER_STAYS
      atomic { references == 0 && gate == 0 -> gate = REAPER_GATE(r) };
#else
      if
      :: evicted[r] -> goto exit
      :: atomic { !evicted[r] && references == 0 && gate == 0 -> gate = REAPER_GATE(r) }
      fi;
#endif
      atomic { target = recorded };
      if
      :: target != NOBODY ->
#ifndef DO_NOT_WRITE_STOP
        atomic { write_record(STOP, target) };
#endif
        end_service(target)
      :: else
      fi;
      atomic { write_record(NONE, NOBODY) };
      atomic { remove_set() };
exit:
      atomic { reaper[r] = GONE }
    } unless { reaper[r] != ALIVE };
    atomic { target = NOBODY; in_office[r] = 0; evicted[r] = 0; busy[r] = 0 }
  od
}

#define LEAVE_SERVICE(n) atomic { service[n] == GOING -> service[n] = GONE }
#define LEAVE_REAPER(r) atomic { reaper[r] == GOING -> reaper[r] = GONE }

/* Who is going is gone some time later. */
proctype Kernel() {
end_unused:
  do
#ifdef LOCK_FILES
  :: atomic { late_references > 0 -> late_references--; references-- }
  :: atomic { gate == LATE_GATE -> gate = 0 }
  :: atomic { seat == LATE_SEAT -> seat = 0 }
#endif
  :: LEAVE_SERVICE(0)
  :: LEAVE_SERVICE(1)
  :: LEAVE_SERVICE(2)
  :: LEAVE_SERVICE(3)
  :: LEAVE_REAPER(0)
  :: LEAVE_REAPER(1)
  :: LEAVE_REAPER(2)
  :: LEAVE_REAPER(3)
  od
}

#define KILL_CLIENT(c) atomic { kills > 0 && alive[c] -> kills--; kill_client(c) }
#define KILL_REAPER(r) atomic { kills > 0 && reaper[r] == ALIVE -> kills--; kill_reaper(r) }
#define END_SERVICE(n) atomic { troubles > 0 && service[n] == ALIVE -> troubles--; service[n] = GONE }
#define SICKEN_SERVICE(n) atomic { troubles > 0 && service[n] == ALIVE && !sick[n] -> troubles--; sick[n] = 1 }

/* Kills and troubles. It may end at any time without having used them up. */
proctype Fate() {
  do
  :: KILL_CLIENT(0)
  :: KILL_CLIENT(1)
#if CLIENTS > 2
  :: KILL_CLIENT(2)
#endif
  :: KILL_REAPER(0)
  :: KILL_REAPER(1)
  :: KILL_REAPER(2)
  :: KILL_REAPER(3)
  :: END_SERVICE(0)
  :: END_SERVICE(1)
  :: END_SERVICE(2)
  :: END_SERVICE(3)
  :: SICKEN_SERVICE(0)
  :: SICKEN_SERVICE(1)
  :: SICKEN_SERVICE(2)
  :: SICKEN_SERVICE(3)
  :: break
  od
}

#if CLIENTS > 2
#define CLIENTS_ARE_DONE (rounds[0] + rounds[1] + rounds[2] == 0 && !alive[0] && !alive[1] && !alive[2])
#else
#define CLIENTS_ARE_DONE (rounds[0] + rounds[1] == 0 && !alive[0] && !alive[1])
#endif
#define ALL_GONE(what) (what[0] == GONE && what[1] == GONE && what[2] == GONE && what[3] == GONE)
#define SEMAPHORES_ARE_ZERO (references == 0 && gate == 0 && seat == 0)
#define NOTHING_LEFT (ALL_GONE(service) && phase == NONE)
#ifdef WITHOUT_EXCEPTION
#define EXCEPTION false
#else
/* The reaper was killed, and every client after it: what is on record stays, until somebody comes. */
#define EXCEPTION (unwatched && phase != NONE)
#endif
#define QUIET (CLIENTS_ARE_DONE && ALL_GONE(reaper) && SEMAPHORES_ARE_ZERO && (NOTHING_LEFT || EXCEPTION))

#ifdef LIVENESS
ltl ends_quiet { <> [] QUIET }

/* A run in which nothing can happen any more goes on for ever by this: with fairness, spin does not see it otherwise. */
proctype Time() {
end_unused:
  do
  :: timeout -> skip
  od
}
#else
/* When nothing can happen any more. */
proctype End() {
  bit quiet;

  timeout ->
  quiet = QUIET;
  assert(quiet)
}
#endif

init {
  byte i;

  atomic {
    for (i : 0 .. CLIENTS - 1) {
      rounds[i] = ROUNDS;
      held[i] = NOBODY;
      seen[i] = NOBODY;
      made[i] = NOBODY;
      spawned[i] = NOBODY
    }
    for (i : 0 .. ROOM - 1) {
      run Reaper(i)
    }
    i = 0;
    run Kernel();
    run Fate();
#ifdef LIVENESS
    run Time();
#else
    run End();
#endif
    for (i : 0 .. CLIENTS - 1) {
      run Client(i)
    }
    i = 0
  }
}
