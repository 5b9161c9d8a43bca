// src/supervisor/linux_main.ts with all modules that it needs, made of them by `deno task bundle`: change those, and make it anew.
var __defProp = Object.defineProperty;
var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, { get: all[name], enumerable: true });
};

// src/errors.ts
var BRAND = /* @__PURE__ */ Symbol.for("procref.error");
var ProcrefError = class extends Error {
  /** The class name, for logs. */
  name = "ProcrefError";
  /** What kind of failure this is. */
  code;
  /** What it was about. */
  details;
  /**
   * Makes an error.
   *
   * @param code what kind of failure this is
   * @param message what was tried, on what, why it failed, what to do
   * @param options `cause`: the error below this one; `details`: what it was about
   */
  constructor(code, message, options = {}) {
    super(message, "cause" in options ? { cause: options.cause } : void 0);
    this.code = code;
    this.details = shownOnce(options.details ?? {});
    Object.defineProperty(this, BRAND, { value: true });
  }
};
function shownOnce(details) {
  const { log } = details;
  if (log === void 0) return details;
  const { log: _, ...others } = details;
  return Object.defineProperty(others, "log", { get: () => log, enumerable: false });
}
function allDetails({ details }) {
  return { ...details, log: details.log };
}
function isProcrefError(value, code) {
  if (typeof value !== "object" || value === null || !(BRAND in value)) return false;
  return code === void 0 || value.code === code;
}

// ffi/host.ts
async function readAll(streams, take) {
  await Promise.all(streams.map(async (stream) => {
    for await (const bytes of stream) take(bytes);
  }));
}

// ffi/node.ts
var node = {
  get child_process() {
    return builtin("child_process");
  },
  get fs() {
    return builtin("fs");
  },
  get os() {
    return builtin("os");
  },
  get path() {
    return builtin("path");
  },
  get process() {
    return builtin("process");
  },
  get url() {
    return builtin("url");
  }
};
function builtin(name) {
  const { process } = globalThis;
  return process.getBuiltinModule(`node:${name}`);
}

// ffi/node_files.ts
var NodeFile = class {
  /** The descriptor. */
  descriptor;
  /** Makes a file; nothing may be there. */
  constructor(path, mode) {
    this.descriptor = node.fs.openSync(path, "wx", mode);
  }
  write(bytes) {
    return node.fs.writeSync(this.descriptor, bytes);
  }
  sync() {
    node.fs.fsyncSync(this.descriptor);
  }
  close() {
    node.fs.closeSync(this.descriptor);
  }
};
var nodeFiles = {
  status(path) {
    const status = node.fs.lstatSync(path, { throwIfNoEntry: false });
    return status && fileStatus(status);
  },
  create: (path, mode) => new NodeFile(path, mode),
  head(path, size) {
    const { closeSync, constants, fstatSync, openSync, readSync } = node.fs;
    const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      if (!fstatSync(descriptor).isFile()) return void 0;
      const bytes = new Uint8Array(size);
      return bytes.subarray(0, readSync(descriptor, bytes, 0, size, 0));
    } finally {
      closeSync(descriptor);
    }
  },
  rename: (from, to) => node.fs.renameSync(from, to),
  remove: (path) => node.fs.rmSync(path, { force: true }),
  makeDirectory(path, mode) {
    node.fs.mkdirSync(path, { recursive: true, mode });
  },
  realPath: (path) => node.fs.realpathSync(path),
  watch: (path, changed) => node.fs.watch(path, { persistent: false }, (_, name) => changed(name ?? void 0)).on("error", () => changed(void 0))
};
function fileStatus(status) {
  const { ino, uid, mode, size, mtimeMs } = status;
  const [isFile, isDirectory2, isLink] = [status.isFile(), status.isDirectory(), status.isSymbolicLink()];
  return { isFile, isDirectory: isDirectory2, isLink, ino, uid, mode, size, mtimeMs };
}

// ffi/symbols/linux_libc.ts
var LINUX_LIBC_PATH = "libc.so.6";
var LINUX_LIBC = {
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
  syscall: { parameters: ["i64", "i64", "i64", "buffer", "u64"], result: "i64" }
};
var LINUX_DIRECTORY = {
  // int *__errno_location(void)
  __errno_location: { parameters: [], result: "pointer" },
  // long syscall(long number, ...): getdents64(fd, dirp, count)
  syscall: { parameters: ["i64", "i64", "buffer", "usize"], result: "i64" }
};
var LINUX_STATUS = {
  // int *__errno_location(void)
  __errno_location: { parameters: [], result: "pointer" },
  // long syscall(long number, ...): statx(dirfd, pathname, flags, mask, statxbuf)
  syscall: { parameters: ["i64", "i64", "buffer", "i64", "i64", "buffer"], result: "i64" }
};
var LINUX_FILES = {
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
  syscall: LINUX_STATUS.syscall
};
var LINUX_OPEN = {
  O_WRONLY: 1,
  O_CREAT: 64,
  O_EXCL: 128,
  O_NONBLOCK: 2048,
  O_PATH: 2097152,
  S_IFDIR: 16384,
  S_IFLNK: 40960
};
var LINUX_CALLS = {
  x64: { SYS_getdents64: 217n, SYS_statx: 332n },
  arm64: { SYS_getdents64: 61n, SYS_statx: 291n }
};
var LINUX_STATX = {
  AT_FDCWD: -100n,
  AT_SYMLINK_NOFOLLOW: 0x100n,
  AT_EMPTY_PATH: 0x1000n,
  STATX_BASIC_STATS: 0x7ffn
};
var LINUX_STATX_LAYOUT = {
  size: 256,
  uid: 20,
  mode: 28,
  ino: 32,
  length: 40,
  mtimeSeconds: 112,
  mtimeNanoseconds: 120,
  devMajor: 136,
  devMinor: 140
};
var LINUX = {
  IPC_CREAT: 512,
  IPC_NOWAIT: 2048,
  IPC_RMID: 0,
  IPC_STAT: 2,
  SEM_UNDO: 4096,
  GETPID: 11,
  GETVAL: 12,
  GETALL: 13,
  SEMVMX: 32767,
  SYS_pidfd_send_signal: 424n,
  SYS_pidfd_open: 434n,
  POLLIN: 1,
  O_RDONLY: 0,
  O_CLOEXEC: 524288,
  F_DUPFD_CLOEXEC: 1030,
  S_IFMT: 61440,
  S_IFREG: 32768,
  LOCK_SH: 1,
  LOCK_EX: 2,
  LOCK_NB: 4,
  LOCK_UN: 8,
  SIGKILL: 9,
  SIGTERM: 15
};
var COMMON = {
  dirent: { length: 16, name: 19 },
  sembuf: { size: 6, num: 0, op: 2, flags: 4 },
  pollfd: { size: 8, fd: 0, events: 4, revents: 6 }
};
var LINUX_LAYOUTS = {
  x64: { ...COMMON, semidDs: { size: 104, uid: 4, cuid: 12, mode: 20, nsems: 80 } },
  arm64: { ...COMMON, semidDs: { size: 88, uid: 4, cuid: 12, mode: 20, nsems: 64 } }
};
var LINUX_SEMAPHORES = {
  operationsPerCall: 500,
  undoesPerProcess: void 0,
  undoSurvivesExec: true
};
var LINUX_ERRNO = {
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
  EIDRM: 43
};

