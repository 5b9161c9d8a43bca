import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { eventually } from "../harness/eventually.ts";
import { CLIENT, Project } from "./project.ts";

const PACK = fileURLToPath(new URL("../../tools/pack.ts", import.meta.url));
const COMPILER = ["typescript@5.9.3", "@types/node@24.10.1"];
const TYPES = {
  compilerOptions: {
    target: "ESNext",
    module: "NodeNext",
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: ["node"],
    lib: ["ESNext", "DOM", "DOM.Iterable"],
  },
  include: ["main.ts"],
};

/** A project in Bun that has installed the package from its tarball. */
async function withInstalled(work: (project: Project) => Promise<void>): Promise<void> {
  await Project.with(async (project) => {
    const tarball = join(project.folder, "..", "core.tgz");
    const packed = spawnSync("deno", ["run", "-A", PACK, tarball], { encoding: "utf8" });
    assert.equal(packed.status, 0, packed.stderr);
    console.log(packed.stdout.trim());
    project.write("package.json", JSON.stringify({ name: "consumer", private: true, type: "module" }));
    await project.says("bun", ["add", "--no-cache", tarball]);
    await work(project);
  }, (directory) => ({ XDG_CACHE_HOME: directory }));
}

test("installed by bun add: import, subpaths, the supervisor within node_modules, and the command", async () => {
  await withInstalled(async (project) => {
    project.write("main.ts", CLIENT);
    assert.equal(await project.says("bun", ["run", "main.ts"]), "holds 1 false\n");
    const compiled = join(project.folder, "../procref");
    const isVersion = (name: string): boolean => name.startsWith("v") && readdirSync(join(compiled, name)).length === 1;
    await eventually(() => readdirSync(compiled).some(isVersion), "Bun keeps what it compiled of the supervisor");
    const procref = ["--no-install", "procref"];
    const run = [...procref, "run", "consumed", "--start", "sleep 60", "--", "echo", "served"];
    assert.equal(await project.says("bunx", run), "served\n");
    assert.match(await project.says("bunx", [...procref, "doctor"]), /crash release/);
    assert.deepEqual(JSON.parse(await project.says("bunx", [...procref, "ls", "--json"])).services, []);
    assert.equal((await project.run("bunx", [...procref, "stats"])).code, 2);
  });
});

test("the types of the installed package hold in a project that is strict, and find mistakes", async () => {
  await withInstalled(async (project) => {
    await project.says("bun", ["add", "-d", ...COMPILER]);
    project.write("tsconfig.json", JSON.stringify(TYPES));
    project.write("main.ts", CLIENT);
    assert.equal(await project.says("bunx", ["--no-install", "tsc", "-p", "."]), "");
    for (const [right, wrong] of [["command:", "comand:"], ["detail.port", "detail.code"]]) {
      project.write("main.ts", CLIENT.replace(right, wrong));
      const { code, stdout } = await project.run("bunx", ["--no-install", "tsc", "-p", "."]);
      assert.notEqual(code, 0);
      assert.match(stdout, new RegExp(wrong.replace(/\W|detail/g, "")));
    }
  });
});

const COMPILED = `
import { SharedService, supervisorEntry } from "@procref/core";

ENTRY
// Its service is itself, with a word.
if (process.argv[2] === "--database") await new Promise((done) => setTimeout(done, 60_000));
console.log("main runs");
const service = new SharedService("compiled", { command: [process.execPath, "--database"] });
await using handle = await service.acquire();
console.log("holds", await service.count(), handle.pid !== undefined);
`;

test("a client that Bun compiled into one file is its own supervisor, and runs its own main part once", async () => {
  await withInstalled(async (project) => {
    project.write("main.ts", COMPILED.replace("ENTRY", "await supervisorEntry();"));
    await project.says("bun", ["build", "--compile", "main.ts", "--outfile", "client"]);
    const client = join(project.folder, "client");
    assert.equal(await project.says(client, ["an", "argument"]), "main runs\nholds 1 true\n");
    const both = await Promise.all([project.says(client, []), project.says(client, [])]);
    assert.ok(both.every((said) => said.startsWith("main runs\nholds ")), both.join());
  });
});

test("a compiled client without the supervisor's entry is told what to do, and its main part runs once", async () => {
  await withInstalled(async (project) => {
    project.write("main.ts", COMPILED.replace("ENTRY", "void supervisorEntry;"));
    await project.says("bun", ["build", "--compile", "main.ts", "--outfile", "client"]);
    const { code, stdout, stderr } = await project.run(join(project.folder, "client"), []);
    assert.deepEqual([code, stdout], [1, "main runs\n"]);
    assert.match(stderr, /await supervisorEntry\(\)/);
  });
});
