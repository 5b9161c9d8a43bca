/** What is compiled of a supervisor's program is kept where nobody else can put something else in its place. */

import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { compileCache, existingCompileCache } from "../../src/service/compile_cache.ts";
import { cleanUpCompileCache } from "../../src/service/compile_cache_clean_up.ts";
import { procref } from "../harness/command.ts";
import { compiledIn, environmentOf, withEnvironment } from "../harness/environment.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows } from "../harness/platform.ts";
import { type Acquired, onStage, type SupervisedStage } from "../harness/supervised.ts";

/** Windows does not say whose a file is, so nothing is kept there. */
const OWNERS = { skip: notOnWindows("owners") };
const HOUR_MS = 3_600_000;
/** What Bun would call a file. */
const HASH = "0123456789abcdef";

function inCaches<T>(caches: string | undefined, home: string | undefined, work: () => T): T {
  return withEnvironment({ XDG_CACHE_HOME: caches, HOME: home }, work);
}

test(
  "the compile cache is in $XDG_CACHE_HOME, else in .cache of $HOME, and is made for the user alone",
  OWNERS,
  async () => {
    await withDirectory((directory) => {
      const [caches, home] = [join(directory, "caches"), join(directory, "home")];
      for (const path of [caches, home]) mkdirSync(path);
      assert.equal(inCaches(caches, home, existingCompileCache), undefined, "there is none yet");
      for (const _ of ["made", "found"]) {
        assert.equal(inCaches(caches, home, compileCache), join(caches, "procref"));
        for (const none of ["", "relative", undefined]) {
          assert.equal(inCaches(none, home, compileCache), join(home, ".cache/procref"));
        }
      }
      assert.equal(inCaches(caches, home, existingCompileCache), join(caches, "procref"));
      assert.equal(lstatSync(join(caches, "procref")).mode & 0o777, 0o700);
      assert.equal(inCaches(undefined, undefined, compileCache), undefined);
    });
  },
);

test(
  "a compile cache that others may write or exchange, or that is a link, is not used, and none is made there",
  OWNERS,
  async () => {
    await withDirectory((directory) => {
      const none = (caches: string, why: string): void =>
        assert.equal(inCaches(caches, undefined, compileCache), undefined, why);
      const shared = join(directory, "shared");
      mkdirSync(shared);
      chmodSync(shared, 0o1777);
      none(shared, "others may write beside it");
      assert.deepEqual(readdirSync(shared), []);

      // Who is root finds somebody else's home after `sudo`; everybody else finds that of root.
      const strange = process.geteuid!() === 0 ? join(directory, "strange") : "/usr";
      if (!existsSync(strange)) {
        mkdirSync(strange);
        chownSync(strange, 1_000_000_000 + process.pid, 0);
      }
      const before = readdirSync(strange);
      none(strange, "it belongs to somebody else");
      assert.deepEqual(readdirSync(strange), before);

      const open = join(directory, "open");
      mkdirSync(join(open, "procref"), { recursive: true });
      chmodSync(join(open, "procref"), 0o755);
      none(open, "others may read it");

      const linked = join(directory, "linked");
      mkdirSync(linked);
      mkdirSync(join(directory, "target"), { mode: 0o700 });
      symlinkSync(join(directory, "target"), join(linked, "procref"));
      none(linked, "it is a link");

      const file = join(directory, "file");
      mkdirSync(file);
      writeFileSync(join(file, "procref"), "");
      none(file, "it is a file");
      none(join(directory, "missing"), "there is no such directory");
    });
  },
);

/** Takes a service in Bun and gives it back, and waits until its supervisor has ended. */
async function comeAndGo(stage: SupervisedStage, env: Record<string, string>): Promise<Record<string, string>> {
  const client = await stage.client(undefined, { runtime: "bun", env });
  const { pid } = await client.call<Acquired>("acquire");
  stage.supervisor();
  const variables = environmentOf(pid);
  await client.call("release", 0);
  await stage.assertNothingLeft();
  return variables;
}

/** All files below a directory, by their path in it, with what tells whether they were written anew. */
function filesIn(directory: string): Record<string, number> {
  const paths = readdirSync(directory, { recursive: true, encoding: "utf8" });
  const files = paths.map((path) => [path, statSync(join(directory, path))] as const);
  return Object.fromEntries(files.filter(([, file]) => file.isFile()).map(([path, { ino }]) => [path, ino]));
}

/** Only Linux starts a supervisor from one file. */
const ONE_FILE = {
  skip: notOnWindows("owners") || process.platform !== "linux" && "other systems start supervisors from their modules",
};

test(
  "Bun keeps what it compiled of a supervisor, uses it, and makes it anew when it is damaged",
  ONE_FILE,
  async () => {
    await onStage(async (stage) => {
      const caches = join(stage.directory, "caches");
      mkdirSync(caches);
      const env = compiledIn(caches);
      const variables = await comeAndGo(stage, env);
      assert.equal(variables.XDG_CACHE_HOME, caches, "the service has its client's environment");
      for (const name of ["NODE_COMPILE_CACHE", "BUN_RUNTIME_TRANSPILER_CACHE_PATH"]) {
        assert.equal(variables[name], process.env[name], `${name} is the supervisor's alone`);
      }
      const cache = join(caches, "procref");
      const made = filesIn(cache);
      const names = Object.keys(made).sort();
      const compiled = names.find((name) => /^v[^/]+\/[\da-f]+$/.test(name))!;
      assert.deepEqual(names, [names.find((name) => /^[\da-f]+\.pile$/.test(name)), compiled]);

      await comeAndGo(stage, env);
      assert.deepEqual(filesIn(cache), made, "the next supervisor has found it good");

      const good = readFileSync(join(cache, compiled));
      for (const damaged of [good.subarray(0, good.length / 2), Buffer.alloc(good.length), flipped(good)]) {
        writeFileSync(join(cache, compiled), damaged);
        await comeAndGo(stage, env);
        assert.ok(readFileSync(join(cache, compiled)).equals(good), "it is whole again");
      }

      const disabled = join(stage.directory, "disabled");
      mkdirSync(disabled);
      await comeAndGo(stage, { ...compiledIn(disabled), NODE_DISABLE_COMPILE_CACHE: "1" });
      assert.ok(!existsSync(join(disabled, "procref")), "who does not want it has none");
    });
  },
);

