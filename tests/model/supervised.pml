/*
 * The lifecycle of a service that a supervisor guards, on System V semaphores; with LOCK_FILES or HANDLES, on those.
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
#ifndef SUPERVISORS /* how many supervisors are remembered at the same time; the dead count until nobody knows them */
#define SUPERVISORS 3
#endif
#ifndef KILLS /* how many clients and supervisors are SIGKILLed, all in all */
#define KILLS 1
#endif
#ifndef DEATHS /* how many times a service dies by itself, all in all */
#define DEATHS 0
#endif
#ifndef RESTARTS /* how often one supervisor starts the service again */
#define RESTARTS 1
#endif

#define NOBODY SUPERVISORS

/* Phases of the record. */
#define NONE 0
#define CLEAN 1
#define START 2
#define READY 3
#define STOP 4
#define FAIL 5

/* States of a process. One that is going has given its semaphores back, but still looks alive. */
#define GONE 0
#define ALIVE 1
#define GOING 2

#define LOOKS_ALIVE(s) (supervisor[s] != GONE)

/* The semaphores, with the names of their holders for the undo. */
byte references;
byte gate; /* 0; client + 1; CLIENTS + supervisor + 1 */
byte seat; /* 0; supervisor + 1 */
#define CLIENT_GATE(c) (c + 1)
#define SUPERVISOR_GATE(s) (CLIENTS + s + 1)
#define CLIENT_SEAT (SUPERVISORS + 1) /* the seat is taken by the client that has the gate */

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
byte waiter; /* supervisor + 1 that is in a step of its wait */
#ifdef HANDLES
/* To have a handle is to hold. */
#define SEEMS_HELD(x, it) (x != 0 || ghost == it)
#else
/* A test shares its lock with others. It only keeps gate and seat from being taken. */
#define SEEMS_HELD(x, it) (x != 0)
#endif
#define CAN_BE_TAKEN(x, it) (latch == 0 && x == 0 && ghost != it)
#define SEEMS_UNUSED (references == 0 && !SEEMS_HELD(0, A_REFERENCE))
#define HAS_DIED(x) (x != 0 && (x <= CLIENTS -> !alive[x - 1] : supervisor[x - CLIENTS - 1] != ALIVE))
#define CLIENT_HAS_NOTHING(c) (!counted[c] && gate != CLIENT_GATE(c) && latch != CLIENT_GATE(c))
#define SUPERVISOR_HAS_NOTHING(s) \
  (seat != s + 1 && gate != SUPERVISOR_GATE(s) && latch != SUPERVISOR_GATE(s) && ghost_owner != SUPERVISOR_GATE(s) && \
  waiter != s + 1)
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
#define CLIENT_HAS_NOTHING(c) true
#define SUPERVISOR_HAS_NOTHING(s) true
#endif

/* The record. */
byte phase = NONE;
byte publisher = NOBODY;
byte leftover = NOBODY; /* in CLEAN: whose group is to be ended */
byte recorded_start;

/* The supervisors and their groups. A client or a record that names number s means one process for ever: a number is
 * given again only when nothing knows it any more. */
byte supervisor[SUPERVISORS + 1];
bit busy[SUPERVISORS + 1]; /* the model's process is not yet back at its beginning */
bit in_office[SUPERVISORS + 1];
bit waits_for_gate[SUPERVISORS + 1];
bit lingers[SUPERVISORS + 1];
byte old[SUPERVISORS + 1]; /* whose group this supervisor ends */
byte service[SUPERVISORS + 1];
byte start_number[SUPERVISORS + 1];
bit stopped[SUPERVISORS + 1]; /* somebody ended the group in the course of the protocol */

/* The clients. */
bit alive[CLIENTS];
bit counted[CLIENTS];
bit holds[CLIENTS]; /* it accepted the service */
byte rounds[CLIENTS];
byte seen[CLIENTS];    /* the supervisor it knows of from the record */
byte failed_before[CLIENTS]; /* the supervisor whose FAIL was there before it entered */
byte spawned[CLIENTS]; /* the supervisor it spawned */

