import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { host } from "../../ffi/mod.ts";
import { nodeFiles } from "../../ffi/node_files.ts";
import { eventually } from "../harness/eventually.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows, onWindows } from "../harness/platform.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** The name of an error's number; people find it in front of the message as well. */
function codeOf(error: unknown): string | undefined {
  const { code, message } = error as { code?: string; message: string };
  assert.ok(code !== undefined && message.startsWith(code), message);
  return code;
}

test("the host is the process and the machine that Node's module tells of", () => {
  const { platform, arch, pid } = host();
  assert.deepEqual({ platform, arch, pid }, { platform: process.platform, arch: process.arch, pid: process.pid });
});

test("the status of a path is what Node's module tells", () =>
  withDirectory((directory) => {
    const file = join(directory, "file");
    writeFileSync(file, "five!", { mode: 0o640 });
    for (const path of [file, directory]) {
      const status = host().files.status(path)!;
      // Deno tells no fractions of a millisecond.
      assert.deepEqual(
        { ...status, mtimeMs: Math.floor(status.mtimeMs) },
        { ...nodeFiles.status(path)!, mtimeMs: Math.floor(lstatSync(path).mtimeMs) },
      );
    }
    assert.equal(host().files.status(join(directory, "none")), undefined);
    const below = () => host().files.status(join(file, "below"));
    // Windows says that there is nothing.
    if (onWindows) assert.equal(below(), undefined);
    else assert.throws(below, (error) => codeOf(error) === "ENOTDIR");
  }));

test(
  "a link is told as a link, wherever it leads",
  { skip: notOnWindows("links") },
  () =>
    withDirectory((directory) => {
      for (const target of [directory, join(directory, "none")]) {
        const link = join(directory, `link-to-${target.length}`);
        symlinkSync(target, link);
        const { isLink, isFile, isDirectory } = host().files.status(link)!;
        assert.deepEqual({ isLink, isFile, isDirectory }, { isLink: true, isFile: false, isDirectory: false });
      }
    }),
);

test("a file is made with its mode, written to, and closed", () =>
  withDirectory((directory) => {
    const path = join(directory, "new");
    const file = host().files.create(path, 0o600);
    for (let left = bytes("some text"); left.length > 0;) left = left.subarray(file.write(left));
    file.sync();
    file.close();
    assert.equal(readFileSync(path, "utf8"), "some text");
    if (!onWindows) assert.equal(lstatSync(path).mode & 0o777, 0o600);
  }));

test("a file is never made where there is something, and it stays what it is", () =>
  withDirectory((directory) => {
    const path = join(directory, "old");
    writeFileSync(path, "old");
    assert.throws(() => host().files.create(path, 0o600), (error) => codeOf(error) === "EEXIST");
    assert.equal(readFileSync(path, "utf8"), "old");
  }));

test(
  "a file is not made through a link, even where that leads to nothing",
  { skip: notOnWindows("links") },
  () =>
    withDirectory((directory) => {
      const [link, target] = [join(directory, "link"), join(directory, "target")];
      symlinkSync(target, link);
      assert.throws(() => host().files.create(link, 0o600), (error) => codeOf(error) === "EEXIST");
      assert.ok(!existsSync(target));
    }),
);

test("the head of a file is its first bytes", () =>
  withDirectory((directory) => {
    const path = join(directory, "file");
    writeFileSync(path, "a longer text");
    assert.deepEqual(host().files.head(path, 8), bytes("a longer"));
    assert.deepEqual(host().files.head(path, 100), bytes("a longer text"));
    assert.throws(() => host().files.head(join(directory, "none"), 8), (error) => codeOf(error) === "ENOENT");
  }));

test(
  "of a pipe that nobody writes to there is no head, and nobody waits for one",
  { skip: notOnWindows("pipes") },
  () =>
    withDirectory((directory) => {
      const pipe = join(directory, "pipe");
      assert.equal(spawnSync("mkfifo", [pipe]).status, 0);
      assert.equal(host().files.head(pipe, 8), undefined);
    }),
);

test("a file is renamed over another one, and removed if it is there", () =>
  withDirectory((directory) => {
    const [one, other] = [join(directory, "one"), join(directory, "other")];
    writeFileSync(one, "one");
    writeFileSync(other, "other");
    host().files.rename(one, other);
    assert.equal(readFileSync(other, "utf8"), "one");
    assert.throws(() => host().files.rename(one, other), (error) => codeOf(error) === "ENOENT");
    host().files.remove(other);
    host().files.remove(other);
    assert.ok(!existsSync(other));
  }));

test("a directory is not removed as a file is, be it empty", () =>
  withDirectory((directory) => {
    const path = join(directory, "below");
    mkdirSync(path);
    assert.throws(() => host().files.remove(path));
    assert.ok(existsSync(path));
  }));

