/**
 * Where a runtime keeps what it has compiled of the supervisor's program. Clients wait while a supervisor starts, and Bun
 * compiles longer than it runs. Deno keeps such things by itself, with all else that it has fetched.
 *
 * What is in there is run by whoever starts a supervisor, so nobody else may write it: neither the directory nor, as far
 * as the home of the user, those above it.
 *
 * | the process dies | what is left |
 * | --- | --- |
 * | before the runtime has written the file, which it does when a supervisor ends | nothing: the next one compiles as well |
 * | while it writes | an unfinished file, with a name that no one reads; `procref gc` removes it |
 *
 * @module
 */

import { nativeRuntime } from "../../ffi/mod.ts";
import { checkDirectory, isOwnersAlone, makeDirectory } from "../kernel/checked_directory.ts";
import { currentUser } from "../kernel/effective_user.ts";
import { isAbsolute, join } from "../paths.ts";

/** The directory of the compile cache, made if it is missing; undefined where none can be had that is this user's alone. */
export function compileCache(): string | undefined {
  return checkedPlace(makeDirectory);
}

/** The directory of the compile cache; undefined where there is none that is this user's alone. */
export function existingCompileCache(): string | undefined {
  return checkedPlace(() => {});
}

function checkedPlace(prepare: (path: string) => void): string | undefined {
  try {
    const found = place();
    const user = currentUser();
    // A home that was kept through `sudo` is somebody else's.
    if (found === undefined || !isOwnersAlone(found.within, user)) return undefined;
    prepare(found.path);
    checkDirectory(found.path, "user", user);
    return found.path;
  } catch {
    // It only saves time.
    return undefined;
  }
}

/** Where it would be, and the directory of the user that this is in; undefined where the environment does not say. */
function place(): { readonly path: string; readonly within: string } | undefined {
  const { variable } = nativeRuntime();
  const isGiven = (path: string | undefined): path is string => path !== undefined && isAbsolute(path);
  const [caches, home] = [variable("XDG_CACHE_HOME"), variable("HOME")];
  if (isGiven(caches)) return { path: join(caches, "procref"), within: caches };
  return isGiven(home) ? { path: join(home, ".cache/procref"), within: home } : undefined;
}
