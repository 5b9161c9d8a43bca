/*
 * The lifecycle of a service whose callbacks run inside the clients, with a reaper for the case that the last client
 * is killed, on System V semaphores; with LOCK_FILES or HANDLES, on those.
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

#if defined(LOCK_FILES) || defined(HANDLES)
/* A step of the counter is several, under a latch, and what a dead process had is given back one by one, in any order. */
#define WEAK
byte latch; /* as the gate */
/* What a process that was killed in the middle of a look has open still. */
#define NOTHING 0
#define THE_GATE 1
#define THE_SEAT 2
#define A_REFERENCE 3
byte ghost;
byte ghost_owner; /* as the gate */
#ifdef HANDLES
/* To have a handle is to hold. */
#define SEEMS_HELD(x, it) (x != 0 || ghost == it)
#else
/* A test shares its lock with others. It only keeps gate and seat from being taken. */
#define SEEMS_HELD(x, it) (x != 0)
#endif
#define CAN_BE_TAKEN(x, it) (latch == 0 && x == 0 && ghost != it)
#define SEEMS_UNUSED (references == 0 && !SEEMS_HELD(0, A_REFERENCE))
#define HAS_DIED(x) (x != 0 && (x <= CLIENTS -> !alive[x - 1] : reaper[x - CLIENTS - 1] != ALIVE))
#define CLIENT_HAS_NOTHING(c) (!counted[c] && gate != CLIENT_GATE(c) && latch != CLIENT_GATE(c))
#define REAPER_HAS_NOTHING(r) \
  (seat != r + 1 && gate != REAPER_GATE(r) && latch != REAPER_GATE(r) && ghost_owner != REAPER_GATE(r))
#if defined(HANDLES) && !defined(LATCH_GOES_FIRST)
/* Whoever gets the latch of a dead process waits until that is gone. */
#define LATCH_GOES \
  (ghost == NOTHING && gate != latch && (latch <= CLIENTS -> !counted[latch - 1] : seat != latch - CLIENTS))
#else
#define LATCH_GOES true
#endif
#define LATCH_IS_FREE (latch == 0)
#else
#define LATCH_IS_FREE true
#define SEEMS_HELD(x, it) (x != 0)
#define CLIENT_HAS_NOTHING(c) true
#define REAPER_HAS_NOTHING(r) true
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
#define REAPER_IS_TAKEN(r) (busy[r] || REAPER_IS_KNOWN(r) || !REAPER_HAS_NOTHING(r))
#define SERVICE_IS_KNOWN(n) \
  (service[n] != GONE || recorded == n || SOME_CLIENT(held, n) || SOME_CLIENT(seen, n) || SOME_CLIENT(made, n))

inline write_record(new_phase, number) {
  phase = new_phase;
  recorded = number
}

#ifdef WEAK
inline leave_ghost(me) {
  if
  :: latch == me && ghost == NOTHING ->
    if
    :: skip
    :: ghost = THE_GATE; ghost_owner = me
    :: ghost = THE_SEAT; ghost_owner = me
#ifdef HANDLES
    :: ghost = A_REFERENCE; ghost_owner = me
#endif
    fi
  :: else
  fi
}

inline undo_client(c) {
  leave_ghost(CLIENT_GATE(c))
}

inline undo_reaper(r) {
  leave_ghost(REAPER_GATE(r))
}

inline count_client(c) {
  atomic { latch == 0 && !SEEMS_HELD(gate, THE_GATE) -> latch = CLIENT_GATE(c) };
  atomic { references++; counted[c] = 1 };
  atomic { latch = 0 }
}

inline take_gate(c) {
  atomic { CAN_BE_TAKEN(gate, THE_GATE) -> latch = CLIENT_GATE(c) };
  atomic { gate = CLIENT_GATE(c) };
  atomic { latch = 0 }
}

/* The seat goes before what tells others that the counter is gone: lock files are removed one by one. */
inline remove_if(allowed, me) {
  atomic { latch == 0 -> latch = me };
  if
  :: atomic { SEEMS_UNUSED && allowed -> assert(references == 0); seat = 0 };
    atomic {
      gate = 0;
      evicted[0] = in_office[0];
      evicted[1] = in_office[1];
      evicted[2] = in_office[2];
      evicted[3] = in_office[3]
    };
    atomic { latch = 0 }
  /* It is taken for used. */
  :: atomic { !(SEEMS_UNUSED && allowed) -> latch = 0 };
    atomic { gate = 0 }
  fi
}

