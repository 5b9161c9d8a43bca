/** Fetches the emulator, a cross compiler with its C library, and the arm64 runtimes; installs nothing. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PATHS } from "./paths.ts";

/** The packages of npm. Not every version of Deno is there for arm64: the last one of its minor version is taken. */
const RUNTIMES = [
  { what: "Deno", package: "@deno/linux-arm64-glibc@~2.9.0", folder: "deno", program: PATHS.deno },
  { what: "Bun", package: "@oven/bun-linux-aarch64@1.4.5", folder: "bun", program: PATHS.bun },
] as const;

const DEBIAN_PACKAGES = [
  "qemu-user-static",
  "libc6-arm64-cross",
  "libstdc++6-arm64-cross",
  "libgcc-s1-arm64-cross",
  "libc6-dev-arm64-cross",
  "linux-libc-dev-arm64-cross",
  "binutils-aarch64-linux-gnu",
] as const;

/** Why arm64 programs cannot be run here, and what to do. */
export class Missing extends Error {
  override readonly name = "Missing";
}

/** Fetches what is not there yet; throws {@link Missing} when it cannot. */
export function prepare(): void {
  for (const folder of [PATHS.debian, PATHS.npm, PATHS.root]) mkdirSync(folder, { recursive: true });
  if (!existsSync(PATHS.emulator) || !existsSync(PATHS.library) || findCompiler() === undefined) fetchFromDebian();
  for (const runtime of RUNTIMES) if (!existsSync(runtime.program)) fetchFromNpm(runtime);
}

/** The cross compiler, which has its version in its name. */
export function findCompiler(): string | undefined {
  if (!existsSync(PATHS.compilers) || !existsSync(PATHS.headers)) return undefined;
  const name = readdirSync(PATHS.compilers).find((each) => /^aarch64-linux-gnu-gcc-\d+$/.test(each));
  return name && join(PATHS.compilers, name);
}

function fetchFromDebian(): void {
  const remedy = "it needs Debian or Ubuntu on x86-64, with current lists of packages (apt-get update)";
  const compiler = /\bgcc-(\d+)-aarch64-linux-gnu\b/.exec(
    run("apt-cache", ["depends", "gcc-aarch64-linux-gnu"], remedy),
  );
  if (compiler === null) throw new Missing(`apt knows no cross compiler gcc-aarch64-linux-gnu: ${remedy}`);
  const [gcc, version] = compiler;
  const packages = [...DEBIAN_PACKAGES, gcc, `cpp-${version}-aarch64-linux-gnu`, `libgcc-${version}-dev-arm64-cross`];
  console.log(`fetching from Debian: ${packages.join(" ")}`);
  rmSync(PATHS.debian, { recursive: true });
  mkdirSync(PATHS.debian);
  run("apt-get", ["download", "--quiet", ...packages], remedy, PATHS.debian);
  for (const file of readdirSync(PATHS.debian)) {
    run("dpkg-deb", ["--extract", join(PATHS.debian, file), PATHS.root], remedy);
  }
  for (const path of [PATHS.emulator, PATHS.library]) {
    if (!existsSync(path)) throw new Missing(`the packages of this Debian have no ${path.slice(PATHS.root.length)}`);
  }
  rmSync(PATHS.debian, { recursive: true });
}

function fetchFromNpm(runtime: typeof RUNTIMES[number]): void {
  const remedy = "npm with a registry that has it is needed";
  console.log(`fetching from npm: ${runtime.package}`);
  const folder = join(PATHS.npm, runtime.folder);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  run("npm", ["pack", "--silent", runtime.package], remedy, folder);
  const [archive] = readdirSync(folder);
  run("tar", ["-xzf", archive], remedy, folder);
  rmSync(join(folder, archive));
  if (!existsSync(runtime.program)) throw new Missing(`${runtime.package} has no program of ${runtime.what}`);
}

function run(command: string, args: readonly string[], remedy: string, cwd: string = PATHS.cache): string {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status === 0) return stdout;
  const why = error?.message ?? `${stdout}${stderr}`.trim();
  throw new Missing(`${command} ${args.join(" ")} failed: ${why}\n${remedy}`);
}
