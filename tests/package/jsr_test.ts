import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { JsrRegistry } from "./jsr_registry.ts";
import { CLIENT, Project } from "./project.ts";
import { MANIFEST, publishedFiles } from "./published.ts";

/** Runs some work with a registry, and a Deno that has fetched nothing yet. */
async function withRegistry(work: (project: Project, registry: JsrRegistry) => Promise<void>): Promise<void> {
  await using registry = await JsrRegistry.start();
  await Project.with(
    (project) => work(project, registry),
    (directory) => ({ JSR_URL: registry.url, DENO_DIR: join(directory, "cache") }),
  );
}

const RUN = ["run", "consumed", "--start", "sleep 60", "--", "echo", "served"];

test("from JSR, a program in Deno holds a service; its supervisor comes from there with narrow permissions", async () => {
  await withRegistry(async (project, registry) => {
    project.write("main.ts", CLIENT.replaceAll('"@procref/core', '"jsr:@procref/core@^0.1.0'));
    const permissions = ["--allow-ffi", "--allow-sys", "--allow-env", "--allow-read", "--allow-write", "--allow-run"];
    assert.equal(await project.says("deno", ["run", "--no-prompt", ...permissions, "main.ts"]), "holds 1 false\n");
    assert.ok(registry.asked.some((path) => path.endsWith("/src/supervisor/main.ts")));
  });
});

test("what was fetched once is enough: without the registry the command and its supervisor run from the cache", async () => {
  await withRegistry(async (project, registry) => {
    const cli = `jsr:${MANIFEST.name}/cli`;
    assert.equal(await project.says("deno", ["run", "-A", cli, ...RUN]), "served\n");
    await registry[Symbol.asyncDispose]();
    const offline = ["run", "-A", "--cached-only", cli];
    assert.equal(await project.says("deno", [...offline, ...RUN]), "served\n");
    assert.match(await project.says("deno", [...offline, "doctor"]), /crash release/);
    assert.deepEqual(JSON.parse(await project.says("deno", [...offline, "ls", "--json"])).services, []);
  });
});

test("every subpath can be imported from JSR, and has types and documentation there", async () => {
  await withRegistry(async (project) => {
    const subpaths = Object.keys(MANIFEST.exports).filter((path) => !["./cli", "./supervisor"].includes(path));
    const specifiers = subpaths.map((path) => `jsr:${MANIFEST.name}${path.slice(1)}`);
    project.write(
      "main.ts",
      specifiers.map((specifier, index) => `import * as m${index} from "${specifier}";`).join("\n") +
        `\nconsole.log([${specifiers.map((_, index) => `Object.keys(m${index}).length > 0`)}].every(Boolean));\n`,
    );
    assert.equal(await project.says("deno", ["run", "--check", "-A", "main.ts"]), "true\n");
    for (const specifier of specifiers) {
      const { nodes } = JSON.parse(await project.says("deno", ["doc", "--json", specifier]));
      assert.ok(JSON.stringify(nodes).includes("jsDoc"), specifier);
    }
  });
});

test("what is published is what users need, and nothing else", () => {
  const files = [...publishedFiles()];
  const others = files.map(([path]) => path).filter((path) =>
    !/^\/(deno\.json|mod\.ts|README\.md|LICENSE|CHANGELOG\.md|(ffi|src)\/[\w/]+\.ts)$/.test(path)
  );
  assert.deepEqual(others, []);
  for (const path of Object.values(MANIFEST.exports)) {
    assert.ok(files.some(([file]) => file === path.slice(1)), `${path} is exported, and must be there`);
  }
  const bytes = files.reduce((sum, [, { length }]) => sum + length, 0);
  console.log(`published: ${files.length} files, ${(bytes / 1024).toFixed(0)} KiB`);
  assert.ok(bytes < 2 ** 20, `${bytes} bytes`);
});
