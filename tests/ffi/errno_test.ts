import assert from "node:assert/strict";
import { test } from "node:test";
import { libc } from "../../ffi/libc.ts";
import { LINUX, LINUX_ERRNO as E } from "../../ffi/symbols/linux_libc.ts";
import { operations } from "../../src/kernel/sysv_operations.ts";
import { Child } from "../harness/child.ts";

test("200,000 failing calls in hot loops of a fresh process give their own error number each time", async () => {
  await using child = new Child("hot_loops.ts");
  const results = JSON.parse(await child.line(""));
  assert.deepEqual(results, { semop: { [-E.EAGAIN]: 200_000 }, semctl: { [-E.EINVAL]: 200_000 } });
  await child.exited;
});

test("the error number survives allocation and other failing calls in between", () => {
  const { semget, semop, semctl, close } = libc();
  const id = semget(0, 1, LINUX.IPC_CREAT | 0o600);
  const blocked = operations([0, -1, LINUX.IPC_NOWAIT]);
  const kept: unknown[] = [];
  for (let time = 0; time < 20_000; time++) {
    if (semop(id, blocked.bytes, blocked.count) !== -E.EAGAIN || close(-1) !== -E.EBADF) kept.push("wrong");
    if (time % 100 === 0) kept.push(new Array(1000).fill(time));
  }
  semctl(id, 0, LINUX.IPC_RMID, null);
  assert.equal(kept.length, 200, "nothing but the ballast was kept");
});
