import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { SharedService } from "../../mod.ts";
import { Child } from "../harness/child.ts";
import { environmentOf } from "../harness/environment.ts";
import { eventually } from "../harness/eventually.ts";
import { uniqueName, withDirectory } from "../harness/names.ts";
import { onWindows } from "../harness/platform.ts";
import { sleepCommand } from "../harness/sleeper.ts";
import { process as processes } from "../../mod.ts";

test("a service that a part of another service brings up by callbacks is not ended with that one", async () => {
  await withDirectory(async (directory) => {
    const name = uniqueName();
    const journal = join(directory, "journal");
    // As a supervised service's process would be: it carries the mark of that service.
    const env = { PROCREF_MARK: "the-mark-of-another-service" };
    const configuration = JSON.stringify({ journal, options: { directory } });
    await using client = new Child("service_client.ts", { args: [name, configuration], env });
    await client.line("ready");
    const { pid, handle } = await client.call<{ pid: number; handle: number }>("acquire");
    assert.equal(environmentOf(pid).PROCREF_MARK, undefined);
    await client.call("release", handle);
  });
});

test("a supervised service that a part of another one starts outlives that one, and has a mark of its own", async () => {
  await withDirectory(async (directory) => {
    const inner = uniqueName("inner");
    const outer = new SharedService(uniqueName("outer"), {
      command: onWindows ? sleepCommand() : ["sh", "-c", "exec sleep 300"],
      directory,
      env: { MARKED: "outer" },
    });
    const handle = await outer.acquire();
    const mark = environmentOf(handle.pid!).PROCREF_MARK;
    const configuration = { name: inner, options: { command: sleepCommand(), directory } };
    await using part = new Child("supervised_holder.ts", {
      args: [JSON.stringify(configuration)],
      env: { PROCREF_MARK: mark },
    });
    const shared = new SharedService(inner, { command: sleepCommand(), directory });
    const pid = Number(await part.line("holds "));
    await using own = await shared.acquire();
    assert.equal(own.pid, pid);
    await handle.release();
    await eventually(() => !processes.isAlive(part.pid), "what carries the mark of the outer service ends with it");
    assert.ok(processes.isAlive(pid), "the inner service is held by others, and runs on");
    assert.equal(await shared.count(), 1);
  });
});
