import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { isProcrefError } from "../../src/errors.ts";
import { openRefCounter } from "../../src/kernel/open.ts";
import type { RefCounter } from "../../src/kernel/ref_counter.ts";
import { ask, slotsOf } from "../fixtures/counters.ts";
import { isKept } from "../fixtures/kept.ts";
import { Child } from "../harness/child.ts";
import { uniqueName, withDirectory } from "../harness/names.ts";
import { onWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";

type Native = "sysv" | "handles";

/** How names are counted here unless somebody says otherwise. */
const native: Native = onWindows ? "handles" : "sysv";

test("a name that is counted in one way is refused in the other, whoever came first", async () => {
  await withDirectory(async (directory) => {
    const name = uniqueName();
    const open = async (mechanism: Native | "slots"): Promise<RefCounter> =>
      await openRefCounter(name, { mechanism, directory });
    for (const [first, second] of [[native, "slots"], ["slots", native]] as const) {
      const holder = await open(first);
      const late = await open(second);
      assert.equal(holder.tryAcquire(), true);
      for (const step of [() => late.tryAcquire(), () => late.tryLock(), () => late.trySeat()]) {
        assert.throws(step, (error) => isProcrefError(error, "MECHANISM_MISMATCH"));
      }
      assert.equal(late.count(), 0, "to look is allowed, and sees one's own alone");
      assert.equal(holder.count(), 1);
      assert.equal(existsSync(slotsOf(name, directory)), first === "slots");
      assert.equal(isKept(name, { directory }), first === native);
      // What is there and unused is in nobody's way.
      holder.release();
      assert.equal(late.tryAcquire(), true);
      assert.throws(() => holder.tryAcquire(), (error) => isProcrefError(error, "MECHANISM_MISMATCH"));
      late.close();
      holder.close();
      assert.deepEqual(readdirSync(directory), []);
      assert.equal(isKept(name, { directory }), false);
    }
  });
});

test("of two that come at one moment and count in different ways at most one gets in, again and again", async () => {
  await withDirectory(async (directory) => {
    const name = uniqueName();
    const children = [native, "slots"].map((mechanism, index) =>
      new Child("counter.ts", { runtime: bothRuntimes[index], args: [name, JSON.stringify({ mechanism, directory })] })
    );
    try {
      await Promise.all(children.map((child) => child.line("ready")));
      let entered = 0;
      for (let round = 0; round < 100; round++) {
        const answers = await Promise.all(
          children.map((child) => ask(child, "tryAcquire").catch(({ code }: { code: string }) => code)),
        );
        const inside = children.filter((_, index) => answers[index] === true);
        assert.ok(inside.length <= 1, `round ${round}: ${answers}`);
        // False for who meets the other one at its look: that takes the gate for a moment.
        assert.ok(
          answers.every((answer) => typeof answer === "boolean" || answer === "MECHANISM_MISMATCH"),
          `${answers}`,
        );
        entered += inside.length;
        for (const child of inside) await ask(child, "close");
      }
      assert.ok(entered > 0, "somebody got in");
      for (const child of children) await ask(child, "close");
    } finally {
      for (const child of children) await child.kill();
    }
    assert.deepEqual(readdirSync(directory), []);
  });
});
