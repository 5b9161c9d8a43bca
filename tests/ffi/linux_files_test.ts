import assert from "node:assert/strict";
import { existsSync, lstatSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import type { Files, FileStatus } from "../../ffi/host.ts";
import { linuxFiles } from "../../ffi/linux_files.ts";
import { nativeRuntime } from "../../ffi/mod.ts";
import { nodeFiles } from "../../ffi/node_files.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows } from "../harness/platform.ts";

const skip = notOnWindows("calls");
const files = linuxFiles(nativeRuntime(), process.arch)?.files;

/** What a call comes to: its result, or the code of its error. */
function outcome(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

/** Sees that native calls come to the same as `node:fs`, each in a directory of its own. */
async function assertAlike(
  prepare: (directory: string) => void,
  work: (files: Files, path: string) => unknown,
): Promise<unknown> {
  const outcomes: unknown[] = [];
  for (const each of [files!, nodeFiles]) {
    await withDirectory((directory) => {
      prepare(directory);
      outcomes.push(outcome(() => work(each, directory)));
    });
  }
  assert.deepEqual(outcomes[0], outcomes[1]);
  return outcomes[0];
}

/** Deno tells no fractions of a millisecond. */
function inWholeMs(status: FileStatus | undefined): FileStatus | undefined {
  return status && { ...status, mtimeMs: Math.floor(status.mtimeMs) };
}

const nothing = (): void => {};

test(
  "native calls tell of files, directories, links and nothing as node:fs does",
  { skip },
  () =>
    withDirectory((directory) => {
      const [file, link] = [join(directory, "file"), join(directory, "link")];
      writeFileSync(file, "x".repeat(5000), { mode: 0o640 });
      symlinkSync(join(directory, "none"), link);
      for (const path of [file, link, directory, "/dev/null", "/proc/self", join(directory, "none")]) {
        assert.deepEqual(inWholeMs(files!.status(path)), inWholeMs(nodeFiles.status(path)), path);
      }
      symlinkSync(file, join(directory, "to-file"));
      assert.equal(files!.realPath(join(directory, "to-file")), realpathSync(file));
    }),
);

test("what fails in native calls is an error of node:fs", { skip }, async () => {
  const below = (directory: string): void => writeFileSync(join(directory, "file"), "");
  const seen = [
    await assertAlike(below, (files, path) => files.status(join(path, "file", "below"))),
    await assertAlike(below, (files, path) => files.create(join(path, "file"), 0o600)),
    await assertAlike(nothing, (files, path) => files.create(join(path, "none", "file"), 0o600)),
    await assertAlike(nothing, (files, path) => files.head(join(path, "none"), 8)),
    await assertAlike(nothing, (files, path) => files.rename(join(path, "one"), join(path, "other"))),
    await assertAlike(below, (files, path) => files.makeDirectory(join(path, "file"), 0o700)),
    await assertAlike(nothing, (files, path) => files.realPath(join(path, "none"))),
  ];
  assert.deepEqual(seen, ["ENOTDIR", "EEXIST", "ENOENT", "ENOENT", "ENOENT", "EEXIST", "ENOENT"]);
  // What Bun says of that is no error of the system's.
  assert.notEqual(await assertAlike(below, (files, path) => files.remove(join(path, "file", "below"))), undefined);
});

test("a link to a directory is a directory that is there already", { skip }, () =>
  withDirectory((directory) => {
    const link = join(directory, "link");
    mkdirSync(join(directory, "real"));
    symlinkSync(join(directory, "real"), link);
    files!.makeDirectory(link, 0o700);
    assert.ok(lstatSync(link).isSymbolicLink());
  }));

test("a path with a NUL in it never means what stands before it", { skip }, () =>
  withDirectory((directory) => {
    const file = join(directory, "file");
    writeFileSync(file, "kept");
    const path = `${file}\0more`;
    assert.equal(files!.status(path), undefined);
    files!.remove(path);
    for (const work of [() => files!.create(path, 0o600), () => files!.rename(path, file)]) assert.throws(work);
    assert.ok(existsSync(file));
  }));
