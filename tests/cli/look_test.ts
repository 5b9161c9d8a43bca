import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { procref, procrefJson } from "../harness/command.ts";
import { eventually } from "../harness/eventually.ts";
import { withDirectory } from "../harness/names.ts";
import { onWindows } from "../harness/platform.ts";
import { type Acquired, onStage, type ServiceStage } from "../harness/service_clients.ts";
import { sleepCommand } from "../harness/sleeper.ts";

/** How the command of a service ends, as it is shown. */
const COMMAND = onWindows ? "setTimeout(() => {}, 300_000)'" : "sleep 300";

/** The keys of a service in the JSON, which docs/cli.md promises. */
const KEYS = [
  "name",
  "namespace",
  "scope",
  "state",
  "pid",
  "command",
  "uptimeMs",
  "host",
  "port",
  "metadata",
  "references",
  "holders",
  "locked",
  "supervised",
  "supervisor",
  "generation",
  "failure",
  "directory",
  "problem",
];

function env(stage: ServiceStage): { env: Record<string, string> } {
  return { env: { PROCREF_DIR: stage.state } };
}

/** The one directory of a service. */
function serviceDirectory(stage: ServiceStage): string {
  const [name] = readdirSync(stage.state);
  return join(stage.state, name);
}

/** A symbolic link, where everybody may make one. */
function link(target: string, path: string): void {
  if (!onWindows) symlinkSync(target, path);
}

test("an empty state directory has no services, and a service that is not there is stopped", async () => {
  await withDirectory(async (directory) => {
    const where = ["--directory", join(directory, "state")];
    const list = await procref(["ls", ...where]);
    assert.deepEqual(list, { status: 0, signal: null, out: "", err: `no services in ${join(directory, "state")}\n` });
    assert.deepEqual((await procrefJson(["ls", ...where])).services, []);
    const status = await procref(["status", "none", ...where]);
    assert.equal(status.status, 3);
    assert.match(status.out, /state +stopped\n/);
    const json = await procrefJson(["status", "none", ...where]);
    assert.deepEqual(Object.keys(json), ["procref", ...KEYS]);
    assert.equal(json.state, "stopped");
  });
});

test("ls and status show a service, who holds it, and the kernel's count", async () => {
  await onStage(async (stage) => {
    const client = await stage.client();
    const { pid, handle } = await client.call<Acquired>("acquire");
    const { procref: version, directory, services } = await procrefJson(["ls"], env(stage));
    assert.equal(version, 1);
    assert.equal(directory, stage.state);
    assert.equal(services.length, 1);
    const [service] = services;
    assert.deepEqual(Object.keys(service), KEYS);
    assert.equal(service.name, stage.name);
    assert.equal(service.state, "running");
    assert.equal(service.pid, pid);
    assert.deepEqual(service.command.slice(1), sleepCommand().slice(1));
    assert.equal(service.port, 4000);
    assert.equal(service.references, 1);
    assert.ok(service.uptimeMs >= 0 && service.uptimeMs < 600_000);
    const [holder] = service.holders;
    assert.deepEqual(Object.keys(holder), ["pid", "command", "since", "client"]);
    assert.equal(holder.client, null, "it is no procref run");
    assert.equal(holder.pid, client.pid);
    assert.ok(holder.command.includes(stage.name));
    assert.ok(Math.abs(Date.now() - Date.parse(holder.since)) < 600_000);

    const { procref: _, ...status } = await procrefJson(["status", stage.name], env(stage));
    assert.deepEqual({ ...status, uptimeMs: 0 }, { ...service, uptimeMs: 0 });
    const text = await procref(["status", stage.name], env(stage));
    assert.equal(text.status, 0);
    for (const part of [stage.name, "running", `${pid}  `, COMMAND, "127.0.0.1:4000", "1 reference is held"]) {
      assert.ok(text.out.includes(part), `${part} in ${text.out}`);
    }
    assert.match(text.out, new RegExp(`^ *${client.pid} .*service_client`, "m"));
    const table = (await procref(["ls"], env(stage))).out.split("\n");
    assert.match(table[0], /^NAME +STATE +PID +ADDRESS +REFS +UP +COMMAND$/);
    assert.match(table[1], new RegExp(`^${stage.name} +running +${pid} +127.0.0.1:4000 +1 `));
    assert.ok(table[1].endsWith(COMMAND), table[1]);
    assert.ok(!text.out.includes("\x1b"), "no colour in a pipe");

    await client.call("release", handle);
    assert.equal((await procref(["status", stage.name], env(stage))).status, 3);
    await client.end();
  });
});

