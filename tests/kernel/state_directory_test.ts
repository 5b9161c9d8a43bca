import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { type ErrorCode, isProcrefError } from "../../src/errors.ts";
import type { Scope } from "../../src/kernel/object_name.ts";
import { stateDirectory } from "../../src/kernel/state_directory.ts";
import { withoutRoot } from "../fixtures/user.ts";
import { Child } from "../harness/child.ts";
import { withEnvironment } from "../harness/environment.ts";
import { withDirectory } from "../harness/names.ts";

const uid = process.geteuid!();
/** A user that this machine does not have, and no other run of the suite uses. */
const STRANGER = 1_000_000_000 + process.pid;

function modeOf(path: string): string {
  return (lstatSync(path).mode & 0o7777).toString(8);
}

function refuses(code: ErrorCode, message: RegExp, work: () => unknown): void {
  assert.throws(work, (error) => {
    assert.ok(isProcrefError(error, code), String(error));
    assert.match(error.message, message);
    return true;
  });
}

test("the state directory is made with mode 0700, also below directories that are missing", async () => {
  await withDirectory((directory) => {
    const path = join(directory, "a", "b");
    assert.equal(stateDirectory(path, "user", uid), path);
    assert.equal(modeOf(path), "700");
    assert.equal(modeOf(join(directory, "a")), "700");
    assert.equal(stateDirectory(path, "user", uid), path, "once more");
  });
});

test("without a choice the state directory is $PROCREF_DIR, else in $XDG_RUNTIME_DIR", async () => {
  await withDirectory((directory) => {
    const chosen = join(directory, "chosen");
    const session = join(directory, "session");
    withEnvironment({ PROCREF_DIR: chosen, XDG_RUNTIME_DIR: session }, () => {
      assert.equal(stateDirectory(undefined, "user", uid), chosen);
      assert.equal(stateDirectory(join(directory, "given"), "user", uid), join(directory, "given"));
    });
    for (const none of ["", undefined]) {
      withEnvironment({ PROCREF_DIR: none, XDG_RUNTIME_DIR: session }, () => {
        assert.equal(stateDirectory(undefined, "user", uid), join(session, "procref"));
      });
    }
  });
});

/** Where the default leads for a user; whose directory it is does not matter here. */
function defaultOf(user: number, variables: Record<string, string | undefined>): string | undefined {
  return withEnvironment({ PROCREF_DIR: undefined, XDG_RUNTIME_DIR: undefined, ...variables }, () => {
    try {
      return stateDirectory(undefined, "user", user);
    } catch (error) {
      assert.ok(isProcrefError(error, "STATE_DIRECTORY"), String(error));
      rmdirSync(error.details.path!);
      return error.details.path;
    }
  });
}

test("without any variable the state directory is in /tmp under the user's number", () => {
  const path = `/tmp/procref-${STRANGER}`;
  assert.equal(existsSync(path), false);
  assert.equal(defaultOf(STRANGER, {}), path);
  assert.equal(defaultOf(STRANGER, { XDG_RUNTIME_DIR: "relative" }), path);
});

test("without any variable the state directory is in the user's session, so that cron agrees with it", {
  skip: withoutRoot,
}, () => {
  const session = `/run/user/${STRANGER}`;
  const users = existsSync("/run/user");
  mkdirSync(session, { recursive: true });
  try {
    assert.equal(defaultOf(STRANGER, {}), `/tmp/procref-${STRANGER}`, "somebody else's session is not believed");
    chownSync(session, STRANGER, STRANGER);
    assert.equal(defaultOf(STRANGER, {}), `${session}/procref`);
    assert.deepEqual(readdirSync(session), []);
  } finally {
    rmdirSync(session);
    if (!users) rmdirSync("/run/user");
  }
});

test("in scope system there is no default, and nothing is made", async () => {
  await withDirectory((directory) => {
    withEnvironment({ PROCREF_DIR: undefined, XDG_RUNTIME_DIR: directory }, () => {
      refuses("INVALID_ARGUMENT", /scope system: give `directory`/, () => stateDirectory(undefined, "system", uid));
    });
    const path = join(directory, "shared");
    refuses("IO", /^Cannot keep state in .*shared/, () => stateDirectory(path, "system", uid));
    mkdirSync(path);
    chmodSync(path, 0o1777);
    assert.equal(stateDirectory(path, "system", uid), path);
    withEnvironment({ PROCREF_DIR: path }, () => assert.equal(stateDirectory(undefined, "system", uid), path));
    assert.equal(modeOf(path), "1777");
  });
});

test("a symbolic link is refused as state directory, wherever it leads", async () => {
  await withDirectory((directory) => {
    const target = join(directory, "target");
    mkdirSync(target, { mode: 0o700 });
    symlinkSync(target, join(directory, "link"));
    symlinkSync(join(directory, "nothing"), join(directory, "dangling"));
    for (const scope of ["user", "system"] as const) {
      for (const link of ["link", "dangling"]) {
        refuses("STATE_DIRECTORY", /it is a symbolic link/, () => stateDirectory(join(directory, link), scope, uid));
      }
    }
    assert.deepEqual(readdirSync(target), []);
    assert.equal(existsSync(join(directory, "nothing")), false);
  });
});

