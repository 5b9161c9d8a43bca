/** What is left of a service that never came up, and what becomes of a supervisor that is killed before its first word. */

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { isProcrefError, SharedService } from "../../mod.ts";
import { eventually } from "../harness/eventually.ts";
import { uniqueName, withDirectory } from "../harness/names.ts";
import { isKept } from "../harness/kept.ts";
import { notOnWindows } from "../harness/platform.ts";

/** A state directory, and whether the kernel keeps something for a service in it. */
function stage(directory: string, name: string): { state: string; isThere: () => boolean } {
  const state = join(realpathSync(directory), "state");
  mkdirSync(state, { mode: 0o700 });
  return { state, isThere: () => isKept(name, { directory: state }) };
}

/** Puts a `setsid` before the real one that ends at once, as if killed, so many times. */
async function withDeadlySetsid(directory: string, times: number, work: () => Promise<void>): Promise<void> {
  const { PATH } = process.env;
  const script = `#!/bin/sh
PATH='${PATH}'
echo >>'${directory}/starts'
if test "$(grep -c '' '${directory}/starts')" -le ${times}; then exit 137; fi
exec setsid "$@"
`;
  writeFileSync(join(directory, "setsid"), script, { mode: 0o700 });
  process.env.PATH = `${directory}:${PATH}`;
  try {
    await work();
  } finally {
    process.env.PATH = PATH;
  }
}

test("a client that was refused before anybody was in office leaves no kernel object", async () => {
  await withDirectory(async (directory) => {
    const name = uniqueName();
    const { state, isThere } = stage(directory, name);
    const service = new SharedService(name, { command: [join(directory, "no-such-program")], directory: state });
    for (let times = 0; times < 2; times++) {
      await assert.rejects(service.acquire(), (error) => isProcrefError(error, "SERVICE_START"));
      assert.equal(isThere(), false);
      assert.deepEqual(readdirSync(state), []);
    }
  });
});

test(
  "a supervisor that is killed before it has said a word is replaced",
  { skip: notOnWindows("setsid") },
  async () => {
    await withDirectory(async (directory) => {
      const name = uniqueName();
      const { state, isThere } = stage(directory, name);
      const service = new SharedService(name, { command: ["sleep", "60"], directory: state });
      await withDeadlySetsid(directory, 2, async () => {
        const handle = await service.acquire();
        assert.ok(handle.info.isAlive());
        await handle.release();
      });
      await eventually(() => !isThere(), "the supervisor has gone");
    });
  },
);

test("supervisors that are killed one after the other are given up, and nothing is left", {
  skip: notOnWindows("setsid"),
}, async () => {
  await withDirectory(async (directory) => {
    const name = uniqueName();
    const { state, isThere } = stage(directory, name);
    const service = new SharedService(name, { command: ["sleep", "60"], directory: state });
    await withDeadlySetsid(directory, 1000, async () => {
      await assert.rejects(service.acquire(), (error) => isProcrefError(error, "SUPERVISOR"));
    });
    assert.equal(isThere(), false);
    assert.deepEqual(readdirSync(state), []);
  });
});
