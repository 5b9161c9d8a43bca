import assert from "node:assert/strict";
import { closeSync, mkdirSync, openSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { allowedLibc } from "../../src/kernel/effective_user.ts";
import { fileStamps } from "../../src/kernel/file_stamp.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows } from "../harness/platform.ts";

const native = fileStamps(allowedLibc());
const managed = fileStamps(undefined);

test("files, links, directories and nothing are the same with native calls and without", {
  skip: notOnWindows("links"),
}, async () => {
  await withDirectory((directory) => {
    const [file, link, folder] = ["file", "link", "folder"].map((name) => join(directory, name));
    writeFileSync(file, "text");
    symlinkSync(file, link);
    mkdirSync(folder);
    for (const [path, isFile] of [[file, true], [link, false], [folder, false], ["/dev/null", false]] as const) {
      const stamp = native.at(path)!;
      assert.deepEqual([stamp.inode, stamp.isFile], [managed.at(path)!.inode, isFile]);
    }
    assert.equal(native.at(join(directory, "nothing")), undefined);
    assert.equal(managed.at(join(directory, "nothing")), undefined);
    // The two word it alike: the runtime does.
    for (const stamps of [native, managed]) {
      assert.throws(() => stamps.at(join(file, "nothing", "x".repeat(5000))), { code: "ENAMETOOLONG" });
    }
  });
});

test("an open file keeps its stamp when it is renamed, and another text has another one", async () => {
  await withDirectory((directory) => {
    const path = join(directory, "file");
    for (const stamps of [native, managed]) {
      writeFileSync(path, "text");
      const descriptor = openSync(path, "r");
      const stamp = stamps.at(path);
      assert.deepEqual(stamps.of(descriptor), stamp);
      closeSync(descriptor);
      renameSync(path, `${path}.aside`);
      assert.deepEqual(stamps.at(`${path}.aside`), stamp);
      writeFileSync(path, "longer text");
      assert.notEqual(stamps.at(path)!.inode, stamp!.inode);
      assert.notEqual(stamps.at(path)!.version, stamp!.version);
    }
  });
});