test("the real path of the state directory is given where the way to it has links", async () => {
  await withDirectory((directory) => {
    mkdirSync(join(directory, "real"));
    symlinkSync("real", join(directory, "way"));
    assert.equal(stateDirectory(join(directory, "way", "state"), "user", uid), join(directory, "real", "state"));
  });
});

test("a file is refused as state directory", async () => {
  await withDirectory((directory) => {
    const path = join(directory, "file");
    writeFileSync(path, "");
    for (const scope of ["user", "system"] as const) {
      refuses("STATE_DIRECTORY", /it is not a directory/, () => stateDirectory(path, scope, uid));
    }
  });
});

test("somebody else's directory is refused as state directory", { skip: withoutRoot }, async () => {
  await withDirectory((directory) => {
    const path = join(directory, "theirs");
    mkdirSync(path, { mode: 0o700 });
    chownSync(path, STRANGER, STRANGER);
    refuses(
      "STATE_DIRECTORY",
      new RegExp(`it belongs to user ${STRANGER}, not to 0`),
      () => stateDirectory(path, "user", uid),
    );
    assert.equal(stateDirectory(path, "system", uid), path, "in scope system an administrator has said so");
  });
});

for (const mode of ["750", "707", "701", "710", "770"]) {
  test(`a directory that others may enter (mode ${mode}) is refused as state directory`, async () => {
    await withDirectory((directory) => {
      const path = join(directory, "open");
      mkdirSync(path);
      chmodSync(path, parseInt(mode, 8));
      const message = new RegExp(`others may enter it \\(mode ${mode}\\); use chmod 700`);
      refuses("STATE_DIRECTORY", message, () => stateDirectory(path, "user", uid));
      assert.equal(modeOf(path), mode, "it is left as it is");
    });
  });
}

for (const [mode, fits] of [["777", false], ["775", false], ["757", false], ["1777", true], ["755", true]] as const) {
  test(`below a directory of mode ${mode} state ${fits ? "can" : "cannot"} be kept`, async () => {
    await withDirectory((directory) => {
      const parent = join(directory, "parent");
      mkdirSync(parent);
      chmodSync(parent, parseInt(mode, 8));
      const path = join(parent, "state");
      for (const scope of ["user", "system"] satisfies Scope[]) {
        const attempt = (): string => stateDirectory(path, scope, uid);
        if (fits) assert.equal(attempt(), path);
        else refuses("STATE_DIRECTORY", /others may exchange it, .*use chmod \+t/, attempt);
      }
    });
  });
}

test("a path that is not absolute is refused as state directory", () => {
  for (const path of ["state", "./state", "../state", "~/state", "", 5, false]) {
    refuses("INVALID_ARGUMENT", /use an absolute path/, () => stateDirectory(path as string, "user", uid));
  }
  withEnvironment({ PROCREF_DIR: "~/state" }, () => {
    const message =
      /Cannot keep state in ~\/state, which is PROCREF_DIR: use an absolute path; only a shell knows what ~/;
    refuses("INVALID_ARGUMENT", message, () => stateDirectory(undefined, "user", uid));
  });
  assert.equal(existsSync("state"), false);
});

test("what the file system refuses is an error with its path and cause", async () => {
  await withDirectory((directory) => {
    writeFileSync(join(directory, "file"), "");
    const path = join(directory, "file", "state");
    assert.throws(() => stateDirectory(path, "user", uid), (error) => {
      assert.ok(isProcrefError(error, "IO"), String(error));
      assert.match(error.message, /^Cannot keep state in .*ENOTDIR/);
      assert.deepEqual(error.details, { path });
      assert.equal((error.cause as NodeJS.ErrnoException).code, "ENOTDIR");
      return true;
    });
    rmSync(join(directory, "file"));
  });
});

interface Report {
  readonly path?: string;
  readonly error?: { code: string; message: string };
}

async function underDeno(args: readonly string[], ...permissions: string[]): Promise<Report> {
  const command = ["deno", "run", "--no-prompt", "--no-check", "--quiet", ...permissions];
  await using child = new Child("make_state_directory.ts", { command, args });
  return JSON.parse(await child.line(""));
}

test("Deno without permission to read and write: the error says what to allow", async () => {
  await withDirectory(async (directory) => {
    const path = join(directory, "state");
    const args = [path, String(uid)];
    const nothing = await underDeno(args);
    assert.equal(nothing.error?.code, "PERMISSION");
    assert.match(nothing.error.message, /^Cannot keep state in .*--allow-(read|write)/);
    const reading = await underDeno(args, `--allow-read=${directory}`);
    assert.equal(reading.error?.code, "PERMISSION");
    assert.match(reading.error.message, /--allow-write/);
    assert.equal(existsSync(path), false);
    const both = [`--allow-read=${directory}`, `--allow-write=${directory}`];
    assert.deepEqual(await underDeno(args, ...both), { path });
  });
});

test("Deno without permission for the environment: the error says what to allow", async () => {
  const { error } = await underDeno([], "--allow-read", "--allow-write");
  assert.equal(error?.code, "PERMISSION");
  assert.match(error.message, /^Cannot choose the state directory: .*--allow-env/);
});
