import assert from "node:assert/strict";
import { once } from "node:events";
import process from "node:process";
import { test } from "node:test";
import { inspect } from "node:util";
import { ProcrefError, ServiceHandle, SharedService } from "../../mod.ts";
import { allDetails } from "../../src/errors.ts";
import { Child } from "../harness/child.ts";
import { uniqueName, withDirectory } from "../harness/names.ts";
import { bothRuntimes } from "../harness/runtime.ts";

for (const runtime of bothRuntimes) {
  test(`a console shows what a service and a handle are, and the log of an error once (${runtime})`, async () => {
    await withDirectory(async (directory) => {
      const name = uniqueName();
      await using child = new Child("shown.ts", { runtime, args: [name, directory] });
      let text = "";
      child.process.stdout!.on("data", (part) => text += part);
      await once(child.process, "close");
      // The runtimes differ in quotes and in where they break lines.
      const said = text.replaceAll('"', "'").replace(/\s+/g, " ").replaceAll(", }", " }").replaceAll(", ]", " ]");
      const service = `SharedService { name: '${name}', namespace: 'docs' }`;
      assert.ok(said.includes(`${service} [ ${service} ]`), said);
      const facts = `name: '${name}', pid: ${child.process.pid}, port: 5432`;
      assert.ok(said.includes(`ServiceHandle { ${facts}, released: false }`), said);
      assert.ok(said.includes(`ServiceHandle { ${facts}, released: true }`), said);
      assert.match(said, /exitCode: 3/);
      assert.equal(said.match(/the last line/g)!.length, 1, said);
    });
  });
}

test("prototypes can be shown as well, though they have no facts", () => {
  for (const { prototype } of [SharedService, ServiceHandle]) assert.doesNotThrow(() => inspect(prototype));
});

test("the log of an error is there, is not listed, and goes where an error is made again", () => {
  const error = new ProcrefError("SERVICE_START", "no", { details: { name: "x", exitCode: 3, log: "last" } });
  assert.equal(error.details.log, "last");
  assert.deepEqual(Object.keys(error.details), ["name", "exitCode"]);
  assert.ok(!inspect(error).includes("last"));
  assert.deepEqual(allDetails(error), { name: "x", exitCode: 3, log: "last" });
  assert.equal(new ProcrefError("OTHER", "again", { details: error.details }).details.log, "last");
  const without = new ProcrefError("OTHER", "no", { details: { pid: process.pid } });
  assert.deepEqual(without.details, { pid: process.pid });
});