byte kills = KILLS;
byte deaths = DEATHS;
/* A supervisor was killed and nobody has spawned one since, or looked and saw nothing wrong: the stated exception. */
bit excused;

inline write_record(new_phase, me, whose, number) {
  phase = new_phase;
  publisher = me;
  leftover = whose;
  recorded_start = number;
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
  holds[c] = 0;
  leave_ghost(CLIENT_GATE(c))
}

inline kill_supervisor(s) {
  supervisor[s] = GOING;
  waits_for_gate[s] = 0;
  lingers[s] = 0;
  leave_ghost(SUPERVISOR_GATE(s))
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
#else
inline undo_client(c) {
  references = references - counted[c];
  counted[c] = 0;
  holds[c] = 0;
  if
  :: gate == CLIENT_GATE(c) ->
    gate = 0;
    if
    :: seat == CLIENT_SEAT -> seat = 0
    :: else
    fi
  :: else
  fi
}

inline kill_supervisor(s) {
  supervisor[s] = GOING;
  if
  :: seat == s + 1 -> seat = 0
  :: else
  fi;
  if
  :: gate == SUPERVISOR_GATE(s) -> gate = 0
  :: else
  fi;
  waits_for_gate[s] = 0;
  lingers[s] = 0
}

inline count_client(c) {
  atomic { gate == 0 -> references++; counted[c] = 1 }
}

inline take_gate(c) {
  atomic { gate == 0 -> gate = CLIENT_GATE(c) }
}
#endif

/* Whether anything still knows the number s. */
#define CLIENT_KNOWS(c, s) (seen[c] == s || failed_before[c] == s || spawned[c] == s)
#if CLIENTS > 2
#define CLIENTS_KNOW(s) (CLIENT_KNOWS(0, s) || CLIENT_KNOWS(1, s) || CLIENT_KNOWS(2, s))
#elif CLIENTS > 1
#define CLIENTS_KNOW(s) (CLIENT_KNOWS(0, s) || CLIENT_KNOWS(1, s))
#else
#define CLIENTS_KNOW(s) CLIENT_KNOWS(0, s)
#endif
#if SUPERVISORS > 4
#define MORE_OLD(s) || old[3] == s || old[4] == s
#define MORE_ROOM || !KNOWN(3) || !KNOWN(4)
#elif SUPERVISORS > 3
#define MORE_OLD(s) || old[3] == s
#define MORE_ROOM || !KNOWN(3)
#else
#define MORE_OLD(s)
#define MORE_ROOM
#endif
#define KNOWN(s) \
  (supervisor[s] != GONE || service[s] != GONE || publisher == s || leftover == s || CLIENTS_KNOW(s) || \
  old[0] == s || old[1] == s || old[2] == s MORE_OLD(s))
#define THERE_IS_ROOM (!KNOWN(0) || !KNOWN(1) || !KNOWN(2) MORE_ROOM)

inline assert_nobody_holds() {
  for (other : 0 .. CLIENTS - 1) {
    assert(!holds[other])
  }
  other = 0
}

inline take_number(c, s) {
  spawned[c] = s;
  supervisor[s] = ALIVE;
  busy[s] = 1;
  stopped[s] = 0;
  start_number[s] = 0;
  excused = 0
}

#define TAKEN(s) (busy[s] || KNOWN(s) || !SUPERVISOR_HAS_NOTHING(s))

inline spawn_supervisor(c) {
  if
  :: atomic { !TAKEN(0) -> take_number(c, 0) }
  :: atomic { TAKEN(0) && !TAKEN(1) -> take_number(c, 1) }
  :: atomic { TAKEN(0) && TAKEN(1) && !TAKEN(2) -> take_number(c, 2) }
#if SUPERVISORS > 3
  :: atomic { TAKEN(0) && TAKEN(1) && TAKEN(2) && !TAKEN(3) -> take_number(c, 3) }
#endif
#if SUPERVISORS > 4
  :: atomic { TAKEN(0) && TAKEN(1) && TAKEN(2) && TAKEN(3) && !TAKEN(4) -> take_number(c, 4) }
#endif
  /* More supervisors at a time than the model has room for: raise SUPERVISORS. */
  :: atomic { !(THERE_IS_ROOM) -> assert(false) }
  fi
}

/* The gate is held and nobody alive is in office: spawn one, and keep the gate until it is in office or gone. */
inline bring_into_office(c) {
  spawn_supervisor(c);
  atomic { in_office[spawned[c]] || !LOOKS_ALIVE(spawned[c]) -> spawned[c] = NOBODY }
}

/* A leaver or a holder sees to a record whose supervisor is dead. */
inline look(c) {
  atomic {
    if
#ifdef LOOK_AT_READY_ONLY
    :: phase == READY && !LOOKS_ALIVE(publisher) -> wanted = 1
#else
    :: phase != NONE && !LOOKS_ALIVE(publisher) -> wanted = 1
#endif
    :: else ->
      wanted = 0;
      excused = (excused && phase != NONE && LOOKS_ALIVE(publisher))
    fi
  }
  if
  :: wanted ->
    wanted = 0;
    take_gate(c);
    if
    :: atomic { phase != NONE && !LOOKS_ALIVE(publisher) -> skip }; bring_into_office(c)
    :: else
    fi;
    atomic { gate = 0 }
  :: else
  fi
}

proctype Client(byte c) {
  byte read_phase, read_start;
  bit wanted;

  do
  :: atomic { rounds[c] > 0 && CLIENT_HAS_NOTHING(c) -> rounds[c]--; alive[c] = 1 };
    {
      atomic {
        if
        :: phase == FAIL -> failed_before[c] = publisher
        :: else
        fi
      }
enter:
#ifdef ENTER_PAST_GATE
      atomic { references++; counted[c] = 1 };
#else
      count_client(c);
#endif
read:
      atomic { read_phase = phase; seen[c] = publisher; read_start = recorded_start };
      if
      :: read_phase == NONE -> goto lock
      :: read_phase == FAIL ->
        if
        :: atomic { !LOOKS_ALIVE(seen[c]) || seen[c] == failed_before[c] -> goto lock }
        :: else -> goto leave /* our error */
        fi
      :: read_phase == READY ->
#ifdef PUBLISHER_FIRST
        if
        :: LOOKS_ALIVE(seen[c])
        :: else -> goto lock
        fi;
#endif
        if
        :: atomic { service[seen[c]] != GONE && start_number[seen[c]] == read_start -> skip }
        :: else -> goto await
        fi;
        atomic {
          if
#ifdef PUBLISHER_FIRST
          :: true ->
#else
#ifdef SEAT_SUFFICES
          :: seat != 0 ->
#else
          :: LOOKS_ALIVE(seen[c]) ->
#endif
#endif
            assert(!stopped[seen[c]]);
            holds[c] = 1
          :: else -> goto lock
          fi
        };
        goto hold
      :: else
      fi;
await:
      /* News, or the death of that supervisor. */
      atomic {
        phase != read_phase || publisher != seen[c] || recorded_start != read_start || !LOOKS_ALIVE(seen[c]) ->
        if
        :: phase != read_phase || publisher != seen[c] || recorded_start != read_start -> goto read
        :: else
        fi
      };
lock:
      take_gate(c);
#ifndef RECORD_NOT_READ_AGAIN
      atomic {
        read_phase = phase;
        seen[c] = publisher
      };
#endif
      if
      :: read_phase == FAIL && seen[c] == failed_before[c] ->
        if
        :: atomic { supervisor[seen[c]] == ALIVE -> kill_supervisor(seen[c]) }
        :: else
        fi;
        !LOOKS_ALIVE(seen[c]);
        bring_into_office(c)
      :: else ->
        if
        :: atomic { read_phase == NONE || !LOOKS_ALIVE(seen[c]) -> skip }; bring_into_office(c)
        :: else
        fi
      fi;
      atomic { gate = 0 };
      goto read;
hold:
      atomic { seen[c] = NOBODY; failed_before[c] = NOBODY; read_phase = 0; read_start = 0 };
#ifndef PARENT_DEATH
      /* WATCH, as often as it likes: more than once is of use only if another supervisor is killed. */
      do
      :: phase != NONE && !LOOKS_ALIVE(publisher) -> look(c)
      :: break
      od;
#endif
leave:
      atomic {
        seen[c] = NOBODY;
        failed_before[c] = NOBODY;
        read_phase = 0;
        read_start = 0;
        holds[c] = 0;
        counted[c] = 0;
        references--
      };
#ifndef PARENT_DEATH
      look(c);
#endif
#ifdef CLOSE_REMOVES_SET
      /* Nobody counted, nobody seated: the set is removed. The look at the seat and the removal are two calls. */
      if
      :: atomic { references == 0 && gate == 0 -> gate = CLIENT_GATE(c) };
        if
        :: seat == 0 -> atomic { assert(references == 0); gate = 0; seat = 0 }
        :: else -> gate = 0
        fi
      :: else
      fi;
#endif
#ifdef CLOSE_TAKES_SEAT
      /* The same with the seat taken in one array with the gate. */
      if
      :: atomic { references == 0 && gate == 0 && seat == 0 -> gate = CLIENT_GATE(c); seat = CLIENT_SEAT };
        atomic { assert(references == 0); gate = 0; seat = 0 }
      :: else
      fi;
#endif
#ifdef CLOSE_UNDER_LATCH
      /* The same in two steps under the latch, the second of which looks at the seat and removes the set. */
      if
      :: atomic { CAN_BE_TAKEN(gate, THE_GATE) && SEEMS_UNUSED -> latch = CLIENT_GATE(c) };
        atomic { gate = CLIENT_GATE(c) };
        atomic { latch = 0 };
        atomic { latch == 0 -> latch = CLIENT_GATE(c) };
        if
        :: atomic { !SEEMS_HELD(seat, THE_SEAT) && SEEMS_UNUSED -> assert(references == 0); gate = 0 };
          atomic { latch = 0 }
        :: atomic { SEEMS_HELD(seat, THE_SEAT) || !SEEMS_UNUSED -> latch = 0 };
          atomic { gate = 0 }
        fi
      :: skip
      fi;
#endif
#ifdef CLOSE_WITHOUT_LATCH
      /* A mistake: the gate of somebody who is not counted is taken for one that was forgotten. */
      if
      :: references == 0 && seat == 0 ->
        atomic { latch == 0 -> latch = CLIENT_GATE(c) };
        atomic { gate = 0; seat = 0 };
        atomic { latch = 0 }
      :: skip
      fi;
#endif
      atomic { alive[c] = 0 }
    } unless { !alive[c] };
    atomic {
      seen[c] = NOBODY;
      failed_before[c] = NOBODY;
      spawned[c] = NOBODY;
      read_phase = 0;
      read_start = 0;
      wanted = 0
    }
  :: atomic { rounds[c] == 0 -> break }
  od
}

#define HAS_GATE (gate == SUPERVISOR_GATE(s))

proctype Supervisor(byte s) {
  byte other, runs;

end_unused:
  do
  :: atomic { supervisor[s] == ALIVE && busy[s] -> skip };
    {
#ifdef WEAK
      if
      :: atomic { CAN_BE_TAKEN(seat, THE_SEAT) -> latch = SUPERVISOR_GATE(s) };
        atomic { seat = s + 1 };
        atomic { latch = 0 }
      :: atomic { latch == 0 && (seat != 0 || ghost == THE_SEAT) -> goto exit }
      fi;
#else
      if
      :: atomic { seat == 0 -> seat = s + 1 }
      :: else -> goto exit
      fi;
#endif
      /* What a predecessor left. Only who has the seat writes the record, so nobody changes it after this look. */
      atomic {
        if
        :: phase == CLEAN -> old[s] = leftover
        :: phase == START || phase == READY || phase == STOP -> old[s] = publisher
        :: else -> old[s] = NOBODY
        fi
      };
      if
      :: old[s] != NOBODY ->
#ifdef OWN_RECORD_FIRST
        atomic { write_record(START, s, NOBODY, 0) };
#else
        atomic { write_record(CLEAN, s, old[s], 0) };
#endif
        atomic { in_office[s] = 1; waits_for_gate[s] = 1 };
#ifndef DO_NOT_WAIT_FOR_PUBLISHER
        !LOOKS_ALIVE(old[s]);
#endif
        atomic {
          stopped[old[s]] = 1;
          if
          :: service[old[s]] == ALIVE -> service[old[s]] = GOING
          :: else
          fi
        };
#ifndef START_AT_ONCE
        atomic { service[old[s]] == GONE -> old[s] = NOBODY }
#else
        atomic { old[s] = NOBODY }
#endif
      :: else
      fi;
start:
#ifdef RECORD_AFTER_SPAWN
      atomic {
        service[s] = ALIVE;
        start_number[s] = runs;
        for (other : 0 .. SUPERVISORS - 1) {
          assert(other == s || service[other] == GONE)
        }
        other = 0
      };
      atomic { write_record(START, s, NOBODY, runs) };
      atomic { in_office[s] = 1; waits_for_gate[s] = 1 };
#else
      if
      :: HAS_GATE -> goto out
      :: atomic { write_record(START, s, NOBODY, runs) }
      fi;
      /* Who waits for it is told now, or once the service has been started. */
      if
      :: atomic { !in_office[s] -> in_office[s] = 1; waits_for_gate[s] = 1 }
      :: skip
      fi;
      /* The answer of the kernel may already be there and not yet be noticed. */
      if
      :: HAS_GATE -> goto out
      :: atomic {
          service[s] = ALIVE;
          start_number[s] = runs;
          for (other : 0 .. SUPERVISORS - 1) {
            assert(other == s || service[other] == GONE)
          }
          other = 0
        }
      fi;
      if
      :: atomic { !in_office[s] -> in_office[s] = 1; waits_for_gate[s] = 1 }
      :: else
      fi;
#endif
      if
      :: HAS_GATE -> goto out
      :: service[s] == ALIVE
      :: service[s] == GONE -> goto died
      fi;
      atomic { write_record(READY, s, NOBODY, runs) };
      if
      :: HAS_GATE -> goto out
      :: service[s] == GONE
      fi;
died:
      atomic { runs++ };
      if
      :: runs <= RESTARTS -> goto start
      :: else
      fi;
      /* The seat is kept, so that who comes next finds the failure and its owner. */
      atomic { write_record(FAIL, s, NOBODY, 0) };
      HAS_GATE;
out:
#ifdef GATE_BEFORE_OBJECT
      atomic { gate = 0 };
#endif
#ifndef DO_NOT_WRITE_STOP
      if
      :: phase == FAIL
      :: else -> atomic { write_record(STOP, s, NOBODY, 0); assert_nobody_holds() }
      fi;
#endif
      atomic {
        stopped[s] = 1;
        assert_nobody_holds();
        if
        :: service[s] == ALIVE -> service[s] = GOING
        :: else
        fi
      };
      service[s] == GONE;
#ifdef SEAT_BEFORE_RECORD
      atomic { seat = 0 };
      atomic { write_record(NONE, NOBODY, NOBODY, 0) };
      atomic { gate = 0 };
#else
      atomic { write_record(NONE, NOBODY, NOBODY, 0) };
#ifdef WEAK
      atomic { latch == 0 -> latch = SUPERVISOR_GATE(s) };
      if
      :: atomic { SEEMS_UNUSED -> assert(references == 0); gate = 0; seat = 0 }; atomic { latch = 0 }
      /* It is taken for used: the gate is opened, and the end of the process gives back the seat. */
      :: atomic { !SEEMS_UNUSED -> latch = 0 }; atomic { gate = 0 }; atomic { seat = 0 }
      fi;
#else
      /* The set of semaphores is removed, with all that is in it. */
      atomic { assert(references == 0); references = 0; gate = 0; seat = 0 };
#endif
#endif
exit:
      atomic { supervisor[s] = GONE }
    } unless { supervisor[s] != ALIVE };
    atomic {
      runs = 0;
      other = 0;
      old[s] = NOBODY;
      waits_for_gate[s] = 0;
      lingers[s] = 0;
      in_office[s] = 0;
      busy[s] = 0
    }
  od
}

/* The supervisor's wait for the gate, which the kernel ends while the supervisor does something else. */
proctype Wait() {
end_unused:
  do
#ifdef LINGER
  :: atomic { seat != 0 && waits_for_gate[seat - 1] && !lingers[seat - 1] && references == 0 -> lingers[seat - 1] = 1 }
  :: atomic {
      LATCH_IS_FREE && seat != 0 && lingers[seat - 1] ->
      lingers[seat - 1] = 0;
      if
      :: references == 0 && gate == 0 -> gate = CLIENTS + seat; waits_for_gate[seat - 1] = 0
      :: else
      fi
    }
#elif defined(WEAK)
  /* The supervisor does it itself, again and again, in between its other steps. */
#ifdef COUNT_BEFORE_LATCH
  :: atomic {
      seat != 0 && waits_for_gate[seat - 1] && references == 0 && gate == 0 -> waiter = seat
    };
    atomic {
      if
      :: waiter != 0 && !waits_for_gate[waiter - 1] -> waiter = 0
      :: waiter != 0 && waits_for_gate[waiter - 1] && CAN_BE_TAKEN(gate, THE_GATE) -> latch = CLIENTS + waiter
      fi
    };
#else
  :: atomic {
      seat != 0 && waits_for_gate[seat - 1] && CAN_BE_TAKEN(gate, THE_GATE) && SEEMS_UNUSED ->
      waiter = seat;
      latch = CLIENTS + waiter
    };
#endif
    atomic {
      if
      :: waiter != 0 && waits_for_gate[waiter - 1] -> gate = CLIENTS + waiter; waits_for_gate[waiter - 1] = 0
      :: else
      fi
    };
    atomic {
      if
      :: waiter != 0 && latch == CLIENTS + waiter && supervisor[waiter - 1] == ALIVE -> latch = 0
      :: else
      fi;
      waiter = 0
    }
#else
  :: atomic {
      seat != 0 && waits_for_gate[seat - 1] && references == 0 && gate == 0 ->
      gate = CLIENTS + seat;
      waits_for_gate[seat - 1] = 0
    }
#endif
  od
}

inline gone(s) {
  supervisor[s] = GONE;
  excused = 1;
#ifdef PARENT_DEATH
  if
  :: service[s] == ALIVE -> service[s] = GOING
  :: else
  fi;
#endif
  s = 0
}

#ifdef WEAK
#define UNCOUNT(c) atomic { counted[c] && !alive[c] -> references--; counted[c] = 0 }
#endif

/* Who is going is gone some time later. */
#ifdef LOCKS_OUTLIVE_PROCESS
#define GOES(s) (supervisor[s] == GOING)
#else
#define GOES(s) (supervisor[s] == GOING && SUPERVISOR_HAS_NOTHING(s))
#endif

proctype Kernel() {
  byte s;

end_unused:
  do
#ifdef WEAK
  :: UNCOUNT(0)
#if CLIENTS > 1
  :: UNCOUNT(1)
#endif
#if CLIENTS > 2
  :: UNCOUNT(2)
#endif
  :: atomic { HAS_DIED(gate) -> gate = 0 }
  :: atomic { HAS_DIED(latch) && LATCH_GOES -> latch = 0 }
  :: atomic { seat != 0 && supervisor[seat - 1] != ALIVE -> seat = 0 }
  :: atomic { ghost != NOTHING -> ghost = NOTHING; ghost_owner = 0 }
#endif
  :: atomic { service[0] == GOING -> service[0] = GONE }
  :: atomic { service[1] == GOING -> service[1] = GONE }
  :: atomic { service[2] == GOING -> service[2] = GONE }
  :: atomic { GOES(0) -> s = 0; gone(s) }
  :: atomic { GOES(1) -> s = 1; gone(s) }
  :: atomic { GOES(2) -> s = 2; gone(s) }
#if SUPERVISORS > 3
  :: atomic { service[3] == GOING -> service[3] = GONE }
  :: atomic { GOES(3) -> s = 3; gone(s) }
#endif
#if SUPERVISORS > 4
  :: atomic { service[4] == GOING -> service[4] = GONE }
  :: atomic { GOES(4) -> s = 4; gone(s) }
#endif
  od
}

#define KILL_CLIENT(c) atomic { kills > 0 && alive[c] -> kills--; alive[c] = 0; undo_client(c) }
#define KILL_SUPERVISOR(s) atomic { kills > 0 && supervisor[s] == ALIVE -> kills--; kill_supervisor(s) }
#define END_SERVICE(s) atomic { deaths > 0 && service[s] == ALIVE -> deaths--; service[s] = GONE }

/* Kills and deaths. It may end at any time without having used them up. */
proctype Fate() {
  do
  :: KILL_CLIENT(0)
#if CLIENTS > 1
  :: KILL_CLIENT(1)
#endif
#if CLIENTS > 2
  :: KILL_CLIENT(2)
#endif
  :: KILL_SUPERVISOR(0)
  :: KILL_SUPERVISOR(1)
  :: KILL_SUPERVISOR(2)
  :: END_SERVICE(0)
  :: END_SERVICE(1)
  :: END_SERVICE(2)
#if SUPERVISORS > 3
  :: KILL_SUPERVISOR(3)
  :: END_SERVICE(3)
#endif
#if SUPERVISORS > 4
  :: KILL_SUPERVISOR(4)
  :: END_SERVICE(4)
#endif
  :: atomic { kills == 0 && deaths == 0 -> break }
  :: break
  od
}

#define ALL_GONE(what) (what[0] == GONE && what[1] == GONE && what[2] == GONE MORE(what))
#if SUPERVISORS > 4
#define MORE(what) && what[3] == GONE && what[4] == GONE
#elif SUPERVISORS > 3
#define MORE(what) && what[3] == GONE
#else
#define MORE(what)
#endif
#if CLIENTS > 2
#define CLIENTS_ARE_DONE (rounds[0] + rounds[1] + rounds[2] == 0 && !alive[0] && !alive[1] && !alive[2])
#elif CLIENTS > 1
#define CLIENTS_ARE_DONE (rounds[0] + rounds[1] == 0 && !alive[0] && !alive[1])
#else
#define CLIENTS_ARE_DONE (rounds[0] == 0 && !alive[0])
#endif

#define PROCESSES_ARE_GONE (CLIENTS_ARE_DONE && ALL_GONE(supervisor))
#ifdef WEAK
#define SEMAPHORES_ARE_ZERO (references == 0 && gate == 0 && seat == 0 && latch == 0 && ghost == NOTHING)
#else
#define SEMAPHORES_ARE_ZERO (references == 0 && gate == 0 && seat == 0)
#endif
#ifdef WITHOUT_EXCEPTION
#define EXCEPTION false
#else
/* The record of a killed supervisor may stay behind, until somebody comes. */
#define EXCEPTION (excused && !LOOKS_ALIVE(publisher))
#endif
#define RECORDED_GROUP_LIVES \
  ((phase == CLEAN && service[leftover] == ALIVE) || (phase != CLEAN && service[publisher] == ALIVE))
#ifdef PARENT_DEATH
#define SERVICE_IS_GONE ALL_GONE(service)
#else
/* So may the service that the record names. */
#define SERVICE_IS_GONE (ALL_GONE(service) || (EXCEPTION && RECORDED_GROUP_LIVES))
#endif
#define QUIET \
  (PROCESSES_ARE_GONE && SEMAPHORES_ARE_ZERO && SERVICE_IS_GONE && (phase == NONE || EXCEPTION))

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
    for (i : 0 .. SUPERVISORS) {
      old[i] = NOBODY
    }
    for (i : 0 .. CLIENTS - 1) {
      rounds[i] = ROUNDS;
      seen[i] = NOBODY;
      failed_before[i] = NOBODY;
      spawned[i] = NOBODY
    }
    for (i : 0 .. SUPERVISORS - 1) {
      run Supervisor(i)
    }
    i = 0;
    run Wait();
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
