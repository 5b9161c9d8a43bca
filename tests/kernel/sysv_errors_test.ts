import assert from "node:assert/strict";
import { test } from "node:test";
import { LINUX_ERRNO as E } from "../../ffi/symbols/linux_libc.ts";
import type { CounterSnapshot } from "../../src/kernel/ref_counter.ts";
import type { Fault } from "../fixtures/faults.ts";
import { keyOf, listedSet } from "../fixtures/sets.ts";
import { Child } from "../harness/child.ts";
import { uniqueName } from "../harness/names.ts";

/** A kernel call that fails, and the error that must come of it. */
interface Failure {
  readonly before?: readonly string[];
  readonly method: string;
  readonly fault: Fault;
  readonly code: string;
  readonly message: RegExp;
  /** What is held afterwards, when the kernel is well again. */
  readonly after?: Partial<CounterSnapshot>;
}

const FAILURES: { readonly [what: string]: Failure } = {
  "no more sets fit into the system": {
    method: "tryAcquire",
    fault: { symbol: "semget", errno: E.ENOSPC },
    code: "REF_COUNTER_INIT",
    message:
      /semget failed with ENOSPC \(28\); the system's limit of semaphore sets is reached; see `ipcs -s` .*kernel\.sem/,
  },
  "the kernel has no memory for a set": {
    method: "tryLock",
    fault: { symbol: "semget", errno: E.ENOMEM },
    code: "REF_COUNTER_INIT",
    message: /semget failed with ENOMEM \(12\)$/,
  },
  "the kernel has no semaphores": {
    method: "tryAcquire",
    fault: { symbol: "semget", errno: E.ENOSYS },
    code: "PLATFORM",
    message: /semget failed with ENOSYS \(38\); .*denies System V semaphores; allow the calls semget, semop and semctl/,
  },
  "a filter of system calls denies semget": {
    method: "trySeat",
    fault: { symbol: "semget", errno: E.EPERM },
    code: "PLATFORM",
    message: /semget failed with EPERM \(1\); this kernel or container denies System V semaphores/,
  },
  "counting is denied": {
    method: "count",
    fault: { symbol: "semget", errno: E.EPERM },
    code: "PLATFORM",
    message: /semget failed with EPERM \(1\)/,
  },
  "the set is shut": {
    method: "tryAcquire",
    fault: { symbol: "semget", errno: E.EACCES },
    code: "FOREIGN_OBJECT",
    message: /it is not ours: another user made it and shuts us out/,
  },
  "the set is smaller": {
    method: "tryAcquire",
    fault: { symbol: "semget", errno: E.EINVAL },
    code: "FOREIGN_OBJECT",
    message: /it is not ours: it has fewer than 8 semaphores/,
  },
  "the status is shut": {
    method: "tryAcquire",
    fault: { symbol: "semctl", errno: E.EACCES },
    code: "FOREIGN_OBJECT",
    message: /it is not ours: another user made it and shuts us out/,
  },
  "the status cannot be read": {
    method: "tryAcquire",
    fault: { symbol: "semctl", errno: E.EPERM },
    code: "REF_COUNTER_INIT",
    message: /^Cannot open .*: semctl\(IPC_STAT\) failed with EPERM/,
  },
  "the set cannot be marked": {
    method: "tryAcquire",
    fault: { symbol: "semop", errno: E.ENOSYS },
    code: "REF_COUNTER_INIT",
    message: /^Cannot mark .*: semop failed with ENOSYS/,
  },
  "the values cannot be read": {
    method: "tryAcquire",
    fault: { symbol: "semctl", nth: 2, errno: E.EACCES },
    code: "COUNT",
    message: /^Cannot read .*: semctl\(GETALL\) failed with EACCES/,
  },
  "there is no memory for the undo of an acquire": {
    method: "tryAcquire",
    fault: { symbol: "semop", nth: 2, errno: E.ENOMEM },
    code: "ACQUIRE",
    message: /^Cannot acquire .*: semop failed with ENOMEM/,
  },
  "an acquire is shut out": {
    method: "tryAcquire",
    fault: { symbol: "semop", nth: 2, errno: E.EACCES },
    code: "ACQUIRE",
    message: /^Cannot acquire .*: semop failed with EACCES \(13\); the set's mode shuts this user out/,
  },
  "an acquire beyond what fits": {
    method: "tryAcquire",
    fault: { symbol: "semop", nth: 2, errno: E.ERANGE },
    code: "FULL",
    message: /^Cannot acquire .*: 32767 references are held, more do not fit/,
  },
  "a wait that fails": {
    method: "acquire",
    fault: { symbol: "semop", nth: 2, errno: E.ENOMEM },
    code: "ACQUIRE",
    message: /semop failed with ENOMEM/,
  },
  "a release fails": {
    before: ["tryAcquire"],
    method: "release",
    fault: { symbol: "semop", errno: E.EACCES },
    code: "RELEASE",
    message: /^Cannot release .*: semop failed with EACCES/,
    after: { references: 1 },
  },
  "a release of what a stranger has lowered": {
    before: ["tryAcquire"],
    method: "release",
    fault: { symbol: "semop", errno: E.EAGAIN },
    code: "RELEASE",
    message: /^Cannot release .*: semop failed with EAGAIN/,
    after: { references: 1 },
  },
  "a release unless last fails": {
    before: ["tryAcquire", "tryAcquire"],
    method: "releaseUnlessLast",
    fault: { symbol: "semop", errno: E.ENOMEM },
    code: "RELEASE",
    message: /^Cannot release .*: semop failed with ENOMEM/,
    after: { references: 2 },
  },
  "the last release fails": {
    before: ["tryAcquire"],
    method: "tryReleaseLastAndLock",
    fault: { symbol: "semop", errno: E.ENOMEM },
    code: "RELEASE",
    message: /semop failed with ENOMEM/,
    after: { references: 1 },
  },
  "the gate cannot be taken": {
    before: ["tryAcquire"],
    method: "tryLock",
    fault: { symbol: "semop", errno: E.ENOMEM },
    code: "LOCK",
    message: /^Cannot lock .*: semop failed with ENOMEM/,
    after: { references: 1 },
  },
  "the gate cannot be given back": {
    before: ["tryLock"],
    method: "unlock",
    fault: { symbol: "semop", errno: E.EACCES },
    code: "LOCK",
    message: /^Cannot unlock .*: semop failed with EACCES/,
    after: { locked: true },
  },
  "the seat cannot be taken": {
    before: ["tryAcquire"],
    method: "trySeat",
    fault: { symbol: "semop", errno: E.ENOMEM },
    code: "LOCK",
    message: /^Cannot take the seat of .*: semop failed with ENOMEM/,
    after: { references: 1 },
  },
  "the generation cannot be moved": {
    before: ["tryLock"],
    method: "advanceGeneration",
    fault: { symbol: "semop", errno: E.EACCES },
    code: "LOCK",
    message: /^Cannot move the generation of .*: semop failed with EACCES/,
    after: { locked: true },
  },
  "the set cannot be removed": {
    before: ["tryLock"],
    method: "remove",
    fault: { symbol: "semctl", nth: 3, errno: E.EACCES },
    code: "LOCK",
    message: /^Cannot remove .*: semctl\(IPC_RMID\) failed with EACCES/,
    after: { locked: true },
  },
};

