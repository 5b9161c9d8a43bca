import assert from "node:assert/strict";
import { chmodSync, chownSync, readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { notOnWindows } from "../harness/platform.ts";
import { process as processes, SharedService } from "../../mod.ts";
import { startSleeper } from "../harness/sleeper.ts";
import { uniqueName, withDirectory } from "../harness/names.ts";

const withoutRoot = notOnWindows("owners") ||
  process.geteuid!() !== 0 && "only root can write in the name of another user";
const NOBODY = 65534;

test(
  "in scope system a record of another user that names a process of ours is not believed",
  { skip: withoutRoot },
  async () => {
    await withDirectory(async (directory) => {
      chmodSync(directory, 0o1777);
      const name = uniqueName();
      const victim = startSleeper();
      try {
        const leaver = new SharedService(name, {
          directory,
          scope: "system",
          reaper: false,
          onFirstAcquire: () => ({ pid: victim }),
          onLastRelease: () => Promise.reject(new Error("left behind")),
        });
        await assert.rejects((await leaver.acquire()).release());
        const [entry] = readdirSync(directory);
        chownSync(join(directory, entry, "record.json"), NOBODY, NOBODY);
        const warnings: string[] = [];
        let own = 0;
        const service = new SharedService(name, {
          directory,
          scope: "system",
          reaper: false,
          onFirstAcquire: () => ({ pid: own = startSleeper() }),
        });
        service.addEventListener("warning", (event) => {
          warnings.push(event.detail.message);
        });
        await service.use((handle) => assert.equal(handle.pid, own));
        assert.match(warnings[0], new RegExp(`user ${NOBODY} wrote it, and its process ${victim} is not that user's`));
        assert.ok(processes.isAlive(victim), "nothing is signalled on the word of another user");
        assert.ok(!processes.isAlive(own));
      } finally {
        processes.kill(victim);
      }
    });
  },
);
