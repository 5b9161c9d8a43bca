import assert from "node:assert/strict";
import { test } from "node:test";
import { SharedService } from "../../mod.ts";
import { explainMismatch } from "../../src/cli/mismatch.ts";
import type { ErrorDetails } from "../../src/errors.ts";
import { Catalog, type ServiceStatus } from "../../src/service/catalog.ts";
import { procref, RunningCommand } from "../harness/command.ts";
import { onGround } from "../harness/command_ground.ts";
import { NOTHING, SLEEP, UP_AND_COPY } from "../harness/command_words.ts";
import { withDirectory } from "../harness/names.ts";
import { sleepCommand } from "../harness/sleeper.ts";

test("who is refused learns both values, and how to stop what nobody holds", async () => {
  await onGround(async (_, options, name) => {
    const start = ["run", name, ...SLEEP, "--namespace", "a b"];
    assert.equal((await procref([...start, "--linger", "10m", "--", ...NOTHING], options)).status, 0);
    const { status, err } = await procref([...start, "--linger", "5s", "--", ...NOTHING], options);
    assert.equal(status, 125);
    assert.equal(
      err,
      `procref: Cannot share "${name}": it runs with --linger 10m, you gave 5s; nobody holds it: procref stop ${name} ` +
        "--namespace 'a b'; or give the same, choose another NAME or --namespace, or leave out --start to join it as " +
        "it is [CONFIG_MISMATCH]\n",
    );
    const none = await procref([...start, "--", ...NOTHING], options);
    assert.match(none.err, /it runs with --linger 10m, you gave none; nobody holds it: /);
    {
      await using holder = new RunningCommand(["run", name, "--namespace", "a b", "--", ...UP_AND_COPY], options);
      await holder.says(/up/);
      const held = await procref([...start, "--", ...NOTHING], options);
      assert.match(held.err, /it runs with --linger 10m, you gave none; give the same, choose another/);
      holder.process.stdin!.end();
      await holder.ended;
    }
    assert.equal((await procref(["stop", name, "--namespace", "a b"], options)).status, 0);
  });
});

test("a program's own variables are named, and their values are told to nobody", async () => {
  await onGround(async (directory, options, name) => {
    const service = new SharedService(name, { directory, command: sleepCommand(), env: { TOKEN: "secret", B: "x" } });
    const handle = await service.acquire();
    const { status, err } = await procref(["run", name, ...SLEEP, "--", ...NOTHING], options);
    assert.equal(status, 125);
    assert.match(err, /it runs with variables of its own \(B, TOKEN\), which no option of this command gives; choose/);
    assert.ok(!err.includes("secret"));
    await handle.release();
  });
});

test("every option is told as one types it", async () => {
  await withDirectory((directory) => {
    const supervised = { supervisor: { pid: 4711, start: "1" }, references: 1 };
    const status = { ...new Catalog({ directory }).entry("w").look(), ...supervised } as ServiceStatus;
    const said = (details: ErrorDetails, given = true, more: Partial<ServiceStatus> = {}): string => {
      const text = explainMismatch({ details, status: { ...status, ...more }, gave: () => given, where: [] });
      return /^Cannot share "w": it runs (.*); .*choose another NAME/.exec(text)![1];
    };
    const json = (value: unknown): string => JSON.stringify(value) ?? "";
    const told = (field: string, running: unknown, wanted: unknown, given = true): string =>
      said({ field, running: json(running), wanted: json(wanted) }, given).replace(/; give the same, .*/, "");

    assert.equal(told("command", ["sleep", "60"], ["sh", "-c", "a b"]).split(", you")[0], "with --start 'sleep 60'");
    assert.equal(told("port", "auto", { from: 80, to: 80 }), "with --port auto, you gave 80");
    assert.equal(told("port", { from: 80, to: 90 }, undefined, false), "with --port '80 to 90', you gave none");
    assert.equal(told("port", undefined, "auto", false), "without --port, you gave none, which is auto");
    assert.equal(
      told("ready", { kind: "running" }, { kind: "tcp" }, false),
      "with --ready running, you gave none, which is tcp",
    );
    const exec = { kind: "exec", command: ["pg_isready", "-q"] };
    assert.equal(
      told("ready", exec, { kind: "http", path: "/x" }),
      "with --ready 'exec:pg_isready -q', you gave http:/x",
    );
    const log = { kind: "log", pattern: "up$", flags: "" };
    assert.equal(told("ready", log, { kind: "running" }), "with --ready 'log:up$', you gave running");
    assert.equal(told("cwd", "/a", undefined, false), "with --cwd /a, you gave none");
    assert.equal(told("lingerMs", 1500, 0), "with --linger 1500ms, you gave none");
    assert.equal(
      told("host", "::1", "127.0.0.1"),
      'with "host" of its own ("::1"), which no option of this command gives',
    );
    const module = "already, and a module of a program starts and stops it";
    assert.equal(told("command", [], ["sleep", "60"]), module);
    const callbacks = "already, and its clients start and stop it by callbacks";
    assert.equal(said({ field: "command" }, true, { supervisor: undefined }), callbacks);

    const long = ["x".repeat(500)];
    const text = told("command", [...long, "one"], [...long, "two"]);
    assert.ok(text.length < 400 && /…x+ one', you gave '…x+ two'$/.test(text), text);
    const cut = JSON.stringify(["x".repeat(2000)]).slice(0, 1000);
    assert.equal(said({ field: "command", running: cut, wanted: cut }).split(";")[0], "already with another --start");
    assert.ok(!told("cwd", "/a\x1b[31m", undefined).includes("\x1b"), "a terminal is told nothing");
  });
});
