import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { isProcrefError, type ProcrefError } from "../../mod.ts";
import { limitMs, onWindows } from "../harness/platform.ts";
import { programCommand } from "../harness/program.ts";
import { onStage, type Options, type SupervisedStage } from "../harness/supervised.ts";

const HTTP = fileURLToPath(new URL("../fixtures/http_service.ts", import.meta.url));
const TIME_MS = limitMs(1000);

/** The error of a start that takes too long: its first line, and its details. */
async function late(
  stage: SupervisedStage,
  options: Options,
): Promise<{ readonly first: string; readonly details: ProcrefError["details"] }> {
  const failure = await stage.service({ startTimeoutMs: TIME_MS, ...options }).acquire()
    .then(() => undefined, (error) => error);
  assert.ok(isProcrefError(failure, "SERVICE_START"), String(failure));
  await stage.assertNothingLeft();
  return { first: failure.message.split("\n")[0], details: failure.details };
}

/** What the message says of the wait: between its usual beginning and the log. */
function middle(stage: SupervisedStage, first: string, timeMs: number = TIME_MS): string {
  const begin = `Cannot start "${stage.name}": it was not ready after ${timeMs} ms (startTimeoutMs); `;
  assert.ok(first.startsWith(begin), first);
  const end = first.indexOf("; the last that it wrote:");
  assert.ok(end > 0, first);
  return first.slice(begin.length, end);
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test("late by tcp: the error names the address, what the last answer was, and the option", async () => {
  await onStage(async (stage) => {
    const env = { TOLD: "{port}" };
    const { first, details } = await late(stage, stage.sleeper({ port: "auto", ready: "tcp", env }));
    assert.match(middle(stage, first), /^tcp 127\.0\.0\.1:\d+: connection refused$/);
    assert.match(details.waitedFor!, /^tcp 127\.0\.0\.1:\d+$/);
    assert.equal(details.lastAnswer, "connection refused");
  });
});

test("late with a port that nothing names: the error says so; a number in the command names it", async () => {
  await onStage(async (stage) => {
    const port = await freePort();
    const hint = "nothing in its command or env names {port}";
    const unnamed = await late(stage, stage.sleeper({ port, ready: "tcp" }));
    assert.equal(middle(stage, unnamed.first), `tcp 127.0.0.1:${port}: connection refused; ${hint}`);
    const named = await late(stage, stage.sleeper({ port, ready: "tcp", args: [String(port)] }));
    assert.equal(middle(stage, named.first), `tcp 127.0.0.1:${port}: connection refused`);
  });
});

test("late by http: the status and the one that was expected", async () => {
  await onStage(async (stage) => {
    const web = (ready: Options): Options => ({
      command: ["bun", "run", HTTP, "{host}", "{port}"],
      directory: stage.state,
      port: "auto",
      startTimeoutMs: 2 * TIME_MS,
      ready,
    });
    const any = await late(stage, web({ http: "/status/404" }));
    const said = middle(stage, any.first, 2 * TIME_MS);
    assert.match(said, /^http 127\.0\.0\.1:\d+\/status\/404: status 404, expected 200 to 399$/);
    assert.equal(any.details.lastAnswer, "status 404, expected 200 to 399");
    const one = await late(stage, web({ http: "/", status: 204 }));
    assert.match(middle(stage, one.first, 2 * TIME_MS), /: status 200, expected 204$/);
  });
});

for (const seconds of [2, 5]) {
  test(`late by http after ${seconds} s: for how long there was no answer`, async () => {
    await onStage(async (stage) => {
      const program = `const { createServer } = await import("node:net");
        createServer(() => {}).listen(Number(args[0]), "127.0.0.1", () => say("it listens")); await sleep()`;
      const startTimeoutMs = limitMs(1000 * seconds);
      const { first } = await late(stage, {
        command: [...programCommand(program), "{port}"],
        directory: stage.state,
        port: "auto",
        ready: { http: "/" },
        startTimeoutMs,
      });
      const said = middle(stage, first, startTimeoutMs);
      const [, ms] = /^http 127\.0\.0\.1:\d+\/: no answer within (\d+) ms$/.exec(said) ?? [];
      // One question takes 2 s at most, and one that has not ended by itself is waited for no longer than the start.
      if (startTimeoutMs > 4000) assert.equal(Number(ms), 2000, first);
      else assert.ok(Number(ms) >= 1, first);
    });
  });
}

test("late by exec: how the command ended, and the last line that it wrote", async () => {
  await onStage(async (stage) => {
    const text = "echo one; echo two; echo; echo 'my check says no' >&2; exit 7";
    const program = `say("two"); console.error("my check\\n\\nmy check says no"); process.exitCode = 7`;
    const exec = onWindows ? programCommand(program) : ["sh", "-c", text];
    const said = await late(stage, stage.sleeper({ ready: { exec } }));
    assert.match(middle(stage, said.first), /^exec ".*" ended with 7: my check says no$/);
    assert.equal(said.details.lastAnswer, "ended with 7: my check says no");
    const quiet = onWindows ? programCommand("process.exit(3)") : ["sh", "-c", "exit 3"];
    const silent = await late(stage, stage.sleeper({ ready: { exec: quiet } }));
    assert.match(middle(stage, silent.first), /^exec ".*" ended with 3$/);
    const loud = onWindows ? programCommand("say('x'.repeat(9999)); process.exitCode = 3") : [
      "sh",
      "-c",
      "printf '\\033[31m%09999d' 1; exit 3",
    ];
    const long = await late(stage, stage.sleeper({ ready: { exec: loud } }));
    assert.ok(long.first.length < 600, "however much it writes");
    assert.doesNotMatch(long.first, /\p{Cc}/u);
  });
});

test("late by exec: a command that does not end", async () => {
  await onStage(async (stage) => {
    const exec = programCommand("await sleep()");
    const { first } = await late(stage, stage.sleeper({ ready: { exec } }));
    assert.match(
      middle(stage, first),
      onWindows ? /did not end within 2000 ms$/ : /^exec ".*" has not ended after \d+ ms$/,
    );
    const killed = await late(stage, stage.sleeper({ ready: { exec }, startTimeoutMs: limitMs(3000) }));
    assert.match(middle(stage, killed.first, limitMs(3000)), /^exec ".*" did not end within 2000 ms$/);
  });
});

test("late by log: the pattern that no line matches", async () => {
  await onStage(async (stage) => {
    const { first, details } = await late(stage, stage.sleeper({ ready: { log: /listening on \d+/i } }));
    assert.equal(middle(stage, first), "log: no line matches /listening on \\d+/i");
    assert.equal(details.waitedFor, "log");
  });
});
