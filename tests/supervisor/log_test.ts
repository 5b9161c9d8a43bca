import assert from "node:assert/strict";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { LogFile } from "../../src/supervisor/log_file.ts";
import { eventually } from "../harness/eventually.ts";
import { withDirectory } from "../harness/names.ts";
import { notOnWindows, onWindows } from "../harness/platform.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { type Acquired, onStage, type SupervisedStage } from "../harness/supervised.ts";

function logOf(stage: SupervisedStage): string {
  const path = stage.file("service.log");
  return path !== undefined && existsSync(path) ? readFileSync(path, "utf8") : "";
}

for (const runtime of bothRuntimes) {
  test(`both outputs are in the log while the service runs, and what the supervisor (in ${runtime}) notes`, async () => {
    await onStage(async (stage) => {
      const script = `trap 'echo later' USR1; echo to stdout; echo to stderr >&2; while :; do sleep 0.02; done`;
      const program = `say("to stdout"); console.error("to stderr");
        while (!existsSync(process.env.SIGNAL)) await delay(20);
        say("later"); await sleep()`;
      const signal = join(stage.directory, "signal");
      const options = stage.script(script, { ready: { log: "stderr" }, env: { SIGNAL: signal } }, program);
      const client = await stage.client(options, { runtime });
      const { pid } = await client.call<Acquired>("acquire");
      await eventually(() => /^to stdout$/m.test(logOf(stage)) && /^to stderr$/m.test(logOf(stage)), "both are there");
      await eventually(() => logOf(stage).includes(`procref: ready as process ${pid}`), "it is noted");
      if (onWindows) writeFileSync(signal, "");
      else process.kill(pid, "SIGUSR1");
      await eventually(() => /^later$/m.test(logOf(stage)), "and what follows");
      await client.kill();
      await stage.assertNothingLeft();
    });
  });

  test(`a service that writes ten times what the log may hold: the log does not grow, the end is there (${runtime})`, async () => {
    await onStage(async (stage) => {
      const maxBytes = 65536;
      const script = `i=0; while [ $i -lt 6600 ]; do i=$((i+1)); echo "line $i: 0123456789012345678901234567890123456789
01234567890123456789012345678901234567890"; done; echo all written; exec sleep 300`;
      const program = `for (let i = 1; i <= 6600; i++) {
          say("line " + i + ": 0123456789012345678901234567890123456789\\n01234567890123456789012345678901234567890");
        }
        say("all written"); await sleep()`;
      const options = stage.script(script, { ready: { log: "^all written$" }, log: { maxBytes } }, program);
      const client = await stage.client(options, { runtime });
      await client.call("acquire");
      const sizes = ["service.log", "service.log.1"].map((name) => statSync(stage.file(name)!).size);
      assert.ok(sizes[0] + sizes[1] <= maxBytes, `${sizes}`);
      assert.ok(sizes[1] > maxBytes / 4, "it is used as well");
      await eventually(() => /^all written$/m.test(logOf(stage)), "the end is there");
      for (const name of onWindows ? [] : ["service.log", "service.log.1"]) {
        assert.equal(statSync(stage.file(name)!).mode & 0o777, 0o600);
      }
      await client.kill();
      await stage.assertNothingLeft();
    });
  });
}

test("all state is for its owner alone", { skip: notOnWindows("modes") }, async () => {
  await onStage(async (stage) => {
    const service = stage.service(stage.script("echo usable; exec sleep 300", { ready: { log: "usable" } }));
    const handle = await service.acquire();
    await eventually(() => logOf(stage).includes("usable"), "there is a log");
    assert.equal(statSync(stage.file("")!).mode & 0o777, 0o700);
    const names = readdirSync(stage.file("")!).sort();
    assert.deepEqual(names, ["holders", "mechanism", "record.json", "service.log"]);
    for (const name of names) {
      assert.equal(statSync(stage.file(name)!).mode & 0o777, name === "holders" ? 0o700 : 0o600, name);
    }
    await handle.release();
    await stage.assertNothingLeft();
  });
});

for (const name of ["service.log", "service.log.1"]) {
  test(`a symbolic link in the place of ${name} is not followed`, { skip: notOnWindows("links") }, async () => {
    await onStage(async (stage) => {
      const victim = join(stage.directory, "victim");
      writeFileSync(victim, "precious");
      const { folder } = stage;
      mkdirSync(folder, { mode: 0o700 });
      symlinkSync(victim, join(folder, name));
      const options = stage.script("seq 1 4000; echo usable; exec sleep 300", {
        ready: { log: "usable" },
        log: { maxBytes: 8192 },
      });
      const handle = await stage.service(options).acquire();
      await eventually(() => logOf(stage).includes("usable"), "the log is written");
      for (const file of ["service.log", "service.log.1"]) assert.ok(lstatSync(stage.file(file)!).isFile(), file);
      await handle.release();
      await stage.assertNothingLeft();
      assert.equal(readFileSync(victim, "utf8"), "precious");
    });
  });
}

test("what a service without a port writes before it ends at once is told, whether it was held or not", async () => {
  await onStage(async (stage) => {
    for (let round = 0; round < 5; round++) {
      const words = `"the reason, ${round}"`;
      const more = { ready: "running", restart: false };
      const options = stage.script(`echo ${words}; exit 3`, more, `say(${words}); process.exit(3)`);
      const failure = await stage.service(options).acquire().then(async (handle) => {
        await eventually(() => handle.signal.aborted, "it is lost");
        await handle.release();
        return handle.signal.reason;
      }, (error) => error);
      assert.match(String(failure), new RegExp(`the reason, ${round}`));
      await stage.assertNothingLeft();
    }
  });
});

test("a log that is removed while the service writes costs it nothing", async () => {
  await onStage(async (stage) => {
    const options = stage.script(
      `echo usable; while :; do echo more; sleep 0.01; done`,
      { ready: { log: "usable" }, log: { maxBytes: 4096 } },
      `say("usable"); for (;;) { say("more"); await delay(10); }`,
    );
    const handle = await stage.service(options).acquire();
    await eventually(() => logOf(stage) !== "", "there is a log");
    rmSync(stage.file("service.log")!);
    await eventually(() => logOf(stage) !== "", "the next part is written to a new one");
    assert.deepEqual(stage.running(), [handle.pid]);
    await handle.release();
    await stage.assertNothingLeft();
  });
});

test("a log that cannot be written costs nothing: the tail and the lines are told all the same", async () => {
  await withDirectory((directory) => {
    const log = new LogFile(join(directory, "nowhere"), 0o600, 4096);
    const lines: string[] = [];
    log.begin((line) => lines.push(line));
    const bytes = new TextEncoder().encode("öne\ntwo\nthr");
    // Cut in the middle of a letter.
    log.write(bytes.subarray(0, 1));
    log.write(bytes.subarray(1));
    log.note("a note");
    assert.deepEqual(lines, ["öne", "two"]);
    log.write(new TextEncoder().encode("ee\r\n"));
    assert.equal(lines[2], "three", "a line as programs of Windows end it");
    assert.equal(log.tail, "öne\ntwo\nthree");
    log.begin();
    assert.equal(log.tail, "", "the next process has its own");
    log.remove();
  });
});
