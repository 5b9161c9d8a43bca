import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { DARWIN_SEMAPHORES } from "../../ffi/symbols/darwin_libc.ts";
import { LINUX } from "../../ffi/symbols/linux_libc.ts";
import * as step from "../../src/kernel/sysv_operations.ts";
import { Child } from "../harness/child.ts";
import { uniqueName } from "../harness/names.ts";
import type { RecordedCall } from "../fixtures/faults.ts";

const { SEMAPHORE, SET_SIZE } = step;
const OF_PROCESSES: readonly number[] = [SEMAPHORE.references, SEMAPHORE.gate, SEMAPHORE.seat];

interface Operation {
  readonly semaphore: number;
  readonly change: number;
  readonly undo: boolean;
  readonly wait: boolean;
}

function unpack(bytes: Uint8Array): Operation[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 6 }, (_, index) => ({
    semaphore: view.getUint16(6 * index, true),
    change: view.getInt16(6 * index + 2, true),
    undo: (view.getInt16(6 * index + 4, true) & LINUX.SEM_UNDO) !== 0,
    wait: (view.getInt16(6 * index + 4, true) & LINUX.IPC_NOWAIT) === 0,
  }));
}

/** What every array must keep, whatever it is for. */
function assertSafe(operations: readonly Operation[]): void {
  for (const [index, { semaphore, change, undo, wait }] of operations.entries()) {
    assert.ok(semaphore < SET_SIZE);
    // A process that dies gives back what it did there; the others belong to the object.
    if (change !== 0) assert.equal(undo, OF_PROCESSES.includes(semaphore), `semaphore ${semaphore}`);
    // Whatever could block the thread must say that it will not, unless the array has just seen that it cannot.
    const before = operations[index - 1];
    const isZero = before?.semaphore === semaphore && before.change === 0 && !before.wait;
    if (change < 0 || (change === 0 && !isZero)) assert.equal(wait, false, `semaphore ${semaphore} by ${change}`);
  }
}

const ARRAYS = Object.entries(step).filter((entry): entry is [string, step.Operations] =>
  typeof entry[1] === "object" && "bytes" in entry[1]
);

/** Arrays that are carried out on a thread of their own, and may wait there. */
const WAITING = ["LOCK_WHEN_UNUSED", "WAIT_UNTIL_UNUSED", "WAIT_UNTIL_HELD"];

test("what belongs to a process moves with undo, what belongs to the object without, and nothing else waits", () => {
  const made: step.Operations[] = [
    step.enterAgain(5),
    step.enterGeneration(0),
    step.enterGeneration(7),
    step.moveGeneration(2),
    step.moveGeneration(-32_764),
    step.writeFingerprint([1, 2, 3, 32_767]),
  ];
  assert.equal(ARRAYS.length, 14);
  // They move nothing in the end, so there is nothing to undo.
  const looking = ["SEE_HELD", "WAIT_UNTIL_HELD"];
  assert.ok(ARRAYS.every(([, { count }]) => count <= DARWIN_SEMAPHORES.operationsPerCall));
  const others = ARRAYS.filter(([name]) => !WAITING.includes(name) && !looking.includes(name));
  for (const { bytes, count } of [...others.map(([, array]) => array), ...made]) {
    assert.equal(BigInt(bytes.length), 6n * count);
    assert.ok(count <= DARWIN_SEMAPHORES.operationsPerCall, "macOS takes it in one call");
    assertSafe(unpack(bytes));
  }
});

test("the arrays move what they say, by how much they say", () => {
  const changes = (name: string): [number, number][] =>
    unpack(ARRAYS.find(([each]) => each === name)![1].bytes).map(({ semaphore, change }) => [semaphore, change]);
  assert.deepEqual(changes("ENTER"), [[1, 0], [0, 1]]);
  assert.deepEqual(changes("LEAVE"), [[0, -1]]);
  assert.deepEqual(changes("LEAVE_UNLESS_LAST"), [[0, -2], [0, 1]]);
  assert.deepEqual(changes("LEAVE_LAST_AND_LOCK"), [[1, 0], [0, -1], [0, 0], [1, 1]]);
  assert.deepEqual(changes("LOCK"), [[1, 0], [1, 1]]);
  assert.deepEqual(changes("LOCK_IF_UNUSED"), [[0, 0], [1, 0], [1, 1]]);
  assert.deepEqual(changes("LOCK_WHEN_UNUSED"), changes("LOCK_IF_UNUSED"));
  for (const name of ["SEE_UNUSED", "WAIT_UNTIL_UNUSED"]) assert.deepEqual(changes(name), [[0, 0]]);
  for (const name of ["SEE_HELD", "WAIT_UNTIL_HELD"]) assert.deepEqual(changes(name), [[0, -1], [0, 1]]);
  assert.deepEqual(changes("UNLOCK"), [[1, -1]]);
  assert.deepEqual(changes("SIT"), [[2, 0], [2, 1]]);
  assert.deepEqual(changes("STAND"), [[2, -1]]);
});

/** Every method, in an order in which each has something to do; the last ones remove the set. */
const LIFE: readonly (readonly [method: string, ...args: unknown[]])[] = [
  ["snapshot"],
  ["tryAcquire"],
  ["tryAcquire", 0],
  ["acquire"],
  ["count"],
  ["tryLockIfUnused"],
  ["lock"],
  ["holdsLock"],
  ["advanceGeneration", true],
  ["tryAcquire"],
  ["unlock"],
  ["trySeat"],
  ["leaveSeat"],
  ["verify"],
  ["releaseUnlessLast"],
  ["release"],
  ["tryReleaseLastAndLock"],
  ["remove"],
  ["lockWhenUnused"],
  ["close"],
];

test("a whole life sets no value, moves all that is a process's with undo, and names a set in every call", async () => {
  await using child = new Child("hooked_counter.ts", { args: [uniqueName()] });
  await child.line("ready");
  for (const [method, ...args] of LIFE) await child.call("counter", method, ...args);
  const calls = await child.call<RecordedCall[]>("takeCalls");
  const of = (symbol: string): RecordedCall[] => calls.filter((call) => call.symbol === symbol);
  assert.ok(of("semop").length > 15);
  for (const { args } of of("semop")) {
    assert.equal(typeof args[0], "number");
    assertSafe(unpack(new Uint8Array(args[1] as number[])));
  }
  const commands = new Set(of("semctl").map(({ args }) => args[2] as number));
  const { IPC_RMID, IPC_STAT, GETVAL, GETALL } = LINUX;
  assert.deepEqual([...commands].sort(), [IPC_RMID, GETVAL, GETALL, IPC_STAT].sort());
  for (const { args } of of("semctl")) assert.equal(typeof args[0], "number");
  assert.deepEqual(new Set(of("semget").map(({ args }) => args[2])), new Set([0, LINUX.IPC_CREAT | 0o600]));
});

test("no source can set a semaphore's value: the commands that do so are not even known", () => {
  const folders = ["../../src/", "../../ffi/"].map((folder) => fileURLToPath(new URL(folder, import.meta.url)));
  const sources = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true }).map(String).filter((name) => name.endsWith(".ts")).map((name) =>
      join(folder, name)
    )
  );
  assert.ok(sources.length > 20);
  for (const source of sources) {
    const code = readFileSync(source, "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    assert.doesNotMatch(code, /\bSETVAL\b|\bSETALL\b/, source);
  }
});
