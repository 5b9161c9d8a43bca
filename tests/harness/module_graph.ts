/** What a module loads, as its sources say it. */

import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path/posix";
import { fileURLToPath } from "node:url";
import { sourceText } from "../../tools/source_text.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** An import or export from a module at the beginning of a line, but for one of types alone. */
const STATIC = /^(?:import\s|(?:import|export)\b(?!\s+type\b)[^;"]*?\bfrom\s)\s*"([^"]+)";/gm;
/** An import while the program runs, of a module that is named there. */
const DYNAMIC = /\bimport\("([^"]+)"\)/g;

/**
 * The modules that are loaded with some modules, those among them, by their path from the root of the repository; what is
 * imported by `import()` later is not.
 */
export function loadedWith(roots: readonly string[]): Set<string> {
  return reached(roots, [STATIC]);
}

/** The same with what is imported by `import()`, for Deno fetches that before it runs anything. */
export function fetchedWith(roots: readonly string[]): Set<string> {
  return reached(roots, [STATIC, DYNAMIC]);
}

function reached(roots: readonly string[], imports: readonly RegExp[]): Set<string> {
  const loaded = new Set<string>();
  const load = (path: string): void => {
    if (loaded.has(path)) return;
    loaded.add(path);
    if (path.startsWith("node:")) return;
    const text = sourceText(readFileSync(join(ROOT, path), "utf8")).withStrings;
    for (const [, specifier] of imports.flatMap((each) => [...text.matchAll(each)])) {
      load(specifier.startsWith(".") ? normalize(join(dirname(path), specifier)) : specifier);
    }
  };
  for (const root of roots) load(root);
  return loaded;
}
