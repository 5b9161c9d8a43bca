import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import {
  isProcrefError,
  openRefCounter,
  process as processes,
  ProcrefError,
  type ServiceInfo,
  SharedService,
  type SharedServiceOptions,
} from "../../mod.ts";
import { currentUser } from "../../src/kernel/open.ts";
import { stateDirectory } from "../../src/kernel/state_directory.ts";
import { eventually } from "../harness/eventually.ts";
import { uniqueName } from "../harness/names.ts";
import { startSleeper } from "../harness/sleeper.ts";

type Options = Partial<SharedServiceOptions>;

function serviceWith(options: Options, name = uniqueName()): SharedService {
  return new SharedService(name, { onFirstAcquire: () => ({ pid: startSleeper() }), ...options });
}

/** Rejects with the code, keeps the cause, and has given everything back. */
async function failsWith(service: SharedService, code: ProcrefError["code"], cause?: RegExp): Promise<ProcrefError> {
  let failure: unknown;
  await assert.rejects(service.acquire(), (error) => {
    failure = error;
    return isProcrefError(error, code);
  });
  const error = failure as ProcrefError;
  assert.ok(error.message.includes(service.name), "the message says which service");
  if (cause) assert.match(String((error.cause as Error | undefined)?.message), cause);
  return error;
}

test("onFirstAcquire that throws: SERVICE_START, the reference is back, the next acquire tries again", async () => {
  let tries = 0;
  const service = serviceWith({
    onFirstAcquire(): { pid: number } {
      if (++tries < 3) throw new Error(`no luck ${tries}`);
      return { pid: startSleeper() };
    },
  });
  await failsWith(service, "SERVICE_START", /no luck 1/);
  assert.equal(await service.count(), 0);
  await failsWith(service, "SERVICE_START", /no luck 2/);
  await service.use((handle) => assert.ok(processes.isAlive(handle.pid!)));
  assert.equal(tries, 3);
});

test("onFirstAcquire that hangs: SERVICE_START with a TIMEOUT as cause, and its signal aborts", async () => {
  let aborted = false;
  const service = serviceWith({
    onFirstAcquire: ({ signal }) =>
      new Promise(() => signal.addEventListener("abort", () => aborted = true, { once: true })),
    startTimeoutMs: 20,
  });
  const error = await failsWith(service, "SERVICE_START", /longer than 20 ms/);
  assert.ok(isProcrefError(error.cause, "TIMEOUT"));
  assert.ok(aborted);
  assert.equal(await service.count(), 0);
});

test("a service that arrives after its start was given up is taken down", async () => {
  let arrive: (pid: number) => void = () => {};
  const service = serviceWith({
    onFirstAcquire: () => new Promise((resolve) => arrive = (pid) => resolve({ pid })),
    startTimeoutMs: 20,
  });
  await failsWith(service, "SERVICE_START");
  const pid = startSleeper();
  arrive(pid);
  await eventually(() => !processes.isAlive(pid), "the late service is gone");
});

test("onFirstAcquire that returns nonsense: SERVICE_START says what is wrong", async () => {
  const dead = startSleeper();
  processes.kill(dead);
  await eventually(() => !processes.isAlive(dead), "the process is gone");
  const nonsense: [unknown, RegExp][] = [
    [undefined, /no object/],
    [null, /no object/],
    [4711, /no object/],
    [[], /no object/],
    [{}, /neither pid, port nor metadata/],
    [{ pid: -1 }, /-1 is no PID/],
    [{ pid: 0 }, /0 is no PID/],
    [{ pid: "7" }, /7 is no PID/],
    [{ pid: process.pid, port: 65536 }, /65536 is no port/],
    [{ port: 1.5 }, /1.5 is no port/],
    [{ port: 80, host: "" }, /host/],
    [{ port: 80, metadata: { a: 1 } }, /metadata/],
    [{ pid: dead }, /does not run/],
  ];
  for (const [value, problem] of nonsense) {
    const service = serviceWith({ onFirstAcquire: () => value as ServiceInfo });
    const error = await failsWith(service, "SERVICE_START");
    assert.match(error.message, problem);
    assert.equal(await service.count(), 0);
  }
});