#define OTHERS_SIT(me) (SEEMS_HELD(seat, THE_SEAT) && seat + CLIENTS != me)
#else
inline undo_client(c) {
  references = references - counted[c];
  counted[c] = 0;
  if
  :: gate == CLIENT_GATE(c) -> gate = 0
  :: else
  fi
}

inline undo_reaper(r) {
  if
  :: seat == r + 1 -> seat = 0
  :: else
  fi;
  if
  :: gate == REAPER_GATE(r) -> gate = 0
  :: else
  fi
}

inline count_client(c) {
  atomic { gate == 0 -> references++; counted[c] = 1 }
}

inline take_gate(c) {
  atomic { gate == 0 -> gate = CLIENT_GATE(c) }
}

/* The set of semaphores is removed, with all that is in it. */
inline remove_if(allowed, me) {
  atomic {
    if
    :: allowed ->
      assert(references == 0);
      if
      :: seat != 0 -> evicted[seat - 1] = 1
      :: else
      fi;
      seat = 0
    :: else
    fi;
    gate = 0
  }
}

#ifdef SET_STAYS
#define OTHERS_SIT(me) true
#else
#define OTHERS_SIT(me) (seat != 0 && seat + CLIENTS != me)
#endif
#endif

inline remove_set(me) {
  remove_if(true, me)
}

inline remove_unseated_set(me) {
  remove_if(!OTHERS_SIT(me), me)
}

inline leave_seat(r) {
  atomic {
    if
    :: seat == r + 1 -> seat = 0
    :: else
    fi
  }
}

inline kill_client(c) {
  alive[c] = 0;
  held[c] = NOBODY;
  undo_client(c);
#ifndef WITHOUT_EXCEPTION
  /* What a callback spawned and did not return is unknown: the stated exception. It is taken out of the model. */
  service[made[c]] = GONE;
#endif
  made[c] = NOBODY
}