// ffi/linux_files.ts
var INPUT = 0;
var OUTPUT = 1;
var LONGEST_PATH = 4096;
function linuxFiles(native, arch) {
  const numbers = LINUX_CALLS[arch];
  if (numbers === void 0) return void 0;
  let opened2;
  const calls = () => opened2 ??= open(native);
  const look = (at, name, flags, into) => calls().syscall(numbers.SYS_statx, at, name, flags, LINUX_STATX.STATX_BASIC_STATS, into);
  const { AT_FDCWD, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH } = LINUX_STATX;
  const files = {
    ...nodeFiles,
    status(path) {
      const status = new Uint8Array(LINUX_STATX_LAYOUT.size);
      const result = look(AT_FDCWD, cString(path), AT_SYMLINK_NOFOLLOW, status);
      if (result === -LINUX_ERRNO.ENOENT) return void 0;
      return result < 0 ? nodeFiles.status(path) : fileStatus2(status);
    },
    create(path, mode) {
      const { O_WRONLY, O_CREAT, O_EXCL } = LINUX_OPEN;
      const descriptor = calls().open(cString(path), O_WRONLY | O_CREAT | O_EXCL | LINUX.O_CLOEXEC, mode);
      return descriptor < 0 ? nodeFiles.create(path, mode) : new LinuxFile(calls(), descriptor);
    },
    head(path, size) {
      const descriptor = calls().open(cString(path), LINUX.O_RDONLY | LINUX_OPEN.O_NONBLOCK | LINUX.O_CLOEXEC, 0);
      if (descriptor < 0) return nodeFiles.head(path, size);
      try {
        const status = new Uint8Array(LINUX_STATX_LAYOUT.size);
        if (look(BigInt(descriptor), cString(""), AT_EMPTY_PATH, status) < 0) return nodeFiles.head(path, size);
        if (!fileStatus2(status).isFile) return void 0;
        const bytes = new Uint8Array(size);
        const length = calls().read(descriptor, bytes, BigInt(size));
        return length < 0 ? nodeFiles.head(path, size) : bytes.subarray(0, length);
      } finally {
        calls().close(descriptor);
      }
    },
    rename(from, to) {
      if (calls().rename(cString(from), cString(to)) < 0) nodeFiles.rename(from, to);
    },
    remove(path) {
      const result = calls().unlink(cString(path));
      if (result < 0 && result !== -LINUX_ERRNO.ENOENT) nodeFiles.remove(path);
    },
    makeDirectory(path, mode) {
      if (calls().mkdir(cString(path), mode) < 0 && !files.status(path)?.isDirectory) {
        nodeFiles.makeDirectory(path, mode);
      }
    },
    realPath(path) {
      const descriptor = calls().open(cString(path), LINUX_OPEN.O_PATH | LINUX.O_CLOEXEC, 0);
      if (descriptor < 0) return nodeFiles.realPath(path);
      const name = new Uint8Array(LONGEST_PATH);
      const length = calls().readlink(cString(`/proc/self/fd/${descriptor}`), name, BigInt(LONGEST_PATH));
      calls().close(descriptor);
      return length < 0 ? nodeFiles.realPath(path) : new TextDecoder().decode(name.subarray(0, length));
    }
  };
  return {
    files,
    readInput(into) {
      const length = calls().read(INPUT, into, BigInt(into.length));
      return length < 0 ? node.fs.readSync(INPUT, into) : length;
    },
    writeOutput(bytes) {
      const length = calls().write(OUTPUT, bytes, BigInt(bytes.length));
      return length < 0 ? node.fs.writeSync(OUTPUT, bytes) : length;
    }
  };
}
var LinuxFile = class {
  #calls;
  #descriptor;
  constructor(calls, descriptor) {
    this.#calls = calls;
    this.#descriptor = descriptor;
  }
  write(bytes) {
    const length = this.#calls.write(this.#descriptor, bytes, BigInt(bytes.length));
    return length < 0 ? node.fs.writeSync(this.#descriptor, bytes) : length;
  }
  /** The kernel tells of a write that failed later only once, so there is one way to ask. */
  sync() {
    node.fs.fsyncSync(this.#descriptor);
  }
  close() {
    const result = this.#calls.close(this.#descriptor);
    if (result === 0) return;
    const code = errnoName(-result, "linux");
    throw Object.assign(new Error(`${code}: close`), { code });
  }
};
function open({ open: open4, readerOfInt32 }) {
  const functions = open4(LINUX_LIBC_PATH, LINUX_FILES);
  const location = functions.__errno_location();
  const library = { path: LINUX_LIBC_PATH, symbols: LINUX_FILES, functions, errno: readerOfInt32(location) };
  return {
    open: checked(library, "open"),
    read: checked(library, "read"),
    write: checked(library, "write"),
    close: checked(library, "close"),
    rename: checked(library, "rename"),
    unlink: checked(library, "unlink"),
    mkdir: checked(library, "mkdir"),
    readlink: checked(library, "readlink"),
    syscall: checked(library, "syscall")
  };
}
function cString(path) {
  return new TextEncoder().encode(path.includes("\0") ? "\0" : `${path}\0`);
}
function fileStatus2(bytes) {
  const view = new DataView(bytes.buffer);
  const { uid, mode, ino, length, mtimeSeconds, mtimeNanoseconds } = LINUX_STATX_LAYOUT;
  const all = view.getUint16(mode, true);
  const type = all & LINUX.S_IFMT;
  return {
    isFile: type === LINUX.S_IFREG,
    isDirectory: type === LINUX_OPEN.S_IFDIR,
    isLink: type === LINUX_OPEN.S_IFLNK,
    ino: Number(view.getBigUint64(ino, true)),
    uid: view.getUint32(uid, true),
    mode: all,
    size: Number(view.getBigUint64(length, true)),
    mtimeMs: Number(view.getBigInt64(mtimeSeconds, true)) * 1e3 + view.getUint32(mtimeNanoseconds, true) / 1e6
  };
}

// ffi/bun_host.ts
var NODE_FILES = {
  files: nodeFiles,
  readInput: (into) => node.fs.readSync(0, into),
  writeOutput: (bytes) => node.fs.writeSync(1, bytes)
};
function bunHost(bun, native) {
  const { platform, arch, pid } = node.process;
  return {
    platform,
    arch,
    pid,
    ...platform === "linux" && linuxFiles(native, arch) || NODE_FILES,
    onSignal(name, listener) {
      node.process.on(name, listener);
    },
    startLeader: (start) => startLeader(bun, start),
    exit: (status) => node.process.exit(status)
  };
}
function startLeader(bun, { command, cwd, env }) {
  const child = bun.spawn(command, {
    ...{ cwd, env, detached: true },
    ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" }
  });
  return {
    pid: child.pid,
    ended: child.exited.then(() => ({ code: child.exitCode, signal: child.signalCode })),
    readOutput: (take) => readAll([child.stdout, child.stderr], take)
  };
}

// ffi/bun.ts
var BUN_TYPES = {
  i32: "i32",
  u32: "u32",
  i64: "i64",
  u64: "u64",
  isize: "i64",
  usize: "usize",
  pointer: "ptr",
  buffer: "ptr"
};
function bunRuntime(module, global) {
  const ffi = module;
  const native = {
    open(path, symbols) {
      try {
        return normalised(symbols, ffi.dlopen(path, translated(symbols)).symbols);
      } catch (cause) {
        throw new ProcrefError(
          "LIBRARY",
          `Cannot open the native library ${path}: ${cause.message}; it must be installed and offer that symbol`,
          { cause, details: { call: "dlopen", path } }
        );
      }
    },
    readerOfInt32(pointer) {
      const { read } = ffi;
      return () => read.i32(pointer, 0);
    }
  };
  return {
    name: "bun",
    ...native,
    memoryAt: (pointer, bytes) => new DataView(ffi.toArrayBuffer(pointer, 0, bytes)),
    openBlocking,
    // The folder of the modules within a compiled program.
    isCompiled: /^file:\/\/\/(\$bunfs|\w:\/~BUN)\//.test(import.meta.url),
    variable: (name) => node.process.env[name],
    host: bunHost(global, native),
    moduleCommand
  };
}
var THREAD = `
const { dlopen } = process.getBuiltinModule("bun:ffi");
let call;
self.onmessage = ({ data: { path, symbol, prototype, args } }) => {
  call ??= dlopen(path, { [symbol]: prototype }).symbols[symbol];
  self.postMessage(call(...args));
};
`;
function openBlocking(path, symbol, prototype) {
  const idle = [];
  const translation = translated({ [symbol]: prototype })[symbol];
  return (...args) => new Promise((resolve, reject) => {
    const thread = idle.pop() ?? newThread();
    thread.onmessage = ({ data }) => {
      idle.push(thread);
      resolve(data);
    };
    thread.onerror = ({ message }) => reject(new ProcrefError("LIBRARY", `Cannot call ${symbol} of ${path} on a thread: ${message}`));
    thread.postMessage({ path, symbol, prototype: translation, args });
  });
}
function newThread() {
  const { Worker } = globalThis;
  return new Worker(URL.createObjectURL(new Blob([THREAD], { type: "text/javascript" })), { smol: true });
}
var CACHES = ["BUN_RUNTIME_TRANSPILER_CACHE_PATH", "XDG_CACHE_HOME", "HOME"];
function moduleCommand(module, { compileCache }) {
  const path = module.protocol === "file:" ? node.url.fileURLToPath(module) : module.href;
  return {
    command: [node.process.execPath, "run", "--no-install", path],
    env: {
      BUN_GC_TIMER_DISABLE: "1",
      NO_COLOR: "1",
      ...CACHES.some((name) => node.process.env[name]) ? {} : { BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" },
      ...cachesIn(node.process.env.NODE_DISABLE_COMPILE_CACHE ? void 0 : compileCache?.())
    }
  };
}
function cachesIn(directory) {
  if (directory === void 0) return {};
  return { BUN_RUNTIME_TRANSPILER_CACHE_PATH: directory, NODE_COMPILE_CACHE: directory };
}
function translated(symbols) {
  return Object.fromEntries(
    Object.entries(symbols).map(([name, { parameters, result }]) => [
      name,
      { args: parameters.map((type) => BUN_TYPES[type]), returns: BUN_TYPES[result] }
    ])
  );
}
function normalised(symbols, raw) {
  const functions = { ...raw };
  for (const [name, { result }] of Object.entries(symbols)) {
    if (result !== "pointer") continue;
    const call = raw[name];
    functions[name] = (...args) => call(...args) || null;
  }
  return functions;
}

// ffi/deno_host.ts
var PLATFORMS = { windows: "win32" };
var ARCHITECTURES = { x86_64: "x64", aarch64: "arm64" };
function denoHost(deno) {
  const { os, arch } = deno.build;
  return {
    platform: PLATFORMS[os] ?? os,
    arch: ARCHITECTURES[arch] ?? arch,
    pid: deno.pid,
    files: os === "windows" ? nodeFiles : denoFiles(deno),
    readInput: (into) => deno.stdin.readSync(into) ?? 0,
    writeOutput: (bytes) => deno.stdout.writeSync(bytes),
    onSignal: (name, listener) => deno.addSignalListener(name, listener),
    startLeader: (start) => startLeader2(deno, start),
    exit: (status) => deno.exit(status)
  };
}
function startLeader2(deno, { command: [program, ...args], cwd, env }) {
  const options = { stdin: "null", stdout: "piped", stderr: "piped" };
  const leader = new deno.Command(program, { args, cwd, env, clearEnv: true, detached: true, ...options });
  const child = naming(() => leader.spawn());
  const end = ({ code, signal }) => signal === null ? { code, signal } : { code: null, signal };
  return {
    pid: child.pid,
    ended: child.status.then(end),
    readOutput: (take) => readAll([child.stdout, child.stderr], take)
  };
}
function denoFiles(deno) {
  return {
    status(path) {
      try {
        return fileStatus3(deno.lstatSync(path));
      } catch (error) {
        if (isMissing(error)) return void 0;
        throw named(error);
      }
    },
    create(path, mode) {
      const file = naming(() => deno.openSync(path, { write: true, createNew: true, mode }));
      return {
        write: (bytes) => naming(() => file.writeSync(bytes)),
        sync: () => naming(() => file.syncSync()),
        close: () => file.close()
      };
    },
    head(path, size) {
      if (!naming(() => deno.statSync(path)).isFile) return void 0;
      const file = naming(() => deno.openSync(path, { read: true }));
      try {
        const bytes = new Uint8Array(size);
        return bytes.subarray(0, naming(() => file.readSync(bytes)) ?? 0);
      } finally {
        file.close();
      }
    },
    rename: (from, to) => naming(() => deno.renameSync(from, to)),
    remove(path) {
      try {
        if (deno.lstatSync(path).isDirectory) throw isDirectory(path);
        deno.removeSync(path);
      } catch (error) {
        if (!isMissing(error)) throw named(error);
      }
    },
    makeDirectory: (path, mode) => naming(() => deno.mkdirSync(path, { recursive: true, mode })),
    realPath: (path) => naming(() => deno.realPathSync(path)),
    watch(path, changed) {
      const watcher = naming(() => deno.watchFs(path, { recursive: false }));
      tellAll(watcher, changed).catch(() => changed(void 0));
      return watcher;
    }
  };
}
async function tellAll(watcher, changed) {
  for await (const { paths } of watcher) {
    for (const path of paths) changed(path.slice(path.lastIndexOf("/") + 1));
  }
}
function naming(work2) {
  try {
    return work2();
  } catch (error) {
    throw named(error);
  }
}
function isDirectory(path) {
  return Object.assign(new Error(`EISDIR: illegal operation on a directory, remove '${path}'`), { code: "EISDIR" });
}
var OS_ERROR = /^(.*?)(.)([^:]*) \(os error \d+\)(?:: (.*))?$/s;
function named(error) {
  const { code, message } = error;
  const [, before, first, rest, what] = OS_ERROR.exec(message) ?? [];
  if (code === void 0 || first === void 0) return error;
  error.message = `${code}: ${before}${first.toLowerCase()}${rest}${what ? `, ${what}` : ""}`;
  return error;
}
function fileStatus3({ isFile, isDirectory: isDirectory2, isSymlink, ino, uid, mode, size, mtime }) {
  const known = { ino: ino ?? 0, uid: uid ?? 0, mode: mode ?? 0, mtimeMs: mtime?.getTime() ?? 0 };
  return { isFile, isDirectory: isDirectory2, isLink: isSymlink, size, ...known };
}
function isMissing(error) {
  return error.code === "ENOENT";
}

// ffi/deno.ts
function denoRuntime(global) {
  const deno = global;
  return {
    name: "deno",
    open(path, symbols) {
      try {
        return deno.dlopen(path, symbols).symbols;
      } catch (cause) {
        throw openError(deno, path, cause);
      }
    },
    readerOfInt32(pointer) {
      const view = new Int32Array(deno.UnsafePointerView.getArrayBuffer(pointer, 4));
      return () => view[0];
    },
    memoryAt: (pointer, bytes) => new DataView(deno.UnsafePointerView.getArrayBuffer(pointer, bytes)),
    openBlocking(path, symbol, prototype) {
      try {
        return deno.dlopen(path, { [symbol]: { ...prototype, nonblocking: true } }).symbols[symbol];
      } catch (cause) {
        throw openError(deno, path, cause);
      }
    },
    variable(name) {
      const granted = deno.permissions.querySync({ name: "env", variable: name }).state === "granted";
      return granted ? node.process.env[name] : void 0;
    },
    openLockFile: (path, create) => lockFile(deno.openSync(path, { read: true, write: true, createNew: create, mode: 384 })),
    host: denoHost(deno),
    isCompiled: deno.build.standalone === true,
    moduleCommand: moduleCommand2
  };
}
function lockFile(file) {
  const { dev, ino } = file.statSync();
  return {
    inode: `${BigInt(dev)}:${BigInt(ino)}`,
    tryLock: (exclusive) => file.tryLockSync(exclusive),
    lockShared: () => file.lock(false),
    unlock: () => file.unlockSync(),
    read(into) {
      file.seekSync(0, 0);
      return file.readSync(into) ?? 0;
    },
    write(bytes) {
      file.seekSync(0, 0);
      file.writeSync(bytes);
    },
    close: () => file.close()
  };
}
var SHORT = { read: "-R", write: "-W", env: "-E", net: "-N" };
function moduleCommand2(module, { files, read = [], run: run2, net, native, more = [] }) {
  const allow = (flag, values) => {
    const plain = more.includes(`--allow-${flag}`) || more.includes(SHORT[flag]);
    if (plain || values.length === 0) return [];
    return [`--allow-${flag}=${values.map((value) => value.replaceAll(",", ",,")).join(",")}`];
  };
  const all = more.includes("-A") || more.includes("--allow-all");
  const own = all ? [] : [
    ...native && !more.includes("--allow-ffi") ? ["--allow-ffi"] : [],
    ...allow("sys", native ? [] : ["uid"]),
    // The child processes of node:child_process ask for it.
    ...allow("env", ["NODE_V8_COVERAGE"]),
    ...allow("read", [...files, ...read]),
    ...allow("write", files),
    ...allow("run", run2),
    ...allow("net", net.map((host2) => host2.includes(":") ? `[${host2}]` : host2))
  ];
  return {
    command: [
      node.process.execPath,
      "run",
      "--quiet",
      "--no-prompt",
      "--no-config",
      "--no-lock",
      "--no-check",
      "--cached-only",
      ...own,
      ...more,
      module.protocol === "file:" ? node.url.fileURLToPath(module) : module.href
    ],
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" }
  };
}
function openError(deno, path, cause) {
  const { name, message } = cause;
  const refused2 = name === "NotCapable" || name === "PermissionDenied";
  if (refused2 || deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
    return new ProcrefError(
      "PERMISSION",
      `Cannot open the native library ${path}: Deno does not allow it; run with --allow-ffi (the plain flag: a list such as --allow-ffi=${path} is looked up in the working directory)`,
      { cause, details: { call: "dlopen", path } }
    );
  }
  return new ProcrefError(
    "LIBRARY",
    `Cannot open the native library ${path}: ${message}; it must be installed and offer that symbol`,
    { cause, details: { call: "dlopen", path } }
  );
}

// ffi/instrument.ts
var hooks;
function instrumented(library) {
  return hooks === void 0 ? library : wrapped(library, hooks);
}
function wrapped(library, hooks2) {
  let injected;
  const counts = /* @__PURE__ */ new Map();
  const wrap = ([symbol, call]) => [symbol, (...args) => {
    const nth = (counts.get(symbol) ?? 0) + 1;
    counts.set(symbol, nth);
    const seen = { library: library.path, symbol, nth, args };
    injected = hooks2.before?.(seen) ?? void 0;
    const { result: type, failure = -1 } = library.symbols[symbol];
    if (injected !== void 0) return type.endsWith("32") ? failure : BigInt(failure);
    const result = call(...args);
    injected = result === failure || result === BigInt(failure) ? library.errno() : void 0;
    hooks2.after?.(seen, result);
    return result;
  }];
  return {
    path: library.path,
    symbols: library.symbols,
    functions: Object.fromEntries(Object.entries(library.functions).map(wrap)),
    errno: () => injected ?? library.errno()
  };
}

// ffi/mod.ts
var chosen;
function nativeRuntime() {
  return chosen ??= chooseRuntime();
}
function host() {
  return nativeRuntime().host;
}
function chooseRuntime() {
  const global = globalThis;
  if (global.Bun !== void 0) {
    const module = global.process?.getBuiltinModule?.("bun:ffi");
    if (module !== void 0) return bunRuntime(module, global.Bun);
  } else if (global.Deno !== void 0) {
    return denoRuntime(global.Deno);
  }
  throw new ProcrefError(
    "PLATFORM",
    "Cannot call native code: this runtime has no foreign function interface that is known here; use Deno 2.9 or Bun 1.4, or newer"
  );
}
function openLibrary(path, symbols, errnoSymbol) {
  const runtime = nativeRuntime();
  const functions = runtime.open(path, symbols);
  const location = functions[errnoSymbol];
  return instrumented({ path, symbols, functions, errno: runtime.readerOfInt32(location()) });
}

// ffi/symbols/darwin_libc.ts
var DARWIN_LIBC_PATH = "/usr/lib/libSystem.B.dylib";
var DARWIN_LIBC = {
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
  sysctlbyname: { parameters: ["buffer", "buffer", "buffer", "buffer", "usize"], result: "i32" }
};
var DARWIN = {
  IPC_CREAT: 512,
  IPC_NOWAIT: 2048,
  IPC_RMID: 0,
  IPC_STAT: 2,
  SEM_UNDO: 4096,
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
  EV_ONESHOT: 16,
  NOTE_EXIT: 2147483648
};
var DARWIN_LAYOUTS = {
  sembuf: { size: 6, num: 0, op: 2, flags: 4 },
  semidDs: { size: 72, uid: 0, cuid: 8, mode: 16, nsems: 28 },
  procBsdinfo: {
    size: 136,
    status: 4,
    user: 28,
    group: 100,
    terminalGroup: 112,
    seconds: 120,
    microseconds: 128
  },
  kevent: { size: 32, ident: 0, filter: 8, flags: 10, fflags: 12 },
  sigaction: { size: 16, handler: 0 },
  timespec: { size: 16, seconds: 0, nanoseconds: 8 }
};
var DARWIN_SEMAPHORES = {
  operationsPerCall: 5,
  undoesPerProcess: 10,
  undoSurvivesExec: false
};
var DARWIN_ERRNO = {
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
  EIDRM: 90
};

// ffi/symbols/errno_names.ts
function errnosOf(platform = host().platform) {
  return platform === "darwin" ? DARWIN_ERRNO : LINUX_ERRNO;
}

// ffi/errno.ts
var EINTR = 4;
var EIO = 5;
function errnoName(errno, platform) {
  return Object.entries(errnosOf(platform)).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;
}
var DOUBTS = 3;
function checked(library, symbol, possible) {
  const call = library.functions[symbol];
  const { errno } = library;
  const known = possible && new Set(possible);
  function failure(doubts) {
    const error = errno() || EIO;
    if (error === EINTR && symbol !== "close") return 0;
    return known === void 0 || known.has(error) || doubts >= DOUBTS ? -error : 0;
  }
  const three = (a, b, c) => {
    for (let doubts = 0; ; doubts++) {
      const result = Number(call(a, b, c));
      if (result !== -1) return result;
      const error = failure(doubts);
      if (error !== 0) return error;
    }
  };
  const any = (...args) => {
    for (let doubts = 0; ; doubts++) {
      const result = Number(call(...args));
      if (result !== -1) return result;
      const error = failure(doubts);
      if (error !== 0) return error;
    }
  };
  return library.symbols[symbol].parameters.length === 3 ? three : any;
}
function systemError(code, doing, call, failure, remedy = "", details = {}) {
  const errno = -failure;
  const name = errnoName(errno);
  return new ProcrefError(
    code,
    `Cannot ${doing}: ${call} failed with ${name} (${errno})${remedy === "" ? "" : `; ${remedy}`}`,
    { details: { ...details, call, errno, errnoName: name } }
  );
}

// ffi/libc.ts
var opened;
function libc() {
  return opened ??= open2();
}
function linuxLibc() {
  const library = opened ??= open2();
  if (library.system === "linux") return library;
  throw otherSystem("Linux");
}
function otherSystem(wanted) {
  return new ProcrefError("PLATFORM", `Cannot call what only ${wanted} has: this is ${host().platform}`);
}
function open2() {
  const layouts = LINUX_LAYOUTS[host().arch];
  if (layouts !== void 0) {
    if (host().platform === "linux") return openLinux(layouts);
    if (host().platform === "darwin") return openDarwin();
  }
  throw new ProcrefError(
    "PLATFORM",
    `Cannot use the kernel of ${host().platform} on ${host().arch}: only Linux and macOS on x64 and arm64 are known`
  );
}
function openLinux(layouts) {
  const library = openLibrary(LINUX_LIBC_PATH, LINUX_LIBC, "__errno_location");
  const { SYS_getdents64, SYS_statx } = LINUX_CALLS[host().arch];
  let list;
  let look;
  return {
    system: "linux",
    ...sharedFunctions(library, LINUX_ERRNO),
    semctl: checked(library, "semctl", semctlErrors(LINUX_ERRNO)),
    fcntl: checked(library, "fcntl"),
    poll: checked(library, "poll"),
    open: checked(library, "open"),
    read: checked(library, "read"),
    readlink: checked(library, "readlink"),
    getdents64: (descriptor, entries, size) => (list ??= directoryCall())(SYS_getdents64, BigInt(descriptor), entries, size),
    statx: (at, path, flags, status) => (look ??= statusCall())(SYS_statx, at, path, flags, LINUX_STATX.STATX_BASIC_STATS, status),
    syscall: checked(library, "syscall"),
    constants: LINUX,
    errors: LINUX_ERRNO,
    layouts,
    semaphores: LINUX_SEMAPHORES
  };
}
function directoryCall() {
  return checked(openLibrary(LINUX_LIBC_PATH, LINUX_DIRECTORY, "__errno_location"), "syscall");
}
function statusCall() {
  return checked(openLibrary(LINUX_LIBC_PATH, LINUX_STATUS, "__errno_location"), "syscall");
}
function openDarwin() {
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
    semaphores: DARWIN_SEMAPHORES
  };
}
function sharedFunctions(library, errors) {
  const geteuid = library.functions.geteuid;
  let blocking;
  let blockingFlock;
  const open4 = (symbol, possible) => checked(library, symbol, possible);
  return {
    semget: open4("semget", semgetErrors(errors)),
    semop: open4("semop", semopErrors(errors)),
    kill: open4("kill"),
    access: open4("access"),
    close: open4("close"),
    flock: open4("flock"),
    pread: open4("pread"),
    pwrite: open4("pwrite"),
    geteuid: () => geteuid(),
    blockInSemop: (...args) => (blocking ??= nativeRuntime().openBlocking(library.path, "semop", LINUX_LIBC.semop))(...args),
    blockInFlock: (...args) => (blockingFlock ??= nativeRuntime().openBlocking(library.path, "flock", LINUX_LIBC.flock))(...args)
  };
}
function semgetErrors(e) {
  return [e.EACCES, e.EEXIST, e.EINVAL, e.ENOENT, e.ENOMEM, e.ENOSPC, e.EPERM, e.ENOSYS];
}
function semopErrors(e) {
  const usual = [e.E2BIG, e.EACCES, e.EAGAIN, e.EFAULT, e.EFBIG, e.EIDRM, e.EINVAL, e.ENOMEM, e.ERANGE];
  return [...usual, e.EPERM, e.ENOSYS];
}
function semctlErrors(e) {
  return [e.EACCES, e.EFAULT, e.EIDRM, e.EINVAL, e.EPERM, e.ERANGE, e.ENOMEM, e.ENOSYS];
}

// src/kernel/mismatch.ts
function mismatch(object, ours, theirs, where) {
  return new ProcrefError(
    "MECHANISM_MISMATCH",
    `Cannot count "${object.name}" by the mechanism ${ours}: others count it by ${theirs} (${where}), and neither would see the other; give all of them the same \`mechanism\`, or end those that use it and run \`procref gc\``,
    { details: { name: object.name } }
  );
}

// src/paths.ts
function join(directory, name) {
  if (host().platform === "win32") return node.path.join(directory, name);
  return directory.endsWith("/") ? `${directory}${name}` : `${directory}/${name}`;
}
function parentOf(path) {
  if (host().platform === "win32") return node.path.dirname(path);
  return /^(\/.*?)?\/+[^/]*\/*$/.exec(path)?.[1] ?? "/";
}
function isAbsolute(path) {
  return host().platform === "win32" ? node.path.isAbsolute(path) : path.startsWith("/");
}

// src/kernel/slots_path.ts
var SLOTS = ".slots";
var EXISTS = 0;
function slotsIn(state, { fileName }) {
  return join(state, `${fileName}${SLOTS}`);
}
function isThere(libc2, path) {
  return libc2.access(new TextEncoder().encode(`${path}\0`), EXISTS) === 0;
}

// src/waiting.ts
var LONGEST_TIMER_MS = 2 ** 31 - 1;
var FIRST_PAUSE_MS = 1;
var LONGEST_PAUSE_MS = 20;
function checkWait({ timeoutMs }) {
  if (timeoutMs === void 0 || typeof timeoutMs === "number" && timeoutMs >= 0) return;
  throw new ProcrefError("INVALID_ARGUMENT", `Cannot wait for ${String(timeoutMs)} ms: use 0 or more milliseconds`, {
    details: { field: "timeoutMs" }
  });
}
async function until(attempt, options, describe) {
  const { signal, timeoutMs, firstPauseMs = FIRST_PAUSE_MS, longestPauseMs = LONGEST_PAUSE_MS } = options;
  checkWait(options);
  signal?.throwIfAborted();
  const deadline = timeoutMs === void 0 ? Infinity : performance.now() + timeoutMs;
  for (let pause = firstPauseMs; !attempt(); pause = Math.min(2 * pause, longestPauseMs)) {
    const left = deadline - performance.now();
    if (left <= 0) {
      throw new ProcrefError("TIMEOUT", `Cannot ${describe()}: waited ${timeoutMs} ms`);
    }
    await delay(Math.min(pause * (0.5 + Math.random() / 2), left), { signal });
  }
}
function delay(ms, { signal } = {}) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const end = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", end);
      resolve();
    }, ms);
    signal?.addEventListener("abort", end, { once: true });
  });
}
function aborted(signal, over) {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true, signal: over });
  });
}

// src/kernel/base_ref_counter.ts
var BaseRefCounter = class {
  nextGeneration(published) {
    return generationAfter(this.snapshot().generation, published);
  }
  /** Who had the gate last, for the message of a wait that failed. */
  describeGate() {
    return "";
  }
  async acquire(options) {
    if (options?.timeoutMs !== void 0) checkWait(options);
    if (!options?.signal?.aborted && this.tryAcquire()) return;
    await this.#wait(() => this.tryAcquire(), options ?? {}, "acquire", "the gate is closed");
  }
  lock(options = {}) {
    return this.#wait(() => this.tryLock(), options, "lock", "somebody has the gate");
  }
  lockWhenUnused(options = {}) {
    return this.#wait(() => this.tryLockIfUnused(), options, "lock", "references are held or the gate is closed");
  }
  [Symbol.dispose]() {
    this.close();
  }
  #wait(attempt, options, step, reason) {
    return until(attempt, options, () => `${step} "${this.name}", because ${reason}${this.describeGate()}`);
  }
};
var GREATEST_GENERATION = 32767;
function generationAfter(generation2, published) {
  const next = generation2 + (generation2 % 2 === (published ? 1 : 0) ? 2 : 1);
  return next > GREATEST_GENERATION ? next - (GREATEST_GENERATION - 1) : next;
}

// src/kernel/sysv_operations.ts
var sysv_operations_exports = {};
__export(sysv_operations_exports, {
  ENTER: () => ENTER,
  FINGERPRINT_SIZE: () => FINGERPRINT_SIZE,
  LEAVE: () => LEAVE,
  LEAVE_LAST_AND_LOCK: () => LEAVE_LAST_AND_LOCK,
  LEAVE_UNLESS_LAST: () => LEAVE_UNLESS_LAST,
  LOCK: () => LOCK,
  LOCK_IF_UNUSED: () => LOCK_IF_UNUSED,
  LOCK_WHEN_UNUSED: () => LOCK_WHEN_UNUSED,
  SEE_HELD: () => SEE_HELD,
  SEE_UNUSED: () => SEE_UNUSED,
  SEMAPHORE: () => SEMAPHORE,
  SET_SIZE: () => SET_SIZE,
  SIT: () => SIT,
  STAND: () => STAND,
  UNLOCK: () => UNLOCK,
  WAIT_UNTIL_HELD: () => WAIT_UNTIL_HELD,
  WAIT_UNTIL_UNUSED: () => WAIT_UNTIL_UNUSED,
  enterAgain: () => enterAgain,
  enterGeneration: () => enterGeneration,
  moveGeneration: () => moveGeneration,
  operations: () => operations,
  writeFingerprint: () => writeFingerprint
});
var NOWAIT = 2048;
var UNDO = 4096;
var SEMAPHORE = { references: 0, gate: 1, seat: 2, generation: 3, fingerprint: 4 };
var FINGERPRINT_SIZE = 4;
var SET_SIZE = 8;
var SEMBUF_SIZE = 6;
function operations(...list) {
  const fields = new Int16Array(list.flat());
  return { bytes: new Uint8Array(fields.buffer, 0, list.length * SEMBUF_SIZE), count: BigInt(list.length) };
}
var { references, gate, seat, generation, fingerprint } = SEMAPHORE;
var GATE_IS_FREE = [gate, 0, NOWAIT];
var TAKE_GATE = [gate, 1, UNDO];
var NOBODY_LEFT = [references, 0, NOWAIT];
var ENTER = operations(GATE_IS_FREE, [references, 1, UNDO]);
var LEAVE = operations([references, -1, UNDO | NOWAIT]);
var LEAVE_UNLESS_LAST = operations([references, -2, UNDO | NOWAIT], [references, 1, UNDO]);
var LEAVE_LAST_AND_LOCK = operations(
  GATE_IS_FREE,
  [references, -1, UNDO | NOWAIT],
  NOBODY_LEFT,
  TAKE_GATE
);
var LOCK = operations(GATE_IS_FREE, TAKE_GATE);
var LOCK_IF_UNUSED = operations(NOBODY_LEFT, GATE_IS_FREE, TAKE_GATE);
var LOCK_WHEN_UNUSED = operations([references, 0, 0], [gate, 0, 0], TAKE_GATE);
var SEE_UNUSED = operations(NOBODY_LEFT);
var WAIT_UNTIL_UNUSED = operations([references, 0, 0]);
var SEE_HELD = operations([references, -1, NOWAIT], [references, 1, 0]);
var WAIT_UNTIL_HELD = operations([references, -1, 0], [references, 1, 0]);
var UNLOCK = operations([gate, -1, UNDO | NOWAIT]);
var SIT = operations([seat, 0, NOWAIT], [seat, 1, UNDO]);
var STAND = operations([seat, -1, UNDO | NOWAIT]);
function enterAgain(held) {
  return operations([references, held, UNDO]);
}
function enterGeneration(number) {
  return operations(
    GATE_IS_FREE,
    [generation, -number, NOWAIT],
    [generation, 0, NOWAIT],
    [generation, number, 0],
    [references, 1, UNDO]
  );
}
function moveGeneration(steps) {
  return operations([generation, steps, NOWAIT]);
}
function writeFingerprint(numbers) {
  return operations(
    [fingerprint, 0, NOWAIT],
    ...numbers.map((number, index) => [fingerprint + index, number, 0])
  );
}

// src/kernel/sysv_set.ts
var MOST_RENEWALS = 1e3;
var SysvSet = class {
  /** The 32-bit key, never 0 (which the kernel takes for "a private one"). */
  key;
  #libc;
  #constants;
  #errors;
  #name;
  #uid;
  #checkAlone;
  #fingerprint;
  #mode;
  /**
   * @param checkAlone throws when the name is counted in another way
   */
  constructor(libc2, name, uid, checkAlone = () => {
  }) {
    this.#checkAlone = checkAlone;
    this.#libc = libc2;
    this.#constants = libc2.constants;
    this.#errors = libc2.errors;
    this.#name = name;
    this.#uid = uid;
    this.#mode = name.scope === "user" ? 384 : 438;
    const words = new DataView(name.digest.buffer, name.digest.byteOffset);
    this.key = words.getInt32(0) || 1;
    this.#fingerprint = Array.from(
      { length: FINGERPRINT_SIZE },
      (_, index) => 1 + words.getUint16(4 + 2 * index) % libc2.constants.SEMVMX
    );
  }
  /**
   * The identifier of the set.
   *
   * @param create whether to make it when it does not exist
   * @returns the identifier, or undefined when it does not exist and was not to be made
   * @throws ProcrefError `REF_COUNTER_INIT`, `KEY_COLLISION`, `FOREIGN_OBJECT`, `PLATFORM`
   */
  open(create) {
    for (let tries = 0; tries < MOST_RENEWALS; tries++) {
      const flags = create ? this.#constants.IPC_CREAT | this.#mode : 0;
      const id = this.#libc.semget(this.key, create ? SET_SIZE : 0, flags);
      if (id === -this.#errors.ENOENT) return void 0;
      if (id < 0) throw this.#openError(id);
      if (this.#recognise(id)) return id;
    }
    throw new ProcrefError("REF_COUNTER_INIT", `Cannot open ${this.describe()}: it is removed as fast as it is made`);
  }
  /**
   * The identifier of the set, for who is about to take something: it is made when it is missing, and only then it is
   * looked whether others count the name in another way. A set that is of no use then goes again.
   *
   * @param id the set, where it is open already
   * @param isHeld whether this process holds anything of it
   * @throws ProcrefError `MECHANISM_MISMATCH`, and as {@link SysvSet.open}
   */
  openAlone(id, isHeld) {
    const opened2 = id ?? this.open(true);
    try {
      this.#checkAlone();
      return opened2;
    } catch (error) {
      const { bytes, count } = LOCK_IF_UNUSED;
      const unused = !isHeld && this.#libc.semop(opened2, bytes, count) === 0;
      if (unused) this.#libc.semctl(opened2, 0, this.#libc.constants.IPC_RMID, null);
      throw error;
    }
  }
  /** What the set is called in messages, with the words that `ipcs` prints. */
  describe(id) {
    const key = (this.key >>> 0).toString(16).padStart(8, "0");
    return `"${this.#name.name}" (semaphore set${id === void 0 ? "" : ` ${id}`} with key 0x${key})`;
  }
  /** Whether the set is ours and of this name; false when it vanished while it was looked at. */
  #recognise(id) {
    const { semidDs } = this.#libc.layouts;
    const status = new DataView(new ArrayBuffer(semidDs.size));
    const bytes = new Uint8Array(status.buffer);
    const result = this.#libc.semctl(id, 0, this.#constants.IPC_STAT, bytes);
    if (this.vanished(result)) return false;
    if (result === -this.#errors.EACCES) throw this.#foreign(id, "another user made it and shuts us out");
    if (result < 0) throw systemError("REF_COUNTER_INIT", `open ${this.describe(id)}`, "semctl(IPC_STAT)", result);
    const size = status.getUint16(semidDs.nsems, true);
    if (size !== SET_SIZE) throw this.#foreign(id, `it has ${size} semaphores, ours have ${SET_SIZE}`);
    const owner = status.getUint32(semidDs.uid, true);
    const mode = status.getUint16(semidDs.mode, true) & 511;
    if (this.#name.scope === "user" && (owner !== this.#uid || mode !== this.#mode)) {
      throw this.#foreign(
        id,
        `it belongs to user ${owner} with mode ${mode.toString(8)}, ours would be ${this.#uid} with ${this.#mode.toString(8)}`
      );
    }
    return this.#compareFingerprint(id);
  }
  #compareFingerprint(id) {
    const mark = writeFingerprint(this.#fingerprint);
    const marked = this.#libc.semop(id, mark.bytes, mark.count);
    if (this.vanished(marked)) return false;
    if (marked < 0 && marked !== -this.#errors.EAGAIN) {
      throw systemError("REF_COUNTER_INIT", `mark ${this.describe(id)}`, "semop", marked);
    }
    const values = this.values(id);
    if (values === void 0) return false;
    const found = values.subarray(SEMAPHORE.fingerprint, SEMAPHORE.fingerprint + FINGERPRINT_SIZE);
    if (this.#fingerprint.every((number, index) => found[index] === number)) return true;
    throw new ProcrefError(
      "KEY_COLLISION",
      `Cannot open ${this.describe(id)}: another name has the same key, or another program uses it; choose another name or namespace`,
      { details: { name: this.#name.name } }
    );
  }
  /**
   * The values of all semaphores at one moment, or undefined when the set has vanished.
   *
   * @throws ProcrefError `COUNT`
   */
  values(id) {
    const values = new Uint16Array(SET_SIZE);
    const result = this.#libc.semctl(id, 0, this.#constants.GETALL, new Uint8Array(values.buffer));
    if (this.vanished(result)) return void 0;
    if (result < 0) throw systemError("COUNT", `read ${this.describe(id)}`, "semctl(GETALL)", result);
    return values;
  }
  #openError(result) {
    const details = { name: this.#name.name };
    const doing = `open ${this.describe()}`;
    switch (-result) {
      case this.#errors.EINVAL:
        return this.#foreign(void 0, `it has fewer than ${SET_SIZE} semaphores`);
      case this.#errors.EACCES:
        return this.#foreign(void 0, "another user made it and shuts us out");
      case this.#errors.ENOSPC:
        return systemError(
          "REF_COUNTER_INIT",
          doing,
          "semget",
          result,
          "the system's limit of semaphore sets is reached; see `ipcs -s` for leftovers and kernel.sem (sysctl) for the limit",
          details
        );
      case this.#errors.ENOSYS:
      case this.#errors.EPERM:
        return systemError(
          "PLATFORM",
          doing,
          "semget",
          result,
          "this kernel or container denies System V semaphores; allow the calls semget, semop and semctl",
          details
        );
      default:
        return systemError("REF_COUNTER_INIT", doing, "semget", result, "", details);
    }
  }
  #foreign(id, why) {
    const remedy = id === void 0 ? "`ipcs -s` shows it" : `its owner or root removes it with \`ipcrm -s ${id}\``;
    return new ProcrefError(
      "FOREIGN_OBJECT",
      `Cannot open ${this.describe(id)}: it is not ours: ${why}; ${remedy}, or choose another name or namespace`,
      { details: { name: this.#name.name } }
    );
  }
  /** Whether a result says that the set does not exist any more. */
  vanished(result) {
    return result < 0 && (result === -this.#errors.EINVAL || result === -this.#errors.EIDRM);
  }
  /**
   * Whether a failure means that this process can have no more operations undone: macOS says so with EINVAL, as it does
   * of a set that is gone. It is not gone if it has values; and its number is never given to another set.
   */
  undoesAreFull(id, result) {
    const { undoesPerProcess } = this.#libc.semaphores;
    return undoesPerProcess !== void 0 && result === -this.#errors.EINVAL && this.#libc.semctl(id, 0, this.#constants.GETVAL, null) >= 0;
  }
};

// src/kernel/sysv_ref_counter.ts
var { SEMAPHORE: SEMAPHORE2 } = sysv_operations_exports;
var MOST_REFERENCES = 32767;
function sysvCapabilities({ undoSurvivesExec }) {
  return {
    mechanism: "sysv",
    crossProcess: true,
    releasesOnCrash: true,
    exactCount: true,
    survivesExec: undoSurvivesExec,
    waitsInKernel: true,
    crossUser: true,
    maxHolders: MOST_REFERENCES
  };
}
var SysvRefCounter = class extends BaseRefCounter {
  name;
  capabilities;
  #libc;
  #semop;
  #constants;
  #errors;
  /** What `semop` gives when it would have to wait. */
  #busy;
  #set;
  /** The set in use; undefined before the first use and after it was removed. */
  #id;
  /** Whether it was looked, since the set was opened, that nobody counts the name in another way. */
  #alone = false;
  #references = 0;
  #locked = false;
  /** The gate that we had went with its set: unlocking has nothing to do. */
  #lockLost = false;
  #seated = false;
  #renewals = 0;
  #enterGeneration = { generation: -1, operations: enterGeneration(0) };
  /**
   * @param name the identity of the counter
   * @param library the C library; that of this machine unless given
   * @param checkAlone is called when the set is opened to be changed, and throws when the name is counted in another way
   */
  constructor(name, library = libc(), checkAlone = () => {
  }) {
    super();
    this.name = name.name;
    this.#libc = library;
    this.#semop = this.#libc.semop;
    this.#constants = this.#libc.constants;
    this.#errors = this.#libc.errors;
    this.#busy = -this.#errors.EAGAIN;
    this.capabilities = sysvCapabilities(this.#libc.semaphores);
    this.#set = new SysvSet(this.#libc, name, this.#libc.geteuid(), checkAlone);
  }
  get renewals() {
    return this.#renewals;
  }
  tryAcquire(generation2) {
    if (this.#references === MOST_REFERENCES) throw this.#full();
    if (generation2 !== void 0 && (generation2 & GREATEST_GENERATION) !== generation2) return false;
    const result = this.#perform(generation2 === void 0 ? ENTER : this.#entering(generation2));
    if (result === 0) {
      this.#references++;
      return true;
    }
    if (result === this.#busy) return false;
    if (result === -this.#errors.ERANGE) throw this.#full();
    throw this.#error("ACQUIRE", "acquire", result);
  }
  release() {
    this.#leave(LEAVE);
  }
  releaseUnlessLast() {
    return this.#leave(LEAVE_UNLESS_LAST);
  }
  tryReleaseLastAndLock() {
    const left = this.#leave(LEAVE_LAST_AND_LOCK);
    this.#locked ||= left;
    return left;
  }
  count() {
    return this.#values()[SEMAPHORE2.references];
  }
  snapshot() {
    const values = this.#values();
    return {
      references: values[SEMAPHORE2.references],
      locked: values[SEMAPHORE2.gate] !== 0,
      seated: values[SEMAPHORE2.seat] !== 0,
      generation: values[SEMAPHORE2.generation]
    };
  }
  tryLock() {
    return this.#locked ? false : this.#take(LOCK);
  }
  tryLockIfUnused() {
    return this.#locked ? false : this.#take(LOCK_IF_UNUSED);
  }
  holdsLock() {
    if (this.#locked) this.verify();
    return this.#locked;
  }
  unlock() {
    if (!this.#locked && !this.#lockLost) throw this.#misuse("LOCK", "unlock", "it does not have the gate");
    if (this.#locked) this.#drop(UNLOCK, "unlock");
    this.#locked = this.#lockLost = false;
  }
  trySeat() {
    if (this.holdsSeat()) return false;
    const result = this.#perform(SIT);
    if (result !== 0 && result !== this.#busy) throw this.#error("LOCK", "take the seat of", result);
    return this.#seated = result === 0;
  }
  leaveSeat() {
    if (!this.#seated) throw this.#misuse("LOCK", "leave the seat of", "it does not have the seat");
    this.#seated = false;
    this.#drop(STAND, "leave the seat of");
  }
  holdsSeat() {
    if (this.#seated) this.verify();
    return this.#seated;
  }
  advanceGeneration(published) {
    const { generation: generation2 } = this.snapshot();
    if (!this.#locked && !this.#seated) {
      throw this.#misuse("LOCK", "move the generation of", "it has neither the gate nor the seat");
    }
    const next = generationAfter(generation2, published);
    const { bytes, count } = moveGeneration(next - generation2);
    const result = this.#semop(this.#id, bytes, count);
    if (result !== 0) throw this.#error("LOCK", "move the generation of", result);
    return next;
  }
  async blockUntilUnused() {
    if (this.#locked) throw this.#misuse("LOCK", "lock", "it has the gate already");
    const locked = await this.#block(LOCK_WHEN_UNUSED, LOCK_IF_UNUSED);
    if (locked) this.#lockLost = false;
    return this.#locked = locked;
  }
  blockUntilReleased() {
    return this.#block(WAIT_UNTIL_UNUSED, SEE_UNUSED);
  }
  blockUntilHeld() {
    return this.#block(WAIT_UNTIL_HELD, SEE_HELD);
  }
  verify() {
    if (this.#id === void 0 || !this.#set.vanished(this.#libc.semctl(this.#id, 0, this.#constants.GETVAL, null))) {
      return false;
    }
    if (this.#references === 0) {
      this.#forget();
      return false;
    }
    return this.#renew();
  }
  remove(evict = false) {
    const { references: references2 } = this.snapshot();
    if (!this.#locked) {
      if (!this.#lockLost) throw this.#misuse("LOCK", "remove", "it does not have the gate");
      this.#lockLost = false;
      return false;
    }
    const sits = !evict && references2 === 0 && !this.#seated && this.#unlessFull(() => this.trySeat());
    try {
      const unused = references2 === 0 && (evict || this.#seated);
      if (unused && this.#locked && this.#removeSet()) return true;
    } finally {
      if (sits && this.#seated) this.leaveSeat();
    }
    this.unlock();
    return false;
  }
  close() {
    this.verify();
    while (this.#references > 0) this.release();
    if (this.#seated) this.leaveSeat();
    const tidies = this.#locked || this.#id !== void 0 && this.#unlessFull(() => this.tryLockIfUnused());
    if (tidies) this.remove();
  }
  describeGate() {
    const pid = this.#id === void 0 ? 0 : this.#libc.semctl(this.#id, SEMAPHORE2.gate, this.#constants.GETPID, null);
    return pid > 0 ? ` (process ${pid} used the gate last)` : "";
  }
  /** Removes the set, and with it gate and seat; false in scope `system`, where only its maker may: it stays, empty. */
  #removeSet() {
    const result = this.#libc.semctl(this.#id, 0, this.#constants.IPC_RMID, null);
    if (result === -this.#errors.EPERM) return false;
    if (result < 0 && !this.#set.vanished(result)) throw this.#error("LOCK", "remove", result, "semctl(IPC_RMID)");
    this.#locked = false;
    this.#forget();
    return true;
  }
  #full() {
    return new ProcrefError(
      "FULL",
      `Cannot acquire ${this.#set.describe(this.#id)}: ${MOST_REFERENCES} references are held, more do not fit`,
      { details: { name: this.name } }
    );
  }
  #entering(generation2) {
    if (this.#enterGeneration.generation !== generation2) {
      this.#enterGeneration = { generation: generation2, operations: enterGeneration(generation2) };
    }
    return this.#enterGeneration.operations;
  }
  /** Gives a reference back by the given array; false when the array could not be carried out. */
  #leave(operations2) {
    if (this.#references === 0) throw this.#misuse("RELEASE", "release", "it holds no reference");
    const result = this.#perform(operations2);
    if (result === 0) {
      this.#references--;
      return true;
    }
    if (result === this.#busy && operations2 !== LEAVE) return false;
    throw this.#error("RELEASE", "release", result);
  }
  #take(operations2) {
    const result = this.#perform(operations2);
    if (result !== 0 && result !== this.#busy) throw this.#error("LOCK", "lock", result);
    this.#lockLost = false;
    return this.#locked = result === 0;
  }
  /** Gives gate or seat back. A set that vanished has taken it along, and a value that a stranger lowered is 0. */
  #drop({ bytes, count }, doing) {
    const result = this.#semop(this.#id, bytes, count);
    if (result < 0 && result !== this.#busy && !this.#set.vanished(result)) throw this.#error("LOCK", doing, result);
  }
  /** Carries an array out on the set of the name, which is made when it is missing. */
  #perform(operations2) {
    for (let tries = 0; tries < MOST_RENEWALS; tries++) {
      const id = this.#alone ? this.#id : this.#open();
      const result = this.#semop(id, operations2.bytes, operations2.count);
      if (result >= 0 || !this.#set.vanished(result)) return result;
      this.#refuseFull(result);
      this.#renew();
    }
    const message = `Cannot use ${this.#set.describe()}: it is removed as fast as it is made`;
    throw new ProcrefError("REF_COUNTER_INIT", message);
  }
  /**
   * Carries an array out on another thread, which waits for it inside the kernel.
   *
   * @param attempt the same array without waiting: the thread keeps its error number, so a failure is looked into here
   * @returns false when the set vanished
   */
  async #block(waiting, attempt) {
    const id = this.#alone ? this.#id : this.#open();
    for (; ; ) {
      if (await this.#libc.blockInSemop(id, waiting.bytes, waiting.count) === 0) return true;
      const result = this.#semop(id, attempt.bytes, attempt.count);
      if (result === 0) return true;
      if (this.#set.vanished(result)) {
        this.#refuseFull(result);
        return false;
      }
      if (result !== this.#busy) throw this.#error("LOCK", "wait for", result);
    }
  }
  /** Opens the set that took the place of one that vanished, and enters what this object holds. */
  #renew() {
    for (let tries = 0; tries < MOST_RENEWALS; tries++) {
      const gone = this.#id;
      const id = this.#open(this.#set.open(true));
      if (id === gone) return false;
      this.#lockLost ||= this.#locked;
      this.#locked = this.#seated = false;
      if (this.#references === 0) return false;
      const { bytes, count } = enterAgain(this.#references);
      const result = this.#semop(id, bytes, count);
      if (result === 0) {
        this.#renewals++;
        return true;
      }
      if (!this.#set.vanished(result)) throw this.#error("ACQUIRE", "count again", result);
      this.#refuseFull(result);
    }
    const message = `Cannot count again ${this.#set.describe()}: it is removed as fast as it is made`;
    throw new ProcrefError("ACQUIRE", message);
  }
  #open(id = this.#id) {
    this.#id = this.#set.openAlone(id, this.#references > 0);
    this.#alone = true;
    return this.#id;
  }
  /** The values of the set, or zeros when there is none: asking creates nothing. */
  #values() {
    for (let tries = 0; tries < MOST_RENEWALS; tries++) {
      this.verify();
      const id = this.#attach();
      if (id === void 0) break;
      const values = this.#set.values(id);
      if (values !== void 0) return values;
    }
    return new Uint16Array(SET_SIZE);
  }
  #attach() {
    return this.#id ??= this.#set.open(false);
  }
  #forget() {
    this.#id = void 0;
    this.#alone = false;
    this.#lockLost ||= this.#locked;
    this.#locked = this.#seated = false;
  }
  /** Throws `FULL` if the kernel undoes for no more semaphores of this process, which looks like a set that is gone. */
  #refuseFull(result) {
    if (this.#id === void 0 || !this.#set.undoesAreFull(this.#id, result)) return;
    const { undoesPerProcess } = this.#libc.semaphores;
    throw new ProcrefError(
      "FULL",
      `Cannot use ${this.#set.describe(this.#id)}: this process has something in ${undoesPerProcess} semaphores, and this system gives back no more when it dies (SEMUME); a service that is held takes one, or two while it starts or stops: hold fewer in one process`,
      { details: { name: this.name, call: "semop", errno: this.#errors.EINVAL, errnoName: "EINVAL" } }
    );
  }
  /** A step of tidying up; false if the kernel has no room to undo it, so that an empty set stays for others. */
  #unlessFull(step) {
    try {
      return step();
    } catch (error) {
      if (isProcrefError(error, "FULL")) return false;
      throw error;
    }
  }
  #error(code, doing, result, call = "semop") {
    const remedy = result === -this.#errors.EACCES ? "the set's mode shuts this user out" : "";
    return systemError(code, `${doing} ${this.#set.describe(this.#id)}`, call, result, remedy, { name: this.name });
  }
  #misuse(code, doing, why) {
    const message = `Cannot ${doing} ${this.#set.describe(this.#id)}: this counter is not able to, ${why}`;
    return new ProcrefError(code, message, { details: { name: this.name } });
  }
};

// src/kernel/lone_sysv_counter.ts
function isAlone(object, directory) {
  return object.scope !== "user" || !isThere(libc(), slotsIn(directory, object));
}
function loneSysvCounter(object, directory) {
  const check3 = () => {
    if (!isAlone(object, directory)) {
      throw mismatch(object, "sysv", "slots", `lock files in ${slotsIn(directory, object)}`);
    }
  };
  check3();
  return new SysvRefCounter(object, libc(), check3);
}

// src/process/unix/spawned_detached.ts
var ERRORS_LENGTH = 2e3;
async function spawnDetached(prefix, { command, env, input }) {
  const [program, ...args] = [...prefix, ...command];
  const descriptor = input.open();
  try {
    const child = node.child_process.spawn(program, args, {
      cwd: "/",
      detached: true,
      stdio: [descriptor, "pipe", "pipe"],
      env
    });
    await new Promise((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    return new SpawnedDetached(child);
  } finally {
    node.fs.closeSync(descriptor);
  }
}
var SpawnedDetached = class {
  #child;
  #errors = "";
  constructor(child) {
    this.#child = child;
    child.stderr.setEncoding("utf8").on(
      "data",
      (text) => this.#errors = `${this.#errors}${text}`.slice(-ERRORS_LENGTH)
    );
  }
  async firstLine(timeoutMs) {
    const line = await new Promise((resolve) => {
      const timer = setTimeout(() => settle("late"), timeoutMs);
      const settle = (line2) => {
        clearTimeout(timer);
        resolve(line2);
      };
      let text = "";
      this.#child.stdout.setEncoding("utf8").on("data", (part) => {
        text += part;
        if (text.includes("\n")) settle(text.slice(0, text.indexOf("\n")));
      }).once("close", () => settle());
    });
    return { line, errors: this.#errors };
  }
  release() {
    for (const stream of this.#child.stdio) stream?.destroy();
    this.#child.unref();
  }
};

// src/process/platform.ts
var make;
var chosen2;
function provideSystem(how) {
  make = how;
}
function processSystem() {
  return chosen2 ??= made();
}
function made() {
  if (make !== void 0) return make();
  throw new ProcrefError(
    "PLATFORM",
    "Cannot ask about processes: this module is part of the library and no entry to it"
  );
}

// src/process/pid.ts
var GREATEST_PID = 2 ** 31 - 1;
function checkPid(pid, least = 2) {
  if (isPid(pid, least)) return;
  throw new ProcrefError(
    "INVALID_ARGUMENT",
    `Cannot use ${String(pid)} as a process: a PID is an integer from ${least} to ${GREATEST_PID}`
  );
}
function isPid(pid, least = 2) {
  return typeof pid === "number" && Number.isInteger(pid) && pid >= least && pid <= GREATEST_PID;
}
function checkSignalPid(pid) {
  checkPid(pid);
  if (pid !== host().pid) return;
  throw new ProcrefError("INVALID_ARGUMENT", `Cannot signal process ${pid}: it is this process itself`);
}

// src/process/identity.ts
function identityOf(pid) {
  checkPid(pid, 1);
  const status = processSystem().status(pid);
  return status === void 0 || status.ended ? void 0 : { pid, start: status.start };
}
function ownIdentity() {
  return identityOf(host().pid);
}
function formatIdentity({ pid, start }) {
  return `${pid} ${start}`;
}
function isAlive(target) {
  const pid = typeof target === "number" ? target : target.pid;
  checkPid(pid, 1);
  const system = processSystem();
  const status = system.status(pid);
  if (status === void 0) return system.isHidden(pid);
  if (status.ended) return false;
  return typeof target === "number" || target.start === status.start;
}

// src/process/process_watch.ts
var closeLost = new FinalizationRegistry((hold) => hold.close());
var ProcessWatch = class _ProcessWatch {
  /** Who is watched. */
  identity;
  /** Undefined on a system without it, where the identity is looked up each time. */
  #hold;
  #closed = false;
  /** When {@link ProcessWatch.seemsAlive} found it alive last. */
  #seen = -Infinity;
  constructor(identity, hold) {
    this.identity = identity;
    this.#hold = hold;
    if (hold !== void 0) closeLost.register(this, hold, this);
  }
  /**
   * Begins to watch a process.
   *
   * @returns undefined when it does not run any more
   * @throws ProcrefError `OTHER` when the system gives no hold (too many are open); those of {@link isAlive}
   */
  static open(identity) {
    const hold = processSystem().hold(identity.pid);
    if (hold === "gone") return void 0;
    const watch = new _ProcessWatch(identity, hold === "not-offered" ? void 0 : hold);
    if (isAlive(identity) && (watch.#hold === void 0 || watch.isAlive())) return watch;
    watch.close();
    return void 0;
  }
  /** Begins to watch the process that has this PID now; undefined when none runs. */
  static ofPid(pid) {
    const identity = identityOf(pid);
    return identity && _ProcessWatch.open(identity);
  }
  /** Whether the process still runs; a zombie does not. False after `close()`. */
  isAlive() {
    if (this.#closed) return false;
    return this.#hold === void 0 ? isAlive(this.identity) : this.#hold.isRunning();
  }
  /** As {@link ProcessWatch.isAlive}, for loops: where asking is dear, an answer counts for some milliseconds. */
  seemsAlive() {
    const { askEveryMs = 0 } = processSystem();
    if (this.#hold !== void 0 || this.#closed || askEveryMs === 0) return this.isAlive();
    if (performance.now() - this.#seen < askEveryMs) return true;
    if (!this.isAlive()) return false;
    this.#seen = performance.now();
    return true;
  }
  /**
   * Sends a signal to this process and to no other.
   *
   * @returns false when it had ended
   * @throws ProcrefError `PERMISSION` when the process belongs to somebody else; `OTHER`
   */
  signal(number) {
    if (!this.isAlive()) return false;
    return this.#hold === void 0 ? processSystem().signal(this.identity.pid, number) : this.#hold.signal(number);
  }
  /** Ends the watch and frees its hold. Safe to call again. */
  close() {
    this.#closed = true;
    if (this.#hold === void 0) return;
    closeLost.unregister(this);
    this.#hold.close();
    this.#hold = void 0;
  }
  [Symbol.dispose]() {
    this.close();
  }
};

// src/process/unix/spawned_logged.ts
var SHELL = `echo "$$"; exec </dev/null >>"$0" 2>&1; exec "$@"`;
var MOST_TRIES = 100;
async function spawnLogged(prefix, start) {
  const { command, env, cwd, log, mark } = start;
  const [program, ...args] = [...prefix, "/bin/sh", "-c", SHELL, log, ...command];
  const shell = node.child_process.spawn(program, args, {
    cwd,
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
    env
  });
  try {
    const pid = Number(await firstLine(shell));
    if (!(pid > 1)) throw new ProcrefError("SPAWN", `Cannot start ${command[0]}: the shell before it ended at once`);
    const watch = await watchMarked(pid, `${mark}=${env[mark]}`);
    return {
      pid,
      identity: watch?.identity,
      isRunning: () => watch?.isAlive() ?? false,
      release: () => watch?.close()
    };
  } finally {
    shell.stdout.destroy();
    shell.unref();
  }
}
async function watchMarked(pid, entry) {
  const watch = ProcessWatch.ofPid(pid);
  for (let tries = 0; tries < MOST_TRIES && watch?.isAlive() === true; tries++) {
    const environment2 = processSystem().environment(pid);
    const entries = environment2 === void 0 ? [] : new TextDecoder().decode(environment2).split("\0");
    if (entries.includes(entry)) return watch;
    await delay(1);
  }
  watch?.close();
  return void 0;
}
function firstLine(shell) {
  return new Promise((resolve, reject) => {
    let text = "";
    shell.once("error", reject);
    shell.stdout.setEncoding("utf8").on("data", (part) => {
      text += part;
      if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")));
    }).once("close", () => resolve(""));
  });
}

// src/process/listen_to.ts
function listenTo(signals, listener) {
  const handlers = signals.map((signal) => [signal, () => listener(signal)]);
  for (const [signal, handler] of handlers) node.process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) node.process.off(signal, handler);
  };
}

// src/process/unix/unix_processes.ts
var UnixProcesses = class {
  /** While one runs, the kernel gives the group's number to nobody else. */
  isGroupAlive(leader) {
    const now = this.status(leader.pid);
    return (now === void 0 || now.start === leader.start) && this.runsGroup(leader.pid);
  }
  /** Whether any process of the group of this number runs. */
  runsGroup(group) {
    return this.list().some((pid) => {
      const status = this.status(pid);
      return status !== void 0 && status.group === group && !status.ended;
    });
  }
  onRequestToEnd(listener) {
    const { onSignal } = host();
    for (const signal of ["SIGTERM", "SIGINT"]) onSignal(signal, () => listener(signal));
    onSignal("SIGHUP", () => {
    });
  }
  onSignals(listener) {
    return listenTo(["SIGTERM", "SIGINT", "SIGHUP"], listener);
  }
  terminalSignals = ["SIGINT", "SIGQUIT"];
  endsByForce = "SIGKILL";
  variablesIgnoreCase = false;
  /** See execvp(3). */
  usualPath = "/bin:/usr/bin";
  isPath(program) {
    return program.includes("/");
  }
  programFiles(path) {
    return [path];
  }
  endsWithSupervisor() {
    return void 0;
  }
  contain() {
    return void 0;
  }
  startService(start) {
    return Promise.resolve().then(() => host().startLeader(start));
  }
  detachesGroups = true;
};

// src/process/unix/signalled.ts
function signalled(result, call, pid, number) {
  if (result >= 0) return true;
  const { errors } = libc();
  if (result === -errors.ESRCH) return false;
  const whom = pid < 0 ? `process group ${-pid}` : `process ${pid}`;
  const code = result === -errors.EPERM ? "PERMISSION" : "OTHER";
  throw systemError(code, `send signal ${number} to ${whom}`, call, result, "", { pid: Math.abs(pid) });
}

// src/process/linux/pid_descriptor.ts
var PidDescriptor = class _PidDescriptor {
  #pid;
  #descriptor;
  #libc = linuxLibc();
  #poll;
  constructor(pid, descriptor) {
    this.#pid = pid;
    this.#descriptor = descriptor;
    const { size, fd, events } = this.#libc.layouts.pollfd;
    const poll = new DataView(new ArrayBuffer(size));
    poll.setInt32(fd, descriptor, true);
    poll.setInt16(events, LINUX.POLLIN, true);
    this.#poll = new Uint8Array(poll.buffer);
  }
  /**
   * Opens the descriptor of a process.
   *
   * @returns `"not-offered"` by a kernel before 5.3 and gVisor, or where a filter of system calls denies it
   * @throws ProcrefError `OTHER`
   */
  static open(pid) {
    const descriptor = linuxLibc().syscall(LINUX.SYS_pidfd_open, BigInt(pid), 0n, null, 0n);
    if (descriptor === -LINUX_ERRNO.ESRCH) return "gone";
    if (descriptor === -LINUX_ERRNO.ENOSYS || descriptor === -LINUX_ERRNO.EPERM) return "not-offered";
    if (descriptor < 0) throw systemError("OTHER", `watch process ${pid}`, "pidfd_open", descriptor, "", { pid });
    return new _PidDescriptor(pid, descriptor);
  }
  isRunning() {
    return this.#libc.poll(this.#poll, 1n, 0) === 0;
  }
  signal(number) {
    const result = this.#libc.syscall(
      LINUX.SYS_pidfd_send_signal,
      BigInt(this.#descriptor),
      BigInt(number),
      null,
      0n
    );
    return signalled(result, "pidfd_send_signal", this.#pid, number);
  }
  close() {
    this.#libc.close(this.#descriptor);
  }
};

// src/process/unix/can_run.ts
var X_OK = 1;
var F_OK = 0;
function canRun(path) {
  const result = access(path, X_OK);
  if (result === 0) return access(`${path}/.`, F_OK) === 0 ? "denied" : true;
  return result === -libc().errors.EACCES ? "denied" : false;
}
function access(path, mode) {
  return libc().access(new TextEncoder().encode(`${path}\0`), mode);
}

// src/process/linux/native_access.ts
var encoder = new TextEncoder();
var decoder = new TextDecoder();
function cString2(text) {
  return encoder.encode(`${text}\0`);
}
var NativeAccess = class {
  bytes(path) {
    const { open: open4, read, close } = linuxLibc();
    const descriptor = open4(cString2(path), LINUX.O_RDONLY | LINUX.O_CLOEXEC);
    if (descriptor < 0) return absent(path, "open", descriptor);
    try {
      let buffer = new Uint8Array(4096);
      for (let filled = 0; ; ) {
        const length = read(descriptor, buffer.subarray(filled), BigInt(buffer.length - filled));
        if (length < 0) return absent(path, "read", length);
        if (length === 0) return buffer.subarray(0, filled);
        filled += length;
        if (filled === buffer.length) buffer = grown(buffer);
      }
    } finally {
      close(descriptor);
    }
  }
  link(path) {
    const buffer = new Uint8Array(256);
    const length = linuxLibc().readlink(cString2(path), buffer, BigInt(buffer.length));
    return length < 0 ? void 0 : decoder.decode(buffer.subarray(0, length));
  }
  processes() {
    const { open: open4, getdents64, close, layouts } = linuxLibc();
    const descriptor = open4(cString2("/proc"), LINUX.O_RDONLY | LINUX.O_CLOEXEC);
    if (descriptor < 0) throw systemError("IO", "list /proc", "open", descriptor, "", { path: "/proc" });
    try {
      const pids = [];
      const buffer = new Uint8Array(32768);
      const view = new DataView(buffer.buffer);
      for (; ; ) {
        const length = getdents64(descriptor, buffer, BigInt(buffer.length));
        if (length < 0) throw systemError("IO", "list /proc", "getdents64", length, "", { path: "/proc" });
        if (length === 0) return pids;
        for (let at = 0; at < length; at += view.getUint16(at + layouts.dirent.length, true)) {
          const name = buffer.subarray(at + layouts.dirent.name, buffer.indexOf(0, at + layouts.dirent.name));
          const pid = Number(decoder.decode(name));
          if (Number.isInteger(pid)) pids.push(pid);
        }
      }
    } finally {
      close(descriptor);
    }
  }
  signal(pid, number) {
    return signalled(linuxLibc().kill(pid, number), "kill", pid, number);
  }
  isForeign(pid) {
    return linuxLibc().kill(pid, 0) === -LINUX_ERRNO.EPERM;
  }
  canRun(path) {
    return canRun(path);
  }
  hold(pid) {
    return PidDescriptor.open(pid);
  }
};
function grown(buffer) {
  const larger = new Uint8Array(2 * buffer.length);
  larger.set(buffer);
  return larger;
}
function absent(path, call, result) {
  if (result === -LINUX_ERRNO.ENOENT || result === -LINUX_ERRNO.ESRCH || result === -LINUX_ERRNO.EACCES) return void 0;
  throw systemError("IO", `read ${path}`, call, result, "", { path });
}

// src/process/linux/shell_access.ts
var SHELL2 = "/bin/sh";
var PATH = "/usr/bin:/bin:/run/current-system/sw/bin:/run/current-system/profile/bin";
var ASK_EVERY_MS = 50;
var LONGEST_ANSWER = 2 ** 28;
var ABSENT = /No such file or directory|No such process|Permission denied/;
var ShellAccess = class {
  sweeps = { programs: [SHELL2], askEveryMs: ASK_EVERY_MS, statusLines, searchEnvironments };
  bytes(path) {
    const { succeeded, output, errors } = ask(`read ${path}`, 'exec cat -- "$1"', path);
    if (succeeded) return output;
    if (ABSENT.test(errors)) return void 0;
    throw failed(`read ${path}`, errors);
  }
  link(path) {
    const { succeeded, output } = ask(`read ${path}`, 'exec readlink -n -- "$1"', path);
    return succeeded ? output.toString() : void 0;
  }
  processes() {
    const { output } = ask("list /proc", "cd /proc && printf '%s\\n' [0-9]*");
    return output.toString().split("\n").filter((name) => /^\d+$/.test(name)).map(Number);
  }
  signal(pid, number) {
    const whom = pid < 0 ? `process group ${-pid}` : `process ${pid}`;
    const doing = `send signal ${number} to ${whom}`;
    const { succeeded, errors } = kill(doing, pid, number);
    if (succeeded) return true;
    if (errors.includes("No such process")) return false;
    if (!isRefusal(errors)) throw failed(doing, errors, "OTHER");
    throw new ProcrefError("PERMISSION", `Cannot ${doing}: ${errors.trim()}`, { details: { pid: Math.abs(pid) } });
  }
  isForeign(pid) {
    const { succeeded, errors } = kill(`look for process ${pid}`, pid, 0);
    return !succeeded && isRefusal(errors);
  }
  canRun(path) {
    const script = 'if [ -d "$1" ]; then echo denied; elif [ -x "$1" ]; then echo true; elif [ -e "$1" ]; then echo denied; fi';
    const answer = ask(`look for ${path}`, script, path).output.toString().trim();
    return answer === "denied" ? answer : answer === "true";
  }
  hold() {
    return "not-offered";
  }
};
function kill(doing, pid, number) {
  return ask(doing, 'kill -s "$1" -- "$2"', String(number), String(pid));
}
function isRefusal(errors) {
  return errors.includes("not permitted");
}
function statusLines() {
  return ask("list /proc", "exec cat /proc/[0-9]*/stat").output.toString();
}
function searchEnvironments(entries) {
  const script = 'exec grep -Hazo "$@" /proc/[0-9]*/environ';
  const wanted = entries.flatMap((entry) => ["-e", `^${entry.replaceAll(".", "\\.")}$`]);
  const { output, errors } = ask("search /proc", script, ...wanted, "-e", "^[^=]");
  const found = /* @__PURE__ */ new Set();
  const seen = /* @__PURE__ */ new Set();
  for (const record of output.toString().split("\0")) {
    const [, pid, entry] = /^\/proc\/(\d+)\/environ:(.*)$/s.exec(record) ?? [];
    if (pid === void 0) continue;
    seen.add(Number(pid));
    if (entries.includes(entry)) found.add(Number(pid));
  }
  for (const [, pid] of errors.matchAll(/\/proc\/(\d+)\/environ: /g)) seen.add(Number(pid));
  return { found: [...found], empty: new ShellAccess().processes().filter((pid) => !seen.has(pid)) };
}
function ask(doing, script, ...args) {
  const { status, stdout, stderr, error } = run(doing, script, args);
  if (error === void 0 && (stdout === void 0 || stderr === void 0)) throw refused(doing);
  if (error?.code === "ENOENT") {
    throw new ProcrefError("PLATFORM", `Cannot ${doing}: there is no ${SHELL2}; install one, or allow native calls`);
  }
  if (error !== void 0) throw failed(doing, error.message);
  return { succeeded: status === 0, output: stdout, errors: stderr.toString() };
}
function run(doing, script, args) {
  try {
    return spawnBytes(["-c", script, SHELL2, ...args]);
  } catch (cause) {
    const { name } = cause;
    if (name === "NotCapable" || name === "PermissionDenied") throw refused(doing, cause);
    throw failed(doing, cause.message);
  }
}
function spawnBytes(args) {
  return node.child_process.spawnSync(SHELL2, args, {
    cwd: "/",
    // Messages are in English, and nothing of ours is passed on: not the mark, by which processes are found.
    env: { LC_ALL: "C", PATH },
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: LONGEST_ANSWER
  });
}
function refused(doing, cause) {
  return new ProcrefError(
    "PERMISSION",
    `Cannot ${doing}: the runtime does not allow it; allow native calls (in Deno --allow-ffi), or the shell instead (--allow-run=${SHELL2} and --allow-env=NODE_V8_COVERAGE)`,
    { cause }
  );
}
function failed(doing, why, code = "IO") {
  return new ProcrefError(code, `Cannot ${doing}: ${why.trim()}`);
}

// src/process/linux/linux_access.ts
var chosen3;
function linuxAccess() {
  return chosen3 ??= mayCallNatively() ? new NativeAccess() : new ShellAccess();
}
function mayCallNatively() {
  try {
    linuxLibc();
    return true;
  } catch (error) {
    if (isProcrefError(error, "PERMISSION")) return false;
    throw error;
  }
}

// src/process/linux/proc_files.ts
var decoder2 = new TextDecoder();
function readProcBytes(path) {
  return linuxAccess().bytes(path);
}
function readProcFile(path) {
  const bytes = readProcBytes(path);
  return bytes && decoder2.decode(bytes);
}
function readProcLink(path) {
  return linuxAccess().link(path);
}
function readStatusLine(pid) {
  return readProcFile(pid === host().pid ? `/proc/${pid}/task/${pid}/stat` : `/proc/${pid}/stat`);
}
function parseStatus(text) {
  const fields = text.slice(text.lastIndexOf(")") + 2).trimEnd().split(" ");
  if (fields.length < 20) return void 0;
  return {
    state: fields[0],
    parent: Number(fields[1]),
    group: Number(fields[2]),
    threads: Number(fields[17]),
    startTicks: fields[19]
  };
}
function hasEnded({ state, threads }) {
  return state === "X" || state === "x" || state === "Z" && threads <= 1;
}
var KERNEL_THREAD = 2097152;
function hasProgram(text) {
  const status = parseStatus(text);
  const flags = Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[6]);
  return status !== void 0 && !hasEnded(status) && (flags & KERNEL_THREAD) === 0;
}
function hasNoEnvironment(text) {
  if (!hasProgram(text)) return true;
  const fields = text.slice(text.lastIndexOf(")") + 2).trimEnd().split(" ");
  const [startOfCode, start, end] = [fields[23], fields[47], fields[48]];
  return startOfCode !== "0" && start === end;
}
function listProcesses() {
  return linuxAccess().processes();
}
var COMPLETE = 40;
function splitStatusLines(text) {
  const lines = [];
  let begun = "";
  for (const part of text.split("\n")) {
    begun = begun === "" ? part : `${begun}
${part}`;
    if (begun.slice(begun.lastIndexOf(")") + 2).split(" ").length < COMPLETE) continue;
    lines.push([parseInt(begun, 10), begun]);
    begun = "";
  }
  return lines;
}

// src/process/linux/input_ancestors.ts
var MOST = 32;
function inputAncestors() {
  const input = isPipe(0) ? readProcLink(`/proc/${host().pid}/fd/0`) : void 0;
  const found = [];
  for (let pid = host().pid; found.length < MOST; ) {
    const parent = parseStatus(readStatusLine(pid) ?? "")?.parent ?? 0;
    if (parent < 1) break;
    found.push(parent);
    if (input === void 0 || readProcLink(`/proc/${parent}/fd/0`) !== input) break;
    pid = parent;
  }
  return found;
}
function isPipe(descriptor) {
  try {
    const status = node.fs.fstatSync(descriptor);
    return status.isFIFO() || status.isSocket();
  } catch {
    return false;
  }
}

// src/process/linux/linux_processes.ts
var TICKS_PER_SECOND = 100;
var SETPRIV = ["/bin/setpriv", "/usr/bin/setpriv"];
var PROGRAM_CHANGE_MS = 2e3;
var PROGRAM_CHANGE_PAUSE_MS = 1;
var LinuxProcesses = class extends UnixProcesses {
  #domain;
  kernelRelease() {
    return readProcFile("/proc/sys/kernel/osrelease")?.trim();
  }
  domain() {
    return this.#domain ??= {
      boot: readProcFile("/proc/sys/kernel/random/boot_id")?.trim() ?? "",
      pid: readProcLink(`/proc/${host().pid}/ns/pid`) ?? "",
      ipc: readProcLink(`/proc/${host().pid}/ns/ipc`) ?? ""
    };
  }
  status(pid) {
    const fields = parseStatus(readStatusLine(pid) ?? "");
    return fields && this.#status(fields);
  }
  /** The hidepid option of /proc hides the processes of others, of which the kernel still says EPERM. */
  isHidden(pid) {
    return linuxAccess().isForeign(pid);
  }
  list() {
    return listProcesses();
  }
  listHolding(entries) {
    const { sweeps } = linuxAccess();
    if (sweeps === void 0) return this.list();
    const { found, empty } = sweeps.searchEnvironments(entries);
    if (empty.length === 0) return [...found];
    const others = splitStatusLines(sweeps.statusLines()).filter(([, line]) => !hasNoEnvironment(line));
    const possible = new Set(others.map(([pid]) => pid));
    return [...found, ...empty.filter((pid) => possible.has(pid))];
  }
  /**
   * While a process changes its program (execve), the kernel shows none of its environment for a moment: it is asked
   * again until it does.
   */
  environment(pid) {
    for (const deadline = performance.now() + PROGRAM_CHANGE_MS; ; ) {
      const environment2 = readProcBytes(`/proc/${pid}/environ`);
      if (environment2 === void 0 || environment2.length > 0 || performance.now() >= deadline) return environment2;
      if (hasNoEnvironment(readStatusLine(pid) ?? "")) return environment2;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PROGRAM_CHANGE_PAUSE_MS);
    }
  }
  owner(pid) {
    const uid = /^Uid:\s+(\d+)/m.exec(readProcFile(`/proc/${pid}/status`) ?? "")?.[1];
    return uid === void 0 ? void 0 : Number(uid);
  }
  command(pid) {
    const text = readProcFile(`/proc/${pid}/cmdline`);
    return text === void 0 || text === "" ? void 0 : text.replace(/\0$/, "").split("\0");
  }
  ageMs(pid) {
    const fields = parseStatus(readStatusLine(pid) ?? "");
    const uptime = Number(readProcFile("/proc/uptime")?.split(" ")[0]);
    if (fields === void 0 || Number.isNaN(uptime)) return void 0;
    return Math.max(0, Math.round(1e3 * (uptime - Number(fields.startTicks) / TICKS_PER_SECOND)));
  }
  hold(pid) {
    return linuxAccess().hold(pid);
  }
  get askedPrograms() {
    return linuxAccess().sweeps?.programs ?? [];
  }
  get askEveryMs() {
    return linuxAccess().sweeps?.askEveryMs ?? 0;
  }
  signal(pid, number) {
    return linuxAccess().signal(pid, number);
  }
  inputAncestors() {
    return inputAncestors();
  }
  ignoredSignals() {
    const [, mask = "0"] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readProcFile(`/proc/${host().pid}/status`) ?? "") ?? [];
    const bits = BigInt(`0x${mask}`);
    return new Set(
      Array.from({ length: 64 }, (_, index) => index + 1).filter((number) => bits >> BigInt(number - 1) & 1n)
    );
  }
  terminalSignalsWholeGroup() {
    const text = readStatusLine(host().pid) ?? "";
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[5] !== void 0 && fields[5] === fields[2];
  }
  canRun(path) {
    return linuxAccess().canRun(path);
  }
  supervisorProgram = "linux_bundle.js";
  detachingProgram = "setsid";
  detachedBy = "setsid (util-linux or BusyBox), in Deno --allow-run=setsid";
  /**
   * A leader of a process group cannot begin a session, so setsid forks: the program is no child of this process, and
   * neither a group kill nor a runtime that ends its descendants reaches it.
   */
  startDetached(start) {
    return spawnDetached([this.detachingProgram], start);
  }
  startLogged(start) {
    return spawnLogged([this.detachingProgram], start);
  }
  endsWithSupervisor() {
    return this.parentDeathProgram() === void 0 ? void 0 : "setpriv";
  }
  /** setpriv of util-linux; that of BusyBox does not know `--pdeathsig`. */
  parentDeathProgram() {
    const found = SETPRIV.find((path) => this.canRun(path) === true);
    return found === void 0 || readProcLink(found)?.includes("busybox") ? void 0 : found;
  }
  runsGroup(group) {
    const { sweeps } = linuxAccess();
    if (sweeps === void 0) return super.runsGroup(group);
    return splitStatusLines(sweeps.statusLines()).some(([, line]) => {
      const fields = parseStatus(line);
      return fields.group === group && !hasEnded(fields);
    });
  }
  #status(fields) {
    const { boot, pid: namespace } = this.domain();
    return { start: `${fields.startTicks} ${namespace} ${boot}`, ended: hasEnded(fields), group: fields.group };
  }
};

// src/kernel/blocking_wait.ts
var FIRST_PAUSE_MS2 = 0.05;
var LONGEST_PAUSE_MS2 = 2;
var cell;
function blockFor(ms) {
  cell ??= new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(cell, 0, 0, ms);
}
function blockUntil(attempt, limitMs, pace2 = {}) {
  const { firstPauseMs = FIRST_PAUSE_MS2, longestPauseMs = LONGEST_PAUSE_MS2 } = pace2;
  const deadline = performance.now() + limitMs;
  for (let pause = firstPauseMs; !attempt(); pause = Math.min(2 * pause, longestPauseMs)) {
    if (performance.now() > deadline) return false;
    blockFor(pause * (0.5 + Math.random() / 2));
  }
  return true;
}

// src/service/service_info.ts
var LONGEST_TEXT = 16384;
var ServiceInfo = class _ServiceInfo {
  /** The process, or undefined when the service is none of its own. */
  pid;
  /** The identity of that process; undefined when there is none, or when it had ended already. */
  identity;
  /** Where it listens, or undefined. */
  port;
  /** Where it listens; `127.0.0.1` unless given. */
  host;
  #metadata;
  /**
   * Describes a service; the identity of the process is taken now.
   *
   * @param pid its process: an integer from 2 to 2,147,483,647; undefined when it has none
   * @param port where it listens: an integer from 0 to 65535; undefined when it does not
   * @param options `host`: where it listens; `start`: the identity's word if it is known already; `metadata`
   * @throws ProcrefError `SERVICE_INFO` for anything outside these rules; `PERMISSION`, `LIBRARY`, `PLATFORM`
   */
  constructor(pid, port, options = {}) {
    const { host: host2 = "127.0.0.1", start, metadata = {} } = options;
    check(pid === void 0 || isPid2(pid), `${String(pid)} is no PID`);
    check(port === void 0 || isPort(port), `${String(port)} is no port`);
    check(isText(host2) && host2 !== "", "the host is no text");
    check(start === void 0 || pid !== void 0 && isText(start), "the start of the process is no text");
    check(isTextRecord(metadata), "the metadata is not an object of texts");
    this.pid = pid;
    this.port = port;
    this.host = host2;
    this.identity = pid === void 0 ? void 0 : start === void 0 ? identityOf(pid) : { pid, start };
    this.#metadata = new Map(Object.entries(metadata));
  }
  /**
   * Describes a service that is a process and listens nowhere.
   *
   * @param pid its process
   * @throws ProcrefError as the constructor
   */
  static withPid(pid) {
    return new _ServiceInfo(pid);
  }
  /**
   * Takes the JSON form, or any object of that shape; nothing in it is trusted.
   *
   * @throws ProcrefError `SERVICE_INFO` when it is not of that shape; as the constructor
   */
  static fromJSON(value) {
    if (value instanceof _ServiceInfo) return value;
    check(typeof value === "object" && value !== null && !Array.isArray(value), "it is no object");
    const { pid, port, host: host2, start, metadata } = value;
    check(pid !== void 0 || port !== void 0 || metadata !== void 0, "it has neither pid, port nor metadata");
    return new _ServiceInfo(pid, port, { host: host2, start, metadata });
  }
  /** All metadata, as a copy. */
  get metadata() {
    return Object.fromEntries(this.#metadata);
  }
  /** One entry of the metadata, or undefined. */
  getMetadata(key) {
    return this.#metadata.get(key);
  }
  /**
   * Sets an entry of the metadata. Clients see what was set before the info was returned by a callback.
   *
   * @returns this info
   * @throws ProcrefError `SERVICE_INFO` when key or value is no text of at most 16,384 characters
   */
  setMetadata(key, value) {
    check(isText(key) && isText(value), "a metadata entry is no text");
    this.#metadata.set(key, value);
    return this;
  }
  /**
   * Whether the process runs: that very one, not a later one of its number, and not a zombie. A service without a
   * process counts as alive, since nothing says otherwise.
   *
   * @throws ProcrefError `PERMISSION`, `LIBRARY`, `PLATFORM`
   */
  isAlive() {
    if (this.pid === void 0) return true;
    return this.identity !== void 0 && isAlive(this.identity);
  }
  /** The form for JSON; `ServiceInfo.fromJSON` takes it back. */
  toJSON() {
    return {
      pid: this.pid,
      start: this.identity?.start,
      host: this.host,
      port: this.port,
      metadata: this.metadata
    };
  }
};
function check(condition, problem) {
  if (!condition) throw new ProcrefError("SERVICE_INFO", `Cannot describe a service so: ${problem}`);
}
function isPid2(value) {
  try {
    checkPid(value);
    return true;
  } catch {
    return false;
  }
}
function isPort(value) {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 65535;
}
function isText(value) {
  return typeof value === "string" && value.length <= LONGEST_TEXT;
}
function isTextRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).every(isText);
}

// src/service/one_line.ts
var MOST2 = 160;
function oneLine(text, most = MOST2) {
  const plain = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\s]+/gu, " ").trim();
  const letters2 = Array.from(plain);
  return letters2.length <= most ? plain : `${letters2.slice(0, most - 1).join("")}…`;
}

// src/supervisor/readiness.ts
var QUESTION_MS = 2e3;
var DRAIN_MS = 100;
var MOST_OUTPUT = 4096;
function ask2({ ready, host: host2, port, cwd, env }) {
  switch (ready.kind) {
    case "tcp":
      return askTcp(host2, port);
    case "http":
      return askHttp(host2, port, ready.path, ready.status);
    case "exec":
      return askCommand(ready.command, cwd, env);
  }
}
async function askTcp(host2, port) {
  const { connect } = await import("node:net");
  return await new Promise((resolve) => {
    const socket = connect({ host: host2, port });
    const settle = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    const isSomebody = () => socket.localPort !== port && socket.remotePort === port;
    socket.once("connect", () => settle(isSomebody() ? "yes" : { no: REFUSED }));
    socket.once("error", (error) => settle({ no: meaningOf(error) }));
    socket.setTimeout(QUESTION_MS, () => settle(LATE));
  });
}
async function askHttp(host2, port, path, status) {
  const { request } = await import("node:http");
  return await new Promise((resolve) => {
    const question = request({ host: host2, port, path, agent: false, timeout: QUESTION_MS }, (response) => {
      const { statusCode = 0 } = response;
      const fits = status === void 0 ? statusCode >= 200 && statusCode < 400 : statusCode === status;
      resolve(fits ? "yes" : { no: `status ${statusCode}, expected ${status ?? "200 to 399"}` });
      question.destroy();
    });
    question.once("timeout", () => {
      resolve(LATE);
      question.destroy();
    });
    question.once("error", (error) => resolve({ no: meaningOf(error) }));
    question.once("close", () => resolve({ no: CLOSED }));
    question.end();
  });
}
var REFUSED = "connection refused";
var CLOSED = "the connection was closed without an answer";
var LATE = { no: `no answer within ${QUESTION_MS} ms`, isLate: true };
var MEANINGS = {
  ECONNREFUSED: REFUSED,
  ECONNRESET: CLOSED,
  ETIMEDOUT: "no answer",
  ENOTFOUND: "no such host"
};
function meaningOf(error) {
  const { code = "" } = error;
  return MEANINGS[code] ?? oneLine(error.message || code || error.name);
}
function askCommand([program, ...args], cwd, env) {
  return new Promise((resolve) => {
    const fail = (error) => resolve({ no: `cannot be run: ${oneLine(error.message)}` });
    let child;
    try {
      child = node.child_process.spawn(program, args, {
        cwd,
        env: { ...env },
        stdio: ["ignore", "pipe", "pipe"],
        windowsHide: true
      });
    } catch (error) {
      return fail(error);
    }
    const lastLine = lastLineOf(child);
    const late = setTimeout(() => child.kill("SIGKILL"), QUESTION_MS);
    child.once("error", (error) => {
      clearTimeout(late);
      fail(error);
    });
    child.once("exit", (code, signal) => {
      if (code === 0) resolve("yes");
      clearTimeout(late);
      const isLate = child.killed;
      const no = () => resolve({ no: `${endOf(code, signal, isLate)}${lastLine()}`, isLate });
      const rest = setTimeout(no, DRAIN_MS);
      child.once("close", () => {
        clearTimeout(rest);
        no();
      });
    });
  });
}
function endOf(code, signal, isLate) {
  if (isLate) return `did not end within ${QUESTION_MS} ms`;
  return signal === null ? `ended with ${code}` : `was ended by ${signal}`;
}
function lastLineOf(child) {
  const texts = [child.stderr, child.stdout].map((output) => {
    let text = "";
    output.setEncoding("utf8");
    output.on("data", (piece) => text = (text + piece).slice(-MOST_OUTPUT));
    return () => text.trim().split("\n").at(-1).trim();
  });
  return () => {
    const line = texts.map((text) => text()).find((text) => text !== "");
    return line === void 0 ? "" : `: ${oneLine(line)}`;
  };
}

// src/supervisor/awaited.ts
var LONG_MS = 500;
var MOST_COMMAND = 80;
var Awaited = class {
  /** For example `tcp 127.0.0.1:8080`. */
  waitedFor;
  #ready;
  #answer;
  #askedAt;
  /** @param ready with all placeholders replaced */
  constructor(ready, host2, port) {
    this.#ready = ready;
    this.waitedFor = nameOf(ready, host2.includes(":") ? `[${host2}]:${port}` : `${host2}:${port}`);
  }
  /** Asks once, and keeps the answer. */
  async isReady(question) {
    this.#askedAt = performance.now();
    this.#answer = await ask2(question);
    this.#askedAt = void 0;
    return this.#answer === "yes";
  }
  /** What was last heard. */
  get lastAnswer() {
    const ready = this.#ready;
    if (ready.kind === "log") return `no line matches /${oneLine(ready.pattern)}/${ready.flags}`;
    const answer = this.#answer;
    const pendingMs = this.#askedAt === void 0 ? void 0 : Math.round(performance.now() - this.#askedAt);
    const isSilent = answer === void 0 || answer !== "yes" && !answer.isLate && pendingMs >= LONG_MS;
    if (pendingMs !== void 0 && isSilent) {
      return ready.kind === "exec" ? `has not ended after ${pendingMs} ms` : `no answer within ${pendingMs} ms`;
    }
    if (answer === void 0) return "its program has not begun";
    return answer === "yes" ? "yes, but its process has ended" : answer.no;
  }
  /** Both, for a message. */
  toString() {
    const isSentence = this.#ready.kind === "exec" && (this.#answer ?? this.#askedAt) !== void 0;
    return `${this.waitedFor}${isSentence ? "" : ":"} ${this.lastAnswer}`;
  }
};
function nameOf(ready, address) {
  switch (ready.kind) {
    case "tcp":
      return `tcp ${address}`;
    case "http":
      return `http ${address}${oneLine(ready.path)}`;
    case "exec":
      return `exec "${oneLine(ready.command.join(" "), MOST_COMMAND)}"`;
    default:
      return ready.kind;
  }
}

// src/supervisor/placeholders.ts
function fillIn(text, values) {
  return text.replace(
    /\{(port|host|name|namespace|dir)\}/g,
    (whole, word) => String(values[word] ?? whole)
  );
}

// src/supervisor/ports.ts
async function choosePort(name, { port, host: host2 }, { first, taken = /* @__PURE__ */ new Set() }) {
  if (port === void 0) return void 0;
  const isFree = async (candidate) => !taken.has(candidate) && await freePort(host2, candidate) !== void 0;
  const mayBeFirst = first !== void 0 && (port === "auto" || port.from <= first && first <= port.to);
  if (mayBeFirst && await isFree(first)) return first;
  if (port !== "auto") {
    for (let candidate = port.from; candidate <= port.to; candidate++) {
      if (await isFree(candidate)) return candidate;
    }
  }
  const any = await freePort(host2, 0);
  if (any === void 0) throw noneFree(name, `no port of ${host2} is free, or ${host2} is no address of this machine`);
  if (port === "auto") return any;
  throw noneFree(name, inUse(host2, port));
}
function inUse(host2, { from, to }) {
  return from === to ? `port ${from} of ${host2} is in use by somebody else; give another port, or port: "auto"` : `no port from ${from} to ${to} is free; give another range, or port: "auto"`;
}
function noneFree(name, why) {
  return new ProcrefError("SERVICE_START", `Cannot start "${name}": ${why}`, { details: { name, field: "port" } });
}
async function freePort(host2, port) {
  const { createServer } = await import("node:net");
  return await new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(void 0));
    server.listen({ host: host2, port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : void 0));
    });
  });
}

// src/process/containment.ts
var containment;
function containChildren() {
  containment ??= processSystem().contain();
}
function childrenContainment() {
  return containment;
}

// src/process/signals.ts
var SIGKILL = 9;
var SIGTERM = 15;
var POSIX = {
  ...{ SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGABRT: 6, SIGKILL, SIGALRM: 14, SIGTERM }
};
function signalNumber(name) {
  return POSIX[name] ?? node.os.constants.signals[name];
}

// src/process/pace.ts
function pace() {
  const { askEveryMs = 0 } = processSystem();
  return askEveryMs === 0 ? {} : { firstPauseMs: askEveryMs, longestPauseMs: askEveryMs };
}

// src/process/stop.ts
var KILL_MS = 5e3;
async function escalate(gone, force, timeoutMs) {
  if (await happens(gone, timeoutMs)) return "terminated";
  force();
  return await happens(gone, KILL_MS) ? "killed" : "still-running";
}
function checkGrace(timeoutMs) {
  if (typeof timeoutMs === "number" && timeoutMs >= 0) return;
  throw new ProcrefError(
    "INVALID_ARGUMENT",
    `Cannot wait ${String(timeoutMs)} ms for a process to end: use 0 or more milliseconds`
  );
}
async function happens(condition, timeoutMs) {
  try {
    await until(condition, { timeoutMs, ...pace() }, () => "see the process end");
    return true;
  } catch (error) {
    if (isProcrefError(error, "TIMEOUT")) return false;
    throw error;
  }
}

// src/process/contained.ts
var KILL_MS2 = 1e4;
async function stopContained(identity, timeoutMs) {
  const kept = childrenContainment();
  if (kept === void 0) return false;
  if (kept.request(identity.pid)) await happens(() => kept.members().length === 0 || kept.isFollowed(), timeoutMs);
  await endContained();
  return true;
}
async function endContained() {
  const kept = childrenContainment();
  if (kept === void 0) return;
  kept.leave();
  const ended = () => {
    const left = kept.members();
    for (const pid of left) processSystem().signal(pid, SIGKILL);
    return left.length === 0;
  };
  await until(ended, { timeoutMs: KILL_MS2 }, () => `end the processes ${kept.members().join(", ")}`);
}

// src/process/group.ts
function killGroup(leader) {
  return leads(leader) && processSystem().signal(-leader.pid, SIGKILL);
}
async function stopGroup(leader, timeoutMs, request = SIGTERM) {
  checkGrace(timeoutMs);
  if (!leads(leader) || !processSystem().signal(-leader.pid, request)) return "not-running";
  const gone = () => !processSystem().isGroupAlive(leader);
  return await escalate(gone, () => gone() || processSystem().signal(-leader.pid, SIGKILL), timeoutMs);
}
function leads(leader) {
  checkSignalPid(leader.pid);
  const status = processSystem().status(leader.pid);
  return status !== void 0 && status.group === leader.pid && status.start === leader.start;
}

// src/process/programs.ts
function findProgram(program, path = processSystem().usualPath, cwd = "/") {
  const { delimiter, isAbsolute: isAbsolute2, join: join2, resolve } = node.path;
  const system = processSystem();
  const places = system.isPath(program) ? [isAbsolute2(program) ? program : resolve(cwd, program)] : path.split(delimiter).map(
    (directory) => join2(isAbsolute2(directory) ? directory : resolve(cwd, directory), program)
  );
  let denied = false;
  for (const place of places.flatMap((place2) => system.programFiles(place2))) {
    const answer = system.canRun(place);
    if (answer === true) return { found: place };
    denied ||= answer === "denied";
  }
  return { missing: denied ? "not executable" : "not found" };
}

// src/process/interpreter.ts
var HEAD_SIZE = 128;
var NO_INTERPRETER = "a text that names no interpreter (#!)";
function wantsShell(path) {
  try {
    const head = host().files.head(path, HEAD_SIZE);
    if (head === void 0) return false;
    const names = head[0] === 35 && head[1] === 33;
    return !names && !head.includes(0);
  } catch {
    return false;
  }
}
function isForShell(program, { path, cwd }) {
  if (isAbsolute(program) && !wantsShell(program)) return false;
  const search = findProgram(program, path, cwd);
  return "found" in search && wantsShell(search.found);
}

// src/process/mark_variable.ts
var MARK_VARIABLE = "PROCREF_MARK";

// src/process/marks.ts
var KILL_MS3 = 1e4;
function markedProcesses(marks, entry) {
  if (marks.length === 0) return [];
  const wanted = marks.map((mark) => `\0${MARK_VARIABLE}=${mark}\0`);
  const needed = entry === void 0 ? "\0" : letters(new TextEncoder().encode(`\0${entry}\0`));
  const system = processSystem();
  const pids = system.listHolding?.(marks.map((mark) => `${MARK_VARIABLE}=${mark}`)) ?? system.list();
  return pids.flatMap((pid) => {
    if (pid === host().pid) return [];
    const identity = identityOf(pid);
    const environment2 = identity && system.environment(pid);
    if (environment2 === void 0) return [];
    const bounded = `\0${letters(environment2)}\0`;
    return bounded.includes(needed) && wanted.some((text) => bounded.includes(text)) ? [identity] : [];
  });
}
function letters(bytes) {
  return new TextDecoder("latin1").decode(bytes);
}
async function endMarked(marks, entry) {
  const ended = () => {
    const left = markedProcesses(marks, entry);
    for (const identity of left) {
      using watch = ProcessWatch.open(identity);
      watch?.signal(SIGKILL);
    }
    return left.length === 0;
  };
  await until(ended, { timeoutMs: KILL_MS3, ...pace() }, () => `end the processes marked ${marks.join(", ")}`);
}

// src/process/parent_death.ts
var IF_PARENT_LIVES = `test "$PPID" = "$0" && exec "$@"`;
var SHELL3 = "/bin/sh";
function endingWithParent(setpriv, command) {
  if (setpriv === void 0) return command;
  return [setpriv, "--pdeathsig", "KILL", "--", SHELL3, "-c", IF_PARENT_LIVES, String(host().pid), ...command];
}
function isPrepared(setpriv, command) {
  return [[setpriv, "--pdeathsig"], [SHELL3, "-c", IF_PARENT_LIVES]].some(
    (begin) => begin.every((word, index) => command[index] === word)
  );
}

// src/process/variables.ts
function mergedVariables(environments, ignoresCase = processSystem().variablesIgnoreCase) {
  const merged = /* @__PURE__ */ new Map();
  for (const [name, value] of environments.flatMap((environment2) => Object.entries(environment2))) {
    merged.set(keyOf(name, ignoresCase), [name, value]);
  }
  return Object.fromEntries([...merged.values()].filter((entry) => entry[1] !== void 0));
}
function variableOf(environment2, name, ignoresCase = processSystem().variablesIgnoreCase) {
  const wanted = keyOf(name, ignoresCase);
  return Object.entries(environment2).findLast(
    ([each, value]) => value !== void 0 && keyOf(each, ignoresCase) === wanted
  )?.[1];
}
function keyOf(name, ignoresCase) {
  return ignoresCase ? name.toUpperCase() : name;
}

// src/process/unstarted_program.ts
function statusOfUnstarted(program, { path, cwd }, code) {
  if (code === "EACCES") return 126;
  const search = findProgram(program, path, cwd);
  if ("missing" in search) return search.missing === "not executable" ? 126 : 127;
  return code === "ENOENT" ? 127 : void 0;
}

// src/process/working_directory.ts
function faultOfDirectory(path) {
  const system = processSystem();
  const inside = path.endsWith(node.path.sep) || path.endsWith("/") ? `${path}.` : `${path}/.`;
  if (system.canRun(inside) !== false) return void 0;
  return system.canRun(path) === false ? "does not exist" : "is no directory";
}

// src/service/resolve_programs.ts
function checkDirectory(name, cwd, cause) {
  const fault = faultOfDirectory(cwd);
  if (fault === void 0) return;
  throw new ProcrefError("SERVICE_START", `Cannot start "${name}": its cwd ${cwd} ${fault}`, {
    cause,
    details: { name, path: cwd, field: "cwd" }
  });
}
function splitRemedy([program = "", ...args]) {
  const line = program.trim();
  if (!/\s/.test(line)) return "";
  const words = /["'`$|&;<>()*?~\\]/.test(line) ? ["sh", "-c", line] : line.split(/\s+/);
  const rest = line.includes("\\") || words[0] === "sh" && args.length > 0 ? "each word as a text of its own" : `[${[...words, ...args].map((word) => JSON.stringify(word)).join(", ")}]`;
  return `; no shell splits it; give ${rest}`;
}

// src/supervisor/unstarted_service.ts
function placeOf({ cwd, env, inherited }) {
  return { path: variableOf(mergedVariables([inherited, env]), "PATH"), cwd };
}
function notStarted(description, name, program, cause) {
  const { command, cwd } = description;
  checkDirectory(name, cwd, cause);
  const exitCode = statusOfUnstarted(program, placeOf(description), cause.code);
  const remedy = exitCode === 127 ? splitRemedy(command) : "";
  const why = `${command[0]} in ${cwd}: ${cause.message}${remedy}`;
  return new ProcrefError("SERVICE_START", `Cannot start "${name}": ${why}`, {
    cause,
    details: { name, path: program, exitCode }
  });
}
function earlyEnd({ command }, { why, exitCode }) {
  const meaning = exitCode === 127 ? " (not found)" : exitCode === 126 ? " (not executable)" : "";
  const remedy = exitCode === 127 ? splitRemedy(command) : "";
  const program = remedy === "" ? "" : `; its program is "${oneLine(command[0])}"${remedy}`;
  return `${why}${meaning} before it was ready${program}`;
}

// src/supervisor/service_process.ts
var DRAIN_MS2 = 200;
var ServiceProcess = class _ServiceProcess {
  /** Who it is; undefined when it had ended before it could be asked. */
  identity;
  /** Resolves when it has ended and its output has arrived. */
  ended;
  #description;
  #mark;
  #hasEnded = false;
  /**
   * Starts a process.
   *
   * @throws ProcrefError `SERVICE_START`
   */
  static async start(description, values, mark, log) {
    const command = description.command.map((text) => fillIn(text, values));
    checkProgram(description, values.name, command[0]);
    const [program, ...args] = endingWithParent(description.setpriv, command);
    childrenContainment()?.prepare();
    const env = environment(description, values, mark);
    let child;
    try {
      child = await processSystem().startService({ command: [program, ...args], cwd: description.cwd, env });
    } catch (cause) {
      throw notStarted(description, values.name, program, cause);
    }
    return new _ServiceProcess(child, description, mark, log);
  }
  constructor(child, description, mark, log) {
    this.#description = description;
    this.#mark = mark;
    this.identity = identityOf(child.pid);
    const written = child.readOutput((bytes) => log.write(bytes)).catch(() => {
    });
    this.ended = child.ended.then(async (end) => {
      this.#hasEnded = true;
      const over = new AbortController();
      await Promise.race([written, delay(DRAIN_MS2, over).catch(() => {
      })]);
      over.abort();
      return endOf2(end);
    });
  }
  /** Whether it has not ended. */
  get isRunning() {
    return !this.#hasEnded;
  }
  /** Whether its program has taken the place of what prepares it. */
  get hasBegun() {
    if (this.identity === void 0) return false;
    const command = processSystem().command(this.identity.pid);
    const { setpriv } = this.#description;
    return command !== void 0 && !(setpriv !== void 0 && isPrepared(setpriv, command));
  }
  /**
   * Stops it: its signal to the whole process group (on Windows Ctrl-C to all that share its console, whatever the
   * signal), SIGKILL to the group when its time is over, and SIGKILL to all that carries its mark, wherever it went.
   *
   * @throws ProcrefError `SERVICE_STOP` when something could not be ended
   */
  async stop() {
    const { stopSignal, stopTimeoutMs } = this.#description;
    if (this.identity !== void 0 && !await stopContained(this.identity, stopTimeoutMs)) {
      await stopGroup(this.identity, stopTimeoutMs, signalNumber(stopSignal));
    }
    await this.clearUp();
  }
  /** Ends by force whatever is left of it. */
  async clearUp() {
    try {
      if (this.identity !== void 0) killGroup(this.identity);
      await endContained();
      await endMarked([this.#mark]);
      await this.ended;
    } catch (cause) {
      throw new ProcrefError("SERVICE_STOP", `Cannot stop the service: ${cause.message}`, { cause });
    }
  }
};
function environment({ inherited, env }, values, mark) {
  const own = Object.entries(env).map(([variable, text]) => [variable, fillIn(text, values)]);
  return mergedVariables([inherited, Object.fromEntries(own), { [MARK_VARIABLE]: mark }]);
}
function checkProgram(description, name, program) {
  if (!isForShell(program, placeOf(description))) return;
  throw new ProcrefError("SERVICE_START", `Cannot start "${name}": ${program} is ${NO_INTERPRETER}`, {
    details: { name, path: program, exitCode: 126 }
  });
}
function endOf2({ code, signal }) {
  if (signal === null) return { why: `it ended with status ${code}`, exitCode: code ?? void 0 };
  return { why: `it was ended by ${signal}`, exitCode: 128 + signalNumber(signal) };
}

// src/supervisor/command_service.ts
var MOST_PORTS = 10;
var BEGIN_MS = 1;
var AT_ONCE_MS = 5;
var ADDRESS_IN_USE = /EADDRINUSE|address (is )?(already )?in use|AddrInUse/i;
var CommandService = class {
  #names;
  #description;
  #mark;
  #log;
  constructor(names, description, mark, log) {
    this.#names = names;
    this.#description = description;
    this.#mark = mark;
    this.#log = log;
  }
  async begin(signal, lastPort, progress) {
    if (this.#description.port !== void 0) progress.begun();
    const taken = /* @__PURE__ */ new Set();
    for (; ; ) {
      const port = await this.#choosePort(lastPort, taken);
      try {
        return await this.#beginOn(port, signal, progress);
      } catch (error) {
        if (port === void 0 || taken.size >= MOST_PORTS || !this.#wasTaken(error)) throw error;
        taken.add(port);
      }
    }
  }
  async #choosePort(first, taken) {
    if (this.#description.port === void 0) return void 0;
    return await choosePort(this.#names.name, this.#description, { first, taken });
  }
  /** Whether a start failed because somebody else took the port first, and there are others to choose from. */
  #wasTaken(error) {
    const { port } = this.#description;
    const chosen4 = port === "auto" || port !== void 0 && port.from < port.to;
    return chosen4 && isProcrefError(error, "SERVICE_START") && error.details.exitCode !== void 0 && ADDRESS_IN_USE.test(error.details.log ?? "");
  }
  async #beginOn(port, signal, progress) {
    const { host: host2 } = this.#description;
    const values = { ...this.#names, port, host: host2 };
    const logReady = this.#watchLog();
    this.#checkQuestion(values);
    const process = await ServiceProcess.start(this.#description, values, this.#mark, this.#log);
    try {
      await this.#awaitReady(process, values, logReady, signal, progress);
      const { identity } = process;
      if (identity === void 0) throw this.#died(await process.ended);
      const info = new ServiceInfo(identity.pid, port, { host: host2, start: identity.start });
      return { info, ended: this.#withRest(process), stop: () => process.stop() };
    } catch (error) {
      await (process.isRunning ? process.stop() : process.clearUp());
      throw error;
    }
  }
  /** What is asked again and again would be given to a shell each time. */
  #checkQuestion(values) {
    const { ready } = this.#description;
    if (ready.kind === "exec") checkProgram(this.#description, values.name, fillIn(ready.command[0], values));
  }
  /** The end of a process is the end of all that it has started: the next life needs its port and its files. */
  async #withRest(process) {
    const end = await process.ended;
    await process.clearUp();
    return end;
  }
  /** Resolves with the line of the log that says so; undefined when the log is not what readiness is read from. */
  #watchLog() {
    const { ready } = this.#description;
    if (ready.kind !== "log") {
      this.#log.begin();
      return void 0;
    }
    const pattern = new RegExp(ready.pattern, ready.flags);
    return new Promise((resolve) => this.#log.begin((line) => pattern.test(line) && resolve(true)));
  }
  async #awaitReady(process, values, logReady, signal, progress) {
    const { ready, startTimeoutMs } = this.#description;
    progress.begun();
    await void 0;
    if (ready.kind === "running" && !signal.aborted && beginsAtOnce(process)) return;
    progress.waits();
    const question = this.#question(values);
    const over = new AbortController();
    const outcome = (promise) => promise.then(() => "ready");
    const limit = delay(startTimeoutMs, over).then(() => "late");
    const given = aborted(signal, over.signal);
    limit.catch(() => {
    });
    given.catch(() => {
    });
    const awaited = new Awaited(question.ready, question.host, question.port);
    try {
      const first = await Promise.race([
        outcome(logReady ?? this.#ask(process, question, awaited, over.signal)),
        process.ended,
        limit,
        given
      ]);
      if (first === "late") throw this.#late(awaited, values.port);
      if (first !== "ready") throw this.#died(first);
    } finally {
      over.abort();
    }
  }
  /** What is asked, with nothing left to be replaced. */
  #question(values) {
    const { ready, cwd } = this.#description;
    const { host: host2, port } = values;
    const env = environment(this.#description, values, this.#mark);
    const asked = ready.kind === "exec" ? { ...ready, command: ready.command.map((text) => fillIn(text, values)) } : ready;
    return { ready: asked, host: host2, port, cwd, env };
  }
  /** Asks until the answer is yes. */
  async #ask(process, { ready, ...question }, awaited, signal) {
    const { readyIntervalMs } = this.#description;
    let hasBegun = false;
    while (!(hasBegun = process.hasBegun) && process.isRunning && !signal.aborted) await delay(BEGIN_MS);
    if (!hasQuestion(ready)) return await neverUnless(hasBegun);
    for (let pause = 2; !signal.aborted; pause = Math.min(2 * pause, readyIntervalMs)) {
      if (await awaited.isReady({ ...question, ready }) && process.isRunning) return true;
      await delay(pause);
    }
    return await neverUnless(false);
  }
  #late(awaited, port) {
    const hint = port === void 0 || this.#isNamed(port) ? "" : "; nothing in its command or env names {port}";
    const { waitedFor, lastAnswer } = awaited;
    const why = `it was not ready after ${this.#description.startTimeoutMs} ms (startTimeoutMs); ${awaited}${hint}`;
    return this.#failed(why, { waitedFor, lastAnswer });
  }
  /** Whether the service is told its port. */
  #isNamed(port) {
    const { command, env } = this.#description;
    return [...command, ...Object.values(env)].some((text) => text.includes("{port}") || text.includes(String(port)));
  }
  #died(end) {
    return this.#failed(earlyEnd(this.#description, end), { exitCode: end.exitCode });
  }
  #failed(why, details) {
    const { tail } = this.#log;
    const said = tail === "" ? "it wrote nothing" : `the last that it wrote:
${tail}`;
    return new ProcrefError("SERVICE_START", `Cannot start "${this.#names.name}": ${why}; ${said}`, {
      details: { name: this.#names.name, ...details, log: tail }
    });
  }
};
function hasQuestion(ready) {
  return ready.kind !== "running" && ready.kind !== "log";
}
function beginsAtOnce(process) {
  return blockUntil(() => process.hasBegun, AT_ONCE_MS);
}
function neverUnless(kept) {
  return kept ? Promise.resolve(true) : new Promise(() => {
  });
}

// src/kernel/attempting.ts
function attempting(doing, path, work2) {
  try {
    return work2();
  } catch (cause) {
    if (cause instanceof ProcrefError) throw cause;
    const { name, message, code } = cause;
    const refused2 = name === "NotCapable" || name === "PermissionDenied" && code === void 0;
    throw new ProcrefError(refused2 ? "PERMISSION" : "IO", `Cannot ${doing}: ${message}`, {
      cause,
      details: path === void 0 ? {} : { path }
    });
  }
}

// src/kernel/checked_directory.ts
var ANYBODY_ELSE = 63;
var OTHERS_WRITE = 18;
var STICKY = 512;
function checkDirectory2(path, scope, uid) {
  const status = statusOf(path);
  const problem = directoryProblem(status, scope, uid) ?? (typeof uid === "string" ? void 0 : parentProblem(path));
  if (problem === void 0) return;
  throw new ProcrefError("STATE_DIRECTORY", `Cannot keep state in ${path}: ${problem}`, { details: { path } });
}
function directoryProblem(status, scope, uid) {
  if (status.isLink) return "it is a symbolic link; name the directory itself";
  if (!status.isDirectory) return "it is not a directory; remove it or choose another one";
  if (scope === "system" || typeof uid === "string") return void 0;
  if (status.uid !== uid) return `it belongs to user ${status.uid}, not to ${uid}; choose another one`;
  const mode = (status.mode & 511).toString(8);
  return (status.mode & ANYBODY_ELSE) === 0 ? void 0 : `others may enter it (mode ${mode}); use chmod 700`;
}
function parentProblem(path) {
  const parent = parentOf(path);
  const { mode } = targetOf(parent);
  const exchangeable = (mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0;
  return exchangeable ? `others may exchange it, for ${parent} is writable and not sticky; use chmod +t` : void 0;
}
function targetOf(path) {
  return statusOf(host().files.realPath(path));
}
function statusOf(path) {
  const status = host().files.status(path);
  if (status !== void 0) return status;
  throw Object.assign(new Error(`ENOENT: no such file or directory: ${path}`), { code: "ENOENT" });
}

// src/kernel/persistently.ts
var BUSY = ["EPERM", "EACCES", "EBUSY", "EEXIST", "ENOTEMPTY"];
var LIMIT_MS = 2e3;
var PAUSE_MS = 2;
function persistently(user, work2) {
  if (typeof user === "number") return work2();
  const deadline = performance.now() + LIMIT_MS;
  for (; ; ) {
    try {
      return work2();
    } catch (error) {
      if (!BUSY.includes(error.code) || performance.now() >= deadline) throw error;
      blockFor(PAUSE_MS);
    }
  }
}

// src/service/hint_files.ts
var HINT_FILE = /^(\d+)\.json(\.tmp)?$/;
function holdersOf(serviceDirectory) {
  return join(serviceDirectory, "holders");
}
function isFolder(path) {
  return host().files.status(path)?.isDirectory ?? false;
}
function removeHints(serviceDirectory, uid) {
  const folder = holdersOf(serviceDirectory);
  quietly(() => {
    if (!isFolder(folder)) return;
    for (const name of persistently(uid, () => node.fs.readdirSync(folder))) {
      if (HINT_FILE.test(name)) persistently(uid, () => host().files.remove(join(folder, name)));
    }
    persistently(uid, () => node.fs.rmdirSync(folder));
  });
}
function quietly(work2) {
  try {
    work2();
    return true;
  } catch {
    return false;
  }
}

// src/process/domain.ts
function domain() {
  return processSystem().domain();
}

// src/service/record.ts
var PHASES = ["START", "READY", "STOP", "CLEAN", "FAIL"];
function formatRecord(name, record) {
  const { name: text, namespace, scope } = name;
  const json = { procref: 1, name: text, namespace, scope, domain: domain(), ...record };
  return JSON.stringify(json, void 0, 2) + "\n";
}
function parseRecord(name, text) {
  const json = parseJson(text);
  check2(json.procref === 1, "it has another format");
  check2(
    json.name === name.name && json.namespace === name.namespace && json.scope === name.scope,
    "it belongs to another service"
  );
  check2(PHASES.includes(json.phase), "its phase is unknown");
  check2(Number.isInteger(json.generation) && json.generation > 0, "its generation is no number");
  check2(isDomain(json.domain), "it does not say where it was written");
  const here = domain();
  if (json.domain.boot !== here.boot) return void 0;
  if (json.domain.pid !== here.pid || json.domain.ipc !== here.ipc) throw elsewhere(name);
  const info = json.info === void 0 ? void 0 : parseInfo(json.info);
  const { phase, generation: generation2, supervisor, marks, configuration, failure } = json;
  check2(info !== void 0 || supervisor !== void 0 || phase === "START", "it describes no service");
  check2(supervisor === void 0 || isIdentity(supervisor), "its supervisor is no process");
  check2(marks === void 0 || Array.isArray(marks) && marks.every(isText2), "its marks are no texts");
  check2(configuration === void 0 || isTextRecord2(configuration), "its configuration is no object of texts");
  check2(phase === "FAIL" ? isFailure(failure) : failure === void 0, "its failure is none");
  return { phase, generation: generation2, info, supervisor, marks, configuration, failure };
}
function parseJson(text) {
  try {
    const json = JSON.parse(text);
    check2(typeof json === "object" && json !== null, "it is no object");
    return json;
  } catch (cause) {
    throw new ProcrefError("SERVICE_INFO", `Cannot use the record: it is no JSON object`, { cause });
  }
}
function parseInfo(value) {
  const { pid, start } = value ?? {};
  check2(pid === void 0 || start !== void 0, "its process has no identity");
  return ServiceInfo.fromJSON(value);
}
function isText2(value) {
  return typeof value === "string" && value !== "";
}
function isTextRecord2(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).every(isText2);
}
function isIdentity(value) {
  const { pid, start } = value ?? {};
  return Number.isInteger(pid) && pid > 0 && isText2(start);
}
function isFailure(value) {
  const { code, message, details } = value ?? {};
  return isText2(code) && isText2(message) && typeof details === "object" && details !== null;
}
function isDomain(value) {
  const { boot, pid, ipc } = value ?? {};
  return [boot, pid, ipc].every((part) => typeof part === "string");
}
function elsewhere(name) {
  return new ProcrefError(
    "DOMAIN_MISMATCH",
    `Cannot share "${name.name}": its record was written in another container (PID or IPC namespace) that uses the same state directory, and the kernel counts apart there; give each container its own PROCREF_DIR`,
    { details: { name: name.name } }
  );
}
function check2(condition, problem) {
  if (!condition) throw new ProcrefError("SERVICE_INFO", `Cannot use the record: ${problem}`);
}

// src/kernel/replaced_file.ts
function replaceFile(path, text, options = {}) {
  replaceBy(host().files.create, path, text, options, (file, rename) => {
    file.close();
    rename();
  });
}
function replaceBy(create, path, text, { temporary = `${path}.tmp`, mode = 384, isDurable = false }, finish) {
  const { rename, remove } = host().files;
  const bytes = new TextEncoder().encode(text);
  const file = createAnew(create, temporary, mode);
  try {
    try {
      for (let at = 0; at < bytes.length; ) at += file.write(bytes.subarray(at));
      if (isDurable) file.sync();
    } catch (error) {
      file.close();
      throw error;
    }
    finish(file, () => rename(temporary, path));
    return file;
  } catch (error) {
    remove(temporary);
    throw error;
  }
}
function createAnew(create, path, mode) {
  try {
    return create(path, mode);
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    host().files.remove(path);
    return create(path, mode);
  }
}

// src/kernel/trusted_file.ts
var GREATEST_SIZE = 65536;
var MOST_TRIES2 = 1e3;
function readTrustedFile(path, trust) {
  const opened2 = openTrustedFile(path, trust);
  if (opened2 === void 0) return void 0;
  try {
    return { text: textOf(opened2), owner: typeof trust.uid === "number" ? opened2.status.uid : trust.uid };
  } finally {
    node.fs.closeSync(opened2.descriptor);
  }
}
function textOf({ descriptor, status }) {
  const buffer = new Uint8Array(status.size);
  const length = node.fs.readSync(descriptor, buffer, 0, buffer.length, 0);
  return new TextDecoder("utf-8", { fatal: true }).decode(buffer.subarray(0, length));
}
function openTrustedFile(path, trust) {
  for (let tries = 0; tries < MOST_TRIES2; tries++) {
    const seen = host().files.status(path);
    if (seen === void 0) return void 0;
    checkFile(seen, trust);
    const descriptor = open3(path);
    if (descriptor === void 0) return void 0;
    const { closeSync, fstatSync } = node.fs;
    try {
      const status = fileStatus(fstatSync(descriptor));
      checkFile(status, trust);
      if (status.ino === seen.ino) return { descriptor, status };
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    closeSync(descriptor);
  }
  throw untrusted("is replaced as fast as it is read");
}
function open3(path) {
  const { constants, openSync } = node.fs;
  const noLinksAndPipes = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  try {
    return openSync(path, constants.O_RDONLY | noLinksAndPipes);
  } catch (error) {
    if (error.code === "ENOENT") return void 0;
    throw error;
  }
}
function checkFile(status, { scope, uid, greatestSize = GREATEST_SIZE }) {
  if (!status.isFile) throw untrusted("is no plain file");
  if (status.size > greatestSize) throw untrusted(`has ${status.size} bytes, at most ${greatestSize} are read`);
  if (scope === "user" && typeof uid === "number" && status.uid !== uid) {
    throw untrusted(`belongs to user ${status.uid}`);
  }
}
function untrusted(why) {
  return new ProcrefError("SERVICE_INFO", `the file ${why}`);
}

// src/service/record_store.ts
var MOST_TRIES3 = 1e3;
var NO_LINKS = ["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EMLINK"];
var RecordStore = class {
  /** The service's directory. */
  directory;
  #name;
  #uid;
  #path;
  #temporary;
  /** Where {@link RecordStore.openText} makes its files. */
  #text;
  #mechanism;
  /** The mode of the files of this service. */
  fileMode;
  constructor(stateDirectory, name, uid) {
    this.directory = join(stateDirectory, name.fileName);
    this.#name = name;
    this.#uid = uid;
    this.#path = join(this.directory, "record.json");
    this.#temporary = `${this.#path}.tmp`;
    this.#text = join(this.directory, "text.tmp");
    this.#mechanism = join(this.directory, "mechanism");
    this.fileMode = name.scope === "user" ? 384 : 420;
  }
  /**
   * Reads the record.
   *
   * @param report is told why a file that is there cannot be used
   * @returns the record, or undefined when there is none that can be used
   * @throws ProcrefError `DOMAIN_MISMATCH`; `PERMISSION` when the runtime does not allow it
   */
  read(report2) {
    try {
      const file = attempting(`read ${this.#path}`, this.#path, () => this.#file());
      if (file === void 0) return void 0;
      const record = parseRecord(this.#name, file.text);
      return record === void 0 || file.owner === this.#uid ? record : checkForeign(record, file.owner);
    } catch (error) {
      const problem = error;
      if (problem.code === "DOMAIN_MISMATCH" || problem.code === "PERMISSION") throw problem;
      report2(
        new ProcrefError("SERVICE_INFO", `Cannot use ${this.#path}, so it is ignored: ${problem.message}`, {
          cause: problem,
          details: { name: this.#name.name, path: this.#path }
        })
      );
      return void 0;
    }
  }
  /** Whether a file is there, usable or not. */
  exists() {
    return isThere2(this.#path);
  }
  /**
   * What tells the file that is there from any other, without opening it; undefined when there is none.
   */
  stamp() {
    const status = host().files.status(this.#path);
    return status && `${status.ino} ${status.mtimeMs} ${status.size}`;
  }
  /**
   * Writes the record; the gate must be held. A reader sees the old record or the new one, also when the writer dies.
   *
   * @throws ProcrefError `IO` (disk full, read-only), `STATE_DIRECTORY`, `PERMISSION`
   */
  write(record) {
    const write = () => {
      this.#makeDirectory();
      checkDirectory2(this.directory, this.#name.scope, this.#uid);
      const text = formatRecord(this.#name, record);
      replaceFile(this.#path, text, { temporary: this.#temporary, mode: this.fileMode });
    };
    attempting(`write ${this.#path}`, this.#path, () => persistently(this.#uid, write));
  }
  /**
   * Writes down that the service is being stopped; the gate must be held. What cannot be written (the disk is full, or
   * everything was removed) does not keep a service from being stopped: it is told, and that is all.
   */
  writeStop(record, report2) {
    if (!isThere2(parentOf(this.directory))) return;
    try {
      this.write({ ...record, phase: "STOP" });
    } catch (error) {
      report2(error);
    }
  }
  /**
   * A text as an open file that nobody else can open, to be read from its beginning by whoever inherits the descriptor;
   * the gate must be held. Unlike a pipe it holds any text as a whole, whatever becomes of who wrote it. It has no name
   * any more when something is written into it; one that a death in between leaves is empty, and the next one's.
   *
   * @throws ProcrefError `IO`, `STATE_DIRECTORY`, `PERMISSION`
   */
  openText(text) {
    const path = this.#text;
    return attempting(`write ${path}`, path, () => {
      this.#makeDirectory();
      checkDirectory2(this.directory, this.#name.scope, this.#uid);
      host().files.remove(path);
      const descriptor = node.fs.openSync(path, "wx+", 384);
      host().files.remove(path);
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length; ) at += node.fs.writeSync(descriptor, bytes, at, bytes.length - at, at);
      return descriptor;
    });
  }
  /**
   * Makes sure that all clients of the service count their references in one way: the first one writes down which, and
   * the file goes with everything else. A reference must be held, so that nobody removes it meanwhile.
   *
   * @returns what is on record: the given mechanism, or another one that others count by
   * @throws ProcrefError `IO`, `STATE_DIRECTORY`, `PERMISSION`, `SERVICE_INFO`
   */
  agreeOn(mechanism) {
    for (let tries = 0; tries < MOST_TRIES3; tries++) {
      const agreed = this.mechanism();
      if (agreed !== void 0) return agreed;
      attempting(`write ${this.#mechanism}`, this.#mechanism, () => this.#writeMechanism(mechanism));
    }
    throw new ProcrefError("IO", `Cannot write ${this.#mechanism}: it is removed as fast as it is made`);
  }
  /**
   * The mechanism that is on record; undefined when there is none.
   *
   * @throws ProcrefError `SERVICE_INFO` when the file cannot be trusted, `IO`, `PERMISSION`
   */
  mechanism() {
    const trust = { scope: this.#name.scope, uid: this.#uid };
    return attempting(`read ${this.#mechanism}`, this.#mechanism, () => readTrustedFile(this.#mechanism, trust))?.text;
  }
  /** Whether a mechanism is on record; the file is not opened, which others would be told of. */
  hasMechanism() {
    return isThere2(this.#mechanism);
  }
  /** One of those who come at once writes it, as a whole: a link is made only where there is nothing yet. */
  #writeMechanism(mechanism) {
    persistently(this.#uid, () => {
      this.#makeDirectory();
      checkDirectory2(this.directory, this.#name.scope, this.#uid);
    });
    const temporary = `${this.#mechanism}.${crypto.randomUUID()}.tmp`;
    try {
      node.fs.writeFileSync(temporary, mechanism, { flag: "wx", mode: this.fileMode });
      node.fs.linkSync(temporary, this.#mechanism);
    } catch (error) {
      const { code } = error;
      if (code === "EEXIST" || code === "ENOENT") return;
      if (!NO_LINKS.includes(code)) throw error;
      node.fs.renameSync(temporary, this.#mechanism);
    } finally {
      persistently(this.#uid, () => host().files.remove(temporary));
    }
  }
  #removeMechanism() {
    if (!isThere2(this.directory)) return;
    const names = persistently(this.#uid, () => node.fs.readdirSync(this.directory));
    const left = names.filter((name) => /^mechanism\.[\w-]+\.tmp$/.test(name));
    for (const name of [...left, "mechanism"]) {
      persistently(this.#uid, () => host().files.remove(join(this.directory, name)));
    }
  }
  /**
   * Removes the record, the hints of who holds the service, and the service's directory; the gate must be held. What
   * others have put there stays.
   *
   * @throws ProcrefError `IO`, `PERMISSION`
   */
  remove() {
    attempting(`remove ${this.#path}`, this.#path, () => {
      for (const path of [this.#temporary, this.#path, this.#text]) {
        persistently(this.#uid, () => host().files.remove(path));
      }
      this.#removeMechanism();
      if (this.#name.scope === "user") removeHints(this.directory, this.#uid);
      try {
        persistently(this.#uid, () => node.fs.rmdirSync(this.directory));
      } catch (error) {
        const { code } = error;
        if (code !== "ENOENT" && code !== "ENOTEMPTY") throw error;
      }
    });
  }
  /**
   * The text of the file, whatever it says, or undefined when there is none.
   *
   * @throws ProcrefError `SERVICE_INFO` when the file cannot be trusted; what the file system throws
   */
  text() {
    return this.#file()?.text;
  }
  #file() {
    return readTrustedFile(this.#path, { scope: this.#name.scope, uid: this.#uid });
  }
  /** Makes the service's directory, and the state directory if a cleaner of temporary files has removed it. */
  #makeDirectory() {
    const { scope } = this.#name;
    const { files } = host();
    const parent = parentOf(this.directory);
    if (scope === "user" && !isThere2(parent)) {
      files.makeDirectory(parent, 448);
      checkDirectory2(parent, scope, this.#uid);
    }
    files.makeDirectory(this.directory, scope === "user" ? 448 : 509);
  }
};
function checkForeign(record, owner) {
  for (const identity of [record.info?.identity, record.supervisor]) {
    const theirs = identity === void 0 || [owner, void 0].includes(processSystem().owner(identity.pid));
    if (theirs) continue;
    throw new ProcrefError(
      "SERVICE_INFO",
      `user ${owner} wrote it, and its process ${identity.pid} is not that user's`
    );
  }
  return { ...record, marks: void 0 };
}
function isThere2(path) {
  return host().files.status(path) !== void 0;
}

// src/service/supervisor_orders.ts
function nameOfOrders({ name, namespace, scope, digest, fileName }) {
  const bytes = Uint8Array.from(digest.match(/../g), (digits) => parseInt(digits, 16));
  return { name, namespace, scope, fileName, digest: bytes };
}
var IN_OFFICE = "in-office";
var SEAT_TAKEN = "seat-taken";
var FAILED = "failed";

// src/supervisor/office.ts
async function openOffice(orders, openCounter) {
  const { mechanism, directory, user } = orders;
  const object = nameOfOrders(orders);
  return {
    counter: await openCounter(object, mechanism, directory),
    store: new RecordStore(directory, object, user)
  };
}

// src/supervisor/program.ts
function readOrders() {
  const decoder3 = new TextDecoder();
  const buffer = new Uint8Array(65536);
  let text = "";
  for (let length; (length = host().readInput(buffer)) > 0; ) {
    text += decoder3.decode(buffer.subarray(0, length), { stream: true });
  }
  return JSON.parse(text);
}
async function runProgram(work2) {
  try {
    await work2(report);
  } catch (error) {
    report(`${FAILED} ${JSON.stringify(error.message)}`);
    return host().exit(1);
  }
  return host().exit(0);
}
function report(line) {
  try {
    host().writeOutput(new TextEncoder().encode(`${line}
`));
  } catch {
  }
}

// src/service/mode.ts
var SETTLE_MS = 3e3;

// src/service/log_files.ts
var LOG_NAME = "service.log";
function removeLog(serviceDirectory) {
  for (const name of [LOG_NAME, `${LOG_NAME}.1`]) host().files.remove(join(serviceDirectory, name));
}

// src/supervisor/log_file.ts
var TAIL_LENGTH = 4096;
var TAIL_LINES = 20;
var LogFile = class {
  #directory;
  #path;
  #mode;
  #half;
  #file;
  #size = 0;
  #isRemoved = false;
  #tail = "";
  /** What has been written since the last line break. */
  #line = "";
  #decoder = new TextDecoder();
  #onLine;
  /**
   * Describes a log; the first thing that is written makes it.
   *
   * @param directory the service's directory
   * @param mode of the files
   * @param maxBytes how much both files may hold together
   */
  constructor(directory, mode, maxBytes) {
    this.#directory = directory;
    this.#path = join(directory, LOG_NAME);
    this.#mode = mode;
    this.#half = Math.floor(maxBytes / 2);
  }
  /** The last lines since {@link LogFile.begin}. */
  get tail() {
    return this.#tail.trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
  }
  /** A process begins to write: the tail is its own from here on, and each line is told as soon as it is complete. */
  begin(onLine) {
    this.#tail = this.#line = "";
    this.#onLine = onLine;
  }
  /** Takes output. */
  write(bytes) {
    const text = this.#decoder.decode(bytes, { stream: true });
    this.#tail = (this.#tail + text).slice(-TAIL_LENGTH);
    this.#tellLines(text);
    if (this.#isRemoved) return;
    try {
      for (let at = 0; at < bytes.length; ) at += this.#writePart(bytes.subarray(at));
    } catch {
    }
  }
  /** Notes something about the service between its own lines. */
  note(text) {
    if (this.#isRemoved) return;
    const line = new TextEncoder().encode(`procref: ${text}
`);
    try {
      this.#writePart(line);
    } catch {
    }
  }
  /** Closes and removes the files. What comes later, of a process that has ended, makes them no more. */
  remove() {
    this.#isRemoved = true;
    this.#file?.close();
    this.#file = void 0;
    removeLog(this.#directory);
  }
  #writePart(bytes) {
    if (this.#file === void 0 || this.#size >= this.#half) this.#rotate();
    const written = this.#file.write(bytes.subarray(0, this.#half - this.#size));
    this.#size += written;
    return written;
  }
  #rotate() {
    const { files } = host();
    this.#file?.close();
    this.#file = void 0;
    files.remove(`${this.#path}.1`);
    try {
      files.rename(this.#path, `${this.#path}.1`);
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
    }
    this.#file = files.create(this.#path, this.#mode);
    this.#size = 0;
  }
  #tellLines(text) {
    if (this.#onLine === void 0) return;
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop().slice(-TAIL_LENGTH);
    for (const line of lines) this.#onLine(line.replace(/\r$/, ""));
  }
};

// src/supervisor/publisher.ts
var Publisher = class {
  #counter;
  #store;
  #supervisor;
  #configuration;
  #last;
  /** Of the file that was written last. */
  #stamp;
  #isWatching = false;
  #watcher;
  constructor(counter, store, supervisor, configuration) {
    this.#counter = counter;
    this.#store = store;
    this.#supervisor = supervisor;
    this.#configuration = configuration;
  }
  /** What was published last. */
  get phase() {
    return this.#last?.phase;
  }
  /**
   * Publishes a record.
   *
   * @throws ProcrefError `IO`, `STATE_DIRECTORY`, `PERMISSION`, `LOCK`
   */
  publish(record) {
    const published = record.phase === "READY";
    if (!published) this.#counter.advanceGeneration(false);
    const generation2 = this.#counter.nextGeneration(published);
    const complete = { ...record, generation: generation2, supervisor: this.#supervisor, configuration: this.#configuration };
    if (record.phase === "STOP") this.#store.writeStop(complete, () => {
    });
    else this.#store.write(complete);
    this.#last = complete;
    this.#stamp = this.#store.stamp();
    this.#counter.advanceGeneration(published);
    this.#watch();
  }
  /** Publishes the last record in a new counter, whose generation began anew. */
  publishAgain() {
    if (this.#last !== void 0) this.publish(this.#last);
  }
  /** Ends the watch over the record. */
  close() {
    this.#watcher?.close();
    this.#watcher = void 0;
    this.#isWatching = false;
    this.#last = void 0;
  }
  /**
   * Begins to watch over the record: a stranger may remove it (a cleaner of temporary files does) or spoil it, and it is
   * written again. To look at it does not open it, for that would be told as well.
   */
  watch() {
    this.#isWatching = this.#last !== void 0;
    this.#watch();
    if (this.#isWatching) this.#restore();
  }
  #watch() {
    if (!this.#isWatching || this.#watcher !== void 0) return;
    try {
      this.#watcher = host().files.watch(this.#store.directory, (file) => {
        if (!file?.startsWith(LOG_NAME)) this.#restore();
      });
    } catch {
    }
  }
  #restore() {
    try {
      if (this.#last === void 0 || this.#store.stamp() === this.#stamp) return;
      this.#store.write(this.#last);
      this.#stamp = this.#store.stamp();
      this.#watcher?.close();
      this.#watcher = void 0;
      this.#watch();
    } catch {
      setTimeout(() => this.#restore(), 100);
    }
  }
};

// src/supervisor/restarts.ts
var Restarts = class {
  #policy;
  #whys = /* @__PURE__ */ new Set();
  #ends = 0;
  /** When it ended for the first time. */
  #since = 0;
  constructor(policy) {
    this.#policy = policy;
  }
  /** Notes an end, and for how long the service was ready; or a start that failed. */
  note(end) {
    if (end !== void 0 && end.ranMs >= this.#policy.resetAfterMs) this.#ends = 0;
    if (this.#ends === 0) {
      this.#since = performance.now();
      this.#whys.clear();
    }
    this.#ends++;
    this.#whys.add(end?.why);
  }
  /** How long to wait before it is started again; undefined when it is given up. */
  get pauseMs() {
    const { limit, delayMs, maxDelayMs } = this.#policy;
    return this.#ends > limit ? void 0 : Math.min(delayMs * 2 ** (this.#ends - 1), maxDelayMs);
  }
  /** How often it ended, as the end of a sentence that says how; empty as long as it is not given up. */
  get story() {
    if (!this.isTooMuch) return "";
    const often = this.#whys.size === 1 ? `${this.#ends} times` : `the last of ${this.#ends} ends`;
    return `, ${often} ${this.#frame}`;
  }
  /** The same for a start that failed, as a sentence of its own. */
  get beforeFailedStart() {
    return this.isTooMuch ? `it failed ${this.#ends} times ${this.#frame}; the last time: ` : "";
  }
  get isTooMuch() {
    return this.pauseMs === void 0 && this.#ends > 1;
  }
  get #frame() {
    const seconds = ((performance.now() - this.#since) / 1e3).toFixed(1);
    return `within ${seconds} s (restart.limit ${this.#policy.limit})`;
  }
};

// src/supervisor/supervisor.ts
var PREDECESSOR_MS = 1e4;
var REAPED_MS = 1e4;
var WANTED_MS = 2;
async function supervise(orders, description, office, newSource, report2) {
  if (!office.counter.trySeat()) return report2(SEAT_TAKEN);
  containChildren();
  await new Supervisor(orders, description, office, newSource).run(report2);
}
var Supervisor = class {
  #name;
  #names;
  #description;
  #counter;
  #store;
  #log;
  #publisher;
  #source;
  #mark = crypto.randomUUID();
  /** What everything carries that may still run: our own, and those of a predecessor until they are cleared up. */
  #marks = [this.#mark];
  /** The service, from when it is ready until it is gone. */
  #life;
  /** Where it listened last. */
  #lastPort;
  /** Whether something could not be ended: the record stays for whoever comes next. */
  #remains = false;
  /** Resolves when the start of the service has begun. */
  #begun = Promise.withResolvers();
  /** Resolves when that is over, or takes more than a moment. */
  #hasTime = Promise.withResolvers();
  #progress = {
    begun: this.#begun.resolve,
    waits: () => {
      this.#begun.resolve();
      this.#hasTime.resolve();
    }
  };
  /** Aborts when the service is ended for whatever reason: nothing is kept warm from then on. */
  #over = new AbortController();
  constructor(names, description, { counter, store }, newSource) {
    this.#names = { name: names.name, namespace: names.namespace, dir: store.directory };
    this.#name = names.name;
    this.#description = description;
    this.#counter = counter;
    this.#store = store;
    const { directory, fileMode } = store;
    this.#log = new LogFile(directory, fileMode, description.logBytes);
    this.#publisher = new Publisher(counter, store, ownIdentity(), description.configuration);
    this.#source = newSource(this.#names, description, this.#mark, this.#log);
  }
  async run(report2) {
    const left = this.#store.read(() => {
    });
    if (left === void 0) {
      this.#publish("START");
    } else {
      this.#marks = [...left.marks ?? [], this.#mark];
      this.#lastPort = left.info?.port;
      this.#publisher.publish({ phase: "CLEAN", info: left.info, marks: this.#marks });
    }
    const tell = () => report2(`${IN_OFFICE} ${formatIdentity(ownIdentity())}`);
    if (left !== void 0 || this.#description.module !== void 0) this.#progress.waits();
    const stopping = this.#stopping();
    const living = this.#succeed(left, this.#over.signal);
    void this.#begun.promise.then(tell);
    const unused = this.#hasTime.promise.then(() => this.#lockWhenUnused());
    void this.#hasTime.promise.then(() => this.#publisher.watch());
    const end = await Promise.race([unused.then(() => "unused"), living, stopping]);
    this.#over.abort(new ProcrefError("OTHER", "nobody wants the service any more"));
    await this.#end(end === "unused" ? void 0 : end, living);
    await unused;
    this.#leave();
  }
  /** Resolves when somebody asks this process to end: the service is stopped, whoever holds it. */
  #stopping() {
    return new Promise((resolve) => {
      processSystem().onRequestToEnd((what) => {
        const message = `The service "${this.#name}" was stopped by force: its supervisor got ${what}`;
        resolve(new ProcrefError("SERVICE_LOST", message, { details: { name: this.#name } }));
      });
    });
  }
  /** Clears up after a predecessor, and then keeps the service alive; as {@link Supervisor.#live}. */
  async #succeed(left, signal) {
    try {
      if (left !== void 0) await this.#clearUpAfter(left);
    } catch (error) {
      this.#remains = true;
      return asProcrefError(error);
    }
    const isListed = () => left?.info?.identity !== void 0 && this.#isListed(left.info.identity);
    const wasListed = isListed();
    const problem = await this.#live(signal);
    if (!wasListed || !isProcrefError(problem, "SERVICE_START") || signal.aborted) return problem;
    const gone = await happens(() => !isListed() || signal.aborted, REAPED_MS);
    return gone && !signal.aborted ? await this.#live(signal) : problem;
  }
  /** Whether a process is in the list of processes, be it as a zombie that nobody has taken note of yet. */
  #isListed({ pid, start }) {
    return processSystem().status(pid)?.start === start;
  }
  /** Ends everything that a predecessor left. Until it is gone, others may accept its service; after that nobody does. */
  async #clearUpAfter({ supervisor, info, marks = [] }) {
    const gone = () => supervisor === void 0 || !isAlive(supervisor);
    await until(
      gone,
      { timeoutMs: PREDECESSOR_MS, ...pace() },
      () => `see process ${supervisor.pid} end, which has lost its seat`
    );
    if (info?.identity !== void 0) killGroup(info.identity);
    await endMarked(marks);
    this.#marks = [this.#mark];
  }
  /** Waits until the gate could be taken with nobody left, and nobody came back while the service was kept warm. */
  async #lockWhenUnused() {
    const { lingerMs } = this.#description;
    for (; ; ) {
      if (lingerMs === 0) {
        if (await this.#counter.blockUntilUnused()) return;
        await this.#sitAgain();
      } else if (!await this.#counter.blockUntilReleased()) {
        await this.#sitAgain();
      } else if (await this.#staysUnused(lingerMs) && this.#counter.tryLockIfUnused()) {
        return;
      }
    }
  }
  /** Whether nobody comes for as long as the service is kept warm. One that is not ready is kept for nobody. */
  async #staysUnused(lingerMs) {
    const { signal } = this.#over;
    if (this.#life === void 0 || signal.aborted) return true;
    const over = new AbortController();
    const held = this.#counter.blockUntilHeld().then(() => false);
    const late = delay(lingerMs, { signal: AbortSignal.any([over.signal, signal]) }).catch(() => {
    }).then(() => true);
    const stays = await Promise.race([held, late]);
    over.abort();
    return stays;
  }
  /** A stranger removed the kernel object, and with it the seat: takes it in the new one, where the holders count again. */
  async #sitAgain() {
    if (!this.#counter.trySeat()) {
      await this.#life?.stop();
      throw new ProcrefError("LOCK", `Another supervisor has taken over "${this.#name}"`);
    }
    this.#publisher.publishAgain();
    await delay(SETTLE_MS);
  }
  /** Keeps the service alive; resolves with the reason when it is given up, or with undefined when the signal aborts. */
  async #live(signal) {
    const restarts = new Restarts(this.#description.restart);
    for (let proven = false; ; ) {
      let problem;
      try {
        await this.#wanted(signal);
        if (this.#publisher.phase !== "START") this.#publish("START");
        const life = this.#life = await this.#source.begin(signal, this.#lastPort, this.#progress);
        signal.throwIfAborted();
        proven = true;
        this.#lastPort = life.info.port;
        const readySince = performance.now();
        this.#publisher.publish({ phase: "READY", info: life.info, marks: this.#marks });
        this.#progress.waits();
        this.#log.note(describeReady(life.info));
        const { why, exitCode } = await orAborted(life.ended, signal);
        restarts.note({ why, ranMs: performance.now() - readySince });
        problem = this.#lost(`${why}${restarts.story}`, exitCode);
      } catch (error) {
        this.#progress.waits();
        if (signal.aborted) return void 0;
        restarts.note();
        problem = this.#notRestarted(asProcrefError(error), restarts);
      }
      this.#log.note(problem.message);
      try {
        await this.#life?.stop();
        this.#life = void 0;
        const { pauseMs } = restarts;
        if (!proven || pauseMs === void 0) return problem;
        await delay(pauseMs, { signal });
      } catch (error) {
        return signal.aborted ? void 0 : asProcrefError(error);
      }
    }
  }
  /**
   * Waits until somebody holds a reference: whoever wanted the service may be gone by now. If nobody comes, the wait for
   * that ends it all within moments, so this may look at the clock meanwhile.
   */
  async #wanted(signal) {
    while (this.#counter.count() === 0) {
      this.#progress.waits();
      await delay(WANTED_MS, { signal });
    }
  }
  /** Stops the service; with a reason, its holders are told that it is gone for good. */
  async #end(reason, living) {
    this.#publish("STOP");
    await living;
    let problem = reason;
    try {
      await this.#life?.stop();
    } catch (error) {
      problem = asProcrefError(error);
      this.#remains = true;
    }
    const info = this.#life?.info;
    this.#life = void 0;
    if (problem === void 0) return;
    const { code, message } = problem;
    const left = this.#remains ? { info, marks: this.#marks } : { info: void 0 };
    this.#publisher.publish({ phase: "FAIL", ...left, failure: { code, message, details: allDetails(problem) } });
  }
  /** With seat and gate, and nobody left: leaves nothing behind but what says that something could not be ended. */
  #leave() {
    this.#publisher.close();
    try {
      if (this.#remains) return;
      this.#log.remove();
      this.#store.remove();
    } finally {
      this.#counter.remove();
    }
  }
  #publish(phase) {
    this.#publisher.publish({ phase, info: this.#life?.info, marks: this.#marks });
  }
  /** The error of a start; of the last one of many, it says so. */
  #notRestarted(error, { beforeFailedStart }) {
    if (beforeFailedStart === "") return error;
    const { code, message, details } = error;
    return new ProcrefError(code, `The service "${this.#name}" is lost: ${beforeFailedStart}${message}`, {
      cause: error,
      details
    });
  }
  #lost(why, exitCode) {
    const { tail } = this.#log;
    return new ProcrefError(
      "SERVICE_LOST",
      `The service "${this.#name}" is lost: ${why}${tail === "" ? "" : `; the last that it wrote:
${tail}`}`,
      { details: { name: this.#name, exitCode, log: tail } }
    );
  }
};
function describeReady({ pid, port }) {
  const where = port === void 0 ? "" : ` on port ${port}`;
  return pid === void 0 ? `ready${where}` : `ready as process ${pid}${where}`;
}
function asProcrefError(error) {
  return isProcrefError(error) ? error : new ProcrefError("OTHER", String(error), { cause: error });
}
async function orAborted(promise, signal) {
  const over = new AbortController();
  try {
    return await Promise.race([promise, aborted(signal, over.signal)]);
  } finally {
    over.abort();
  }
}

// src/supervisor/linux_main.ts
async function superviseCommand(orders, description, openCounter, report2) {
  const office = await openOffice(orders, openCounter);
  await supervise(orders, description, office, (...given) => new CommandService(...given), report2);
}
async function work(report2) {
  provideSystem(() => new LinuxProcesses());
  const orders = readOrders();
  await superviseCommand(orders, orders.description, (object, _, at) => loneSysvCounter(object, at), report2);
}
if (import.meta.main) await runProgram(work);
export {
  superviseCommand
};
