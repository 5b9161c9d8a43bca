/**
 * The machine with Windows: a root directory of its own that forgets what is written to it, and namespaces of its own
 * for mounts and processes, so that nothing stays mounted and no process stays, in whatever way a run ends.
 */

import process from "node:process";
import { fileURLToPath } from "node:url";
import { INSIDE, PATHS } from "./paths.ts";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

/** Arguments: root, programs, repository, folder for reports, place to mount at, and the words to run inside. */
const ENTER = `set -e
root=$1 programs=$2 repository=$3 output=$4 place=$5
shift 5
mount -t tmpfs tmpfs "$place"
mkdir "$place/upper" "$place/work" "$place/root"
mount -t overlay overlay -o "xino=on,lowerdir=$programs:$root,upperdir=$place/upper,workdir=$place/work" "$place/root"
machine=$place/root
mount -t proc proc "$machine/proc"
mount --rbind /dev "$machine/dev"
mount --bind "$repository" "$machine${INSIDE.repository}"
mount -o remount,bind,ro "$machine${INSIDE.repository}"
mount --bind "$output" "$machine${INSIDE.output}"
# A fresh Debian knows no names; Windows knows these two by itself.
echo "127.0.0.1 localhost $(uname -n)" >"$machine/etc/hosts"
exec chroot "$machine" "$@"`;

/**
 * Makes N a network drive of Windows, as a share that is connected would be one; runs a program, and writes down what it
 * started and did not end, once that has had time to end.
 */
const RUN = `mkdir -p ${INSIDE.drive}/procref-test ${INSIDE.prefix}/network
ln -s ../network ${INSIDE.prefix}/dosdevices/n:
printf '\\n[Software\\\\\\\\Wine\\\\\\\\Drives]\\n"n:"="network"\\n' >>${INSIDE.prefix}/system.reg
cd ${INSIDE.repository}
status=0
${INSIDE.wine} "$@" || status=$?
runtimes() {
  for each in /proc/[0-9]*; do
    tr '\\0' ' ' <"$each/cmdline" 2>/dev/null | grep -E '^[^ ]*(bun|deno)(\\.exe)? ' || :
  done
}
tries=0
while [ -n "$(runtimes)" ] && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
runtimes >${INSIDE.output}/processes
ls -A ${INSIDE.drive}/procref-test >${INSIDE.output}/files
exit $status`;

/** The variables of every program in the machine. Windows finds `bun` and `deno` by theirs. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: "/usr/bin:/bin",
  HOME: INSIDE.prefix,
  WINEPREFIX: INSIDE.prefix,
  WINEPATH: "Z:\\npm\\bun\\package\\bin;Z:\\npm\\deno\\package",
  WINEDEBUG: "-all",
  // Wine looks for sound and screen there, and says that there is none if it does not know where to look.
  XDG_RUNTIME_DIR: "/run",
  PROCREF_TEST_TMP: "C:\\procref-test",
};

/**
 * The command that runs a program of Windows in a fresh machine, from the root of the repository.
 *
 * @param words the program and its arguments
 * @param output a folder, which the program has as `Z:\output`
 * @param place an empty folder, in which the machine is put together
 */
export function machineCommand(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  output: string,
  place: string,
): string[] {
  const variables = Object.entries({ ...ENVIRONMENT, ...env }).map(([name, value]) => `${name}=${value}`);
  return [
    // Killed with the task, and all processes of the machine with it.
    ...["setpriv", "--pdeathsig", "KILL"],
    ...["unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child"],
    ...["sh", "-c", ENTER, "enter", PATHS.root, PATHS.programs, REPOSITORY, output, place],
    ...["/usr/bin/env", "-i", ...variables, "sh", "-c", RUN, "run", ...words],
  ];
}

/** The runtimes as programs of Windows. */
export const PROGRAMS = {
  deno: "deno.exe",
  bun: "bun.exe",
} as const;

/** A mark by which a process of a run is found among all of this machine. */
export const MARK = `PROCREF_WINDOWS_RUN=${process.pid}`;
