import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { checked, errnoName, systemError } from "../../ffi/errno.ts";
import { instrumentNative, type NativeHooks } from "../../ffi/instrument.ts";
import { openLibrary } from "../../ffi/mod.ts";
import { LINUX, LINUX_ERRNO as E, LINUX_LIBC, LINUX_LIBC_PATH } from "../../ffi/symbols/linux_libc.ts";
import type { NativeLibrary } from "../../ffi/types.ts";
import { isProcrefError } from "../../src/errors.ts";

const NO_SUCH_ID = 0x7fffffff;

/** The C library; with errors given, its first calls fail with them and the others go through. */
function libraryThatFails(...errors: number[]): { library: NativeLibrary<typeof LINUX_LIBC>; calls: string[] } {
  const calls: string[] = [];
  const hooks: NativeHooks = {
    before({ symbol }): number | void {
      calls.push(symbol);
      return errors.shift();
    },
  };
  instrumentNative(hooks);
  try {
    return { library: openLibrary(LINUX_LIBC_PATH, LINUX_LIBC, "__errno_location"), calls };
  } finally {
    instrumentNative(undefined);
  }
}

test("checked() gives the result of a call that succeeded, as a number", () => {
  const { library } = libraryThatFails();
  assert.equal(checked(library, "kill")(process.pid, 0), 0);
  const memory = new Uint8Array(64);
  const path = new TextEncoder().encode("/proc/self/ns/ipc\0");
  const length = checked(library, "readlink")(path, memory, 64n);
  assert.match(new TextDecoder().decode(memory.subarray(0, length)), /^ipc:\[\d+\]$/);
});

test("checked() gives the negated error number of a call that failed", () => {
  const { library } = libraryThatFails();
  assert.equal(checked(library, "close")(-1), -E.EBADF);
  assert.equal(checked(library, "semctl")(NO_SUCH_ID, 0, LINUX.GETVAL, null), -E.EINVAL);
  assert.equal(checked(library, "semop")(NO_SUCH_ID, new Uint8Array(6), 1n), -E.EINVAL);
  assert.equal(checked(library, "syscall")(-1n, 0n, 0n, null, 0n), -E.ENOSYS);
});

test("checked() makes an interrupted call again, however often it is interrupted", () => {
  const interrupted = [1, 2, 3, 4, 5].map(() => E.EINTR);
  const one = libraryThatFails(...interrupted);
  assert.equal(checked(one.library, "kill")(process.pid, 0), 0);
  assert.equal(one.calls.length, 6);
  // Calls with three arguments have a path of their own.
  const three = libraryThatFails(...interrupted);
  assert.equal(checked(three.library, "semop", [E.EINVAL])(NO_SUCH_ID, new Uint8Array(6), 1n), -E.EINVAL);
  assert.equal(three.calls.length, 6);
});

test("checked() does not close a descriptor twice: an interrupted close() has closed it", () => {
  const { library, calls } = libraryThatFails(E.EINTR);
  assert.equal(checked(library, "close")(-1), -E.EINTR);
  assert.deepEqual(calls, ["close"]);
});

test("checked() makes a call again whose error number cannot be its own", () => {
  const three = libraryThatFails(E.ENOENT, E.EIO, E.EBADF);
  assert.equal(checked(three.library, "semop", [E.EINVAL])(NO_SUCH_ID, new Uint8Array(6), 1n), -E.EINVAL);
  assert.equal(three.calls.length, 4);
  const any = libraryThatFails(E.ENOENT, E.EIO, E.EBADF);
  assert.equal(checked(any.library, "semctl", [E.EINVAL])(NO_SUCH_ID, 0, LINUX.GETVAL, null), -E.EINVAL);
  assert.equal(any.calls.length, 4);
});

test("checked() believes an impossible error number that comes a fourth time", () => {
  const { library, calls } = libraryThatFails(E.ENOENT, E.ENOENT, E.ENOENT, E.ENOENT);
  assert.equal(checked(library, "semop", [E.EINVAL])(NO_SUCH_ID, new Uint8Array(6), 1n), -E.ENOENT);
  assert.equal(calls.length, 4);
});

test("checked() believes a possible error number, and any where no list is given, at once", () => {
  const listed = libraryThatFails(E.EAGAIN, 0x777);
  assert.equal(checked(listed.library, "semop", [E.EAGAIN])(NO_SUCH_ID, new Uint8Array(6), 1n), -E.EAGAIN);
  assert.equal(listed.calls.length, 1);
  const unlisted = libraryThatFails(0x777);
  assert.equal(checked(unlisted.library, "kill")(process.pid, 0), -0x777);
  assert.equal(unlisted.calls.length, 1);
});

test("checked() does not go on for ever when a failure has no error number", () => {
  const { library, calls } = libraryThatFails(...Array.from({ length: 50 }, () => 0));
  assert.equal(checked(library, "semop", [E.EINVAL])(NO_SUCH_ID, new Uint8Array(6), 1n), -E.EIO);
  assert.equal(calls.length, 4);
  assert.equal(checked(library, "kill")(process.pid, 0), -E.EIO);
});

test("an error number has the name of the C headers, or a description", () => {
  assert.equal(errnoName(E.EAGAIN), "EAGAIN");
  assert.equal(errnoName(4711), "errno 4711");
  assert.equal(errnoName(E.EAGAIN, "linux"), "EAGAIN");
  assert.deepEqual([11, 35, 43, 90].map((number) => errnoName(number, "darwin")), [
    "errno 11",
    "EAGAIN",
    "errno 43",
    "EIDRM",
  ]);
});

test("an error of the system says what was tried, on what, which call failed and how, and what to do", () => {
  const error = systemError("LOCK", 'lock "x"', "semop", -E.EACCES, "ask root", { name: "x" });
  assert.equal(error.message, 'Cannot lock "x": semop failed with EACCES (13); ask root');
  assert.ok(isProcrefError(error, "LOCK"));
  assert.deepEqual(error.details, { name: "x", call: "semop", errno: E.EACCES, errnoName: "EACCES" });
  assert.equal(systemError("IO", "a", "b", -E.EIO).message, "Cannot a: b failed with EIO (5)");
});