test("directories are made with those above them, with their mode, or are there already", () =>
  withDirectory((directory) => {
    const path = join(directory, "above", "below");
    host().files.makeDirectory(path, 0o700);
    host().files.makeDirectory(path, 0o700);
    if (!onWindows) assert.equal(lstatSync(path).mode & 0o777, 0o700);
    const file = join(directory, "file");
    writeFileSync(file, "");
    assert.throws(() => host().files.makeDirectory(file, 0o700), (error) => codeOf(error) === "EEXIST");
  }));

test("a real path has no links in it", { skip: notOnWindows("links") }, () =>
  withDirectory((directory) => {
    const [real, link] = [join(directory, "real"), join(directory, "link")];
    mkdirSync(real);
    symlinkSync(real, link);
    assert.equal(host().files.realPath(link), realpathSync(real));
    assert.throws(() => host().files.realPath(join(directory, "none")), (error) => codeOf(error) === "ENOENT");
  }));

test("what happens in a directory is told, with the names, until the watch is closed", () =>
  withDirectory(async (directory) => {
    writeFileSync(join(directory, "there"), "");
    const told = new Set<string | undefined>();
    const watch = host().files.watch(directory, (name) => told.add(name));
    try {
      // It may take a moment until the system tells.
      await eventually(() => {
        writeFileSync(join(directory, "new"), String(performance.now()));
        return told.has("new");
      }, "a file that is made is told");
      rmSync(join(directory, "there"));
      await eventually(() => told.has("there"), "a file that is removed is told");
    } finally {
      watch.close();
    }
  }));

test("that a directory is not there to be watched is thrown, or told in place of a name", () =>
  withDirectory(async (directory) => {
    const isTold = await new Promise<boolean>((resolve) => {
      try {
        host().files.watch(join(directory, "none"), (name) => resolve(name === undefined));
      } catch {
        resolve(true);
      }
    });
    assert.ok(isTold);
  }));

const shell = (script: string, env: Record<string, string> = {}, cwd = "/") =>
  host().startLeader({ command: ["/bin/sh", "-c", script], cwd, env });

test("a child leads a session of its own, in its directory, with its environment and no other", {
  skip: notOnWindows("sessions"),
}, () =>
  withDirectory(async (directory) => {
    const cwd = realpathSync(directory);
    const child = shell(
      `pwd; echo "$ONE-$HOME"; ps -o pid=,pgid=,sid= -p $$; cat`,
      { ONE: "1", PATH: "/usr/bin:/bin" },
      cwd,
    );
    let text = "";
    await child.readOutput((part) => text += new TextDecoder().decode(part));
    assert.deepEqual(await child.ended, { code: 0, signal: null });
    const [where, variables, ids] = text.trim().split("\n");
    assert.deepEqual([where, variables], [cwd, "1-"]);
    assert.deepEqual(ids.trim().split(/\s+/).map(Number), [child.pid, child.pid, child.pid]);
  }));

test(
  "both outputs of a child are read, to the end, however much it is",
  { skip: notOnWindows("sessions") },
  async () => {
    const child = shell(`head -c 300000 /dev/zero; head -c 200000 /dev/zero >&2; exit 7`, { PATH: "/usr/bin:/bin" });
    let length = 0;
    await child.readOutput((part) => length += part.length);
    assert.equal(length, 500_000);
    assert.deepEqual(await child.ended, { code: 7, signal: null });
  },
);

test("a child that a signal ended is told so, by any name", { skip: notOnWindows("signals") }, async () => {
  for (const signal of ["SIGKILL", "SIGTERM", "SIGSEGV"] as const) {
    const child = shell(`kill -${signal.slice(3)} $$; sleep 60`, { PATH: "/usr/bin:/bin" });
    void child.readOutput(() => {});
    assert.deepEqual(await child.ended, { code: null, signal });
  }
});

test("the end of a child is told while others keep its output open", { skip: notOnWindows("sessions") }, async () => {
  const child = shell("sleep 60 & echo $!; exit 3", { PATH: "/usr/bin:/bin" });
  let text = "";
  let isClosed = false;
  const closed = child.readOutput((part) => text += new TextDecoder().decode(part)).then(() => isClosed = true);
  assert.deepEqual(await child.ended, { code: 3, signal: null });
  await eventually(() => text.includes("\n"), "the sleeper is told");
  assert.ok(!isClosed);
  process.kill(Number(text), "SIGKILL");
  await closed;
});

test(
  "what cannot be started is thrown, with the name of the error number",
  { skip: notOnWindows("sessions") },
  () =>
    withDirectory((directory) => {
      const text = join(directory, "text");
      writeFileSync(text, "no program", { mode: 0o600 });
      const start = (program: string) => () => host().startLeader({ command: [program], cwd: "/", env: {} });
      assert.throws(start(join(directory, "none")), (error) => codeOf(error) === "ENOENT");
      assert.throws(start(text), (error) => codeOf(error) === "EACCES");
    }),
);
