/**
 * The C library of macOS: prototypes, constants and struct layouts. Data only. The numbers are those of Apple's
 * headers (`sys/sem.h`, `sys/ipc.h`, `sys/errno.h`, `sys/event.h`, `sys/proc_info.h`, `sys/sysctl.h`) and of XNU's
 * `sem_internal.h`, for arm64 and x86-64 alike. No function here is variadic: on arm64 the arguments after the fixed
 * ones would travel another way than a foreign function interface sends them.
 *
 * @module
 */

import type { SymbolTable } from "../types.ts";
import type { SemaphoreLimits, UnixConstants, UnixErrors, UnixLayouts } from "./unix_libc.ts";

/** The library that has them all; the file is in the loader's cache and not on the disk. */
export const DARWIN_LIBC_PATH = "/usr/lib/libSystem.B.dylib";

/** The functions that are used, by name. */
export const DARWIN_LIBC = {
  // int *__error(void)
  __error: { parameters: [], result: "pointer" },
  // int semget(key_t key, int nsems, int semflg)
  semget: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // int semop(int semid, struct sembuf *sops, size_t nsops)
  semop: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  // int __semctl(int semid, int semnum, int cmd, union semun arg): what semctl calls, without its variadic end
  __semctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  // uid_t geteuid(void)
  geteuid: { parameters: [], result: "u32" },
  // int kill(pid_t pid, int sig)
  kill: { parameters: ["i32", "i32"], result: "i32" },
  // int access(const char *path, int mode)
  access: { parameters: ["buffer", "i32"], result: "i32" },
  // int close(int fd)
  close: { parameters: ["i32"], result: "i32" },
  // int flock(int fd, int operation)
  flock: { parameters: ["i32", "i32"], result: "i32" },
  // int __fcntl(int fd, int cmd, long arg): what fcntl calls, without its variadic end
  __fcntl: { parameters: ["i32", "i32", "i64"], result: "i32" },
  // ssize_t pread(int fd, void *buf, size_t count, off_t offset)
  pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" },
  // ssize_t pwrite(int fd, const void *buf, size_t count, off_t offset)
  pwrite: { parameters: ["i32", "buffer", "usize", "i64"], result: "isize" },
  // int sigaction(int sig, const struct sigaction *act, struct sigaction *oact)
  sigaction: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  // int kqueue(void)
  kqueue: { parameters: [], result: "i32" },
  // int kevent(int kq, const struct kevent *changes, int, struct kevent *events, int, const struct timespec *timeout)
  kevent: { parameters: ["i32", "buffer", "i32", "buffer", "i32", "buffer"], result: "i32" },
  // int proc_pidinfo(int pid, int flavor, uint64_t arg, void *buffer, int buffersize)
  proc_pidinfo: { parameters: ["i32", "i32", "u64", "buffer", "i32"], result: "i32" },
  // int proc_listallpids(void *buffer, int buffersize)
  proc_listallpids: { parameters: ["buffer", "i32"], result: "i32" },
  // int sysctl(int *name, u_int namelen, void *oldp, size_t *oldlenp, void *newp, size_t newlen)
  sysctl: { parameters: ["buffer", "u32", "buffer", "buffer", "buffer", "usize"], result: "i32" },
  // int sysctlbyname(const char *name, void *oldp, size_t *oldlenp, void *newp, size_t newlen)
  sysctlbyname: { parameters: ["buffer", "buffer", "buffer", "buffer", "usize"], result: "i32" },
} as const satisfies SymbolTable;

/** Constants of the same headers. */
export const DARWIN = {
  IPC_CREAT: 0o1000,
  IPC_NOWAIT: 0o4000,
  IPC_RMID: 0,
  IPC_STAT: 2,
  SEM_UNDO: 0x1000,
  GETPID: 4,
  GETVAL: 5,
  GETALL: 6,
  SEMVMX: 32767,
  F_DUPFD_CLOEXEC: 67,
  LOCK_SH: 1,
  LOCK_EX: 2,
  LOCK_NB: 4,
  LOCK_UN: 8,
  SIGKILL: 9,
  SIGTERM: 15,
  CTL_KERN: 1,
  KERN_PROCARGS2: 49,
  PROC_PIDTBSDINFO: 3,
  SZOMB: 5,
  EVFILT_PROC: -5,
  EV_ADD: 1,
  EV_ONESHOT: 0x10,
  NOTE_EXIT: 0x80000000,
} as const satisfies UnixConstants & Readonly<Record<string, number>>;

/** Layouts of macOS: offsets and sizes in bytes. */
export interface DarwinLayouts extends UnixLayouts {
  /** `struct proc_bsdinfo`: what `proc_pidinfo` tells of a process. */
  readonly procBsdinfo: {
    readonly size: 136;
    readonly status: 4;
    readonly user: 28;
    readonly group: 100;
    readonly terminalGroup: 112;
    readonly seconds: 120;
    readonly microseconds: 128;
  };
  /** `struct kevent` */
  readonly kevent: {
    readonly size: 32;
    readonly ident: 0;
    readonly filter: 8;
    readonly flags: 10;
    readonly fflags: 12;
  };
  /** `struct sigaction`, which begins with the handler: 1 (`SIG_IGN`) is to ignore. */
  readonly sigaction: { readonly size: 16; readonly handler: 0 };
  /** `struct timespec` */
  readonly timespec: { readonly size: 16; readonly seconds: 0; readonly nanoseconds: 8 };
}

/** The layouts of both architectures. */
export const DARWIN_LAYOUTS: DarwinLayouts = {
  sembuf: { size: 6, num: 0, op: 2, flags: 4 },
  semidDs: { size: 72, uid: 0, cuid: 8, mode: 16, nsems: 28 },
  procBsdinfo: {
    size: 136,
    status: 4,
    user: 28,
    group: 100,
    terminalGroup: 112,
    seconds: 120,
    microseconds: 128,
  },
  kevent: { size: 32, ident: 0, filter: 8, flags: 10, fflags: 12 },
  sigaction: { size: 16, handler: 0 },
  timespec: { size: 16, seconds: 0, nanoseconds: 8 },
};

/** XNU's limits: SEMOPM and SEMUME of `bsd/sys/sem_internal.h`; `exec` ends in `semexit`, which takes all back. */
export const DARWIN_SEMAPHORES: SemaphoreLimits = {
  operationsPerCall: 5,
  undoesPerProcess: 10,
  undoSurvivesExec: false,
};

/** Error numbers by name: those that the bound functions are documented to set. */
export const DARWIN_ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  E2BIG: 7,
  EBADF: 9,
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
  EAGAIN: 35,
  ELOOP: 62,
  ENOSYS: 78,
  EIDRM: 90,
} as const satisfies UnixErrors & Readonly<Record<string, number>>;
