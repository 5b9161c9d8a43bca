/** Where everything for Windows lies: in one folder outside the repository, which may be deleted at any time. */

import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const CACHE = join(process.env.XDG_CACHE_HOME ?? tmpdir(), "procref-windows");
const NPM = join(CACHE, "programs", "npm");

export const PATHS = {
  cache: CACHE,
  /** A small Debian with Wine, whose Windows has been set up. Runs only read it. */
  root: join(CACHE, "root"),
  /** The same while it is made. */
  unfinished: join(CACHE, "root.unfinished"),
  /** A root directory with nothing but the runtimes, to be laid over the other one. */
  programs: join(CACHE, "programs"),
  npm: NPM,
  deno: join(NPM, "deno", "package", "deno.exe"),
  bun: join(NPM, "bun", "package", "bin", "bun.exe"),
} as const;

/** The same inside the machine. */
export const INSIDE = {
  wine: "/usr/lib/wine/wine64",
  server: "/usr/lib/wine/wineserver64",
  prefix: "/prefix",
  /** The drive C of Windows. */
  drive: "/prefix/drive_c",
  repository: "/repository",
  /** The one folder that is also a folder outside: reports go there. */
  output: "/output",
} as const;