test("onHealthCheck runs on every acquire but the one that brought the service up", async () => {
  let checks = 0;
  const service = serviceWith({ onHealthCheck: () => ++checks > 0 });
  await using _first = await service.acquire();
  assert.equal(checks, 0);
  for (let round = 1; round <= 3; round++) {
    await service.use(() => {});
    assert.equal(checks, round);
  }
});

test("onRecover runs once with the old info, and everybody sees the new one", async () => {
  const seen: (number | undefined)[] = [];
  const sick = new Set<number | undefined>();
  const options: Options = {
    onHealthCheck: (info) => !sick.has(info.pid),
    async onRecover(old): Promise<{ pid: number; port: number }> {
      seen.push(old.pid);
      await processes.stop(old.identity!, 5000);
      return { pid: startSleeper(), port: 2 };
    },
  };
  const service = serviceWith(options);
  const other = serviceWith(options, service.name);
  const first = await service.acquire();
  const { pid } = first;
  sick.add(pid);
  const handles = await Promise.all(Array.from({ length: 10 }, (_, i) => (i % 2 ? service : other).acquire()));
  assert.deepEqual(seen, [pid]);
  assert.equal(new Set(handles.map(({ pid }) => pid)).size, 1);
  assert.equal(handles[0].port, 2);
  await Promise.all([first, ...handles].map((handle) => handle.release()));
});

test("counterexample 14: two clients that saw the same failure recover it once", async () => {
  let recoveries = 0;
  let checking = 0;
  let bothChecked: () => void = () => {};
  const both = new Promise<void>((resolve) => bothChecked = resolve);
  const sick = new Set<number | undefined>();
  const options: Options = {
    async onHealthCheck(info): Promise<boolean> {
      if (!sick.has(info.pid)) return true;
      // Neither answers before both have looked at the failing generation.
      if (++checking === 2) bothChecked();
      await both;
      return false;
    },
    onRecover(old): { pid: number } {
      recoveries++;
      processes.kill(old.identity!);
      return { pid: startSleeper() };
    },
  };
  const one = serviceWith(options);
  const two = serviceWith(options, one.name);
  const first = await one.acquire();
  sick.add(first.pid);
  const handles = await Promise.all([one.acquire(), two.acquire()]);
  assert.equal(checking, 2);
  assert.equal(recoveries, 1);
  assert.equal(handles[0].pid, handles[1].pid);
  assert.ok(processes.isAlive(handles[0].pid!), "the fresh service was not killed by a second recovery");
  await Promise.all([first, ...handles].map((handle) => handle.release()));
});

test("a health check that throws or hangs means unhealthy", async () => {
  for (
    const onHealthCheck of [
      () => Promise.reject(new Error("connection refused")),
      () => new Promise<boolean>(() => {}),
    ]
  ) {
    let recovered = 0;
    let healthy = false;
    const service = serviceWith({
      onHealthCheck: () => healthy || onHealthCheck(),
      onRecover: (old) => (recovered++, healthy = true, { pid: old.pid }),
      healthTimeoutMs: 20,
    });
    await using _first = await service.acquire();
    await service.use(() => {});
    assert.equal(recovered, 1);
  }
});

test("an unhealthy service without onRecover: SERVICE_UNHEALTHY, with what the check threw", async () => {
  const silent = serviceWith({ onHealthCheck: () => false });
  await using _one = await silent.acquire();
  await failsWith(silent, "SERVICE_UNHEALTHY");
  assert.equal(await silent.count(), 1);

  const loud = serviceWith({ onHealthCheck: () => Promise.reject(new Error("connection refused")) });
  await using _two = await loud.acquire();
  const error = await failsWith(loud, "SERVICE_UNHEALTHY");
  assert.match(String(((error.cause as Error).cause as Error).message), /connection refused/);
});

test("a health check that returns nonsense is an error, not a failure to repair", async () => {
  let recovered = 0;
  const service = serviceWith({
    onHealthCheck: () => "yes" as unknown as boolean,
    onRecover: (old) => (recovered++, { pid: old.pid }),
  });
  await using _first = await service.acquire();
  const error = await failsWith(service, "SERVICE_UNHEALTHY");
  assert.match(error.message, /returned yes/);
  assert.equal(recovered, 0);
});

