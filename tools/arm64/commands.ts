/**
 * The commands `deno`, `bun` and `cc` as scripts that go through the emulator. The kernel need not know programs of
 * arm64 (binfmt_misc): what starts these commands by name starts arm64. What starts `process.execPath` does not: that
 * is the arm64 program itself, which the kernel alone cannot run.
 */

import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { PATHS } from "./paths.ts";
import { Missing } from "../suite/fetching.ts";
import { findCompiler } from "./prepare.ts";

/** Supervisors are started by `setsid` and `process.execPath`: does what the kernel would do if it knew arm64. */
const SETSID = `case $1 in
'${PATHS.deno}') shift && set -- '${join(PATHS.commands, "deno")}' "$@" ;;
'${PATHS.bun}') shift && set -- '${join(PATHS.commands, "bun")}' "$@" ;;
esac
exec "$(PATH=/usr/bin:/bin command -v setsid)" "$@"`;

const EMULATE = `'${PATHS.emulator}' -L '${PATHS.sysroot}'`;

/** Writes the commands anew. */
export function writeCommands(): void {
  const compiler = findCompiler();
  if (compiler === undefined) throw new Missing(`there is no cross compiler in ${PATHS.compilers}`);
  mkdirSync(PATHS.commands, { recursive: true });
  write("deno", `DENO_DIR='${PATHS.denoDirectory}' exec ${EMULATE} '${PATHS.deno}' "$@"`);
  write("bun", `exec ${EMULATE} '${PATHS.bun}' "$@"`);
  write("cc", compilerScript(compiler));
  write("setsid", SETSID);
}

/** Another run may be using the commands: they are replaced whole. */
function write(name: string, script: string): void {
  const path = join(PATHS.commands, name);
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  renameSync(fresh, path);
}

/** Compiles to `<output>.arm64`, and makes the output a script that runs it. */
function compilerScript(compiler: string): string {
  const options = `-B'${PATHS.sysroot}/lib' -isystem '${PATHS.headers}' -L'${PATHS.sysroot}/lib' -static`;
  return `output= previous= left=$#
while [ $left -gt 0 ]; do
  word=$1
  shift
  if [ "$previous" = -o ]; then
    output=$word
    word=$word.arm64
  fi
  previous=$word
  left=$((left - 1))
  set -- "$@" "$word"
done
export LD_LIBRARY_PATH='${PATHS.compilerLibraries}'
[ -n "$output" ] || exec '${compiler}' "$@"
'${compiler}' ${options} "$@" || exit $?
printf '#!/bin/sh\\nexec %s "%s" "$@"\\n' "${EMULATE}" "$output.arm64" >"$output" && chmod +x "$output"`;
}
