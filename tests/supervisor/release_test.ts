import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { process as processes, SharedService } from "../../mod.ts";
import { eventually } from "../harness/eventually.ts";
import { notOnWindows } from "../harness/platform.ts";
import { startSleeper } from "../harness/sleeper.ts";
import { onStage } from "../harness/supervised.ts";

test("with a command, the last release does not wait until the supervisor has stopped the service", {
  skip: notOnWindows("signals"),
}, async () => {
  await onStage(async (stage) => {
    const go = join(stage.directory, "go");
    const service = stage.service(stage.script(
      `trap 'until [ -e "$GO" ]; do sleep 0.02; done; exit 0' TERM
      echo armed; while :; do sleep 0.02; done`,
      { env: { GO: go }, ready: { log: "^armed$" } },
    ));
    const handle = await service.acquire();
    const pid = handle.pid!;
    await handle.release();
    assert.ok(handle.released);
    assert.equal(await service.count(), 0);
    await stage.phase("STOP");
    assert.ok(processes.isAlive(pid), "it ends when it wants to");
    writeFileSync(go, "");
    await eventually(() => !processes.isAlive(pid), "the supervisor has stopped it");
    await stage.assertNothingLeft();
  });
});

test("with callbacks, the last release resolves when the service is gone, and all others before", async () => {
  await onStage(async (stage) => {
    const service = new SharedService(stage.name, {
      directory: stage.state,
      onFirstAcquire: () => ({ pid: startSleeper() }),
    });
    const [one, other] = [await service.acquire(), await service.acquire()];
    await one.release();
    assert.ok(processes.isAlive(other.pid!));
    await other.release();
    assert.ok(!processes.isAlive(other.pid!));
  });
});
