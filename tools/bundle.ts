/**
 * Makes one file of all modules of the program of the usual service. A supervisor starts while its clients wait, and a
 * runtime takes longer to fetch and read 70 modules than to do all that is in them.
 *
 * Usage: deno run -A tools/bundle.ts
 */

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PROGRAM = "src/supervisor/linux_main.ts";
/** Where it belongs. */
export const BUNDLE = "src/supervisor/linux_bundle.js";
const HEAD =
  `// ${PROGRAM} with all modules that it needs, made of them by \`deno task bundle\`: change those, and make it anew.
`;

/** The one file, as it has to be by the sources. */
export function bundle(): string {
  const { status, stdout, stderr, error } = spawnSync(
    "deno",
    [
      ...["run", "-A", "--quiet", "--no-config", "npm:esbuild@0.28.2", PROGRAM],
      ...["--bundle", "--format=esm", "--platform=node", "--target=esnext", "--charset=utf8"],
      ...["--legal-comments=none", "--log-level=warning"],
    ],
    { cwd: ROOT, encoding: "utf8", maxBuffer: 2 ** 24 },
  );
  if (status !== 0) throw new Error(`esbuild of npm cannot be run: ${error?.message ?? stderr}`);
  return HEAD + stdout;
}

if (import.meta.main) writeFileSync(`${ROOT}${BUNDLE}`, bundle());
