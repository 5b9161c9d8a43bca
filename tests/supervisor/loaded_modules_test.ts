import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fetchedWith, loadedWith } from "../harness/module_graph.ts";

/** With it, a supervisor loads on Linux all that it needs until a command is ready. */
const MAIN = "src/supervisor/linux_main.ts";
/** What follows all other orders. */
const MAIN_FOR_ALL = "src/supervisor/main.ts";
/** What it has time for afterwards. */
const ENDING = "src/supervisor/ending.ts";

test("while clients wait, a supervisor loads no module of Node, whose loading takes longer than all of its own work", () => {
  const loaded = [...loadedWith([MAIN])];
  assert.deepEqual(loaded.filter((module) => module.startsWith("node:")), []);
});

test("no import() of a supervisor names rooms of other systems, other mechanisms, or other work", () => {
  const foreign = /process\/(darwin|windows)\/|mechanisms|slots_(?!path)|handles|reaper|module_service/;
  const foreignTo = (program: string): string[] => [...fetchedWith([program])].filter((path) => foreign.test(path));
  assert.deepEqual(foreignTo(MAIN), []);
  for (const part of ["darwin/", "windows/", "mechanisms", "slots_", "handles", "reaper", "module_service"]) {
    assert.ok(foreignTo(MAIN_FOR_ALL).some((path) => path.includes(part)), `the program for all has ${part}`);
  }
});

test("while clients wait, a supervisor loads no rooms of other systems and nothing that ends a service", () => {
  const loaded = [...loadedWith([MAIN])];
  assert.ok(loaded.includes("src/kernel/sysv_ref_counter.ts"));
  assert.ok(loaded.includes("src/process/linux/linux_processes.ts"));
  assert.ok(loaded.includes("src/supervisor/command_service.ts"));
  assert.deepEqual(loaded.filter((module) => /darwin\/|windows(?!.*deno)/.test(module)), []);
  const later = [...loadedWith([ENDING])].filter((module) => !loaded.includes(module));
  assert.ok(later.includes("src/process/group.ts") && later.includes("src/process/marks.ts"), later.join(", "));
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