test("a holder that was killed is not shown, and one that released is not shown for long", async () => {
  await onStage(async (stage) => {
    const clients = [await stage.client(), await stage.client(), await stage.client()];
    const handles: number[] = [];
    for (const client of clients) handles.push((await client.call<Acquired>("acquire")).handle);
    const holders = async (): Promise<number[]> =>
      (await procrefJson(["status", stage.name], env(stage))).holders.map(({ pid }: { pid: number }) => pid);
    assert.deepEqual(await holders(), clients.map(({ pid }) => pid), "who came first is in front");
    await clients[2].kill();
    assert.deepEqual(await holders(), [clients[0].pid, clients[1].pid]);
    await clients[1].call("release", handles[1]);
    await eventually(async () => (await holders()).length === 1, "the hint is taken back");
    // Acquired again on the warm path, which writes nothing: the look that follows does.
    await clients[1].call("acquire");
    await eventually(async () => (await holders()).length === 2, "the hint is there again");
    await clients[1].end();
    assert.deepEqual(await holders(), [clients[0].pid]);
    const files = readdirSync(join(serviceDirectory(stage), "holders"));
    assert.ok(!files.includes(`${clients[1].pid}.json`), "who ends by itself takes its hint along");
    await clients[0].call("release", handles[0]);
    await stage.assertNothingLeft();
  });
});

test("a hint is believed only with its process's identity, from a plain file of the user", async () => {
  await onStage(async (stage) => {
    const client = await stage.client({ options: { reaper: false } });
    await client.call("acquire");
    const folder = join(serviceDirectory(stage), "holders");
    const own = join(folder, `${client.pid}.json`);
    const hint = JSON.parse(readFileSync(own, "utf8"));
    const plant = (pid: number, text: string): void => writeFileSync(join(folder, `${pid}.json`), text);
    plant(process.pid, JSON.stringify({ ...hint, pid: process.pid }));
    plant(process.ppid, "{");
    plant(1, JSON.stringify({ ...hint, pid: client.pid }));
    link(own, join(folder, "2.json"));
    writeFileSync(join(folder, "notes.txt"), "not ours");
    mkdirSync(join(folder, "3.json"));
    const { holders } = await procrefJson(["status", stage.name], env(stage));
    assert.deepEqual(holders.map(({ pid }: { pid: number }) => pid), [client.pid]);
    await client.end();
  });
});

test("services in namespaces are told apart, and one that is nearly named is suggested", async () => {
  await onStage(async (stage) => {
    const client = await stage.client({ options: { namespace: "shop", reaper: false } });
    const { handle } = await client.call<Acquired>("acquire");
    assert.match((await procref(["ls"], env(stage))).out, /^NAME +NAMESPACE +STATE/);
    assert.equal((await procrefJson(["ls", "--namespace", "other"], env(stage))).services.length, 0);
    assert.equal((await procref(["status", stage.name, "--namespace", "shop"], env(stage))).status, 0);
    const without = await procref(["status", stage.name], env(stage));
    assert.equal(without.status, 3);
    assert.match(without.out, /there is one of that name with --namespace shop/);
    const many = ["my project", "web", "a", "b", "c"];
    const clients = [];
    for (const namespace of many) {
      const each = await stage.client({ options: { namespace, reaper: false } });
      clients.push({ each, handle: (await each.call<Acquired>("acquire")).handle });
      if (namespace !== "my project") continue;
      const two = await procref(["status", stage.name], env(stage));
      assert.match(two.out, /there are 2 of that name with --namespace 'my project' and --namespace shop\n/);
    }
    const six = await procref(["status", stage.name], env(stage));
    assert.match(six.out, /there are 6 of that name with (--namespace ('my project'|[abc]|shop), ){4}.* and 1 more\n/);
    for (const { each, handle } of clients) {
      await each.call("release", handle);
      await each.end();
    }
    const nearly = await procref(["status", `${stage.name}x`], env(stage));
    assert.ok(nearly.out.includes(`did you mean ${stage.name}?`), nearly.out);
    await client.call("release", handle);
    await client.end();
  });
});

test("what is not a service is not listed, and a record that lies is unknown", async () => {
  await onStage(async (stage) => {
    const client = await stage.client({ options: { reaper: false } });
    await client.call("acquire");
    const [real] = readdirSync(stage.state);
    const copy = `copy.${"0".repeat(32)}`;
    mkdirSync(join(stage.state, copy), { mode: 0o700 });
    writeFileSync(join(stage.state, copy, "record.json"), readFileSync(join(stage.state, real, "record.json")));
    writeFileSync(join(stage.state, "file.00000000000000000000000000000001"), "");
    link(join(stage.state, real), join(stage.state, "link.00000000000000000000000000000002"));
    mkdirSync(join(stage.state, "other"));
    const { services } = await procrefJson(["ls"], env(stage));
    assert.deepEqual(services.map(({ name, state }: { name: string; state: string }) => [name, state]), [
      [copy, "unknown"],
      [stage.name, "running"],
    ]);
    assert.equal(services[0].problem.code, "SERVICE_INFO");
    await client.end();
  });
});
