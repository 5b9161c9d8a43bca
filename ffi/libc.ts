/**
 * The C library of this machine, opened once, with every failing function checked: what every Unix has, with the
 * numbers of the one that runs. What one system has alone is in {@link linuxLibc} and {@link darwinLibc}.
 *
 * @module
 */

import { ProcrefError } from "../src/errors.ts";
import { checked, type CheckedFunction } from "./errno.ts";
import { host, nativeRuntime, openLibrary } from "./mod.ts";
import {
  DARWIN,
  DARWIN_ERRNO,
  DARWIN_LAYOUTS,
  DARWIN_LIBC,
  DARWIN_LIBC_PATH,
  DARWIN_SEMAPHORES,
  type DarwinLayouts,
} from "./symbols/darwin_libc.ts";
import {
  LINUX,
  LINUX_CALLS,
  LINUX_DIRECTORY,
  LINUX_ERRNO,
  LINUX_LAYOUTS,
  LINUX_LIBC,
  LINUX_LIBC_PATH,
  LINUX_SEMAPHORES,
  LINUX_STATUS,
  LINUX_STATX,
  type LinuxLayouts,
} from "./symbols/linux_libc.ts";
import type { SemaphoreLimits, UnixConstants, UnixErrors, UnixLayouts } from "./symbols/unix_libc.ts";
import type { CFunction, NativeLibrary, SymbolTable } from "./types.ts";

type Linux = typeof LINUX_LIBC;
type Darwin = typeof DARWIN_LIBC;
/** The functions that every Unix has under one name, with one prototype. */
type Shared = "semget" | "semop" | "kill" | "access" | "close" | "flock" | "pread" | "pwrite";
type CheckedFunctions<T extends SymbolTable, K extends keyof T> = { readonly [S in K]: CheckedFunction<T[S]> };

/** The C library of any Unix: each function gives its result, or the negated error number. */
export interface Libc extends CheckedFunctions<Linux, Shared> {
  /** Which system it is of. */
  readonly system: "linux" | "darwin";
  /** semctl, for the commands of {@link UnixConstants}. */
  readonly semctl: CheckedFunction<Linux["semctl"]>;
  /** fcntl, for the commands of {@link UnixConstants}. */
  readonly fcntl: CheckedFunction<Linux["fcntl"]>;
  /** The effective user. */
  geteuid(): number;
  /** semop on a thread of its own, where it may wait: 0, or -1 for a reason that stays on that thread. */
  blockInSemop(set: number, operations: Uint8Array, count: bigint): Promise<number>;
  /** flock on a thread of its own, where it may wait: 0, or -1 for a reason that stays on that thread. */
  blockInFlock(descriptor: number, operation: number): Promise<number>;
  /** The constants of this system. */
  readonly constants: UnixConstants;
  /** The error numbers of this system. */
  readonly errors: UnixErrors;
  /** The struct layouts of this system and architecture. */
  readonly layouts: UnixLayouts;
  /** What this kernel demands of semaphore operations. */
  readonly semaphores: SemaphoreLimits;
}

type LinuxOnly = "poll" | "open" | "read" | "readlink" | "syscall";

/** The C library of Linux. */
export interface LinuxLibc extends Libc, CheckedFunctions<Linux, LinuxOnly> {
  readonly system: "linux";
  readonly layouts: LinuxLayouts;
  /** getdents64: how many bytes of entries it has written, or minus the error number. */
  getdents64(descriptor: number, entries: Uint8Array, size: bigint): number;
  /**
   * statx: 0, or minus the error number.
   *
   * @param at where the path begins: a descriptor, or AT_FDCWD
   * @param path ends with NUL; an empty one, with AT_EMPTY_PATH, means the descriptor itself
   * @param flags constants of statx
   * @param status is filled in
   */
  statx(at: bigint, path: Uint8Array, flags: bigint, status: Uint8Array): number;
}

type DarwinOnly =
  | "sigaction"
  | "kqueue"
  | "kevent"
  | "proc_pidinfo"
  | "proc_listallpids"
  | "sysctl"
  | "sysctlbyname";

/** The C library of macOS. */
export interface DarwinLibc extends Libc, CheckedFunctions<Darwin, DarwinOnly> {
  readonly system: "darwin";
  readonly layouts: DarwinLayouts;
}

let opened: LinuxLibc | DarwinLibc | undefined;

/**
 * The C library. The first call opens it; an attempt that failed is made again by the next call.
 *
 * @throws ProcrefError `PLATFORM`, `PERMISSION`, `LIBRARY`
 */
export function libc(): Libc {
  return opened ??= open();
}

/**
 * The C library, on Linux.
 *
 * @throws ProcrefError `PLATFORM` elsewhere; as {@link libc}
 */
export function linuxLibc(): LinuxLibc {
  const library = opened ??= open();
  if (library.system === "linux") return library;
  throw otherSystem("Linux");
}

/**
 * The C library, on macOS.
 *
 * @throws ProcrefError `PLATFORM` elsewhere; as {@link libc}
 */
export function darwinLibc(): DarwinLibc {
  const library = opened ??= open();
  if (library.system === "darwin") return library;
  throw otherSystem("macOS");
}

function otherSystem(wanted: string): ProcrefError {
  return new ProcrefError("PLATFORM", `Cannot call what only ${wanted} has: this is ${host().platform}`);
}

function open(): LinuxLibc | DarwinLibc {
  const layouts = LINUX_LAYOUTS[host().arch];
  if (layouts !== undefined) {
    if (host().platform === "linux") return openLinux(layouts);
    if (host().platform === "darwin") return openDarwin();
  }
  throw new ProcrefError(
    "PLATFORM",
    `Cannot use the kernel of ${host().platform} on ${host().arch}: only Linux and macOS on x64 and arm64 are known`,
  );
}

