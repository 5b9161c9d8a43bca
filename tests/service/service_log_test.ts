import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { ServiceLog } from "../../src/service/service_log.ts";
import { eventually } from "../harness/eventually.ts";
import { withDirectory } from "../harness/names.ts";

const UID = process.geteuid?.();

// A user without a number is one of Windows, where nothing stays open between two looks.
for (const uid of UID === undefined ? ["somebody"] : [UID, "somebody"]) {
  test(`a log is followed over its exchange, and no byte comes twice (a user of ${typeof uid})`, async () => {
    await withDirectory(async (directory) => {
      const folder = join(directory, "service");
      mkdirSync(folder);
      const path = join(folder, "service.log");
      writeFileSync(path, "one\ntwo\n");
      using log = new ServiceLog(folder, { scope: "user", uid });
      let text = new TextDecoder().decode(log.tail(1));
      let isGone = false;
      const following = log.follow((bytes) => text += new TextDecoder().decode(bytes), () => isGone);
      appendFileSync(path, "three\n");
      await eventually(() => text === "two\nthree\n", "what is written comes");
      appendFileSync(path, "four\n");
      renameSync(path, `${path}.1`);
      writeFileSync(path, "five\n");
      await eventually(() => text === "two\nthree\nfour\nfive\n", "the rest of the old one comes, and the new one");
      appendFileSync(path, "six\n");
      await eventually(() => text.endsWith("five\nsix\n"), "the new one is followed");
      rmSync(path);
      isGone = true;
      await following;
      assert.equal(text, "two\nthree\nfour\nfive\nsix\n");
    });
  });
}
