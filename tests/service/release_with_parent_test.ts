import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { process as processes } from "../../mod.ts";
import { Child, signalChild } from "../harness/child.ts";
import { eventually } from "../harness/eventually.ts";
import { uniqueName, withDirectory } from "../harness/names.ts";
import { notOnWindows } from "../harness/platform.ts";

test("a stdio server whose standard input ends releases and ends, and the last one takes the service along", async () => {
  await withDirectory(async (directory) => {
    await using server = new Child("stdio_server.ts", { args: [uniqueName(), directory] });
    const service = Number(await server.line("holds "));
    server.send("a request");
    assert.equal(await server.line("heard "), "a request", "nothing is taken away from who reads");
    assert.ok(processes.isAlive(service));
    assert.deepEqual(await server.end(), { code: 0, signal: null });
    assert.deepEqual(server.takeLines("gone "), ["stdin"]);
    await eventually(() => !processes.isAlive(service) && readdirSync(directory).length === 0, "all is gone");
  });
});

test("a stdio server whose standard input ended before it bound itself ends all the same", async () => {
  await withDirectory(async (directory) => {
    await using server = new Child("stdio_server.ts", {
      args: [uniqueName(), directory],
      env: { PROCREF_TEST_LATE: "1" },
    });
    assert.deepEqual(await server.end(), { code: 0, signal: null });
    assert.deepEqual(server.takeLines("gone "), ["stdin"]);
    await eventually(() => readdirSync(directory).length === 0, "all is gone");
  });
});

for (const [how, between] of [["1", "nobody"], ["wrapped", "a wrapper that lives on"]]) {
  test(
    `a stdio server whose host is SIGKILLed, with ${between} between them, ends, though its standard input stays open`,
    {
      skip: notOnWindows("pipes") ||
        how === "wrapped" && process.platform !== "linux" && "only Linux tells whose input it is",
    },
    async () => {
      await withDirectory(async (directory) => {
        const fifo = join(directory, "fifo");
        execFileSync("mkfifo", [fifo]);
        const open = openSync(fifo, constants.O_RDWR);
        try {
          const env = { PROCREF_TEST_HOST: how, FIFO: fifo };
          await using host = new Child("stdio_server.ts", { args: [uniqueName(), directory], env });
          const server = Number(await host.line("server "));
          const service = Number(await host.line("holds "));
          assert.ok(processes.isAlive(server) && processes.isAlive(service));
          assert.equal(how === "wrapped", host.takeLines("wrapper ").includes(`${server}`));
          signalChild(host.process);
          assert.equal(await host.line("gone "), "parent");
          await eventually(() => !processes.isAlive(server), "the server has ended");
          await eventually(() => !processes.isAlive(service), "the service is gone with its last client");
          await eventually(() => readdirSync(directory).join() === "fifo", "nothing is left");
        } finally {
          closeSync(open);
        }
      });
    },
  );
}
