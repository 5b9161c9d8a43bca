/**
 * The C library of Linux: prototypes, constants and struct layouts. Data only. The numbers are those of the
 * Linux headers (`sys/sem.h`, `sys/ipc.h`, `asm-generic/errno*.h`, `asm/unistd.h`) for x86-64 and aarch64,
 * glibc and musl alike; where the two architectures differ, both are given.
 *
 * @module
 */

import type { SymbolTable } from "../types.ts";
import type { SemaphoreLimits, UnixConstants, UnixErrors, UnixLayouts } from "./unix_libc.ts";

/** The name that both glibc and musl answer to. */
export const LINUX_LIBC_PATH = "libc.so.6";

/** The functions that are used, by name. */
export const LINUX_LIBC = {
  // int *__errno_location(void)
  __errno_location: { parameters: [], result: "pointer" },
  // int semget(key_t key, int nsems, int semflg)
  semget: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // int semop(int semid, struct sembuf *sops, size_t nsops)
  semop: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  // int semctl(int semid, int semnum, int cmd, ...): the fourth argument travels like a fixed one here
  semctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  // uid_t geteuid(void)
  geteuid: { parameters: [], result: "u32" },
  // int kill(pid_t pid, int sig)
  kill: { parameters: ["i32", "i32"], result: "i32" },
  // int poll(struct pollfd *fds, nfds_t nfds, int timeout)
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32" },
  // int open(const char *pathname, int flags, ...): without O_CREAT there is no third argument
  open: { parameters: ["buffer", "i32"], result: "i32" },
  // int access(const char *pathname, int mode)
  access: { parameters: ["buffer", "i32"], result: "i32" },
  // ssize_t read(int fd, void *buf, size_t count)
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  // int close(int fd)
  close: { parameters: ["i32"], result: "i32" },
  // int flock(int fd, int operation)
  flock: { parameters: ["i32", "i32"], result: "i32" },
  // int fcntl(int fd, int cmd, ...): the third argument travels like a fixed one here
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // ssize_t pread(int fd, void *buf, size_t count, off_t offset)
  pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" },
  // ssize_t pwrite(int fd, const void *buf, size_t count, off_t offset)
  pwrite: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" },
  // ssize_t readlink(const char *pathname, char *buf, size_t bufsiz)
  readlink: { parameters: ["buffer", "buffer", "usize"], result: "isize" },
  // long syscall(long number, ...): pidfd_open(pid, flags), pidfd_send_signal(fd, sig, NULL, flags)
  syscall: { parameters: ["i64", "i64", "i64", "buffer", "u64"], result: "i64" },
} as const satisfies SymbolTable;

/**
 * `syscall` once more, with the prototype that a list of a directory needs. glibc has a function for that since 2.30,
 * and musl has it by another name since 1.2.4: the number alone is the same in all.
 */
export const LINUX_DIRECTORY = {
  // int *__errno_location(void)
  __errno_location: { parameters: [], result: "pointer" },
  // long syscall(long number, ...): getdents64(fd, dirp, count)
  syscall: { parameters: ["i64", "i64", "buffer", "usize"], result: "i64" },
} as const satisfies SymbolTable;

/** `syscall` with the prototype of statx, which glibc has as a function since 2.28 alone, and musl since 1.2. */
export const LINUX_STATUS = {
  // int *__errno_location(void)
  __errno_location: { parameters: [], result: "pointer" },
  // long syscall(long number, ...): statx(dirfd, pathname, flags, mask, statxbuf)
  syscall: { parameters: ["i64", "i64", "buffer", "i64", "i64", "buffer"], result: "i64" },
} as const satisfies SymbolTable;

/** What files need, for a runtime that does not open them all by itself at once. */
export const LINUX_FILES = {
  __errno_location: LINUX_LIBC.__errno_location,
  // int open(const char *pathname, int flags, ...): with O_CREAT the third argument is the mode, and travels like a fixed one
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  read: LINUX_LIBC.read,
  // ssize_t write(int fd, const void *buf, size_t count)
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  close: LINUX_LIBC.close,
  // int rename(const char *oldpath, const char *newpath)
  rename: { parameters: ["buffer", "buffer"], result: "i32" },
  // int unlink(const char *pathname)
  unlink: { parameters: ["buffer"], result: "i32" },
  // int mkdir(const char *pathname, mode_t mode)
  mkdir: { parameters: ["buffer", "u32"], result: "i32" },
  readlink: LINUX_LIBC.readlink,
  // long syscall(long number, ...): statx, as in LINUX_STATUS
  syscall: LINUX_STATUS.syscall,
} as const satisfies SymbolTable;

