import assert from "node:assert/strict";
import { test } from "node:test";
import { process as processes, ServiceInfo, SharedService, type SharedServiceOptions } from "../../mod.ts";
import { eventually } from "../harness/eventually.ts";
import { uniqueName } from "../harness/names.ts";
import { startSleeper } from "../harness/sleeper.ts";

/** A service with a process, and the list of what its callbacks did. */
function recorded(options: Partial<SharedServiceOptions> = {}, name = uniqueName()): {
  service: SharedService;
  calls: string[];
} {
  const calls: string[] = [];
  const service = new SharedService(name, {
    onFirstAcquire(): ServiceInfo {
      const pid = startSleeper();
      calls.push("start");
      return new ServiceInfo(pid, 4711).setMetadata("by", "first");
    },
    async onLastRelease(info): Promise<void> {
      calls.push(`stop ${info.port} ${info.getMetadata("by")}`);
      await processes.stop(info.identity!, 5000);
    },
    ...options,
  });
  return { service, calls };
}

test("acquire() starts the service once and gives everybody the same", async () => {
  const { service, calls } = recorded();
  const first = await service.acquire();
  assert.equal(await service.count(), 1);
  const second = await service.acquire();
  assert.equal(await service.count(), 2);
  assert.deepEqual(calls, ["start"]);
  assert.equal(first.port, 4711);
  assert.equal(first.host, "127.0.0.1");
  assert.equal(second.pid, first.pid);
  assert.ok(processes.isAlive(first.pid!));
  await first.release();
  assert.deepEqual(calls, ["start"], "the first to leave is not the last");
  assert.ok(processes.isAlive(second.pid!));
  await second.release();
  assert.deepEqual(calls, ["start", "stop 4711 first"]);
  assert.ok(!processes.isAlive(second.pid!));
  assert.equal(await service.count(), 0);
});

test("a service can be brought up again and again", async () => {
  const { service, calls } = recorded();
  const pids = new Set<number>();
  for (let round = 0; round < 3; round++) pids.add(await service.use((handle) => handle.pid!));
  assert.equal(pids.size, 3);
  assert.equal(calls.filter((call) => call === "start").length, 3);
});

test("two SharedService objects of one name in one process count for two", async () => {
  const name = uniqueName();
  const first = recorded({}, name);
  const second = recorded({}, name);
  const one = await first.service.acquire();
  const two = await second.service.acquire();
  assert.equal(await first.service.count(), 2);
  assert.equal(one.pid, two.pid);
  assert.deepEqual(second.calls, []);
  await one.release();
  assert.deepEqual(first.calls, ["start"]);
  await two.release();
  assert.deepEqual(second.calls, ["stop 4711 first"]);
});

test("one name in two namespaces, scopes or directories is two services", async () => {
  const name = uniqueName();
  const plain = recorded({}, name);
  const apart = recorded({ namespace: "worktree" }, name);
  await using one = await plain.service.acquire();
  await using two = await apart.service.acquire();
  assert.notEqual(one.pid, two.pid);
  assert.equal(await plain.service.count(), 1);
});

test("fifty acquires at once in one process start the service once", async () => {
  const { service, calls } = recorded();
  const handles = await Promise.all(Array.from({ length: 50 }, () => service.acquire()));
  assert.deepEqual(calls, ["start"]);
  assert.equal(await service.count(), 50);
  assert.equal(new Set(handles.map(({ pid }) => pid)).size, 1);
  await Promise.all(handles.map((handle) => handle.release()));
  assert.deepEqual(calls, ["start", "stop 4711 first"]);
});

test("release() is idempotent and gives the same promise", async () => {
  const { service, calls } = recorded();
  const keep = await service.acquire();
  const handle = await service.acquire();
  assert.equal(handle.released, false);
  assert.equal(handle.release(), handle.release());
  await handle.release();
  assert.equal(handle.released, true);
  assert.equal(await service.count(), 1);
  await handle[Symbol.asyncDispose]();
  handle[Symbol.dispose]();
  assert.equal(await service.count(), 1);
  await keep.release();
  assert.equal(calls.length, 2);
});

