/** What the processes of Windows are for the others: read from their memory, started apart, kept in a job. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { findProgram } from "../../src/process/programs.ts";
import { parseIdentity } from "../../src/process/identity.ts";
import { identityOf, isAlive, kill } from "../../src/process/mod.ts";
import { markedProcesses } from "../../src/process/marks.ts";
import { processSystem } from "../../src/process/platform.ts";
import { commandLine, wordsOf } from "../../src/process/windows/command_line.ts";
import { commandOf } from "../../src/process/command.ts";
import { Shell } from "../fixtures/shell.ts";
import { Child } from "../harness/child.ts";
import { environmentOf } from "../harness/environment.ts";
import { eventually } from "../harness/eventually.ts";
import { onWindows } from "../harness/platform.ts";
import { programCommand } from "../harness/program.ts";
import { bothRuntimes } from "../harness/runtime.ts";
import { sleepCommand } from "../harness/sleeper.ts";

const SLEEP = `say("ready"); await sleep()`;
const MAIN = fileURLToPath(new URL("../fixtures/program.ts", import.meta.url));

/** A law of Windows alone; elsewhere there is nothing that it could be tried on. */
function onlyOnWindows(law: string, work: () => Promise<void> | void): void {
  if (onWindows) test(law, work);
}

onlyOnWindows("command line and environment of another process are read, whatever letters they have", async () => {
  const words = ["-e", "setTimeout(() => {}, 300000)", "two words", 'a "quoted" \\', "wörld 🌍", ""];
  const env = { ...process.env, LETTERS: "wörld 🌍", EMPTY: "", LONG: "x".repeat(20_000) };
  const child = spawn("bun", words, { env, stdio: "ignore" });
  try {
    const identity = identityOf(child.pid!)!;
    await eventually(() => commandOf(identity.pid) !== undefined, "it has a command line");
    const command = processSystem().command(identity.pid)!;
    assert.match(command[0], /bun(\.exe)?$/);
    assert.deepEqual(command.slice(1), words);
    const found = environmentOf(identity.pid);
    assert.deepEqual([found.LETTERS, found.EMPTY, found.LONG.length], ["wörld 🌍", "", 20_000]);
  } finally {
    kill(child.pid!);
  }
});

onlyOnWindows("a marked process is found by its mark, and no other", () => {
  const mark = crypto.randomUUID();
  const child = spawn("bun", ["-e", "setTimeout(() => {}, 300000)"], {
    env: { ...process.env, PROCREF_MARK: mark },
    stdio: "ignore",
  });
  try {
    assert.deepEqual(markedProcesses([mark]), [identityOf(child.pid!)]);
    assert.deepEqual(markedProcesses([mark.slice(1)]), []);
  } finally {
    kill(child.pid!);
  }
});

onlyOnWindows("a process has an age, and a start that is the same whoever asks", async () => {
  await using shell = await Shell.start("", SLEEP);
  const age = processSystem().ageMs(shell.pid)!;
  assert.ok(age > 0 && age < 60_000, `${age} ms`);
  for (const runtime of bothRuntimes) {
    await using child = new Child("process_calls.ts", { runtime });
    await child.line("ready");
    assert.deepEqual(await child.call("identityOf", shell.pid), shell.identity);
  }
});

onlyOnWindows("programs are found with and without their ending; what is no program is not executable", () => {
  const path = process.env.PATH!;
  const found = findProgram("bun", path);
  assert.ok("found" in found && found.found.endsWith("\\bun.exe"), JSON.stringify(found));
  assert.deepEqual(findProgram("bun.exe", path), found);
  assert.deepEqual(findProgram(found.found.slice(0, -4), ""), found);
  assert.deepEqual(findProgram("no-such-program", path), { missing: "not found" });
  assert.deepEqual(findProgram(MAIN, path), { missing: "not executable" });
  assert.deepEqual(findProgram("C:\\windows", path), { missing: "not executable" });
});

/** Starts a program apart from this process, with a text to read. */
async function startDetached(code: string, text: string): Promise<{ line: unknown; errors: string; release(): void }> {
  const [, ...args] = programCommand(code);
  const found = findProgram("bun", process.env.PATH!);
  assert.ok("found" in found);
  const env = { ...process.env } as Record<string, string>;
  const started = await processSystem().startDetached({
    command: [found.found, ...args],
    env,
    input: { text, open: () => -1 },
  });
  const said = await started.firstLine(20_000);
  return { ...said, release: () => started.release() };
}

onlyOnWindows("a program that is started apart reads a text of any length, and its first line is heard", async () => {
  for (const length of [0, 1, 5000, 1_000_000]) {
    const code = `let length = 0; for await (const part of process.stdin) length += part.length; say("read " + length)`;
    const started = await startDetached(code, "x".repeat(length));
    assert.deepEqual([started.line, started.errors], [`read ${length}`, ""]);
    started.release();
  }
});

onlyOnWindows("a program that ends without a line is heard of, with what it complained of", async () => {
  const started = await startDetached(`console.error("cannot"); process.exit(3)`, "");
  assert.equal(started.line, undefined);
  assert.match(started.errors, /^cannot\r?\n$/);
  started.release();
});

onlyOnWindows("a program that cannot be started is an error that says why", async () => {
  const input = { text: "", open: () => -1 };
  await assert.rejects(processSystem().startDetached({ command: ["C:\\no\\such.exe"], env: {}, input }), {
    code: "SUPERVISOR",
    message: /CreateProcessW failed with ERROR_(FILE|PATH)_NOT_FOUND/,
  });
});

