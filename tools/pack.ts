/**
 * Makes the package for npm: what `deno pack` makes of the sources, and the command `procref` for Bun.
 *
 * Usage: deno run -A tools/pack.ts [FILE.tgz]
 */

import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BIN = "bin/procref.js";
const BIN_TEXT = `#!/usr/bin/env bun
import "../src/cli/main.js";
`;

const { version } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
const file = resolve(process.argv[2] ?? `procref-core-${version}.tgz`);
const folder = mkdtempSync(join(tmpdir(), "procref-pack-"));
try {
  const packed = join(folder, "packed.tgz");
  run("deno", ["pack", "--allow-dirty", "--quiet", "--no-source-maps", "--output", packed], ROOT);
  run("tar", ["xzf", packed], folder);
  const inside = join(folder, "package");
  mkdirSync(join(inside, "bin"));
  writeFileSync(join(inside, BIN), BIN_TEXT);
  chmodSync(join(inside, BIN), 0o755);
  const path = join(inside, "package.json");
  const description = "Several processes share one service: the first starts it, the last stops it, the kernel counts";
  const more = {
    description,
    bin: { procref: `./${BIN}` },
    engines: { bun: ">=1.4" },
    os: ["linux", "darwin", "win32"],
  };
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...more }, null, 2) + "\n");
  run("tar", ["czf", file, "--owner=0", "--group=0", "--sort=name", "package"], folder);
  console.log(`${file}: ${(statSync(file).size / 1024).toFixed(0)} KiB`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function run(program: string, args: readonly string[], cwd: string): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args[0]} failed: ${error?.message ?? `${stdout}${stderr}`}`);
}
