/** The table of macOS, as C knows it. */

import { DARWIN, DARWIN_ERRNO, DARWIN_LAYOUTS, DARWIN_LIBC } from "../../ffi/symbols/darwin_libc.ts";
import type { AbiTable } from "./probe.ts";

const HEADERS = `
#include <errno.h>
#include <fcntl.h>
#include <libproc.h>
#include <signal.h>
#include <stdint.h>
#include <sys/event.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/proc.h>
#include <sys/proc_info.h>
#include <sys/sem.h>
#include <sys/sysctl.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>
`;

const { SEMVMX: _, ...CONSTANTS } = DARWIN;

/** What cannot be checked here, and why. */
export const DARWIN_UNCHECKED =
  "SEMVMX, SEMOPM and SEMUME of macOS: they are in a header of the kernel that Apple does not ship";

/** What the C library has; the architectures do not differ. */
export const DARWIN_TABLE: AbiTable = {
  file: "ffi/symbols/darwin_libc.ts",
  headers: HEADERS,
  symbols: DARWIN_LIBC,
  declarations: {
    __error: "int *__error(void)",
    semget: "int semget(key_t, int, int)",
    semop: "int semop(int, struct sembuf *, size_t)",
    geteuid: "uid_t geteuid(void)",
    kill: "int kill(pid_t, int)",
    access: "int access(const char *, int)",
    close: "int close(int)",
    flock: "int flock(int, int)",
    pread: "ssize_t pread(int, void *, size_t, off_t)",
    pwrite: "ssize_t pwrite(int, const void *, size_t, off_t)",
    sigaction: "int sigaction(int, const struct sigaction *, struct sigaction *)",
    kqueue: "int kqueue(void)",
    kevent: "int kevent(int, const struct kevent *, int, struct kevent *, int, const struct timespec *)",
    proc_pidinfo: "int proc_pidinfo(int, int, uint64_t, void *, int)",
    proc_listallpids: "int proc_listallpids(void *, int)",
    sysctl: "int sysctl(int *, u_int, void *, size_t *, void *, size_t)",
    sysctlbyname: "int sysctlbyname(const char *, void *, size_t *, void *, size_t)",
  },
  undeclared: ["__semctl", "__fcntl"],
  constants: { ...CONSTANTS, ...DARWIN_ERRNO },
  layouts: DARWIN_LAYOUTS,
  structs: {
    sembuf: { type: "struct sembuf", members: { num: "sem_num", op: "sem_op", flags: "sem_flg" } },
    semidDs: {
      type: "struct semid_ds",
      members: { uid: "sem_perm.uid", cuid: "sem_perm.cuid", mode: "sem_perm.mode", nsems: "sem_nsems" },
    },
    procBsdinfo: {
      type: "struct proc_bsdinfo",
      members: {
        status: "pbi_status",
        user: "pbi_ruid",
        group: "pbi_pgid",
        terminalGroup: "e_tpgid",
        seconds: "pbi_start_tvsec",
        microseconds: "pbi_start_tvusec",
      },
    },
    kevent: {
      type: "struct kevent",
      members: { ident: "ident", filter: "filter", flags: "flags", fflags: "fflags" },
    },
    sigaction: { type: "struct sigaction", members: { handler: "sa_handler" } },
    timespec: { type: "struct timespec", members: { seconds: "tv_sec", nanoseconds: "tv_nsec" } },
  },
};
