/** The tables of Linux, as C knows them. */

import {
  LINUX,
  LINUX_CALLS,
  LINUX_DIRECTORY,
  LINUX_ERRNO,
  LINUX_FILES,
  LINUX_LAYOUTS,
  LINUX_LIBC,
  LINUX_OPEN,
  LINUX_SEMAPHORES,
  LINUX_STATUS,
  LINUX_STATX,
  LINUX_STATX_LAYOUT,
} from "../../ffi/symbols/linux_libc.ts";
import type { AbiTable } from "./probe.ts";

const FILE = "ffi/symbols/linux_libc.ts";

const HEADERS = `
#define _GNU_SOURCE
#define _LARGEFILE64_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal __NR_pidfd_send_signal
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open __NR_pidfd_open
#endif
#ifndef SYS_statx
#define SYS_statx __NR_statx
#endif
`;

/** The kernel's own: the C library has the structure in newer versions alone, and never beside the kernel's. */
const STATUS_HEADERS = `
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <unistd.h>
`;

/** Beside the C library's own sys/sem.h it cannot be included, and that lacks the limits. */
const KERNEL_HEADERS = "#include <linux/sem.h>\n";

const { SEMVMX, ...CONSTANTS } = LINUX;

const DECLARATIONS = {
  __errno_location: "int *__errno_location(void)",
  semget: "int semget(key_t, int, int)",
  semop: "int semop(int, struct sembuf *, size_t)",
  semctl: "int semctl(int, int, int, ...)",
  geteuid: "uid_t geteuid(void)",
  kill: "int kill(pid_t, int)",
  poll: "int poll(struct pollfd *, nfds_t, int)",
  open: "int open(const char *, int, ...)",
  access: "int access(const char *, int)",
  read: "ssize_t read(int, void *, size_t)",
  close: "int close(int)",
  flock: "int flock(int, int)",
  fcntl: "int fcntl(int, int, ...)",
  pread: "ssize_t pread(int, void *, size_t, off_t)",
  pwrite: "ssize_t pwrite(int, const void *, size_t, off_t)",
  readlink: "ssize_t readlink(const char *, char *, size_t)",
  syscall: "long syscall(long, ...)",
} as const;

/** What the C library has, on an architecture. */
function libcTable(arch: "x64" | "arm64"): AbiTable {
  return {
    file: FILE,
    headers: HEADERS,
    symbols: LINUX_LIBC,
    declarations: DECLARATIONS,
    variadicAsFixed: true,
    constants: { ...CONSTANTS, ...LINUX_CALLS[arch], ...LINUX_ERRNO },
    layouts: LINUX_LAYOUTS[arch],
    structs: {
      sembuf: { type: "struct sembuf", members: { num: "sem_num", op: "sem_op", flags: "sem_flg" } },
      semidDs: {
        type: "struct semid_ds",
        members: { uid: "sem_perm.uid", cuid: "sem_perm.cuid", mode: "sem_perm.mode", nsems: "sem_nsems" },
      },
      dirent: { type: "struct dirent64", members: { length: "d_reclen", name: "d_name" } },
      pollfd: { type: "struct pollfd", members: { fd: "fd", events: "events", revents: "revents" } },
    },
  };
}

/** The same function with other parameters. */
const DIRECTORY: AbiTable = {
  file: FILE,
  part: "directories",
  headers: HEADERS,
  symbols: LINUX_DIRECTORY,
  declarations: DECLARATIONS,
  variadicAsFixed: true,
};

/** What files need. */
const FILES: AbiTable = {
  file: FILE,
  part: "files",
  headers: HEADERS,
  symbols: LINUX_FILES,
  declarations: {
    ...DECLARATIONS,
    write: "ssize_t write(int, const void *, size_t)",
    rename: "int rename(const char *, const char *)",
    unlink: "int unlink(const char *)",
    mkdir: "int mkdir(const char *, mode_t)",
  },
  variadicAsFixed: true,
  constants: LINUX_OPEN,
};

/** The status of a file. */
const STATUS: AbiTable = {
  file: FILE,
  part: "status of files",
  headers: STATUS_HEADERS,
  symbols: LINUX_STATUS,
  declarations: DECLARATIONS,
  variadicAsFixed: true,
  constants: LINUX_STATX,
  layouts: { statx: LINUX_STATX_LAYOUT },
  structs: {
    statx: {
      type: "struct statx",
      members: {
        uid: "stx_uid",
        mode: "stx_mode",
        ino: "stx_ino",
        length: "stx_size",
        mtimeSeconds: "stx_mtime.tv_sec",
        mtimeNanoseconds: "stx_mtime.tv_nsec",
        devMajor: "stx_dev_major",
        devMinor: "stx_dev_minor",
      },
    },
  },
};

/** What only the kernel's own headers have. */
const LIMITS: AbiTable = {
  file: FILE,
  part: "limits",
  headers: KERNEL_HEADERS,
  constants: { SEMVMX, SEMOPM: LINUX_SEMAPHORES.operationsPerCall },
};

/** All tables of Linux, for an architecture. */
export function linuxTables(arch: "x64" | "arm64"): AbiTable[] {
  return [libcTable(arch), DIRECTORY, FILES, STATUS, LIMITS];
}