for (const [what, { before = [], method, fault, code, message, after }] of Object.entries(FAILURES)) {
  test(`an error of the kernel has its code, its reason and its number: ${what}`, async () => {
    const child = await hookedCounter();
    const key = keyOf(child.name);
    try {
      for (const step of before) await child.call("counter", step);
      await child.call("plan", fault);
      await assert.rejects(child.call("counter", method), (error) => {
        const { code: found, message: text } = error as { code?: string; message: string };
        assert.equal(found, code, text);
        assert.match(text, message);
        assert.match(text, /^Cannot [a-z ]+ "test-[^"]+" \(semaphore set( \d+)? with key 0x[0-9a-f]{8}\): /);
        return true;
      });
      const expected = { references: 0, locked: false, seated: false, generation: 0, ...after };
      assert.deepEqual(await child.call("counter", "snapshot"), expected, "the kernel is well again");
      assert.equal(await child.call("counter", "tryLock"), !expected.locked);
      if (!expected.locked) await child.call("counter", "unlock");
    } finally {
      await child.call("counter", "close");
    }
    assert.equal(listedSet(key), undefined, "nothing is left behind");
  });
}

test("who may not remove a set opens its gate and leaves it", async () => {
  const child = await hookedCounter();
  await child.call("counter", "tryLock");
  await child.call("plan", { symbol: "semctl", nth: 3, errno: E.EPERM });
  assert.equal(await child.call("counter", "remove"), false);
  assert.equal((await child.call<CounterSnapshot>("counter", "snapshot")).locked, false);
  assert.ok(listedSet(keyOf(child.name)));
  await child.call("counter", "close");
  assert.equal(listedSet(keyOf(child.name)), undefined);
});

test("a filter of system calls that answers EINVAL to every semop is an error, not an endless loop", async () => {
  const child = await hookedCounter();
  await child.call("counter", "tryAcquire");
  await child.call("plan", { symbol: "semop", times: 1e9, errno: E.EINVAL });
  await assert.rejects(child.call("counter", "tryAcquire"), { code: "REF_COUNTER_INIT" });
  await child.call("plan", undefined);
  assert.equal(await child.call("counter", "count"), 1);
  assert.equal(await child.call("renewals"), 0);
  await child.call("counter", "close");
});

test("an error number that semop cannot give is not believed at once", async () => {
  const child = await hookedCounter();
  await child.call("counter", "tryAcquire");
  await child.call("plan", { symbol: "semop", times: 3, errno: E.ENOENT });
  assert.equal(await child.call("counter", "tryAcquire"), true);
  await child.call("plan", { symbol: "semop", times: 2, errno: E.EINTR });
  await child.call("counter", "release");
  assert.equal(await child.call("counter", "count"), 1);
  await child.call("counter", "close");
});

let shared: Child & { name: string } | undefined;

/** One process for all: every test leaves its counter closed. */
async function hookedCounter(): Promise<Child & { name: string }> {
  if (shared === undefined) {
    const name = uniqueName();
    shared = Object.assign(new Child("hooked_counter.ts", { args: [name] }), { name });
    await shared.line("ready");
  }
  return shared;
}

test("the process that all these errors happened in still works, and ends well", async () => {
  const child = await hookedCounter();
  assert.equal(await child.call("counter", "tryAcquire"), true);
  assert.equal(await child.call("counter", "count"), 1);
  await child.call("counter", "close");
  assert.deepEqual(await child.end(), { code: 0, signal: null });
});