test("onRecover that throws: SERVICE_RECOVERY, the reference is back, the next acquire tries again", async () => {
  let tries = 0;
  let healthy = true;
  const service = serviceWith({
    onHealthCheck: () => healthy,
    onRecover(old): { pid: number | undefined } {
      if (++tries === 1) throw new Error("still broken");
      healthy = true;
      return { pid: old.pid };
    },
  });
  const first = await service.acquire();
  healthy = false;
  await failsWith(service, "SERVICE_RECOVERY", /still broken/);
  assert.equal(await service.count(), 1);
  await service.use((handle) => assert.equal(handle.pid, first.pid));
  assert.equal(tries, 2);
  await first.release();
  assert.ok(!processes.isAlive(first.pid!));
});

test("a service that stays unhealthy after every repair is given up", async () => {
  let recovered = 0;
  const service = serviceWith({
    onHealthCheck: () => false,
    onRecover: (old) => (recovered++, { pid: old.pid }),
  });
  await using _first = await service.acquire();
  // Its own repair counts as the answer; whoever only waited asks the check again.
  await using _second = await service.acquire();
  assert.equal(recovered, 1);
});

test("a service that died is repaired by onRecover while others hold it", async () => {
  const recovered: (number | undefined)[] = [];
  const service = serviceWith({
    onRecover: (old) => (recovered.push(old.pid), { pid: startSleeper() }),
  });
  const first = await service.acquire();
  const pid = first.pid!;
  processes.kill(pid);
  await eventually(() => !processes.isAlive(pid), "the service is dead");
  await service.use((handle) => assert.notEqual(handle.pid, pid));
  assert.deepEqual(recovered, [pid]);
  await first.release();
});

test("onLastRelease that throws, without a reaper: the next acquire finds the service as it was", async () => {
  let tries = 0;
  const service = serviceWith({
    reaper: false,
    onLastRelease(info): void {
      if (++tries === 1) throw new Error("cannot stop");
      processes.kill(info.identity!);
    },
  });
  const handle = await service.acquire();
  await assert.rejects(handle.release(), (error) => isProcrefError(error, "SERVICE_STOP"));
  assert.equal(await service.count(), 0, "the reference is back");
  assert.ok(processes.isAlive(handle.pid!));
  await service.use((again) => assert.equal(again.pid, handle.pid));
  assert.ok(!processes.isAlive(handle.pid!));
});

test("onLastRelease that hangs: SERVICE_STOP after its time", async () => {
  let hang = true;
  const service = serviceWith({
    onLastRelease: (info) => hang ? new Promise(() => {}) : void processes.kill(info.identity!),
    stopTimeoutMs: 50,
  });
  const handle = await service.acquire();
  await assert.rejects(handle.release(), (error) => isProcrefError(error, "SERVICE_STOP"));
  hang = false;
  await service.use(() => {});
  assert.ok(!processes.isAlive(handle.pid!));
});

test("onLastRelease that leaves the process running: SERVICE_STOP says so", async () => {
  let leave = true;
  const service = serviceWith({
    onLastRelease: (info) => leave ? undefined : void processes.kill(info.identity!),
    stopTimeoutMs: 50,
  });
  const handle = await service.acquire();
  await assert.rejects(handle.release(), new RegExp(`process ${handle.pid} still runs`));
  leave = false;
  await service.use(() => {});
});

test("a failure behind `using` is a warning", async () => {
  const warnings: ProcrefError[] = [];
  let fail = true;
  const service = serviceWith({
    onLastRelease(info): void {
      if (fail) throw new Error("cannot stop");
      processes.kill(info.identity!);
    },
  });
  service.addEventListener("warning", (event) => warnings.push(event.detail));
  {
    using _handle = await service.acquire();
  }
  await eventually(() => warnings.length > 0, "the warning arrives");
  assert.equal(warnings[0].code, "SERVICE_STOP");
  fail = false;
  await service.use(() => {});
});

