/** Fetches zig, whose compiler carries the headers and the symbols of the libraries of all systems; installs nothing. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Missing, run } from "../suite/fetching.ts";

/** With another version the headers are others, too. */
export const ZIG_VERSION = "0.14.1";
/** The package of PyPI. */
const PACKAGE = `ziglang==${ZIG_VERSION}`;

const CACHE = join(process.env.XDG_CACHE_HOME ?? tmpdir(), "procref-abi");
const ZIG = join(CACHE, PACKAGE, "ziglang", "zig");

/** What the compiler keeps, in one folder outside the repository, which may be deleted at any time. */
export const ZIG_ENVIRONMENT = {
  ZIG_GLOBAL_CACHE_DIR: join(CACHE, "zig"),
  ZIG_LOCAL_CACHE_DIR: join(CACHE, "zig"),
} as const;

/** The compiler for a target; fetches it when it is not there yet, and throws {@link Missing} when it cannot. */
export function zigFor(target: string): readonly string[] {
  if (!existsSync(ZIG)) fetchZig();
  return [ZIG, "cc", "-target", target];
}

function fetchZig(): void {
  const remedy = "it needs Python 3 with pip, and an index that has the package";
  if (spawnSync("python3", ["-m", "pip", "--version"], { stdio: "ignore" }).status !== 0) {
    console.log("installing python3-pip");
    run("apt-get", ["install", "--yes", "--no-install-recommends", "python3-pip"], remedy);
  }
  const folder = join(CACHE, PACKAGE);
  mkdirSync(folder, { recursive: true });
  console.log(`fetching from PyPI: ${PACKAGE}`);
  run("python3", ["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target", folder, PACKAGE], remedy);
  if (!existsSync(ZIG)) throw new Missing(`${PACKAGE} has no program for this machine`);
}