test("release() gives a reference that is not the last one back before anything is awaited", async () => {
  const { service } = recorded();
  const other = recorded({}, service.name);
  const keep = await service.acquire();
  await other.service.count();
  const handle = await service.acquire();
  const counting = other.service.count();
  handle.release();
  assert.equal(await counting, 1);
  await keep.release();
});

test("`await using` and `using` release at the end of their block", async () => {
  const { service, calls } = recorded();
  const pid = await service.use((handle) => handle.pid!);
  assert.ok(!processes.isAlive(pid));
  {
    await using keep = await service.acquire();
    {
      using handle = await service.acquire();
      assert.equal(handle.pid, keep.pid);
    }
    assert.equal(await service.count(), 1);
  }
  assert.deepEqual(calls, ["start", "stop 4711 first", "start", "stop 4711 first"]);
});

test("use() releases when its work throws, and gives the error on", async () => {
  const { service, calls } = recorded();
  const failure = new Error("work failed");
  await assert.rejects(service.use(() => Promise.reject(failure)), (error) => error === failure);
  assert.equal(await service.count(), 0);
  assert.equal(calls.length, 2);
});

test("without onLastRelease the process of the service is stopped", async () => {
  const { service } = recorded({ onLastRelease: undefined });
  const pid = await service.use((handle) => handle.pid!);
  assert.ok(!processes.isAlive(pid));
});

test("a service need not be a process", async () => {
  let up = 0;
  const { service } = recorded({
    onFirstAcquire: () => (up++, { port: 80, host: "::1", metadata: { a: "b" } }),
    onLastRelease: () => void up--,
  });
  await service.use(async (handle) => {
    assert.equal(up, 1);
    assert.equal(handle.pid, undefined);
    assert.equal(handle.host, "::1");
    assert.equal(handle.info.getMetadata("a"), "b");
    await using again = await service.acquire();
    assert.equal(again.port, 80);
  });
  assert.equal(up, 0);
});

test("handle.info is a copy, of which a change does not spread", async () => {
  const { service } = recorded();
  await using handle = await service.acquire();
  handle.info.setMetadata("by", "me");
  assert.equal(handle.info.getMetadata("by"), "first");
  assert.ok(handle.info.isAlive());
});

test("the builder describes the same as the options object", async () => {
  const calls: string[] = [];
  const service = SharedService.builder(uniqueName())
    .onFirstAcquire(() => (calls.push("start"), { pid: startSleeper() }))
    .onLastRelease((info) => void (calls.push("stop"), processes.kill(info.identity!)))
    .onHealthCheck(() => (calls.push("health"), calls.length > 3))
    .onRecover((info) => (calls.push("recover"), { pid: info.pid }))
    .settings({ namespace: "built" })
    .settings({ stopTimeoutMs: 2000 })
    .build();
  await service.use(async () => await service.use(() => {}));
  assert.deepEqual(calls, ["start", "health", "recover", "stop"]);
  assert.throws(() => SharedService.builder("x").build(), /onFirstAcquire/);
});

test("a service that died while it was held is not handed out again", async () => {
  const { service, calls } = recorded();
  const first = await service.acquire();
  const pid = first.pid!;
  processes.kill(pid);
  await eventually(() => !processes.isAlive(pid), "the service is dead");
  const second = await service.acquire();
  assert.notEqual(second.pid, pid);
  assert.equal(first.pid, second.pid, "earlier handles know the new one");
  assert.ok(processes.isAlive(second.pid!));
  assert.deepEqual(calls, ["start", "start"]);
  await first.release();
  assert.ok(processes.isAlive(second.pid!));
  await second.release();
  assert.deepEqual(calls, ["start", "start", "stop 4711 first"]);
});