onlyOnWindows(
  "what is started apart outlives its starter and the job of it, but not what the starter keeps",
  async () => {
    // The starter is in a job that ends all that is in it, as a supervisor is.
    const apart = `say("apart " + process.pid); await sleep()`;
    const code = `const { containChildren } = await import(${JSON.stringify(moduleOf("src/process/containment.ts"))});
    await import(${JSON.stringify(moduleOf("src/process/every_system.ts"))});
    const { processSystem } = await import(${JSON.stringify(moduleOf("src/process/platform.ts"))});
    containChildren();
    const [program, ...rest] = process.argv;
    const command = [program, "run", rest[0], "plain", encodeURIComponent(${JSON.stringify(apart)})];
    const started = await processSystem().startDetached({ command, env: { ...process.env }, input: { text: "" } });
    say((await started.firstLine(20000)).line);
    say("kept " + start("await sleep()", { away: true }));
    say("ready");
    await sleep()`;
    await using shell = await Shell.start("", code);
    const [outside, kept] = [shell.identityOf("apart"), shell.identityOf("kept")];
    assert.ok(isAlive(outside) && isAlive(kept));
    kill(shell.identity);
    await shell.exited();
    await eventually(() => !isAlive(kept), "the kernel has ended what the starter kept");
    assert.ok(isAlive(outside), "it is in nobody's job");
    kill(outside);
  },
);

function moduleOf(path: string): string {
  return new URL(`../../${path}`, import.meta.url).href;
}

for (const each of bothRuntimes) {
  onlyOnWindows(
    `a parent (in ${each}) is SIGKILLed as soon as its child is there: one that is to end with it is gone`,
    async () => {
      await using parent = new Child("killed_spawner.ts", { runtime: each, args: sleepCommand() });
      const child = Number(await parent.line("child "));
      await parent.exited;
      try {
        await eventually(() => !isAlive(child), "the kernel has ended it");
      } finally {
        kill(child);
      }
    },
  );

  onlyOnWindows(
    `a parent (in ${each}) is SIGKILLed: what is to end with it does with all it started, and no other`,
    async () => {
      const ending = programCommand(`say("grandchild " + start("await sleep()", { away: true })); await sleep()`);
      await using parent = new Child("mixed_spawner.ts", { runtime: each, args: [...sleepCommand(), "--", ...ending] });
      await parent.line("all");
      const grandchildren = [await parent.line("grandchild "), await parent.line("grandchild ")];
      const gone = [
        ...parent.takeLines("ending ").map(parseIdentity),
        ...grandchildren.map((pid) => identityOf(Number(pid))!),
      ];
      const free = parent.takeLines("free ").map(parseIdentity);
      try {
        assert.deepEqual([gone.length, free.length], [4, 3]);
        await parent.kill();
        await eventually(() => gone.every((identity) => !isAlive(identity)), "the kernel has ended them");
        assert.ok(free.every((identity) => isAlive(identity)), "the others go on");
      } finally {
        const kept = parent.takeLines("kept ").map(parseIdentity);
        for (const identity of [...gone, ...free, ...kept]) kill(identity);
      }
    },
  );
}

/** Words as a program has them, and as they are written in a command line of Windows. */
const WRITTEN: readonly (readonly [word: string, text: string])[] = [
  ["plain", "plain"],
  ["", '""'],
  ["two words", '"two words"'],
  ["a tab\there", '"a tab\there"'],
  ['say "hello"', '"say \\"hello\\""'],
  ['"', '"\\""'],
  ["C:\\Program Files\\x", '"C:\\Program Files\\x"'],
  ["C:\\", "C:\\"],
  ["C:\\a b\\", '"C:\\a b\\\\"'],
  ['a\\"b', '"a\\\\\\"b"'],
  ["a\\\\b", "a\\\\b"],
  ["%PATH% & | < > ^", '"%PATH% & | < > ^"'],
  ["wörld — 🌍", '"wörld — 🌍"'],
];

test("a word is written so that a program of Windows makes the same word of it", () => {
  for (const [word, text] of WRITTEN) {
    assert.equal(commandLine(["p", word]), `p ${text}`);
    assert.deepEqual(wordsOf(`p ${text}`), ["p", word]);
  }
});

test("all words of a command line come back, in their order", () => {
  const words = ["C:\\Program Files\\bun.exe", ...WRITTEN.map(([word]) => word)];
  assert.deepEqual(wordsOf(commandLine(words)), words);
});

test("any words of quotation marks, backslashes and spaces come back", () => {
  const letters = ["a", " ", '"', "\\"];
  for (let number = 0; number < 4 ** 6; number++) {
    const word = Array.from({ length: 6 }, (_, at) => letters[Math.floor(number / 4 ** at) % 4]).join("");
    assert.deepEqual(wordsOf(commandLine(["p.exe", word, "z"])), ["p.exe", word, "z"], JSON.stringify(word));
  }
});

test("two quotation marks inside of others are one", () => {
  assert.deepEqual(wordsOf('p "a ""b"" c"'), ["p", 'a "b" c']);
  assert.deepEqual(wordsOf('"C:\\a b\\p.exe" x   y '), ["C:\\a b\\p.exe", "x", "y"]);
});
