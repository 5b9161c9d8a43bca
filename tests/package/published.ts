/** What `deno publish` would publish, as it would. */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { relative, sep } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The package's own words about itself. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: { readonly [subpath: string]: string };
}

/** What the package says of itself. */
export const MANIFEST: Manifest = JSON.parse(readFileSync(new URL("../../deno.json", import.meta.url), "utf8"));

/** The files that would be published, with their contents, by their path from the root: `/mod.ts`. */
export function publishedFiles(): Map<string, Uint8Array> {
  const { stdout, stderr, status } = spawnSync("deno", ["publish", "--dry-run", "--allow-dirty", "--no-check"], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  if (status !== 0) throw new Error(`deno publish --dry-run failed: ${stderr}`);
  const urls = [...`${stdout}\n${stderr}`.matchAll(/^\s+(file:\/\/\S+) \(/gm)].map(([, url]) => url);
  return new Map(urls.map((url) => {
    const path = fileURLToPath(url);
    return [`/${relative(ROOT, path).split(sep).join("/")}`, readFileSync(path)] as const;
  }));
}
