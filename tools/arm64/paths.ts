/** Where everything for arm64 lies: in one folder outside the repository, which may be deleted at any time. */

import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const CACHE = join(process.env.XDG_CACHE_HOME ?? tmpdir(), "procref-arm64");
const ROOT = join(CACHE, "root", "usr");
const SYSROOT = join(ROOT, "aarch64-linux-gnu");

export const PATHS = {
  cache: CACHE,
  /** Packages as they were fetched. */
  debian: join(CACHE, "debian"),
  npm: join(CACHE, "npm"),
  /** Where the Debian packages are unpacked, which are not installed. */
  root: join(CACHE, "root"),
  emulator: join(ROOT, "bin", "qemu-aarch64-static"),
  /** The C library of arm64, for the emulator and for the compiler. */
  sysroot: SYSROOT,
  library: join(SYSROOT, "lib", "libc.so.6"),
  headers: join(SYSROOT, "include"),
  compilers: join(ROOT, "bin"),
  compilerLibraries: join(ROOT, "lib", "x86_64-linux-gnu"),
  deno: join(CACHE, "npm", "deno", "package", "deno"),
  bun: join(CACHE, "npm", "bun", "package", "bin", "bun"),
  /** What the arm64 Deno keeps, apart from that of the other one. */
  denoDirectory: join(CACHE, "deno_dir"),
  /** The commands `deno`, `bun` and `cc` of arm64; goes in front of the PATH. */
  commands: join(CACHE, "bin"),
} as const;