inline kill_reaper(r) {
  reaper[r] = GOING;
  unwatched = unwatched || seat == r + 1;
  undo_reaper(r)
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
  :: atomic { LATCH_IS_FREE && !SEEMS_HELD(seat, THE_SEAT) ->
      if
      :: !REAPER_IS_TAKEN(0) -> take_reaper(c, 0)
      :: REAPER_IS_TAKEN(0) && !REAPER_IS_TAKEN(1) -> take_reaper(c, 1)
      :: REAPER_IS_TAKEN(0) && REAPER_IS_TAKEN(1) && !REAPER_IS_TAKEN(2) -> take_reaper(c, 2)
      :: REAPER_IS_TAKEN(0) && REAPER_IS_TAKEN(1) && REAPER_IS_TAKEN(2) && !REAPER_IS_TAKEN(3) -> take_reaper(c, 3)
      :: REAPER_IS_KNOWN(0) && REAPER_IS_KNOWN(1) && REAPER_IS_KNOWN(2) && REAPER_IS_KNOWN(3) -> assert(false)
      fi
    };
    atomic { in_office[spawned[c]] || reaper[spawned[c]] == GONE -> spawned[c] = NOBODY }
  :: atomic { LATCH_IS_FREE && SEEMS_HELD(seat, THE_SEAT) -> break }
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
  :: atomic { rounds[c] > 0 && CLIENT_HAS_NOTHING(c) -> rounds[c]--; alive[c] = 1 };
    {
#ifdef ENTER_PAST_GATE
      atomic { references++; counted[c] = 1 };
#else
      count_client(c);
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
      take_gate(c);
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
      :: atomic { LATCH_IS_FREE && !SEEMS_HELD(seat, THE_SEAT) -> skip };
        take_gate(c);
        bring_reaper(c);
        gate = 0
      :: atomic { LATCH_IS_FREE && SEEMS_HELD(seat, THE_SEAT) -> skip }
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
      take_gate(c);
#elif defined(COUNT_BEFORE_LATCH)
      if
      :: references == 1 && gate == 0
      :: references >= 2 -> atomic { references--; counted[c] = 0; goto done }
      fi;
      take_gate(c);
      atomic { references--; counted[c] = 0 };
#elif defined(WEAK)
      if
      :: atomic { latch == 0 && (references >= 2 || ghost == A_REFERENCE) -> latch = CLIENT_GATE(c) };
        atomic { references--; counted[c] = 0 };
        atomic { latch = 0; goto done }
      :: atomic { CAN_BE_TAKEN(gate, THE_GATE) && references == 1 && ghost != A_REFERENCE -> latch = CLIENT_GATE(c) };
        atomic { gate = CLIENT_GATE(c) };
        atomic { references--; counted[c] = 0 };
        atomic { latch = 0 }
      fi;
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
      remove_set(CLIENT_GATE(c));
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
#ifdef WEAK
      if
      :: atomic { CAN_BE_TAKEN(seat, THE_SEAT) -> latch = REAPER_GATE(r) };
        atomic { seat = r + 1; unwatched = 0 };
        atomic { latch = 0 }
      /* It waits for a seat that it only fails to take. */
      :: atomic { latch == 0 && SEEMS_HELD(seat, THE_SEAT) -> goto exit }
      fi;
#else
      if
      :: atomic { seat == 0 -> seat = r + 1; unwatched = 0 }
      :: else -> goto exit
      fi;
#endif
      atomic { in_office[r] = 1 };
#ifdef EVICTED_REAPER_STAYS
      atomic { LATCH_IS_FREE && references == 0 && gate == 0 -> gate = REAPER_GATE(r) };
#else
      if
      :: evicted[r] -> goto exit
#ifdef WEAK
      :: atomic { !evicted[r] && CAN_BE_TAKEN(gate, THE_GATE) && SEEMS_UNUSED -> latch = REAPER_GATE(r) };
        atomic { gate = REAPER_GATE(r) };
        atomic { latch = 0 }
#else
      :: atomic { !evicted[r] && references == 0 && gate == 0 -> gate = REAPER_GATE(r) }
#endif
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
#ifndef GATE_BEFORE_SEAT
      leave_seat(r);
#endif
      remove_unseated_set(REAPER_GATE(r));
      leave_seat(r);
exit:
      atomic { reaper[r] = GONE }
    } unless { reaper[r] != ALIVE };
    atomic { target = NOBODY; in_office[r] = 0; evicted[r] = 0; busy[r] = 0 }
  od
}

#define LEAVE_SERVICE(n) atomic { service[n] == GOING -> service[n] = GONE }
#ifdef LOCKS_OUTLIVE_PROCESS
#define LEAVE_REAPER(r) atomic { reaper[r] == GOING -> reaper[r] = GONE }
#else
#define LEAVE_REAPER(r) atomic { reaper[r] == GOING && REAPER_HAS_NOTHING(r) -> reaper[r] = GONE }
#endif
#define UNCOUNT(c) atomic { counted[c] && !alive[c] -> references--; counted[c] = 0 }

/* Who is going is gone some time later. */
proctype Kernel() {
end_unused:
  do
  :: LEAVE_SERVICE(0)
  :: LEAVE_SERVICE(1)
  :: LEAVE_SERVICE(2)
  :: LEAVE_SERVICE(3)
  :: LEAVE_REAPER(0)
  :: LEAVE_REAPER(1)
  :: LEAVE_REAPER(2)
  :: LEAVE_REAPER(3)
#ifdef WEAK
  :: UNCOUNT(0)
  :: UNCOUNT(1)
#if CLIENTS > 2
  :: UNCOUNT(2)
#endif
  :: atomic { HAS_DIED(gate) -> gate = 0 }
  :: atomic { HAS_DIED(latch) && LATCH_GOES -> latch = 0 }
  :: atomic { seat != 0 && reaper[seat - 1] != ALIVE -> seat = 0 }
  :: atomic { ghost != NOTHING -> ghost = NOTHING; ghost_owner = 0 }
#endif
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
#ifdef WEAK
#define SEMAPHORES_ARE_ZERO (references == 0 && gate == 0 && seat == 0 && latch == 0 && ghost == NOTHING)
#else
#define SEMAPHORES_ARE_ZERO (references == 0 && gate == 0 && seat == 0)
#endif
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