test("an aborted acquire rejects with the reason, gives the reference back, and takes a late service down", async () => {
  const controller = new AbortController();
  const reason = new Error("not any more");
  let arrive: (pid: number) => void = () => {};
  let started: () => void = () => {};
  const starting = new Promise<void>((resolve) => started = resolve);
  const service = serviceWith({
    onFirstAcquire: () => new Promise((resolve) => (started(), arrive = (pid) => resolve({ pid }))),
  });
  const acquiring = service.acquire({ signal: controller.signal });
  await starting;
  assert.equal(await service.count(), 1);
  controller.abort(reason);
  await assert.rejects(acquiring, (error) => error === reason);
  assert.equal(await service.count(), 0);
  const pid = startSleeper();
  arrive(pid);
  await eventually(() => !processes.isAlive(pid), "the late service is gone");
  await assert.rejects(service.acquire({ signal: controller.signal }), (error) => error === reason);
});

test("timeoutMs limits the whole acquire", async () => {
  const service = serviceWith({ onFirstAcquire: () => new Promise(() => {}) });
  await assert.rejects(service.acquire({ timeoutMs: 30 }), (error) => isProcrefError(error, "TIMEOUT"));
  assert.equal(await service.count(), 0);
  const waiting = serviceWith({}, service.name);
  for (const timeoutMs of [NaN, -1]) {
    await assert.rejects(waiting.acquire({ timeoutMs }), (error) => isProcrefError(error, "INVALID_ARGUMENT"));
  }
  for (const timeoutMs of [Infinity, 2 ** 40]) {
    await using handle = await waiting.acquire({ timeoutMs });
    assert.ok(handle.pid);
  }
});

test("who waits for a start that takes too long gives up at lockTimeoutMs", async () => {
  let arrive: () => void = () => {};
  let started: () => void = () => {};
  const starting = new Promise<void>((resolve) => started = resolve);
  const slow = serviceWith({
    onFirstAcquire: () => new Promise((resolve) => (started(), arrive = () => resolve({ pid: startSleeper() }))),
  });
  const first = slow.acquire();
  await starting;
  const impatient = serviceWith({ lockTimeoutMs: 30 }, slow.name);
  await assert.rejects(impatient.acquire(), (error) => isProcrefError(error, "TIMEOUT"));
  arrive();
  await (await first).release();
});

test("options outside the rules are refused at once", () => {
  const bad: [string, unknown][] = [
    ["onFirstAcquire", undefined],
    ["onFirstAcquire", "start"],
    ["onLastRelease", 1],
    ["onHealthCheck", {}],
    ["onRecover", null],
    ["startTimeoutMs", 0],
    ["stopTimeoutMs", -1],
    ["healthTimeoutMs", NaN],
    ["lockTimeoutMs", 2 ** 31],
    ["lockTimeoutMs", "1000"],
    ["scope", "world"],
  ];
  for (const [option, value] of bad) {
    assert.throws(
      () => serviceWith({ [option]: value }),
      (error) => isProcrefError(error, "INVALID_ARGUMENT"),
      `${option}: ${String(value)}`,
    );
  }
  assert.throws(() => serviceWith({ namespace: "a/b" }), (error) => isProcrefError(error, "INVALID_NAME"));
  for (const name of ["", "a/b", "a\0b", "x".repeat(201)]) {
    assert.throws(() => serviceWith({}, name), (error) => isProcrefError(error, "INVALID_NAME"));
  }
});

test("errors are recognised across copies of the module", async () => {
  const copy = await import(`../../src/errors.ts?copy=${process.pid}`);
  const error = new copy.ProcrefError("TIMEOUT", "too late", { cause: 1, details: { name: "x" } });
  assert.ok(!(error instanceof ProcrefError));
  assert.ok(isProcrefError(error, "TIMEOUT"));
  assert.ok(!isProcrefError(error, "LOCK"));
  assert.ok(copy.isProcrefError(new ProcrefError("LOCK", "no")));
  assert.ok(!isProcrefError({ code: "TIMEOUT" }) && !isProcrefError(null) && !isProcrefError("TIMEOUT"));
});

test("a warm acquire that fails rejects, as a cold one does", async () => {
  const service = serviceWith({ onFirstAcquire: () => ({ port: 1 }), onLastRelease: () => {} });
  const counting = await openRefCounter(service.name, {
    directory: stateDirectory(undefined, "user", currentUser()),
  });
  await using _handle = await service.acquire();
  while (counting.count() < counting.capabilities.maxHolders) counting.tryAcquire();
  const acquiring = service.acquire();
  await assert.rejects(acquiring, (error) => isProcrefError(error, "FULL"));
  counting.close();
});
