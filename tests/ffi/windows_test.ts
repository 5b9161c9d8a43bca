import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { openWindowsLibrary } from "../../ffi/mod.ts";
import { KERNEL32, KERNEL32_PATH, WINDOWS, WINDOWS_ERROR as E } from "../../ffi/symbols/kernel32.ts";
import { wideText, windows } from "../../ffi/windows.ts";
import { isProcrefError, type ProcrefError } from "../../src/errors.ts";
import { Child } from "../harness/child.ts";
import { uniqueName } from "../harness/names.ts";

/** Registers a test of what only Windows has. */
function onWindows(what: string, body: () => void | Promise<void>): void {
  if (process.platform === "win32") test(what, body);
}

if (process.platform !== "win32") {
  test("the libraries of Windows are an error where there is no Windows", () => {
    assert.throws(() => windows(), (error) => isProcrefError(error, "PLATFORM"));
  });
}

test("a text for Windows is UTF-16, lowest byte first, with NUL", () => {
  assert.deepEqual([...wideText("")], [0, 0]);
  assert.deepEqual([...wideText("aß\u{1F680}")], [0x61, 0, 0xdf, 0, 0x3d, 0xd8, 0x80, 0xde, 0, 0]);
});

/** No process has so many. */
const NO_HANDLE = 0x7ffffffcn;

/** An object of a name of its own, closed at the end. */
function withEvent(work: (event: bigint, name: Uint8Array) => void): void {
  const { CreateEventW, CloseHandle } = windows();
  const name = wideText(`Local\\${uniqueName()}`);
  const event = CreateEventW(null, 1, 0, name);
  assert.ok(event > 0);
  try {
    work(BigInt(event), name);
  } finally {
    assert.notEqual(CloseHandle(BigInt(event)), -E.ERROR_INVALID_HANDLE);
  }
}

onWindows("the handles of an object are counted, however they came about", () => {
  withEvent((event, name) => {
    const { CreateEventW, OpenEventW, CloseHandle, handleCount } = windows();
    assert.equal(handleCount(event), 1);
    const others = [CreateEventW(null, 1, 0, name), OpenEventW(WINDOWS.SYNCHRONIZE, 0, name)].map(BigInt);
    assert.equal(handleCount(event), 3);
    assert.equal(handleCount(others[1]), 3);
    others.forEach((handle) => CloseHandle(handle));
    assert.equal(handleCount(event), 1);
    assert.ok(handleCount(others[0]) < 0, "a handle that is closed has a status that says so");
  });
});

onWindows("an object is gone when its last handle is closed", () => {
  let left = new Uint8Array();
  withEvent((_, name) => left = new Uint8Array(name));
  assert.equal(windows().OpenEventW(WINDOWS.SYNCHRONIZE, 0, left), -E.ERROR_FILE_NOT_FOUND);
});

onWindows("a call that failed gives its own last error, 20,000 times, whatever else fails in between", () => {
  withEvent((_, name) => {
    const { OpenEventW, OpenFileMappingW, CloseHandle } = windows();
    const missing = wideText(`Local\\${uniqueName()}`);
    const seen = new Map<number, number>();
    for (let time = 0; time < 20_000; time++) {
      for (
        const result of [
          OpenEventW(WINDOWS.SYNCHRONIZE, 0, missing),
          OpenFileMappingW(WINDOWS.FILE_MAP_READ, 0, name),
          CloseHandle(NO_HANDLE),
        ]
      ) seen.set(result, (seen.get(result) ?? 0) + 1);
    }
    assert.deepEqual(seen, new Map([[-E.ERROR_FILE_NOT_FOUND, 20_000], [-E.ERROR_INVALID_HANDLE, 40_000]]));
  });
});

onWindows("memory of a section is shared, begins with zeros, and stays while one has it", () => {
  const { CreateFileMappingW, CloseHandle, mapView, unmapView } = windows();
  const name = wideText(`Local\\${uniqueName()}`);
  const access = WINDOWS.FILE_MAP_READ | WINDOWS.FILE_MAP_WRITE;
  const [one, other] = [1, 2].map(() => {
    const { INVALID_HANDLE_VALUE, PAGE_READWRITE } = WINDOWS;
    const section = BigInt(CreateFileMappingW(INVALID_HANDLE_VALUE, null, PAGE_READWRITE, 0, 4096, name));
    const memory = mapView(section, access, 4096);
    assert.ok(typeof memory !== "number");
    return { section, memory };
  });
  assert.equal(one.memory.view.byteLength, 4096);
  assert.equal(one.memory.view.getUint32(4092, true), 0);
  one.memory.view.setUint32(4092, 0xfedcba98, true);
  unmapView(one.memory);
  CloseHandle(one.section);
  assert.equal(other.memory.view.getUint32(4092, true), 0xfedcba98);
  unmapView(other.memory);
  CloseHandle(other.section);
  assert.ok(Number(mapView(other.section, access, 4096)) < 0);
});

onWindows("a library or function that is missing is an error that names it", () => {
  const errorOf = (work: () => unknown): ProcrefError => {
    try {
      work();
    } catch (error) {
      if (isProcrefError(error, "LIBRARY")) return error;
    }
    assert.fail("it does not fail as it should");
  };
  assert.match(
    errorOf(() => openWindowsLibrary("procref-missing.dll", KERNEL32, () => 0)).message,
    /procref-missing\.dll/,
  );
  const more = { ...KERNEL32, ProcrefHasNoSuchFunction: { parameters: [], result: "i32" } } as const;
  assert.match(errorOf(() => openWindowsLibrary(KERNEL32_PATH, more, () => 0)).message, /ProcrefHasNoSuchFunction/);
});

/** What the fixture reports under Deno with some permissions; which runtime the suite runs in does not matter. */
async function underDeno(...permissions: string[]): Promise<Record<string, unknown>> {
  const command = ["deno", "run", "--no-prompt", "--no-check", "--quiet", ...permissions];
  await using child = new Child("open_libc.ts", { command });
  const report = JSON.parse(await child.line(""));
  assert.deepEqual(await child.exited, { code: 0, signal: null });
  return report;
}

onWindows("--allow-ffi is the only permission of Deno that counters and process checks need on Windows", async () => {
  const { reason, ...report } = await underDeno("--allow-ffi");
  assert.deepEqual(report, { mechanism: "handles", acquired: true, count: 1, alive: true });
  assert.match(String(reason), /Windows/);
});

for (const permissions of [[], ["--allow-ffi=kernel32.dll"], ["--allow-ffi=C:\\other.dll"]]) {
  onWindows(`Deno with the permissions [${permissions.join()}] says what to allow on Windows`, async () => {
    const { error } = await underDeno(...permissions) as { error: { code: string; message: string } };
    assert.equal(error.code, "PERMISSION");
    assert.match(
      error.message,
      /^Cannot open the native library kernel32\.dll: .*run with --allow-ffi \(the plain flag/,
    );
  });
}
