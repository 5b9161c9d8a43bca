import assert from "node:assert/strict";
import { test } from "node:test";
import { checkedByLastError, windowsError } from "../../ffi/last_error.ts";
import { KERNEL32, WINDOWS_ERROR as E } from "../../ffi/symbols/kernel32.ts";
import type { NativeLibrary } from "../../ffi/types.ts";
import { isProcrefError } from "../../src/errors.ts";

/** A library whose calls give one result after the other; each failure leaves the next of the errors. */
function libraryThatGives(
  results: readonly (number | bigint)[],
  errors: readonly number[] = [],
): { library: NativeLibrary<typeof KERNEL32>; made: () => number; asked: () => number } {
  let [made, asked] = [0, 0];
  const call = (): number | bigint => results[Math.min(made++, results.length - 1)];
  const functions = new Proxy({}, { get: () => call }) as NativeLibrary<typeof KERNEL32>["functions"];
  const errno = (): number => errors[Math.min(asked++, errors.length - 1)];
  return {
    library: { path: "kernel32.dll", symbols: KERNEL32, functions, errno },
    made: () => made,
    asked: () => asked,
  };
}

test("a call that succeeded gives its result as a number, and the last error is not looked at", () => {
  const { library, asked } = libraryThatGives([0x1234n]);
  assert.equal(checkedByLastError(library, "OpenEventW")(0, 0, null), 0x1234);
  // A wait that was successful gives 0, which elsewhere is a failure.
  assert.equal(checkedByLastError(libraryThatGives([0]).library, "WaitForSingleObject")(1n, 0), 0);
  assert.equal(checkedByLastError(libraryThatGives([0x80]).library, "WaitForSingleObject")(1n, 0), 0x80);
  assert.equal(asked(), 0);
});

test("a call that failed gives the negated last error", () => {
  const closing = libraryThatGives([0], [E.ERROR_INVALID_HANDLE]);
  assert.equal(checkedByLastError(closing.library, "CloseHandle")(1n), -E.ERROR_INVALID_HANDLE);
  const waiting = libraryThatGives([0xffffffff], [E.ERROR_ACCESS_DENIED]);
  assert.equal(checkedByLastError(waiting.library, "WaitForSingleObject")(1n, 0), -E.ERROR_ACCESS_DENIED);
});

test("a call whose last error cannot be its own is made again, and may succeed", () => {
  const { library, made } = libraryThatGives([0n, 0n, 0x1234n], [E.ERROR_NOT_OWNER, 0x777]);
  assert.equal(checkedByLastError(library, "OpenEventW", [E.ERROR_FILE_NOT_FOUND])(0, 0, null), 0x1234);
  assert.equal(made(), 3);
});

test("an impossible last error that comes a fourth time is believed", () => {
  const { library, made } = libraryThatGives([0n], [E.ERROR_NOT_OWNER]);
  assert.equal(checkedByLastError(library, "OpenEventW", [E.ERROR_FILE_NOT_FOUND])(0, 0, null), -E.ERROR_NOT_OWNER);
  assert.equal(made(), 4);
});

test("a failure without a last error is a failure all the same", () => {
  const { library, made } = libraryThatGives([0n], [0]);
  const openEvent = checkedByLastError(library, "OpenEventW", [E.ERROR_FILE_NOT_FOUND]);
  assert.equal(openEvent(0, 0, null), -E.ERROR_GEN_FAILURE);
  assert.equal(made(), 4);
});

test("an error of Windows says what was tried, on what, which call failed and how, and what to do", () => {
  const error = windowsError("LOCK", 'lock "x"', "OpenEventW", -E.ERROR_ACCESS_DENIED, "ask somebody", { name: "x" });
  assert.equal(error.message, 'Cannot lock "x": OpenEventW failed with ERROR_ACCESS_DENIED (5); ask somebody');
  assert.ok(isProcrefError(error, "LOCK"));
  assert.deepEqual(error.details, { name: "x", call: "OpenEventW", errno: 5, errnoName: "ERROR_ACCESS_DENIED" });
  assert.equal(windowsError("IO", "a", "b", -4711).message, "Cannot a: b failed with error 4711 (4711)");
});
