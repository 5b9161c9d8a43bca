import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { LINUX, LINUX_ERRNO, LINUX_LAYOUTS, LINUX_LIBC } from "../../ffi/symbols/linux_libc.ts";
import type { CType } from "../../ffi/types.ts";
import { withDirectory } from "../harness/names.ts";
import { compileText, withoutCompiler } from "../fixtures/c_compiler.ts";

const HEADERS = `
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal __NR_pidfd_send_signal
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open __NR_pidfd_open
#endif
`;

/** Cannot be included beside sys/sem.h, which lacks the greatest value. */
const KERNEL_HEADERS = "#include <stdio.h>\n#include <linux/sem.h>";

/** The struct and the member that each name of ours stands for. */
const STRUCTS: { readonly [ours: string]: readonly [type: string, members: { readonly [ours: string]: string }] } = {
  sembuf: ["struct sembuf", { num: "sem_num", op: "sem_op", flags: "sem_flg" }],
  semidDs: [
    "struct semid_ds",
    { uid: "sem_perm.uid", cuid: "sem_perm.cuid", mode: "sem_perm.mode", nsems: "sem_nsems" },
  ],
  dirent: ["struct dirent64", { length: "d_reclen", name: "d_name" }],
  pollfd: ["struct pollfd", { fd: "fd", events: "events", revents: "revents" }],
};

/** Compiles and runs a program that prints expressions, each under its name. */
async function evaluate(
  expressions: ReadonlyMap<string, string>,
  headers: string = HEADERS,
): Promise<Map<string, bigint>> {
  const prints = [...expressions].map(([name, expression]) => `printf("${name} %lld\\n", (long long)(${expression}));`);
  const program = `${headers}\nint main(void) {\n${prints.join("\n")}\nreturn 0;\n}\n`;
  return await withDirectory((directory) => {
    const { stdout, status } = spawnSync(compileText(program, directory), { encoding: "utf8" });
    assert.equal(status, 0);
    return new Map(stdout.trim().split("\n").map((line) => line.split(" ")).map(([name, n]) => [name, BigInt(n)]));
  });
}

test("constants and error numbers are those of this machine's headers", { skip: withoutCompiler }, async () => {
  const { SEMVMX, ...constants } = LINUX;
  const names = [...Object.entries(constants), ...Object.entries(LINUX_ERRNO)];
  const found = await evaluate(new Map(names.map(([name]) => [name, name])));
  assert.ok(names.length > 30);
  for (const [name, ours] of names) assert.equal(BigInt(ours), found.get(name), name);
  assert.deepEqual(
    await evaluate(new Map([["SEMVMX", "SEMVMX"]]), KERNEL_HEADERS),
    new Map([["SEMVMX", BigInt(SEMVMX)]]),
  );
});

test("struct sizes and offsets are those of this machine's headers", { skip: withoutCompiler }, async () => {
  const layouts = LINUX_LAYOUTS[process.arch]!;
  const ours = new Map<string, number>();
  const expressions = new Map<string, string>();
  for (const [struct, fields] of Object.entries(layouts)) {
    const [type, members] = STRUCTS[struct];
    for (const [field, value] of Object.entries(fields as Record<string, number>)) {
      const isSize = field === "size";
      assert.ok(isSize || members[field], `${struct}.${field} is known to this test`);
      ours.set(`${struct}.${field}`, value);
      expressions.set(`${struct}.${field}`, isSize ? `sizeof(${type})` : `offsetof(${type}, ${members[field]})`);
    }
  }
  const found = await evaluate(expressions);
  assert.deepEqual(Object.keys(layouts).sort(), Object.keys(STRUCTS).sort());
  for (const [name, value] of ours) assert.equal(BigInt(value), found.get(name), name);
});

/** What the headers say of each type of ours: bytes, and whether it can be negative. */
const C_TYPES: { readonly [T in Exclude<CType, "pointer" | "buffer">]: readonly [bytes: number, signed: boolean] } = {
  i32: [4, true],
  u32: [4, false],
  i64: [8, true],
  u64: [8, false],
  isize: [8, true],
  usize: [8, false],
};

test("the integer types of the prototypes have the size and sign of C's", { skip: withoutCompiler }, async () => {
  const results: { readonly [S in keyof typeof LINUX_LIBC]?: string } = {
    semget: "semget(0, 0, 0)",
    semop: "semop(0, 0, 0)",
    semctl: "semctl(0, 0, 0)",
    geteuid: "geteuid()",
    kill: "kill(0, 0)",
    poll: "poll(0, 0, 0)",
    open: 'open("", 0)',
    access: 'access("", 0)',
    read: "read(0, 0, 0)",
    close: "close(0)",
    flock: "flock(0, 0)",
    fcntl: "fcntl(0, 0, 0)",
    pread: "pread(0, 0, 0, 0)",
    pwrite: "pwrite(0, 0, 0, 0)",
    readlink: 'readlink("", 0, 0)',
    getdents64: "getdents64(0, 0, 0)",
    syscall: "syscall(0)",
  };
  const types: readonly (readonly [ours: CType, theirs: string])[] = [
    ...Object.entries(results).map(([symbol, call]) =>
      [LINUX_LIBC[symbol as keyof typeof LINUX_LIBC].result, `__typeof__(${call})`] as const
    ),
    ["i32", "key_t"],
    ["i32", "pid_t"],
    ["i64", "off_t"],
    ["u64", "nfds_t"],
    ["usize", "size_t"],
  ];
  const expressions = new Map(types.flatMap(([, theirs], index) => [
    [`${index}.bytes`, `sizeof(${theirs})`],
    [`${index}.signed`, `(${theirs})-1 < (${theirs})1`],
  ]));
  const found = await evaluate(expressions);
  assert.deepEqual(Object.keys(results).sort(), Object.keys(LINUX_LIBC).filter((name) => name[0] !== "_").sort());
  for (const [index, [ours, theirs]] of types.entries()) {
    const [bytes, signed] = C_TYPES[ours as keyof typeof C_TYPES];
    assert.deepEqual([found.get(`${index}.bytes`), found.get(`${index}.signed`)], [
      BigInt(bytes),
      signed ? 1n : 0n,
    ], theirs);
  }
});
