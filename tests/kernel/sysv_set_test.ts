import assert from "node:assert/strict";
import { test } from "node:test";
import { libc } from "../../ffi/libc.ts";
import { type ErrorCode, isProcrefError } from "../../src/errors.ts";
import { objectName } from "../../src/kernel/object_name.ts";
import { openRefCounter, type RefCounterOptions } from "../../src/kernel/open.ts";
import type { CounterSnapshot, RefCounter } from "../../src/kernel/ref_counter.ts";
import { SEMAPHORE } from "../../src/kernel/sysv_operations.ts";
import { SysvSet } from "../../src/kernel/sysv_set.ts";
import { giveSet, keyOf, listedSet, makeSet, moveSemaphore, removeSet, valuesOf } from "../fixtures/sets.ts";
import { NOBODY, withoutRoot } from "../fixtures/user.ts";
import { Child } from "../harness/child.ts";
import { uniqueName } from "../harness/names.ts";

const uid = libc().geteuid();
const EMPTY: CounterSnapshot = { references: 0, locked: false, seated: false, generation: 0 };

/** What every use of a set that is not ours must give. */
async function assertRefused(
  name: string,
  code: ErrorCode,
  message: RegExp,
  options?: RefCounterOptions,
): Promise<void> {
  const uses: readonly ((counter: RefCounter) => unknown)[] = [
    (counter) => counter.tryAcquire(),
    (counter) => counter.tryLock(),
    (counter) => counter.trySeat(),
    (counter) => counter.tryLockIfUnused(),
    (counter) => counter.count(),
    (counter) => counter.snapshot(),
  ];
  const set = listedSet(keyOf(name, options));
  assert.ok(set, "there is a set to refuse");
  for (const use of uses) {
    using counter = await openRefCounter(name, options);
    assert.throws(() => use(counter), (error) => {
      assert.ok(isProcrefError(error, code), String(error));
      assert.match(error.message, message);
      assert.ok(error.message.includes(name), "it names the counter");
      assert.equal(error.details.name, name);
      return true;
    });
  }
  assert.deepEqual(listedSet(keyOf(name, options)), set, "it is still there, untouched");
}

test("asking creates nothing in the kernel", async () => {
  const name = uniqueName();
  using counter = await openRefCounter(name);
  assert.equal(counter.count(), 0);
  assert.deepEqual(counter.snapshot(), EMPTY);
  assert.equal(counter.verify(), false);
  assert.equal(counter.holdsLock(), false);
  assert.throws(() => counter.release());
  assert.throws(() => counter.unlock());
  assert.throws(() => counter.leaveSeat());
  counter.close();
  assert.equal(listedSet(keyOf(name)), undefined);
});

test("a set is made by the first use, for its user alone, and goes with the last", async () => {
  const name = uniqueName();
  const counter = await openRefCounter(name);
  counter.tryAcquire();
  const { id, ...shape } = listedSet(keyOf(name))!;
  assert.deepEqual(shape, { mode: "600", size: 8, uid });
  assert.equal(counter.count(), 1);
  assert.equal(listedSet(keyOf(name))!.id, id);
  counter.close();
  assert.equal(listedSet(keyOf(name)), undefined);
});

test("in scope system a set is open to all users", async () => {
  const name = uniqueName();
  using counter = await openRefCounter(name, { scope: "system" });
  counter.tryAcquire();
  assert.equal(listedSet(keyOf(name, { scope: "system" }))?.mode, "666");
  assert.equal(listedSet(keyOf(name)), undefined);
});

test("the key holds the user, the namespace, the scope and the directory", () => {
  const keys = [
    keyOf("x", {}, 1000),
    keyOf("x", {}, 1001),
    keyOf("x", { namespace: "n" }, 1000),
    keyOf("x", { directory: "/n" }, 1000),
    keyOf("x", { scope: "system" }, 1000),
  ];
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(keyOf("x", { scope: "system" }, 1001), keys[4]);
});

test("the key of a name is the same in every version: programs of several versions share one counter", () => {
  assert.equal(keyOf("my-app", {}, 1000), 790144725);
});

test("a key is never 0, which would mean a private set, and a fingerprint holds no 0, which would mean none", () => {
  const digest = new Uint8Array(32);
  const name = { ...objectName("x", uid), digest };
  assert.equal(new SysvSet(libc(), name, uid).key, 1);
});

