import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { nativeRuntime, openLibrary } from "../../ffi/mod.ts";
import { LINUX_LIBC, LINUX_LIBC_PATH } from "../../ffi/symbols/linux_libc.ts";
import { isProcrefError, type ProcrefError } from "../../src/errors.ts";
import { Child } from "../harness/child.ts";
import { withDirectory } from "../harness/names.ts";
import { runtime } from "../harness/runtime.ts";

function errorOf(work: () => unknown): ProcrefError {
  try {
    work();
  } catch (error) {
    assert.ok(isProcrefError(error), String(error));
    return error;
  }
  assert.fail("it does not fail");
}

test("the runtime that is bound is the one that runs", () => {
  assert.equal(nativeRuntime().name, runtime);
  assert.equal(nativeRuntime(), nativeRuntime());
});

test("a missing library is an error that names it and says that it must be installed", () => {
  const error = errorOf(() => openLibrary("libprocref-missing.so.7", LINUX_LIBC, "__errno_location"));
  assert.equal(error.code, "LIBRARY");
  assert.match(error.message, /^Cannot open the native library libprocref-missing\.so\.7: .*must be installed/);
  assert.deepEqual(error.details, { call: "dlopen", path: "libprocref-missing.so.7" });
  assert.ok(error.cause instanceof Error);
});

test("a missing symbol is an error that names it", () => {
  const symbols = { ...LINUX_LIBC, procref_has_no_such_function: { parameters: [], result: "i32" } } as const;
  const error = errorOf(() => openLibrary(LINUX_LIBC_PATH, symbols, "__errno_location"));
  assert.equal(error.code, "LIBRARY");
  assert.match(error.message, /^Cannot open the native library libc\.so\.6: .*procref_has_no_such_function.*offer/s);
});

test("a file that is no library is an error that names it", async () => {
  await withDirectory((directory) => {
    const path = join(directory, "libtext.so");
    writeFileSync(path, "not ELF");
    const error = errorOf(() => openLibrary(path, LINUX_LIBC, "__errno_location"));
    assert.equal(error.code, "LIBRARY");
    assert.ok(error.message.includes(path));
  });
});

interface Report {
  readonly error?: { code: string; message: string; details: unknown };
  readonly mechanism?: string;
}

/** What the fixture reports under Deno with some permissions; which runtime the suite runs in does not matter. */
async function underDeno(...permissions: string[]): Promise<Report> {
  const command = ["deno", "run", "--no-prompt", "--no-check", "--quiet", ...permissions];
  await using child = new Child("open_libc.ts", { command });
  const report = JSON.parse(await child.line(""));
  assert.deepEqual(await child.exited, { code: 0, signal: null });
  return report;
}

test("--allow-ffi is the only permission of Deno that counters and process checks need", async () => {
  const { reason, ...report } = await underDeno("--allow-ffi") as Report & { reason: string };
  assert.deepEqual(report, { mechanism: "sysv", acquired: true, count: 1, alive: true });
  assert.match(reason, /System V/);
});

for (
  const [what, permissions] of [
    ["without --allow-ffi", []],
    ["with a list of libraries (--allow-ffi=libc.so.6)", ["--allow-ffi=libc.so.6"]],
    ["with --allow-ffi for another library", ["--allow-ffi=/usr/lib/other.so"]],
  ] as const
) {
  test(`Deno ${what}: the error says what to allow`, async () => {
    const { error } = await underDeno(...permissions);
    assert.equal(error?.code, "PERMISSION");
    assert.match(error.message, /^Cannot open the native library libc\.so\.6: .*run with --allow-ffi \(the plain flag/);
    assert.deepEqual(error.details, { call: "dlopen", path: "libc.so.6" });
  });
}
