import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { BUNDLE, bundle } from "../../tools/bundle.ts";
import { fetchedWith, loadedWith } from "../harness/module_graph.ts";

/** What {@link BUNDLE} is made of. */
const MAIN = "src/supervisor/linux_main.ts";
/** What follows all other orders. */
const MAIN_FOR_ALL = "src/supervisor/main.ts";

test("while clients wait, a supervisor loads no module of Node, whose loading takes longer than all of its own work", () => {
  for (const program of [MAIN, BUNDLE]) {
    assert.deepEqual([...loadedWith([program])].filter((module) => module.startsWith("node:")), []);
  }
});

test("the program that clients start is what the sources make it", () => {
  const text = readFileSync(new URL(`../../${BUNDLE}`, import.meta.url), "utf8");
  assert.ok(text === bundle(), `${BUNDLE} is not made of these sources: run \`deno task bundle\``);
});

test("no import() of a supervisor names rooms of other systems, other mechanisms, or other work", () => {
  const foreign = /process\/(darwin|windows)\/|mechanisms|slots_(?!path)|handles|reaper|module_service/;
  const foreignTo = (program: string): string[] => [...fetchedWith([program])].filter((path) => foreign.test(path));
  assert.deepEqual(foreignTo(MAIN), []);
  for (const part of ["darwin/", "windows/", "mechanisms", "slots_", "handles", "reaper", "module_service"]) {
    assert.ok(foreignTo(MAIN_FOR_ALL).some((path) => path.includes(part)), `the program for all has ${part}`);
  }
});

test("while clients wait, a supervisor loads no rooms of other systems", () => {
  const loaded = [...loadedWith([MAIN])];
  assert.ok(loaded.includes("src/kernel/sysv_ref_counter.ts"));
  assert.ok(loaded.includes("src/process/linux/linux_processes.ts"));
  assert.ok(loaded.includes("src/supervisor/command_service.ts"));
  assert.deepEqual(loaded.filter((module) => /darwin\/|windows(?!.*deno)/.test(module)), []);
});

test("every entry of the library knows the rooms of all systems", () => {
  const { exports }: { exports: Record<string, string> } = JSON.parse(
    readFileSync(new URL("../../deno.json", import.meta.url), "utf8"),
  );
  for (const [entry, path] of Object.entries(exports)) {
    if (entry === "./supervisor") continue;
    const loaded = loadedWith([path.replace("./", "")]);
    const asks = loaded.has("src/process/platform.ts");
    assert.equal(loaded.has("src/process/every_system.ts"), asks, `${entry} asks about processes: ${asks}`);
  }
});
