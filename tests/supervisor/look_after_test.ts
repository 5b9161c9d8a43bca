import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { ServiceInfo } from "../../mod.ts";
import { MemoryRefCounter } from "../../src/kernel/memory_ref_counter.ts";
import { objectName } from "../../src/kernel/object_name.ts";
import { currentUser } from "../../src/kernel/open.ts";
import { ownIdentity } from "../../src/process/identity.ts";
import type { ReadyRecord } from "../../src/service/mode.ts";
import { planOf } from "../../src/service/plan.ts";
import { RecordStore } from "../../src/service/record_store.ts";
import { SupervisedMode } from "../../src/service/supervised_mode.ts";
import { orderedName } from "../../src/service/supervisor_orders.ts";
import { uniqueName, withDirectory } from "../harness/names.ts";

/** A record store that knows how often the record was opened. */
class CountingStore extends RecordStore {
  reads = 0;

  override read(...args: Parameters<RecordStore["read"]>): ReturnType<RecordStore["read"]> {
    this.reads++;
    return super.read(...args);
  }
}

test("a client that came between the record and its generation is sure of it later, and opens it no more", async () => {
  await withDirectory(async (directory) => {
    const name = uniqueName("look");
    const user = currentUser();
    const object = objectName(name, user, { namespace: undefined, scope: "user", directory });
    const { settings, supervised } = planOf(name, { command: ["sleep", "300"] });
    const counter = new MemoryRefCounter(name);
    const store = new CountingStore(directory, object, user);
    const orders = {
      ...orderedName(object),
      directory,
      mechanism: counter.capabilities.mechanism,
      user,
      stopTimeoutMs: 1,
    };
    const mode = new SupervisedMode(orders, counter, store, settings, supervised!, (problem) => assert.fail(problem));
    const supervisor = ownIdentity();
    const { configuration } = supervised!.description;
    const record: ReadyRecord = {
      phase: "READY",
      generation: counter.nextGeneration(true),
      info: new ServiceInfo(process.pid, undefined, { start: supervisor.start }),
      supervisor,
      configuration,
    };
    assert.ok(counter.tryLock());
    store.write(record);

    const early = await mode.attach({});
    assert.equal(early.generation, undefined, "the generation has not moved yet");
    assert.equal(await mode.lookAfter(early, () => true), undefined, "there is nothing to be sure of");
    assert.equal(counter.advanceGeneration(true), record.generation);
    const sure = await mode.lookAfter(early, () => true);
    assert.ok(sure !== undefined && !(sure instanceof Error), "it is told that it can be sure");
    assert.deepEqual(sure, { record: early.record, generation: record.generation });

    const { reads } = store;
    assert.ok(reads > 0);
    assert.equal(await mode.lookAfter(sure, () => true), undefined);
    assert.equal(await mode.lookAfter(sure, () => false), undefined);
    assert.equal(store.reads, reads, "the record is not opened, which would wake a supervisor that watches over it");
    counter.unlock();
  });
});
