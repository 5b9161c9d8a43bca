import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { instrumentNative, type NativeCall, type NativeHooks } from "../../ffi/instrument.ts";
import { openLibrary } from "../../ffi/mod.ts";
import { LINUX, LINUX_ERRNO as E, LINUX_LIBC, LINUX_LIBC_PATH } from "../../ffi/symbols/linux_libc.ts";
import type { NativeLibrary } from "../../ffi/types.ts";

function open(hooks?: NativeHooks): NativeLibrary<typeof LINUX_LIBC> {
  instrumentNative(hooks);
  try {
    return openLibrary(LINUX_LIBC_PATH, LINUX_LIBC, "__errno_location");
  } finally {
    instrumentNative(undefined);
  }
}

test("instrumentNative() shows every call with its library, function, number and arguments", () => {
  const seen: NativeCall[] = [];
  const { functions } = open({ before: (call) => void seen.push(call) });
  const memory = new Uint8Array(6);
  functions.kill(process.pid, 0);
  functions.semop(-1, memory, 1n);
  functions.kill(process.pid, 0);
  assert.deepEqual(seen.map(({ library, symbol, nth }) => [library, symbol, nth]), [
    [LINUX_LIBC_PATH, "kill", 1],
    [LINUX_LIBC_PATH, "semop", 1],
    [LINUX_LIBC_PATH, "kill", 2],
  ]);
  assert.deepEqual(seen[0].args, [process.pid, 0]);
  assert.equal(seen[1].args[1], memory, "the caller's own memory, to look at");
});

test("instrumentNative() traces each call with its result, after it and before the next", () => {
  const trace: string[] = [];
  const { functions } = open({
    before: ({ symbol }) => void trace.push(`${symbol}(`),
    after: ({ symbol, nth }, result) => void trace.push(`${symbol} ${nth} = ${result}`),
  });
  functions.kill(process.pid, 0);
  functions.close(-1);
  functions.readlink(null, null, 0n);
  assert.deepEqual(trace, ["kill(", "kill 1 = 0", "close(", "close 1 = -1", "readlink(", "readlink 1 = -1"]);
});

test("instrumentNative() fails the Nth call with an error number, without making it", () => {
  const reached: number[] = [];
  const { functions, errno } = open({
    before: ({ symbol, nth }) => symbol === "kill" && nth === 2 ? E.EPERM : undefined,
    after: ({ nth }) => void reached.push(nth),
  });
  assert.equal(functions.kill(process.pid, 0), 0);
  assert.equal(functions.kill(process.pid, 0), -1);
  assert.equal(errno(), E.EPERM);
  assert.equal(functions.kill(process.pid, 0), 0);
  assert.deepEqual(reached, [1, 3]);
});

test("instrumentNative() fails a call with the -1 of its type", () => {
  const { functions, errno } = open({ before: () => E.EIO });
  assert.equal(functions.close(1), -1);
  assert.equal(functions.read(1, null, 0n), -1n);
  assert.equal(functions.syscall(0n, 0n, 0n, null, 0n), -1n);
  assert.equal(errno(), E.EIO);
});

test("a hook that calls C itself does not change the error number of the call it follows", () => {
  const plain = open();
  const { functions, errno } = open({ after: () => void plain.functions.close(-1) });
  assert.equal(functions.semctl(0x7fffffff, 0, LINUX.GETVAL, null), -1);
  assert.equal(errno(), E.EINVAL);
  assert.equal(plain.errno(), E.EBADF, "the hook did call C");
  assert.equal(functions.kill(0x7fffffff, 0), -1);
  assert.equal(errno(), E.ESRCH, "the next call has its own");
});

test("instrumentNative() wraps only what is opened while it is on", () => {
  const seen: string[] = [];
  const before = open();
  const during = open({ before: ({ symbol }) => void seen.push(symbol) });
  const after = open();
  before.functions.kill(process.pid, 0);
  after.functions.kill(process.pid, 0);
  assert.deepEqual(seen, []);
  during.functions.kill(process.pid, 0);
  assert.deepEqual(seen, ["kill"]);
});