/** Constants of what files need: of fcntl.h, and of sys/stat.h. */
export const LINUX_OPEN = {
  O_WRONLY: 1,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_NONBLOCK: 0o4000,
  O_PATH: 0o10000000,
  S_IFDIR: 0o040000,
  S_IFLNK: 0o120000,
} as const;

/** Numbers of system calls that differ by architecture. */
export interface LinuxCalls {
  /** The entries of a directory. */
  readonly SYS_getdents64: bigint;
  /** The status of a file. */
  readonly SYS_statx: bigint;
}

/** Numbers of system calls that differ by architecture, by `process.arch`. */
export const LINUX_CALLS: { readonly [arch: string]: LinuxCalls | undefined } = {
  x64: { SYS_getdents64: 217n, SYS_statx: 332n },
  arm64: { SYS_getdents64: 61n, SYS_statx: 291n },
};

/** Constants of statx (`linux/stat.h`, `linux/fcntl.h`). */
export const LINUX_STATX = {
  AT_FDCWD: -100n,
  AT_SYMLINK_NOFOLLOW: 0x100n,
  AT_EMPTY_PATH: 0x1000n,
  STATX_BASIC_STATS: 0x7ffn,
} as const;

/** `struct statx`, alike on all architectures. */
export const LINUX_STATX_LAYOUT = {
  size: 256,
  uid: 20,
  mode: 28,
  ino: 32,
  length: 40,
  mtimeSeconds: 112,
  mtimeNanoseconds: 120,
  devMajor: 136,
  devMinor: 140,
} as const;

/** Constants of the same headers. */
export const LINUX = {
  IPC_CREAT: 0o1000,
  IPC_NOWAIT: 0o4000,
  IPC_RMID: 0,
  IPC_STAT: 2,
  SEM_UNDO: 0x1000,
  GETPID: 11,
  GETVAL: 12,
  GETALL: 13,
  SEMVMX: 32767,
  SYS_pidfd_send_signal: 424n,
  SYS_pidfd_open: 434n,
  POLLIN: 1,
  O_RDONLY: 0,
  O_CLOEXEC: 0o2000000,
  F_DUPFD_CLOEXEC: 1030,
  S_IFMT: 0o170000,
  S_IFREG: 0o100000,
  LOCK_SH: 1,
  LOCK_EX: 2,
  LOCK_NB: 4,
  LOCK_UN: 8,
  SIGKILL: 9,
  SIGTERM: 15,
} as const satisfies UnixConstants & Readonly<Record<string, number | bigint>>;

/** Offsets and sizes in bytes. `nsems` is 8 bytes in glibc and 2 in musl: its low 16 bits are right in both. */
export interface LinuxLayouts extends UnixLayouts {
  /** `struct semid_ds`, which begins with `struct ipc_perm`. */
  readonly semidDs: {
    readonly size: number;
    readonly uid: 4;
    readonly cuid: 12;
    readonly mode: 20;
    readonly nsems: number;
  };
  /** `struct dirent64 { u64 d_ino; s64 d_off; unsigned short d_reclen; unsigned char d_type; char d_name[]; }` */
  readonly dirent: { readonly length: 16; readonly name: 19 };
  /** `struct pollfd { int fd; short events; short revents; }` */
  readonly pollfd: { readonly size: 8; readonly fd: 0; readonly events: 4; readonly revents: 6 };
}

const COMMON = {
  dirent: { length: 16, name: 19 },
  sembuf: { size: 6, num: 0, op: 2, flags: 4 },
  pollfd: { size: 8, fd: 0, events: 4, revents: 6 },
} as const;

/** The layouts by `process.arch`. */
export const LINUX_LAYOUTS: { readonly [arch: string]: LinuxLayouts | undefined } = {
  x64: { ...COMMON, semidDs: { size: 104, uid: 4, cuid: 12, mode: 20, nsems: 80 } },
  arm64: { ...COMMON, semidDs: { size: 88, uid: 4, cuid: 12, mode: 20, nsems: 64 } },
};

/** SEMOPM (32 before Linux 3.19); what is to be undone is bounded by memory alone, and stays through `exec`. */
export const LINUX_SEMAPHORES: SemaphoreLimits = {
  operationsPerCall: 500,
  undoesPerProcess: undefined,
  undoSurvivesExec: true,
};

/** Error numbers by name: those that the bound functions are documented to set. */
export const LINUX_ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  E2BIG: 7,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EEXIST: 17,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  EFBIG: 27,
  ENOSPC: 28,
  ERANGE: 34,
  ENOSYS: 38,
  ELOOP: 40,
  EIDRM: 43,
} as const satisfies UnixErrors & Readonly<Record<string, number>>;
