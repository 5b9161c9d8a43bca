import assert from "node:assert/strict";
import { channel } from "node:diagnostics_channel";
import process from "node:process";
import { test } from "node:test";
import { removeKey } from "../fixtures/sets.ts";
import { eventually } from "../harness/eventually.ts";
import { notOnWindows } from "../harness/platform.ts";
import { onStage, type SupervisedStage } from "../harness/supervised.ts";

interface Message {
  readonly what: string;
  readonly service: string;
  readonly pid?: number;
  readonly durationMs?: number;
  readonly info?: { readonly pid?: number };
  readonly error?: { readonly code: string };
}

const CHANNELS = ["acquire", "release", "restart", "lost", "warning"];

/** What the channels say of the stage's service while the work is done. */
async function heard(
  stage: SupervisedStage,
  work: (messages: readonly Message[]) => Promise<void>,
): Promise<void> {
  const messages: Message[] = [];
  const listeners = CHANNELS.map((what) => {
    const listen = (message: unknown): void => {
      const said = message as Message;
      if (said.service === stage.name) messages.push({ ...said, what });
    };
    channel(`procref:${what}`).subscribe(listen);
    return (): void => void channel(`procref:${what}`).unsubscribe(listen);
  });
  try {
    await work(messages);
  } finally {
    for (const unsubscribe of listeners) unsubscribe();
  }
}

test("the channels tell of acquire, release, restart and lost, as the events do", async () => {
  await onStage(async (stage) => {
    await heard(stage, async (messages) => {
      const service = stage.service(stage.sleeper({ restart: { limit: 1, delayMs: 1 } }));
      const events: string[] = [];
      for (const what of ["restart", "lost", "warning"]) service.addEventListener(what, () => events.push(what));
      const handle = await service.acquire();
      const pid = handle.pid!;
      const second = await service.acquire();
      await second.release();
      process.kill(pid, "SIGKILL");
      await eventually(() => messages.some(({ what }) => what === "restart"), "the restart is told");
      process.kill(handle.pid!, "SIGKILL");
      await eventually(() => messages.some(({ what }) => what === "lost"), "the loss is told");
      await handle.release();
      await stage.assertNothingLeft();

      assert.deepEqual(messages.map(({ what }) => what), [
        "acquire",
        "acquire",
        "release",
        "restart",
        "lost",
        "release",
      ]);
      const [cold, warm, , restart, lost] = messages;
      assert.equal(cold.pid, pid);
      assert.ok(cold.durationMs! > 0);
      assert.equal(warm.durationMs, 0, "nothing was to be waited for");
      assert.equal(restart.info?.pid, stage.starts()[1]);
      assert.equal(lost.error?.code, "SERVICE_LOST");
      assert.deepEqual(events, ["restart", "lost"]);
    });
  });
});

test("the channel of warnings tells what a stranger did", { skip: notOnWindows("removal") }, async () => {
  await onStage(async (stage) => {
    await heard(stage, async (messages) => {
      const service = stage.service();
      const handle = await service.acquire();
      removeKey(stage.key);
      await eventually(() => messages.some(({ what }) => what === "warning"), "the removal is told");
      assert.equal(messages.find(({ what }) => what === "warning")?.error?.code, "ACQUIRE");
      await handle.release();
      await stage.assertNothingLeft();
    });
  });
});

test("a failed start is no event: whoever acquires is told", async () => {
  await onStage(async (stage) => {
    await heard(stage, async (messages) => {
      const service = stage.service(stage.script("exit 3", { ready: { log: "never" } }, "process.exit(3)"));
      await assert.rejects(service.acquire(), { code: "SERVICE_START" });
      await stage.assertNothingLeft();
      assert.deepEqual(messages, []);
    });
  });
});