function openLinux(layouts: LinuxLayouts): LinuxLibc {
  const library = openLibrary(LINUX_LIBC_PATH, LINUX_LIBC, "__errno_location");
  const { SYS_getdents64, SYS_statx } = LINUX_CALLS[host().arch]!;
  let list: CheckedFunction<(typeof LINUX_DIRECTORY)["syscall"]> | undefined;
  let look: CheckedFunction<(typeof LINUX_STATUS)["syscall"]> | undefined;
  return {
    system: "linux",
    ...sharedFunctions(library, LINUX_ERRNO),
    semctl: checked(library, "semctl", semctlErrors(LINUX_ERRNO)),
    fcntl: checked(library, "fcntl"),
    poll: checked(library, "poll"),
    open: checked(library, "open"),
    read: checked(library, "read"),
    readlink: checked(library, "readlink"),
    getdents64: (descriptor, entries, size) =>
      (list ??= directoryCall())(SYS_getdents64, BigInt(descriptor), entries, size),
    statx: (at, path, flags, status) =>
      (look ??= statusCall())(SYS_statx, at, path, flags, LINUX_STATX.STATX_BASIC_STATS, status),
    syscall: checked(library, "syscall"),
    constants: LINUX,
    errors: LINUX_ERRNO,
    layouts,
    semaphores: LINUX_SEMAPHORES,
  };
}

function directoryCall(): CheckedFunction<(typeof LINUX_DIRECTORY)["syscall"]> {
  return checked(openLibrary(LINUX_LIBC_PATH, LINUX_DIRECTORY, "__errno_location"), "syscall");
}

function statusCall(): CheckedFunction<(typeof LINUX_STATUS)["syscall"]> {
  return checked(openLibrary(LINUX_LIBC_PATH, LINUX_STATUS, "__errno_location"), "syscall");
}

function openDarwin(): DarwinLibc {
  const library = openLibrary(DARWIN_LIBC_PATH, DARWIN_LIBC, "__error");
  const duplicate = checked(library, "__fcntl");
  return {
    system: "darwin",
    ...sharedFunctions(library, DARWIN_ERRNO),
    // ENOSPC: no more processes may have something to undo.
    semop: checked(library, "semop", [...semopErrors(DARWIN_ERRNO), DARWIN_ERRNO.ENOSPC]),
    semctl: checked(library, "__semctl", semctlErrors(DARWIN_ERRNO)),
    fcntl: (descriptor, command, argument) => duplicate(descriptor, command, BigInt(argument)),
    sigaction: checked(library, "sigaction"),
    kqueue: checked(library, "kqueue"),
    kevent: checked(library, "kevent"),
    proc_pidinfo: checked(library, "proc_pidinfo"),
    proc_listallpids: checked(library, "proc_listallpids"),
    sysctl: checked(library, "sysctl"),
    sysctlbyname: checked(library, "sysctlbyname"),
    constants: DARWIN,
    errors: DARWIN_ERRNO,
    layouts: DARWIN_LAYOUTS,
    semaphores: DARWIN_SEMAPHORES,
  };
}

type SharedTable = SymbolTable & { readonly [S in Shared]: Linux[S] } & { readonly geteuid: Linux["geteuid"] };
type SharedFunctions = Pick<Libc, Shared | "geteuid" | "blockInSemop" | "blockInFlock">;

function sharedFunctions<T extends SharedTable>(library: NativeLibrary<T>, errors: UnixErrors): SharedFunctions {
  const geteuid = library.functions.geteuid as () => number;
  let blocking: Libc["blockInSemop"] | undefined;
  let blockingFlock: Libc["blockInFlock"] | undefined;
  const open = <S extends Shared>(symbol: S, possible?: readonly number[]): CheckedFunction<Linux[S]> =>
    checked<T, S>(library, symbol, possible) as unknown as CheckedFunction<CFunction & Linux[S]>;
  return {
    semget: open("semget", semgetErrors(errors)),
    semop: open("semop", semopErrors(errors)),
    kill: open("kill"),
    access: open("access"),
    close: open("close"),
    flock: open("flock"),
    pread: open("pread"),
    pwrite: open("pwrite"),
    geteuid: () => geteuid(),
    blockInSemop: (...args) =>
      (blocking ??= nativeRuntime().openBlocking(library.path, "semop", LINUX_LIBC.semop))(...args),
    blockInFlock: (...args) =>
      (blockingFlock ??= nativeRuntime().openBlocking(library.path, "flock", LINUX_LIBC.flock))(...args),
  };
}

// What semget(2), semop(2) and semctl(2) list, and what a filter of system calls commonly answers (EPERM, ENOSYS).
function semgetErrors(e: UnixErrors): number[] {
  return [e.EACCES, e.EEXIST, e.EINVAL, e.ENOENT, e.ENOMEM, e.ENOSPC, e.EPERM, e.ENOSYS];
}

function semopErrors(e: UnixErrors): number[] {
  const usual = [e.E2BIG, e.EACCES, e.EAGAIN, e.EFAULT, e.EFBIG, e.EIDRM, e.EINVAL, e.ENOMEM, e.ERANGE];
  return [...usual, e.EPERM, e.ENOSYS];
}

function semctlErrors(e: UnixErrors): number[] {
  return [e.EACCES, e.EFAULT, e.EIDRM, e.EINVAL, e.EPERM, e.ERANGE, e.ENOMEM, e.ENOSYS];
}
