import assert from "node:assert/strict";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { LINUX_ERRNO as E, LINUX_LIBC } from "../../ffi/symbols/linux_libc.ts";
import { Child } from "../harness/child.ts";
import { withDirectory } from "../harness/names.ts";
import { bothRuntimes, type RuntimeName } from "../harness/runtime.ts";

interface Noted {
  readonly symbol: string;
  readonly what: string;
  readonly result: unknown;
  readonly errno?: number;
  readonly memory?: unknown;
}

async function callAll(runtime: RuntimeName, directory: string): Promise<Noted[]> {
  await using child = new Child("native_calls.ts", { runtime, args: [directory] });
  const { results, table } = JSON.parse(await child.line(""));
  assert.deepEqual(await child.exited, { code: 0, signal: null });
  assert.deepEqual(table, Object.keys(LINUX_LIBC));
  return results;
}

const bothResults = withDirectory(async (directory) => {
  writeFileSync(join(directory, "text"), "fifteen letters");
  symlinkSync("text", join(directory, "link"));
  symlinkSync("loop", join(directory, "loop"));
  return await Promise.all(bothRuntimes.map((runtime) => callAll(runtime, directory)));
});
bothResults.catch(() => {});

test("every function of the symbol table gives the same in Deno and in Bun, and fails alike", async () => {
  const [deno, bun] = await bothResults;
  assert.deepEqual(deno, bun);
});

test("no function of the symbol table is left out, and none is called that is not in it", async () => {
  for (const results of await bothResults) {
    assert.deepEqual([...new Set(results.map(({ symbol }) => symbol))].sort(), Object.keys(LINUX_LIBC).sort());
  }
});

/** What Linux is documented to answer. Two runtimes that are wrong alike would agree with each other. */
const EXPECTED: readonly (readonly [symbol: string, what: string, result: unknown, errno?: number])[] = [
  ["__errno_location", "is there", true],
  ["geteuid", "the effective user", true],
  ["semget", "a private set", "some number from 0"],
  ["semget", "a negative key that nobody has", -1, E.ENOENT],
  ["semget", "with more semaphores than there can be", -1, E.EINVAL],
  ["semop", "raises two", 0],
  ["semop", "does all or nothing", -1, E.EAGAIN],
  ["semop", "beyond the greatest value", -1, E.ERANGE],
  ["semop", "a semaphore that is not there", -1, E.EFBIG],
  ["semop", "without operations", -1, E.EINVAL],
  ["semop", "too many operations", -1, E.E2BIG],
  ["semop", "no memory", -1, E.EFAULT],
  ["semop", "a set that is not there", -1, E.EINVAL],
  ["semctl", "one value", 32767],
  ["semctl", "a value that is not there", -1, E.EINVAL],
  ["semctl", "an unknown command", -1, E.EINVAL],
  ["semctl", "no memory", -1, E.EFAULT],
  ["semctl", "who was last", true],
  ["semctl", "removes the set", 0],
  ["semctl", "asks a set that is gone", -1, E.EINVAL],
  ["open", "a file", "some number from 0"],
  ["open", "a file that is not there", -1, E.ENOENT],
  ["open", "a file in a file", -1, E.ENOTDIR],
  ["open", "a link in circles", -1, E.ELOOP],
  ["access", "a file that is there", 0],
  ["access", "a file that nobody may execute", -1, E.EACCES],
  ["access", "a file that is not there", -1, E.ENOENT],
  ["read", "its beginning", "10n"],
  ["read", "its rest", "5n"],
  ["read", "its end", "0n"],
  ["read", "more bytes than 64 bits with a sign can count", "-1n", E.EFAULT],
  ["read", "a directory", "-1n", E.EISDIR],
  ["read", "a file that is closed", "-1n", E.EBADF],
  ["pread", "its middle", "5n"],
  ["pread", "beyond its end", "0n"],
  ["pread", "before its beginning", "-1n", E.EINVAL],
  ["pwrite", "a file that is open to be read", "-1n", E.EBADF],
  ["flock", "takes it", 0],
  ["flock", "is taken", -1, E.EAGAIN],
  ["fcntl", "another descriptor", "some number from 0"],
  ["flock", "by the other descriptor too", 0],
  ["flock", "gives it back by the other descriptor", 0],
  ["flock", "is free", 0],
  ["flock", "an operation that is none", -1, E.EINVAL],
  ["fcntl", "a descriptor that is closed", -1, E.EBADF],
  ["flock", "a descriptor that is closed", -1, E.EBADF],
  ["close", "the file", 0],
  ["close", "it again", -1, E.EBADF],
  ["close", "a negative descriptor", -1, E.EBADF],
  ["readlink", "a link", "4n"],
  ["readlink", "a file that is no link", "-1n", E.EINVAL],
  ["syscall", "getdents64 of a file that is no directory", "-1n", E.ENOTDIR],
  ["syscall", "getdents64 of into too little memory", "-1n", E.EINVAL],
  ["syscall", "getdents64 of its end", "0n"],
  ["syscall", "statx of a file", "0n"],
  ["syscall", "statx of a link", "0n"],
  ["syscall", "statx of a file that is not there", "-1n", E.ENOENT],
  ["syscall", "statx of a file in a file", "-1n", E.ENOTDIR],
  ["kill", "asks for this process", 0],
  ["kill", "a process that is not there", -1, E.ESRCH],
  ["kill", "a group that is not there", -1, E.ESRCH],
  ["kill", "a signal that is none", -1, E.EINVAL],
  ["syscall", "pidfd_open", "some bigint from 0"],
  ["syscall", "pidfd_open of nobody", "-1n", E.ESRCH],
  ["syscall", "pidfd_open of -1", "-1n", E.EINVAL],
  ["syscall", "pidfd_send_signal 0", "0n"],
  ["syscall", "a system call that is not there", "-1n", E.ENOSYS],
  ["poll", "this process, which runs", 0],
  ["poll", "a descriptor that is not open", 1],
  ["poll", "more than there can be", -1, E.EINVAL],
  ["poll", "nothing, for no time", 0],
];

test("the functions of the symbol table give what Linux documents, with the right error number", async () => {
  for (const results of await bothResults) {
    for (const [symbol, what, result, errno] of EXPECTED) {
      const noted = results.find((each) => each.symbol === symbol && each.what === what);
      assert.deepEqual([symbol, what, noted?.result, noted?.errno], [symbol, what, result, errno]);
    }
  }
});

test("memory is lent to C at its offset, and nothing beyond it is touched", async () => {
  for (const results of await bothResults) {
    const memory = (symbol: string, what: string): unknown =>
      results.find((each) => each.symbol === symbol && each.what === what)?.memory;
    const outside = [0xaa];
    const bytes = (text: string): number[] => [...new TextEncoder().encode(text)];
    assert.deepEqual(memory("semctl", "all values"), {
      inside: [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0x7f],
      outside,
    });
    assert.deepEqual(memory("semctl", "the status"), { mode: 0o600, own: true, size: 8, outside });
    assert.deepEqual(memory("read", "its beginning"), { inside: bytes("fifteen le"), outside });
    assert.deepEqual(memory("read", "its rest"), { inside: bytes("ttersen le"), outside });
    assert.deepEqual(memory("pread", "its middle"), { inside: bytes("lette"), outside });
    assert.deepEqual(memory("syscall", "statx of a file"), { isFile: true, length: "15" });
    assert.deepEqual(memory("syscall", "statx of a link"), { isFile: false, length: "4" });
    assert.deepEqual(memory("readlink", "a link"), { inside: bytes("textsen le"), outside });
  }
});
