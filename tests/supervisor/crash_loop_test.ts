import assert from "node:assert/strict";
import { test } from "node:test";
import { type ModuleServiceOptions, SharedService } from "../../mod.ts";
import { onStage, type SupervisedStage } from "../harness/supervised.ts";

const MODULE = new URL("../fixtures/service_module.ts", import.meta.url).href;

function service(stage: SupervisedStage, env: Record<string, string>): SharedService {
  const options: ModuleServiceOptions = {
    name: stage.name,
    directory: stage.state,
    denoPermissions: ["-A"],
    env: { JOURNAL: stage.journal, ...env },
    onMismatch: "join",
  };
  return stage.tracked(SharedService.fromModule(MODULE, options));
}

test("a module that crashes its supervisor again and again: the acquire gives up and says so", async () => {
  await onStage(async (stage) => {
    const shared = service(stage, { CRASHES: "1" });
    await assert.rejects(shared.acquire({ timeoutMs: 60_000 }), { code: "SUPERVISOR", message: /in a row/ });
    assert.equal(stage.notes("start-module").length, 5);
    assert.equal(await shared.count(), 0);
    // The last one has left a record behind for the next client, for it may have left processes as well.
    const fine = service(stage, { SPAWNS: "1" });
    await (await fine.acquire()).release();
    await stage.assertNothingLeft();
  });
});
