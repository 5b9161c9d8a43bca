/**
 * What the tables of all Unix systems have in common: the same names, with the numbers of each system. Types only.
 *
 * @module
 */

/** Constants that every system has, each with its own number. */
export interface UnixConstants {
  /** Of `semget`: make the set when it is missing. */
  readonly IPC_CREAT: number;
  /** Of an operation: do not wait. */
  readonly IPC_NOWAIT: 0o4000;
  /** Of `semctl`: remove the set. */
  readonly IPC_RMID: number;
  /** Of `semctl`: read the status. */
  readonly IPC_STAT: number;
  /** Of an operation: take it back when the process dies. */
  readonly SEM_UNDO: 0x1000;
  /** Of `semctl`: who operated last on a semaphore. */
  readonly GETPID: number;
  /** Of `semctl`: the value of a semaphore. */
  readonly GETVAL: number;
  /** Of `semctl`: the values of all semaphores. */
  readonly GETALL: number;
  /** The greatest value of a semaphore. */
  readonly SEMVMX: 32767;
  /** Of `fcntl`: another descriptor of the same opening, which no program that is started inherits. */
  readonly F_DUPFD_CLOEXEC: number;
  /** Of `flock`: share the lock. */
  readonly LOCK_SH: 1;
  /** Of `flock`: exclude all others. */
  readonly LOCK_EX: 2;
  /** Of `flock`: do not wait. */
  readonly LOCK_NB: 4;
  /** Of `flock`: give it back. */
  readonly LOCK_UN: 8;
  /** End now. */
  readonly SIGKILL: 9;
  /** Please end. */
  readonly SIGTERM: 15;
}

/** Error numbers that every system has, each with its own number. */
export interface UnixErrors {
  /** Not allowed, whatever the mode says. */
  readonly EPERM: number;
  /** Not there. */
  readonly ENOENT: number;
  /** No such process. */
  readonly ESRCH: number;
  /** A signal came first. */
  readonly EINTR: number;
  /** The device failed. */
  readonly EIO: number;
  /** Too many operations. */
  readonly E2BIG: number;
  /** No such descriptor. */
  readonly EBADF: number;
  /** It would have to wait. */
  readonly EAGAIN: number;
  /** No memory. */
  readonly ENOMEM: number;
  /** Shut out by the mode. */
  readonly EACCES: number;
  /** No memory of ours. */
  readonly EFAULT: number;
  /** It exists. */
  readonly EEXIST: number;
  /** Not what it should be. */
  readonly EINVAL: number;
  /** No such semaphore. */
  readonly EFBIG: number;
  /** The system has no more. */
  readonly ENOSPC: number;
  /** Too large. */
  readonly ERANGE: number;
  /** No such call. */
  readonly ENOSYS: number;
  /** The set was removed. */
  readonly EIDRM: number;
}

/** Layouts that every system has: offsets and sizes in bytes. */
export interface UnixLayouts {
  /** `struct sembuf { unsigned short sem_num; short sem_op; short sem_flg; }` */
  readonly sembuf: { readonly size: 6; readonly num: 0; readonly op: 2; readonly flags: 4 };
  /** `struct semid_ds`; of `mode` and `nsems` the low 16 bits are enough, and are all that every system has. */
  readonly semidDs: {
    readonly size: number;
    readonly uid: number;
    readonly cuid: number;
    readonly mode: number;
    readonly nsems: number;
  };
}

/** What a kernel demands of arrays of semaphore operations. */
export interface SemaphoreLimits {
  /** How many operations one call may have. */
  readonly operationsPerCall: number;
  /** How many semaphores one process may have operations to undo on; undefined where there is no limit. */
  readonly undoesPerProcess: number | undefined;
  /** Whether a process that replaces its program (`execve`) keeps what it has. */
  readonly undoSurvivesExec: boolean;
}
