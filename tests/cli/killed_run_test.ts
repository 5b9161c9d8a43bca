import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import { procrefJson, RunningCommand } from "../harness/command.ts";
import { onGround } from "../harness/command_ground.ts";
import { SLEEP, words } from "../harness/command_words.ts";
import { eventually } from "../harness/eventually.ts";
import { notOnWindows } from "../harness/platform.ts";

test("a procref run that is killed takes its reference along, and leaves its client without the service", {
  skip: notOnWindows("killed-pipes"),
}, async () => {
  await onGround(async (state, options, name) => {
    const client = words("echo up $$; exec sleep 300", 'say("up " + process.pid); await sleep()');
    await using command = new RunningCommand(["run", name, ...SLEEP, "--", ...client], options);
    const orphan = processes.identityOf(Number(/up (\d+)\n/.exec(await command.says(/up \d+\n/))![1]))!;
    const { pid, holders } = await procrefJson(["status", name], options);
    assert.deepEqual(holders[0].client, client);
    processes.kill(command.process.pid!);
    await eventually(() => readdirSync(state).length === 0, "nobody holds it: it is stopped");
    assert.ok(!processes.isAlive(pid));
    assert.ok(processes.isAlive(orphan), "and the client runs on");
    processes.kill(orphan);
    assert.equal((await command.ended).signal, "SIGKILL");
  });
});
