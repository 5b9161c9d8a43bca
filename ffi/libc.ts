/**
 * The C library of this machine, opened once, with every failing function checked.
 *
 * @module
 */

import process from "node:process";
import { ProcrefError } from "../src/errors.ts";
import { checked, type CheckedFunction } from "./errno.ts";
import { nativeRuntime, openLibrary } from "./mod.ts";
import { LINUX_ERRNO, LINUX_LAYOUTS, LINUX_LIBC, LINUX_LIBC_PATH, type LinuxLayouts } from "./symbols/linux_libc.ts";
import type { BlockingFunction } from "./types.ts";

type Table = typeof LINUX_LIBC;
type Fallible = Exclude<keyof Table, "__errno_location" | "geteuid">;

/** The functions of {@link LINUX_LIBC}: each gives its result, or the negated error number. */
export type Libc =
  & { readonly [K in Fallible]: CheckedFunction<Table[K]> }
  & {
    /** The effective user. */
    geteuid(): number;
    /** semop on a thread of its own, where it may wait: 0, or -1 for a reason that stays on that thread. */
    blockInSemop(set: number, operations: Uint8Array, count: bigint): Promise<number>;
    /** flock on a thread of its own, where it may wait: 0, or -1 for a reason that stays on that thread. */
    blockInFlock(descriptor: number, operation: number): Promise<number>;
    /** The struct layouts of this architecture. */
    readonly layouts: LinuxLayouts;
  };

let opened: Libc | undefined;
let blocking: BlockingFunction<Table["semop"]> | undefined;
let blockingFlock: BlockingFunction<Table["flock"]> | undefined;

/**
 * The C library. The first call opens it; an attempt that failed is made again by the next call.
 *
 * @throws ProcrefError `PLATFORM`, `PERMISSION`, `LIBRARY`
 */
export function libc(): Libc {
  return opened ??= open();
}

function open(): Libc {
  const layouts = LINUX_LAYOUTS[process.arch];
  if (process.platform !== "linux" || layouts === undefined) {
    throw new ProcrefError(
      "PLATFORM",
      `Cannot use the kernel of ${process.platform} on ${process.arch}: only Linux on x64 and arm64 is supported yet`,
    );
  }
  const library = openLibrary(LINUX_LIBC_PATH, LINUX_LIBC, "__errno_location");
  const { geteuid } = library.functions;
  return {
    semget: checked(library, "semget", SEMGET_ERRORS),
    semop: checked(library, "semop", SEMOP_ERRORS),
    semctl: checked(library, "semctl", SEMCTL_ERRORS),
    kill: checked(library, "kill"),
    poll: checked(library, "poll"),
    open: checked(library, "open"),
    access: checked(library, "access"),
    read: checked(library, "read"),
    close: checked(library, "close"),
    flock: checked(library, "flock"),
    fcntl: checked(library, "fcntl"),
    pread: checked(library, "pread"),
    pwrite: checked(library, "pwrite"),
    readlink: checked(library, "readlink"),
    getdents64: checked(library, "getdents64"),
    syscall: checked(library, "syscall"),
    geteuid: () => geteuid(),
    blockInSemop: (...args) =>
      (blocking ??= nativeRuntime().openBlocking(LINUX_LIBC_PATH, "semop", LINUX_LIBC.semop))(...args),
    blockInFlock: (...args) =>
      (blockingFlock ??= nativeRuntime().openBlocking(LINUX_LIBC_PATH, "flock", LINUX_LIBC.flock))(...args),
    layouts,
  };
}

const E = LINUX_ERRNO;
// What semget(2), semop(2) and semctl(2) list, and what a seccomp filter commonly answers (EPERM, ENOSYS).
const SEMGET_ERRORS = [E.EACCES, E.EEXIST, E.EINVAL, E.ENOENT, E.ENOMEM, E.ENOSPC, E.EPERM, E.ENOSYS];
const SEMOP_ERRORS = [
  E.E2BIG,
  E.EACCES,
  E.EAGAIN,
  E.EFAULT,
  E.EFBIG,
  E.EIDRM,
  E.EINVAL,
  E.ENOMEM,
  E.ERANGE,
  E.EPERM,
  E.ENOSYS,
];
const SEMCTL_ERRORS = [E.EACCES, E.EFAULT, E.EIDRM, E.EINVAL, E.EPERM, E.ERANGE, E.ENOMEM, E.ENOSYS];