test("the set of another name with the same key is a collision, not shared", async () => {
  // Found by search; two that still collide must be found again if the identity of a name is ever changed.
  const [first, second] = ["same-key-60962", "same-key-121071"];
  const options = { scope: "system" } as const;
  assert.equal(keyOf(first, options), keyOf(second, options));
  using counter = await openRefCounter(first, options);
  counter.tryAcquire();
  const values = valuesOf(listedSet(keyOf(first, options))!.id);
  await assertRefused(
    second,
    "KEY_COLLISION",
    /another name has the same key.*choose another name or namespace/,
    options,
  );
  assert.deepEqual(valuesOf(listedSet(keyOf(first, options))!.id), values);
  assert.equal(counter.count(), 1);
});

test("a set of our size with another program's values is a collision, and keeps its values", async () => {
  const name = uniqueName();
  const id = makeSet(keyOf(name));
  moveSemaphore(id, SEMAPHORE.references, 3);
  for (let index = 0; index < 4; index++) moveSemaphore(id, SEMAPHORE.fingerprint + index, 4711);
  const values = valuesOf(id);
  await assertRefused(name, "KEY_COLLISION", /or another program uses it/);
  assert.deepEqual(valuesOf(id), values);
  removeSet(id);
});

test("a set whose maker died before it marked it is taken over", async () => {
  const name = uniqueName();
  const id = makeSet(keyOf(name));
  using counter = await openRefCounter(name);
  assert.equal(counter.tryAcquire(), true);
  assert.equal(listedSet(keyOf(name))!.id, id);
  assert.ok(valuesOf(id).slice(SEMAPHORE.fingerprint).every((value) => value > 0));
});

for (const size of [1, 7, 9, 100]) {
  test(`a set of ${size} semaphores is not ours`, async () => {
    const name = uniqueName();
    const id = makeSet(keyOf(name), size);
    const message = new RegExp(`it is not ours: it has (${size} semaphores, ours have|fewer than) 8.*; .*ipc(rm|s) -s`);
    await assertRefused(name, "FOREIGN_OBJECT", message);
    removeSet(id);
  });
}

for (const mode of ["666", "644", "640", "400"]) {
  test(`a set of mode ${mode} is not ours alone`, async () => {
    const name = uniqueName();
    const id = makeSet(keyOf(name), 8, parseInt(mode, 8));
    // With too narrow a mode the kernel shuts out its own maker, unless that is root.
    const message = new RegExp(`it is not ours: (it belongs to user ${uid} with mode ${mode}|another user made it)`);
    await assertRefused(name, "FOREIGN_OBJECT", message);
    removeSet(id);
  });
}

test(
  "a set that belongs to another user is not ours, even for root, who could use it",
  { skip: withoutRoot },
  async () => {
    const name = uniqueName();
    const id = makeSet(keyOf(name));
    giveSet(id, NOBODY, 0o600);
    await assertRefused(name, "FOREIGN_OBJECT", /it belongs to user 65534 with mode 600, ours would be 0 with 600/);
    removeSet(id);
  },
);

test("a set that another user made under our key shuts us out, with an error that says so", {
  skip: withoutRoot,
}, async () => {
  const name = uniqueName();
  await using child = new Child("hooked_counter.ts", { args: [name], env: { PROCREF_TEST_UID: String(NOBODY) } });
  await child.line("ready");
  const key = keyOf(name, {}, NOBODY);
  const id = makeSet(key);
  for (const method of ["tryAcquire", "tryLock", "trySeat", "count", "snapshot"]) {
    await assert.rejects(child.call("counter", method), {
      code: "FOREIGN_OBJECT",
      message: /it is not ours: another user made it and shuts us out; .*ipc(rm|s) -s.*choose another name/,
    });
  }
  removeSet(id);
  assert.equal(await child.call("counter", "tryAcquire"), true);
  assert.equal(listedSet(key)?.uid, NOBODY);
  await child.call("counter", "close");
  assert.equal(listedSet(key), undefined);
});

test("two users with one name have two counters, and in scope system one", { skip: withoutRoot }, async () => {
  for (const [scope, counts] of [["user", [1, 1]], ["system", [2, 2]]] as const) {
    const name = uniqueName(scope);
    using counter = await openRefCounter(name, { scope });
    counter.tryAcquire();
    await using child = new Child("hooked_counter.ts", {
      args: [name, JSON.stringify({ scope })],
      env: { PROCREF_TEST_UID: String(NOBODY) },
    });
    await child.line("ready");
    assert.equal(await child.call("counter", "tryAcquire"), true);
    assert.deepEqual([counter.count(), await child.call("counter", "count")], counts);
    counter.release();
    // The set was made by root, so that the other user cannot remove it: in scope system it stays until root leaves.
    assert.equal(await child.call("counter", "tryReleaseLastAndLock"), true);
    assert.equal(await child.call("counter", "remove"), scope === "user");
    assert.equal(counter.count(), 0);
    assert.equal(counter.snapshot().locked, false);
  }
});
