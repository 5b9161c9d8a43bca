import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isProcrefError, type ProcrefError } from "../../src/errors.ts";
import { replaceFile } from "../../src/kernel/replaced_file.ts";
import { loadConfig, type WatchedConfig } from "../../src/lifecycle/mod.ts";
import { eventually } from "../harness/eventually.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { runProgram } from "../harness/written_program.ts";

interface Settings {
  readonly port: number;
}

/** A configuration in a file, and what was told of it. */
interface Stage {
  readonly path: string;
  readonly config: WatchedConfig<Settings>;
  readonly changes: number[];
  readonly bad: ProcrefError[];
}

function validate(json: unknown): Settings {
  const { port } = json as { port: unknown };
  if (typeof port !== "number") throw new Error("port must be a number");
  return { port };
}

function text(port: number): string {
  return JSON.stringify({ port });
}

async function onStage(
  work: (stage: Stage) => Promise<void>,
  watch = true,
  prepare: (path: string) => void = (path) => writeFileSync(path, text(1)),
): Promise<void> {
  await withDirectory(async (directory) => {
    const path = join(directory, "config.json");
    prepare(path);
    const changes: number[] = [];
    const bad: ProcrefError[] = [];
    using config = loadConfig(path, {
      validate,
      onChange: ({ port }) => changes.push(port),
      onBad: (error) => bad.push(error),
      watch,
      debounceMs: 20,
    });
    await work({ path, config, changes, bad });
  });
}

test("a text that is written in place, and one that is renamed over it, are seen; no watch is left behind", async () => {
  await onStage(async ({ path, config, changes, bad }) => {
    assert.equal(config.value.port, 1);
    writeFileSync(path, text(2));
    await eventually(() => config.value.port === 2, "the text written in place is seen");
    for (const port of [3, 4]) {
      writeFileSync(`${path}~`, text(port));
      renameSync(`${path}~`, path);
      await eventually(() => config.value.port === port, "the renamed file is seen");
    }
    assert.deepEqual([changes, bad], [[2, 3, 4], []]);
  });
});

test("a link that is turned to another file is seen, as it is when it leads through a directory", {
  skip: notOnWindows("links"),
}, async () => {
  const prepare = (path: string): void => {
    const directory = join(path, "..");
    for (const port of [1, 2]) {
      mkdirSync(join(directory, `data${port}`));
      writeFileSync(join(directory, `data${port}`, "config.json"), text(port));
    }
    symlinkSync("data1", join(directory, "data"));
    symlinkSync("data/config.json", path);
  };
  await onStage(
    async ({ path, config }) => {
      assert.equal(config.value.port, 1);
      const directory = join(path, "..");
      symlinkSync("data2", join(directory, "data.new"));
      renameSync(join(directory, "data.new"), join(directory, "data"));
      await eventually(() => config.value.port === 2, "the turned link is seen");
    },
    true,
    prepare,
  );
});

test("a bad text changes nothing and is told; the next good one counts", async () => {
  await onStage(async ({ path, config, changes, bad }) => {
    const texts = ['{ "port": ', '{ "port": "x" }', ""] as const;
    for (const [index, wrong] of texts.entries()) {
      // As a whole: one that is written in place may be seen half written, which is told as well.
      replaceFile(path, wrong);
      await eventually(() => bad.length > index, `told of ${wrong}`);
      assert.deepEqual([bad.length, config.value.port], [index + 1, 1]);
    }
    assert.ok(bad.every((error) => isProcrefError(error, "BROKEN_FILE")));
    assert.ok(bad.some(({ message }) => message.endsWith("port must be a number")));
    writeFileSync(path, text(5));
    await eventually(() => config.value.port === 5, "the good text is seen");
    assert.deepEqual(changes, [5]);
  });
});

test("a file that is gone leaves the old configuration, and is followed when it is back", async () => {
  await onStage(async ({ path, config, bad }) => {
    rmSync(path);
    await eventually(() => bad.length > 0, "told that it is gone");
    assert.deepEqual([bad[0].code, config.value.port], ["IO", 1]);
    writeFileSync(path, text(6));
    await eventually(() => config.value.port === 6, "the new file is seen");
  });
});

test("reload reads at once, without a watch as well; the same text is no change", async () => {
  await onStage(({ path, config, changes, bad }) => {
    assert.equal(config.reload(), false);
    writeFileSync(path, `\uFEFF${text(7)}`);
    assert.deepEqual([config.reload(), config.reload(), config.value.port], [true, false, 7]);
    writeFileSync(path, "[");
    assert.deepEqual([config.reload(), config.reload()], [false, false]);
    assert.deepEqual([changes, bad.length], [[7], 1]);
    return Promise.resolve();
  }, false);
});

test("a good text after a bad one counts, also when it is the old one again", async () => {
  await onStage(({ path, config, changes }) => {
    writeFileSync(path, "[");
    config.reload();
    writeFileSync(path, text(1));
    assert.deepEqual([config.reload(), config.value.port, changes], [true, 1, [1]]);
    return Promise.resolve();
  }, false);
});

test("a burst of writes is one reload", async () => {
  await onStage(async ({ path, config, changes, bad }) => {
    for (let port = 10; port <= 60; port++) writeFileSync(path, text(port));
    await eventually(() => config.value.port === 60, "the last text is seen");
    assert.deepEqual([changes, bad], [[60], []]);
  });
});

test("what a listener throws is told, and the new configuration stays", async () => {
  await withDirectory((directory) => {
    const path = join(directory, "config.json");
    writeFileSync(path, text(1));
    const bad: string[] = [];
    using config = loadConfig(path, {
      validate,
      watch: false,
      onBad: ({ message }) => bad.push(message),
      onChange: () => {
        throw new Error("no room");
      },
    });
    writeFileSync(path, text(2));
    config.reload();
    assert.equal(config.value.port, 2);
    assert.match(bad[0], /no room/);
  });
});

test("a first text that is bad, or missing, is an error", async () => {
  await withDirectory((directory) => {
    const path = join(directory, "config.json");
    assert.throws(() => loadConfig(path, { validate }), (error) => isProcrefError(error, "IO"));
    writeFileSync(path, "{}");
    assert.throws(() => loadConfig(path, { validate }), (error) => isProcrefError(error, "BROKEN_FILE"));
  });
});

for (const runtime of bothRuntimes) {
  test(`a watch keeps no program in ${runtime} running`, async () => {
    await withDirectory(async (directory) => {
      writeFileSync(join(directory, "config.json"), text(1));
      const source = `const config = lifecycle.loadConfig("config.json", { validate: (json) => json });
        say("port " + config.value.port);`;
      await using program = runProgram(directory, source, { runtime });
      assert.deepEqual(await program.exited, { code: 0, signal: null });
      await program.line("port 1");
    });
  });
}
