/** Fetches the emulator, a cross compiler with its C library, and the arm64 runtimes; installs nothing. */

import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fetchFromNpm, Missing, run } from "../suite/fetching.ts";
import { PATHS } from "./paths.ts";

/** The packages of npm. Not every version of Deno is there for arm64. */
const RUNTIMES = [
  { what: "Deno", package: "@deno/linux-arm64-glibc@2.9.5", folder: "deno", program: PATHS.deno },
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

/** Fetches what is not there yet; throws {@link Missing} when it cannot. */
export function prepare(): void {
  for (const folder of [PATHS.debian, PATHS.npm, PATHS.root]) mkdirSync(folder, { recursive: true });
  if (!existsSync(PATHS.emulator) || !existsSync(PATHS.library) || findCompiler() === undefined) fetchFromDebian();
  for (const runtime of RUNTIMES) fetchFromNpm(runtime, PATHS.npm);
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
