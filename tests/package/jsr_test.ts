import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { JsrRegistry } from "./jsr_registry.ts";
import { CLIENT, Project } from "./project.ts";
import { MANIFEST, publishedFiles } from "./published.ts";

/** The variables that say where Deno's cache is, from the first that it looks at. */
const PLACES = ["DENO_DIR", "XDG_CACHE_HOME", "HOME"] as const;

/** Runs some work with a registry, and a Deno that has fetched nothing yet, in the place that a variable says. */
async function withRegistry(
  work: (project: Project, registry: JsrRegistry) => Promise<void>,
  place: typeof PLACES[number] = "DENO_DIR",
): Promise<void> {
  await using registry = await JsrRegistry.start();
  const before = PLACES.slice(0, PLACES.indexOf(place)).map((name) => [name, undefined]);
  await Project.with(
    (project) => work(project, registry),
    (directory) => ({ JSR_URL: registry.url, ...Object.fromEntries(before), [place]: join(directory, "cache") }),
  );
}

const RUN = ["run", "consumed", "--start", "sleep 60", "--", "echo", "served"];

test("from JSR, a program in Deno holds a service; its supervisor comes from there with narrow permissions", async () => {
  await withRegistry(async (project, registry) => {
    project.write("main.ts", CLIENT.replaceAll('"@procref/core', '"jsr:@procref/core@^0.1.0'));
    const permissions = ["--allow-ffi", "--allow-sys", "--allow-env", "--allow-read", "--allow-write", "--allow-run"];
    assert.equal(await project.says("deno", ["run", "--no-prompt", ...permissions, "main.ts"]), "holds 1 false\n");
    assert.ok(registry.asked.some((path) => path.endsWith("/src/supervisor/linux_bundle.js")));
  });
});

/** What the documents say that a client needs whose service does not inherit its environment. */
const NARROW = /--allow-env=PROCREF_DIR,[\w,]+/.exec(
  readFileSync(new URL("../../docs/permissions.md", import.meta.url), "utf8"),
)![0];
const NARROW_CLIENT = CLIENT.replaceAll('"@procref/core', '"jsr:@procref/core@^0.1.0').replace(
  "{ c",
  "{ inheritEnv: false, c",
);

function narrow(env: string): string[] {
  return ["run", "--no-prompt", "--allow-ffi", "--allow-run=setsid", "--allow-read", "--allow-write", env, "main.ts"];
}

for (const place of PLACES) {
  test(`from JSR, the narrow permissions of the README let the supervisor find a cache that ${place} says`, async () => {
    await withRegistry(async (project) => {
      project.write("main.ts", NARROW_CLIENT);
      assert.equal(await project.says("deno", narrow(NARROW)), "holds 1 false\n");
    }, place);
  });
}

test("a supervisor that may not be told where the cache is says which variables to allow", async () => {
  await withRegistry(async (project) => {
    project.write("main.ts", NARROW_CLIENT);
    const { code, stderr } = await project.run("deno", narrow("--allow-env=PROCREF_DIR,NODE_V8_COVERAGE"));
    assert.equal(code, 1);
    assert.match(stderr, /in Deno's default cache, where it is not; .*--allow-env=DENO_DIR,XDG_CACHE_HOME,HOME/);
    assert.doesNotMatch(stderr, /without a word/);
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

test("a program that imports it from JSR is checked by its types, those of events included", async () => {
  await withRegistry(async (project) => {
    const program = CLIENT.replaceAll('"@procref/core', '"jsr:@procref/core@^0.1.0');
    project.write("main.ts", program);
    await project.says("deno", ["check", "main.ts"]);
    project.write("main.ts", program.replace("detail.port", "detail.code"));
    const { code, stderr } = await project.run("deno", ["check", "main.ts"]);
    assert.equal(code, 1);
    assert.match(stderr, /Property 'code' does not exist on type 'ServiceInfo'/);
  });
});

test("what is published is what users need, and nothing else", () => {
  const files = [...publishedFiles()];
  const others = files.map(([path]) => path).filter((path) =>
    !/^\/(deno\.json|mod\.ts|LICENSE|(README|PLATFORMS|CHANGELOG|docs\/\w+)\.md|(ffi|src)\/[\w/]+\.ts|src\/supervisor\/linux_bundle\.js)$/
      .test(path)
  );
  assert.deepEqual(others, []);
  for (const path of Object.values(MANIFEST.exports)) {
    assert.ok(files.some(([file]) => file === path.slice(1)), `${path} is exported, and must be there`);
  }
  for (const [page, bytes] of files.filter(([path]) => path.endsWith(".md"))) {
    for (const [, target] of new TextDecoder().decode(bytes).matchAll(/\]\(([^)\s#]+)[^)]*\)/g)) {
      if (/^\w+:/.test(target)) continue;
      const path = new URL(target, `file://${page}`).pathname;
      assert.ok(files.some(([file]) => file === path), `${page} leads to ${target}, which is not in the package`);
    }
  }
  const bytes = files.reduce((sum, [, { length }]) => sum + length, 0);
  console.log(`published: ${files.length} files, ${(bytes / 1024).toFixed(0)} KiB`);
  assert.ok(bytes < 1.5 * 2 ** 20, `${bytes} bytes`);
});
