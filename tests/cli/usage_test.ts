import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { procref } from "../harness/command.ts";
import { withDirectory } from "../harness/names.ts";
import { assertRuntime } from "../harness/runtime.ts";

const COMMANDS = ["run", "ls", "status", "logs", "stop", "gc", "lock", "sem", "doctor"];

test("this suite runs in the runtime that was asked for", assertRuntime);

test("--help names every command, and every command has a help", async () => {
  const { status, out } = await procref(["--help"]);
  assert.equal(status, 0);
  for (const command of COMMANDS) {
    assert.match(out, new RegExp(`^  ${command} +\\w`, "m"));
    const help = await procref([command, "--help"]);
    assert.equal(help.status, 0);
    assert.ok(help.out.startsWith(`usage: procref ${command} `), help.out);
    assert.match(help.out, /exit codes: /);
    assert.match(help.out, /-h, --help/);
    assert.equal(help.err, "");
  }
  assert.equal((await procref(["help", "run"])).out, (await procref(["run", "-h"])).out);
});

test("the version is that of the package", async () => {
  const { version } = JSON.parse(readFileSync(new URL("../../deno.json", import.meta.url), "utf8"));
  assert.deepEqual(await procref(["--version"]), { status: 0, signal: null, out: `procref ${version}\n`, err: "" });
});

const WRONG: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [[], /^usage: procref COMMAND/],
  [["stauts"], /^procref: unknown command stauts; did you mean status\?\n`procref --help` lists the commands\n$/],
  [["banana"], /^procref: unknown command banana\n/],
  [["help", "rum"], /did you mean run\?/],
  [["--jsno"], /unknown option --jsno/],
  [["ls", "--jsno"], /^procref: unknown option --jsno; did you mean --json\?\nsee `procref ls --help`\n$/],
  [["ls", "extra"], /"extra" is one word too many/],
  [["ls", "--scope", "users"], /--scope takes user or system, not "users"; did you mean user\?/],
  [["ls", "--directory", "relative"], /use an absolute path \[INVALID_ARGUMENT\]/],
  [["status"], /the NAME is missing/],
  [["status", "a/b"], /INVALID_NAME/],
  [["logs", "a", "-n", "many"], /--lines takes a whole number/],
  [["stop", "a", "--stop-timeout", "5"], /takes a duration such as 500ms/],
  [["run", "a"], /the client's command is missing/],
  [["run", "a", "true"], /^procref: "true": put -- before the client's command\nsee `procref run --help`\n$/],
  [["run", "a", "--start", "sleep 60", "psql", "-c", "x"], /^procref: "psql": put -- before the client's command\n/],
  [["run", "a", "b", "--", "true"], /"b" is one word too many/],
  [["lock", "a", "true"], /^procref: "true": put -- before the command\n/],
  [["sem", "a", "-j", "2", "make", "-j", "4"], /^procref: "make": put -- before the command\n/],
  [["run", "--", "true"], /the NAME is missing/],
  [["run", "a", "--prot", "1", "--", "true"], /did you mean --port\?/],
  [["run", "a", "--linger", "5s", "--", "true"], /--linger says how a service is started; give --start as well/],
  [["run", "a", "--stop-signal", "SIGINT", "--", "true"], /--stop-signal says how a service is started/],
  [["run", "a", "--start", "x", "--stop-signal", "SIGKILL", "--", "true"], /--stop-signal takes SIGTERM or SIGINT or/],
  [["run", "a", "--start", "'open", "--", "true"], /a quote that is not closed/],
  [
    ["run", "a", "--start", "x", "--port", "99999", "--", "true"],
    /--port takes auto or a whole number from 1 to 65535, not/,
  ],
  [["run", "a", "--start", "x", "--port", "0", "--", "true"], /--port takes auto or a whole number from 1 to 65535/],
  [["run", "a", "--start", "x", "--port", "atuo", "--", "true"], /not "atuo"; did you mean auto\?/],
  [["run", "a", "--start", "x", "--ready", "tcp", "--", "true"], /--ready tcp needs a port; give --port auto or a num/],
  [["run", "a", "--start", "x", "--ready", "http:/x", "--", "true"], /--ready http:\/x needs a port; give --port auto/],
  [["run", "a", "--start", "x", "--start-timeout", "0", "--", "true"], /--start-timeout takes more than 0/],
  [["run", "a", "--start", "x", "--stop-timeout", "0s", "--", "true"], /--stop-timeout takes more than 0/],
  [
    ["run", "a", "--start", "x", "--env", "U=redis://:secret@x:{port}", "--", "true"],
    /^procref: --env U asks for \{port\}, and "a" has no port; give --port auto or a number\n/,
  ],
  [["run", "a", "--start", "x", "--ready", "htpp:/", "--", "true"], /--ready takes running, tcp/],
  [["run", "a", "--start", "x", "--ready", "log:(", "--", "true"], /takes a regular expression/],
  [
    ["run", "a", "--start", "x", "--ready", "exec:nc {host} {port}", "--", "true"],
    /^procref: --ready has {port}, and the service has no port; give --port auto or a number\n/,
  ],
  [["run", "a", "--start", "x", "--env", "A", "--", "true"], /takes NAME=VALUE/],
  [["lock", "a"], /the command is missing: end with -- CMD/],
  [["lock", "--", "true"], /the NAME is missing/],
  [["lock", "a/b", "--", "true"], /INVALID_NAME/],
  [["lock", "a", "-j", "2", "--", "true"], /unknown option -j/],
  [["lock", "a", "--nonblok", "--", "true"], /did you mean --nonblock\?/],
  [["lock", "a", "-n", "--timeout", "5s", "--", "true"], /--nonblock does not wait: leave out --timeout/],
  [["lock", "a", "--timeout", "soon", "--", "true"], /takes a duration such as 500ms/],
  [["sem", "a", "-j", "0", "--", "true"], /--jobs takes a whole number from 1, not 0/],
  [["sem", "a", "-j", "two", "--", "true"], /--jobs takes a whole number/],
  [["sem", "a", "--priority", "high", "--", "true"], /--priority takes a whole number/],
];

test("a wrong command line ends with 2, says what is wrong, and touches nothing", async () => {
  await withDirectory(async (directory) => {
    for (const [args, says] of WRONG) {
      const { status, out, err } = await procref(args, { env: { PROCREF_DIR: directory } });
      assert.equal(status, 2, `${args.join(" ")}: ${err}`);
      assert.match(err, says);
      assert.equal(out, "");
    }
  });
});
