/** What is verified: each row is one model with one set of bounds. tests/model/README.md explains the macros. */

import type { Verdict } from "./pan_output.ts";

export interface Row {
  readonly name: string;
  /** A file of tests/model, without its ending. */
  readonly model: "supervised" | "callback";
  readonly defines: readonly string[];
  /** `safety` includes how everything stands when nothing can happen any more; `liveness`, that this is reached. */
  readonly check: "safety" | "liveness";
  readonly expected: Exclude<Verdict, "unfinished">;
  /** Further options of the verifier. */
  readonly options?: readonly string[];
  /** Only with `--thorough`. */
  readonly thorough?: boolean;
  /** Not with `--short`: it takes its time, and a smaller row looks at most of the same. */
  readonly long?: boolean;
}

type Details = Partial<Pick<Row, "check" | "expected" | "thorough" | "long">>;

const THOROUGH = { thorough: true };
const LONG = { long: true };
const LIVENESS = { check: "liveness" } as const;
const VIOLATION = { expected: "violation" } as const;

/** A supervised row: with a parent-death signal unless the name says otherwise. */
function supervised(name: string, macros: string, details: Details = {}): Row {
  return row("supervised", name, `PARENT_DEATH ${macros}`, details);
}

function orphaning(name: string, macros: string, details: Details = {}): Row {
  return row("supervised", `no parent-death signal, ${name}`, macros, details);
}

function callback(name: string, macros: string, details: Details = {}): Row {
  return row("callback", name, macros, details);
}

function row(model: Row["model"], name: string, macros: string, details: Details): Row {
  return { model, name, defines: macros.split(" "), check: "safety", expected: "ok", ...details };
}

/** The protocol: all of it must hold. */
const HOLDING: readonly Row[] = [
  supervised("1 kill", "KILLS=1"),
  supervised("2 service deaths", "KILLS=0 DEATHS=2"),
  supervised("1 kill, 1 service death", "KILLS=1 DEATHS=1"),
  supervised("1 kill, 1 service death, no restart: FAIL", "KILLS=1 DEATHS=1 RESTARTS=0", LONG),
  supervised("1 kill, lingering", "KILLS=1 LINGER"),
  supervised("1 kill, close removes an unused set with its seat taken", "KILLS=1 CLOSE_TAKES_SEAT"),
  supervised("3 clients, no kill", "KILLS=0 CLIENTS=3"),
  supervised("1 kill", "KILLS=1", LIVENESS),
  orphaning("1 kill", "KILLS=1"),
  callback("no kill, 2 troubles", "KILLS=0 TROUBLES=2"),
  callback("1 kill, 1 trouble", "KILLS=1 TROUBLES=1"),
  callback("1 kill, the reaper removes the set", "KILLS=1 KEEP_SET"),
  callback("1 kill, the set cannot be removed", "KILLS=1 KEEP_SET SET_STAYS"),
  callback("1 kill", "KILLS=1", LIVENESS),

  supervised("2 kills", "KILLS=2 SUPERVISORS=4", THOROUGH),
  supervised("2 rounds, 2 service deaths", "KILLS=0 DEATHS=2 ROUNDS=2 SUPERVISORS=4", THOROUGH),
  supervised("1 kill, 1 service death, lingering", "KILLS=1 DEATHS=1 LINGER", THOROUGH),
  orphaning("1 kill, 1 service death", "KILLS=1 DEATHS=1", THOROUGH),
  orphaning("1 kill", "KILLS=1", { ...LIVENESS, ...THOROUGH }),
  callback("2 kills, 1 trouble", "KILLS=2 TROUBLES=1", THOROUGH),
  callback("3 clients, 1 kill", "KILLS=1 CLIENTS=3", THOROUGH),
  callback("1 kill, 1 trouble", "KILLS=1 TROUBLES=1", { ...LIVENESS, ...THOROUGH }),
];

/** The protocol on mechanisms that do less at a time. */
const WEAKER: readonly Row[] = [
  supervised("lock files, 1 kill", "LOCK_FILES KILLS=1"),
  supervised("lock files, 1 kill, lingering", "LOCK_FILES KILLS=1 LINGER"),
  supervised("lock files, 1 kill, close removes an unused counter", "LOCK_FILES KILLS=1 CLOSE_UNDER_LATCH", LONG),
  supervised("lock files, 1 client twice, 1 kill", "LOCK_FILES KILLS=1 CLIENTS=1 ROUNDS=2", LIVENESS),
  supervised("handles, 1 kill, 1 service death", "HANDLES KILLS=1 DEATHS=1", LONG),
  callback("lock files, 1 kill, 1 trouble", "LOCK_FILES KILLS=1 TROUBLES=1", LONG),
  callback("lock files, 1 kill", "LOCK_FILES KILLS=1", { ...LIVENESS, ...LONG }),
  callback("handles, 1 kill, 1 trouble", "HANDLES KILLS=1 TROUBLES=1"),

  supervised("lock files, 1 kill, 1 service death", "LOCK_FILES KILLS=1 DEATHS=1", THOROUGH),
  supervised("lock files, 1 client twice, 2 kills", "LOCK_FILES KILLS=2 CLIENTS=1 ROUNDS=2 SUPERVISORS=4", THOROUGH),
  supervised("lock files, locks outlive their process", "LOCK_FILES KILLS=1 LOCKS_OUTLIVE_PROCESS", THOROUGH),
  supervised("lock files, 1 kill", "LOCK_FILES KILLS=1", { ...LIVENESS, ...THOROUGH }),
  orphaning("lock files, 1 kill", "LOCK_FILES KILLS=1", THOROUGH),
  orphaning("handles, 1 kill", "HANDLES KILLS=1", THOROUGH),
  callback("lock files, 2 kills", "LOCK_FILES KILLS=2", THOROUGH),
  callback("lock files, locks outlive their process", "LOCK_FILES KILLS=1 LOCKS_OUTLIVE_PROCESS", THOROUGH),
  callback("handles, 2 kills", "HANDLES KILLS=2", THOROUGH),
  callback("handles, 1 kill", "HANDLES KILLS=1", { ...LIVENESS, ...THOROUGH }),
];