test(
  "a supervisor that is killed before or while Bun writes what it compiled harms no later one",
  ONE_FILE,
  async () => {
    await onStage(async (stage) => {
      const caches = join(stage.directory, "caches");
      mkdirSync(caches);
      const env = compiledIn(caches);
      await comeAndGo(stage, env);
      const cache = join(caches, "procref");
      const version = join(cache, readdirSync(cache).find((name) => name.startsWith("v"))!);
      const compiled = join(version, readdirSync(version)[0]);
      const good = readFileSync(compiled);
      const unfinished = (): string[] => readdirSync(version).filter((name) => name.startsWith("."));

      const before = (): boolean => readdirSync(stage.state).length === 0 && !stage.isCounted();
      const meanwhile = (): boolean => readdirSync(version).length > 0;
      for (const moment of [before, meanwhile, meanwhile, meanwhile]) {
        rmSync(compiled, { force: true });
        const client = await stage.client(undefined, { runtime: "bun", env });
        await client.call<Acquired>("acquire");
        const supervisor = stage.supervisor();
        await client.call("release", 0);
        // A pause would miss the moment, which is as short as the write, and so would a look at who it is.
        const deadline = performance.now() + 20_000;
        while (!moment()) assert.ok(performance.now() < deadline, "the moment comes");
        process.kill(supervisor.pid, "SIGKILL");
        await stage.assertNothingLeft();
        assert.ok(!existsSync(compiled) || readFileSync(compiled).equals(good), "there is all of it or nothing");
        for (const name of unfinished()) utimesSync(join(version, name), 0, 0);
        inCaches(caches, undefined, () => cleanUpCompileCache({ dryRun: false }));
        assert.deepEqual(unfinished(), []);
        await comeAndGo(stage, env);
        assert.ok(readFileSync(compiled).equals(good), "the next one has written it");
      }
    });
  },
);

/** The same with one bit of the compiled part changed, which is its greater and latter part. */
function flipped(good: Buffer): Buffer {
  const bytes = Buffer.from(good);
  bytes[Math.floor(bytes.length * 0.8)] ^= 4;
  return bytes;
}

test(
  "gc removes compiled files that are unfinished for an hour or older than 30 days, and no others",
  OWNERS,
  async () => {
    await withDirectory(async (directory) => {
      const [caches, state] = [join(directory, "caches"), join(directory, "state")];
      const version = join(caches, "procref/v1.4.5-x86_64");
      for (const path of [caches, state]) mkdirSync(path, { mode: 0o700 });
      inCaches(caches, undefined, compileCache);
      for (const path of [version, join(caches, "procref/other")]) mkdirSync(path);
      const make = (path: string, hours: number): void => {
        writeFileSync(path, "");
        const seconds = (Date.now() - hours * HOUR_MS) / 1000;
        utimesSync(path, seconds, seconds);
      };
      const killed = join(version, `.${HASH}-0.${HASH}`);
      const old = [join(version, HASH), join(caches, `procref/${HASH}.pile`)];
      const kept = [
        ...[join(version, `.${HASH}-1.${HASH}`), join(version, "fedcba9876543210")],
        ...[join(caches, "procref/.profile"), join(caches, `procref/other/${HASH}`), join(version, "notes.txt")],
      ];
      make(killed, 1.1);
      for (const path of old) make(path, 24 * 31);
      make(kept[0], 0.9);
      make(kept[1], 24 * 29);
      for (const path of kept.slice(2)) make(path, 24 * 100);
      const removed = { kind: "compiled program", removed: true, failed: false };
      const expected = [
        { ...removed, name: `${HASH}.pile`, path: old[1], reason: "it was compiled more than 30 days ago" },
        { ...removed, name: `.${HASH}-0.${HASH}`, path: killed, reason: "its writer was killed" },
        { ...removed, name: HASH, path: old[0], reason: "it was compiled more than 30 days ago" },
      ];
      const sorted = (found: ReturnType<typeof cleanUpCompileCache>): typeof found =>
        found.toSorted((a, b) => a.path.length - b.path.length);
      const ordered = sorted(expected);
      assert.deepEqual(sorted(inCaches(caches, undefined, () => cleanUpCompileCache({ dryRun: true }))), ordered);
      assert.deepEqual([killed, ...old].filter(existsSync).length, 3, "a dry run touches nothing");

      const { out, status } = await procref(["gc"], { env: { PROCREF_DIR: state, ...compiledIn(caches) } });
      const lines = ordered.map(({ name, reason }) => `removed ${name}: ${reason}`);
      assert.deepEqual(out.trimEnd().split("\n").sort(), lines.sort());
      assert.equal(status, 0);
      assert.deepEqual([killed, ...old].filter(existsSync), []);
      assert.deepEqual(kept.filter((path) => !existsSync(path)), []);

      // What a link leads to is somebody's own.
      const strange = join(directory, "strange");
      mkdirSync(strange);
      symlinkSync(join(caches, "procref"), join(strange, "procref"));
      make(killed, 2);
      assert.deepEqual(inCaches(strange, undefined, () => cleanUpCompileCache({ dryRun: false })), []);
      assert.ok(existsSync(killed));
    });
  },
);
