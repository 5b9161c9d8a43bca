/** Makes a small Debian with Wine in a folder of its own, and fetches the Windows runtimes. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fetchFromNpm, Missing, run } from "../suite/fetching.ts";
import { INSIDE, PATHS } from "./paths.ts";

/** Wine 10, the first of Debian that has all DLLs that the runtimes need. */
const RELEASE = "trixie";

/** The packages of npm. Not every version of Deno is there for Windows. */
const RUNTIMES = [
  { what: "Deno", package: "@deno/win32-x64@2.9.5", folder: "deno", program: PATHS.deno },
  { what: "Bun", package: "@oven/bun-windows-x64@1.4.5", folder: "bun", program: PATHS.bun },
] as const;

/** Folders in which a run finds what is not part of the machine. */
const MOUNT_POINTS = [INSIDE.repository, INSIDE.output] as const;

/** Sets Windows up, and waits until it is written down. */
const SET_UP_WINDOWS = `mount -t proc proc /proc &&
export HOME=${INSIDE.prefix} WINEPREFIX=${INSIDE.prefix} WINEDEBUG=-all &&
mkdir -p ${INSIDE.prefix} &&
${INSIDE.wine} wineboot -i && ${INSIDE.server} -w`;

/** Fetches and makes what is not there yet; throws {@link Missing} when it cannot. */
export function prepare(): void {
  if (process.geteuid?.() !== 0) throw new Missing("only root can mount and enter another system");
  for (const folder of [PATHS.cache, PATHS.npm]) mkdirSync(folder, { recursive: true });
  for (const runtime of RUNTIMES) fetchFromNpm(runtime, PATHS.npm);
  if (!existsSync(PATHS.root)) makeRoot();
}

/** Makes the machine beside its place and moves it there as the last step: what is in its place is whole. */
function makeRoot(): void {
  const remedy = `it needs Debian 12 or later on x86-64, with a mirror that has ${RELEASE}, 2 GB of room, and time`;
  installDebootstrap();
  const mirror = debianMirror();
  console.log(`fetching Debian ${RELEASE} with Wine into ${PATHS.root}`);
  rmSync(PATHS.unfinished, { recursive: true, force: true });
  run("debootstrap", ["--variant=minbase", "--include=wine64", RELEASE, PATHS.unfinished, mirror], remedy);
  for (const folder of MOUNT_POINTS) mkdirSync(join(PATHS.unfinished, folder));
  const own = ["--mount", "--pid", "--ipc", "--fork", "--kill-child"];
  const words = ["chroot", PATHS.unfinished, "/usr/bin/env", "-i", "PATH=/usr/bin:/bin", "sh", "-c", SET_UP_WINDOWS];
  run("unshare", [...own, ...words], "Wine did not set Windows up");
  if (!existsSync(join(PATHS.unfinished, INSIDE.prefix, "system.reg"))) throw new Missing("Wine set no Windows up");
  renameSync(PATHS.unfinished, PATHS.root);
}

function installDebootstrap(): void {
  if (spawnSync("debootstrap", ["--version"]).error === undefined) return;
  const remedy = "install debootstrap";
  run("apt-get", ["install", "--yes", "--quiet", "--no-install-recommends", "debootstrap"], remedy);
}

/** The mirror that apt on this machine is set up with. */
function debianMirror(): string {
  const remedy = "apt must know a mirror of Debian and have current lists of its packages (apt-get update)";
  const format = ["--format", "$(LABEL) $(SITE)", "Created-By: Packages"];
  const rows = run("apt-get", ["indextargets", ...format], remedy).split("\n").map((row) => row.split(" "));
  const [, site] = rows.find(([label]) => label === "Debian") ?? [];
  if (site === undefined) throw new Missing(`apt is set up with no mirror of Debian: ${remedy}`);
  return site;
}