/** Without the stated exceptions: the counterexample must be found. */
const EXCEPTIONS: readonly Row[] = [
  supervised("a killed supervisor leaves no record", "KILLS=1 WITHOUT_EXCEPTION", VIOLATION),
  orphaning("a killed supervisor leaves nothing", "KILLS=1 WITHOUT_EXCEPTION", VIOLATION),
  orphaning("lock files, locks outlive their process", "KILLS=1 LOCK_FILES LOCKS_OUTLIVE_PROCESS", VIOLATION),
  callback("a client killed in its callback leaves nothing", "KILLS=1 WITHOUT_EXCEPTION", VIOLATION),
];

/** Mistakes: each must be found, so that the models are known to be able to fail. */
const MISTAKES: readonly Row[] = [
  supervised("enter past the gate", "KILLS=0 ENTER_PAST_GATE", VIOLATION),
  supervised("record after the spawn", "KILLS=1 RECORD_AFTER_SPAWN", VIOLATION),
  supervised("own record before the leftover is gone", "KILLS=2 SUPERVISORS=4 OWN_RECORD_FIRST", VIOLATION),
  supervised("accept because the seat is taken", "KILLS=1 SEAT_SUFFICES", VIOLATION),
  supervised("look at the publisher first", "KILLS=1 PUBLISHER_FIRST", VIOLATION),
  supervised("do not wait for the old publisher", "KILLS=2 DO_NOT_WAIT_FOR_PUBLISHER", VIOLATION),
  supervised("do not write STOP", "KILLS=1 DO_NOT_WRITE_STOP", VIOLATION),
  supervised("gate before the kernel object", "KILLS=0 GATE_BEFORE_OBJECT", VIOLATION),
  supervised("start at once", "KILLS=1 START_AT_ONCE", VIOLATION),
  supervised("close removes a set in two steps", "KILLS=1 CLOSE_REMOVES_SET", VIOLATION),
  orphaning("look at READY only", "KILLS=1 LOOK_AT_READY_ONLY", VIOLATION),
  callback("enter past the gate", "KILLS=0 ENTER_PAST_GATE", VIOLATION),
  callback("do not write STOP", "KILLS=1 DO_NOT_WRITE_STOP", VIOLATION),
  callback("reaper after the record", "KILLS=1 REAPER_AFTER_RECORD", VIOLATION),
  callback("do not compare the generation", "KILLS=0 TROUBLES=1 DO_NOT_COMPARE_GENERATION", VIOLATION),
  callback("do not read the record again", "KILLS=0 RECORD_NOT_READ_AGAIN", VIOLATION),
  callback("decrement, then read", "KILLS=0 DECREMENT_THEN_READ", VIOLATION),
  callback("gate before the seat", "KILLS=1 KEEP_SET SET_STAYS GATE_BEFORE_SEAT", VIOLATION),
  callback("a dead reaper is not replaced", "KILLS=2 REAPER_NOT_REPLACED", VIOLATION),
  supervised("handles, count before the latch", "HANDLES KILLS=0 COUNT_BEFORE_LATCH", VIOLATION),
  supervised("lock files, close without the latch", "LOCK_FILES KILLS=1 CLOSE_WITHOUT_LATCH", VIOLATION),
  callback("handles, go on at once under the latch of the dead", "HANDLES KILLS=1 LATCH_GOES_FIRST", VIOLATION),
  callback("lock files, count before the latch", "LOCK_FILES KILLS=0 COUNT_BEFORE_LATCH", VIOLATION),
];

/** That the search for a run that never gets quiet is able to find one. */
const ENDLESS: readonly Row[] = [
  orphaning("a killed supervisor leaves nothing", "KILLS=1 WITHOUT_EXCEPTION", { ...LIVENESS, ...VIOLATION }),
  callback("reaper after the record", "KILLS=1 REAPER_AFTER_RECORD", { ...LIVENESS, ...VIOLATION }),
];

/** Steps that the protocol does not depend on: others make up for them. */
const HARMLESS: readonly Row[] = [
  supervised("harmless: seat before the record", "KILLS=1 SEAT_BEFORE_RECORD"),
  supervised("harmless: do not read the record again", "KILLS=1 RECORD_NOT_READ_AGAIN"),
  callback("harmless: a reaper stays when its set is removed", "KILLS=1 EVICTED_REAPER_STAYS"),
  callback("harmless: handles, a reaper stays when its counter is removed", "HANDLES KILLS=1 EVICTED_REAPER_STAYS"),
  supervised("harmless: seat before the record, 2 kills", "KILLS=2 SUPERVISORS=4 SEAT_BEFORE_RECORD", THOROUGH),
];

/** All rows. */
export const ROWS: readonly Row[] = [...HOLDING, ...WEAKER, ...EXCEPTIONS, ...MISTAKES, ...ENDLESS, ...HARMLESS];
