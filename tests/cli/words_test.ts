import assert from "node:assert/strict";
import { test } from "node:test";
import "../../src/process/every_system.ts";
import { durationText } from "../../src/cli/durations.ts";
import { Arguments } from "../../src/cli/options.ts";
import { clientOf } from "../../src/cli/run_words.ts";
import { shortened } from "../../src/cli/service_report.ts";
import { suggestion } from "../../src/suggestion.ts";
import { displayWidth, formatTable } from "../../src/cli/table.ts";
import { commandText, paint, printable, type Terminal } from "../../src/cli/terminal.ts";
import { UsageError } from "../../src/cli/usage_error.ts";
import { durationMs, durationOption, fillIn, splitWords, variables, wholeNumber } from "../../src/cli/values.ts";

function isUsageError(error: unknown): boolean {
  return error instanceof UsageError;
}

test("a command is split into words as a shell does", () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["a b  c", ["a", "b", "c"]],
    ["  a\t\nb ", ["a", "b"]],
    [`'a b' "c d"`, ["a b", "c d"]],
    [`a'b 'c"d "e`, ["ab cd e"]],
    [`'' ""`, ["", ""]],
    [String.raw`a\ b \' \"`, ["a b", "'", '"']],
    [String.raw`'\n' "\n" "\"" "\\"`, ["\\n", "\\n", '"', "\\"]],
    // POSIX, 2.2.3: a backslash in double quotes keeps these alone, and takes the end of a line away.
    ['"\\$HOME" "\\`id\\`" "\\a\\\'"', ["$HOME", "`id`", "\\a\\'"]],
    [`sh -c "echo \\"\\$1\\"" sh x`, ["sh", "-c", 'echo "$1"', "sh", "x"]],
    ["\"a\\\nb\" c\\\nd \\\n e 'f\\\ng'", ["ab", "cd", "e", "f\\\ng"]],
    ["$HOME * ; | > {port}", ["$HOME", "*", ";", "|", ">", "{port}"]],
    [`sh -c 'echo "$1"'`, ["sh", "-c", 'echo "$1"']],
  ];
  for (const [text, words] of cases) assert.deepEqual(splitWords("--start", text, "/"), words, text);
});

test("where paths have backslashes, one keeps only a quote", () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    [String.raw`C:\a\b.exe --data D:\x\ y`, ["C:\\a\\b.exe", "--data", "D:\\x\\", "y"]],
    [String.raw`"C:\Program Files\x.exe" '\\host\share'`, ["C:\\Program Files\\x.exe", "\\\\host\\share"]],
    [String.raw`\\host\share "\\host\share"`, ["\\\\host\\share", "\\\\host\\share"]],
    [String.raw`\" \' "a \" b" end\ `, ['"', "'", 'a " b', "end\\"]],
  ];
  for (const [text, words] of cases) assert.deepEqual(splitWords("--start", text, "\\"), words, text);
});

test("a command with an open quote, a lone backslash or no word is refused", () => {
  for (const text of ["'a", 'a "b', "a\\", "", "  "]) {
    assert.throws(() => splitWords("--start", text, "/"), isUsageError, text);
  }
});

test("durations have a unit", () => {
  const cases = { "0": 0, "500ms": 500, "5s": 5000, "1.5s": 1500, "2m": 120_000, "1h": 3_600_000, "0s": 0 };
  for (const [text, ms] of Object.entries(cases)) assert.equal(durationMs("--linger", text), ms, text);
  for (const text of ["5", "s", "", "-1s", "1e3s", "5 s", "5d", "9999h", "NaN"]) {
    assert.throws(() => durationMs("--linger", text), isUsageError, text);
  }
  for (const text of ["0", "1ms", "1500ms", "5s", "90s", "2m", "1h", "36h"]) {
    assert.equal(durationOption(durationMs("--linger", text)), text, "it is told as it is typed");
  }
  assert.equal(durationOption(durationMs("--linger", "0.5m")), "30s");
  assert.equal(wholeNumber("-n", "12", 100), 12);
  for (const text of ["101", "-1", "1.5", "", "x"]) {
    assert.throws(() => wholeNumber("-n", text, 100), isUsageError, text);
  }
});

test("durations are told in a unit that suits them", () => {
  const cases: readonly (readonly [number, string])[] = [[0, "0.0 s"], [840, "0.8 s"], [42_000, "42 s"], [
    300_000,
    "5 min",
  ], [
    3 * 3_600_000,
    "3 h",
  ], [50 * 3_600_000, "2 d"]];
  for (const [ms, text] of cases) assert.equal(durationText(ms), text);
});

test("variables are NAME=VALUE, and placeholders are filled in", () => {
  assert.deepEqual(variables("--env", ["A=b", "URL=http://x/?a=b", "EMPTY="]), {
    A: "b",
    URL: "http://x/?a=b",
    EMPTY: "",
  });
  for (const pair of ["A", "=b", ""]) assert.throws(() => variables("--env", [pair]), isUsageError, pair);
  const facts = { host: "::1", port: 80, pid: undefined };
  const missing = (name: string): string => `no ${name}`;
  assert.equal(fillIn("http://[{host}]:{port}/{other}/{ port}", facts, missing), "http://[::1]:80/{other}/{ port}");
  assert.equal(fillIn("{pid}", facts, missing), "no pid");
  assert.equal(fillIn("{constructor}", facts, missing), "{constructor}");
});

test("a word that is nearly right is suggested, and one that is far off is not", () => {
  const known = ["run", "ls", "status", "logs", "stop", "gc", "lock", "sem", "doctor", "--json", "--force"];
  const cases = {
    stauts: "status",
    statu: "status",
    stat: "status",
    lgos: "logs",
    log: "logs",
    doktor: "doctor",
    runn: "run",
    "--jsno": "--json",
    "--forc": "--force",
  };
  for (const [word, wanted] of Object.entries(cases)) assert.equal(suggestion(word, known), wanted, word);
  for (const word of ["banana", "x", "--", "zzzzzz"]) assert.equal(suggestion(word, known), undefined, word);
});

const TABLE = {
  json: { help: "" },
  lines: { value: "N", short: "n", help: "" },
  env: { value: "K=V", multiple: true, help: "" },
};

test("options are read before and after words, and nothing after -- is ours", () => {
  const args = Arguments.parse(
    ["a", "--json", "-n", "3", "b", "--env", "A=1", "--env=B=-2", "--", "x", "--json", "--"],
    TABLE,
  );
  assert.deepEqual(args.positionals, ["a", "b"]);
  assert.deepEqual(args.rest, ["x", "--json", "--"]);
  assert.equal(args.has("json"), true);
  assert.equal(args.number("lines"), 3);
  assert.deepEqual(args.list("env"), ["A=1", "B=-2"]);
  assert.deepEqual(Arguments.parse(["-n5"], TABLE).number("lines"), 5);
  assert.equal(Arguments.parse(["a"], TABLE).rest, undefined);
  assert.deepEqual(Arguments.parse(["a", "--"], TABLE).rest, []);
});

test("options that are unknown, incomplete, doubled or given a value in vain are refused", () => {
  const wrong = [["--jsn"], ["-x"], ["--lines"], ["-n"], ["--lines", "--json"], ["--json=1"], ["-n1", "-n2"], [
    "--constructor",
  ], ["--no-json"]];
  for (const words of wrong) assert.throws(() => Arguments.parse(words, TABLE), isUsageError, words.join(" "));
  assert.throws(() => Arguments.parse(["--jsn"], TABLE), /did you mean --json\?/);
  assert.throws(() => Arguments.parse(["a", "b"], TABLE).name(), isUsageError);
  assert.throws(() => Arguments.parse([], TABLE).name(), isUsageError);
});

test("a program without -- before it is told from a word too many, whatever its options are", () => {
  const parse = (words: readonly string[]): Arguments => Arguments.parse(words, TABLE, "the program");
  for (const words of [["a", "cc", "-x"], ["a", "--json", "cc", "--lines"], ["a", "cc", "b"]]) {
    assert.throws(() => parse(words), { name: "UsageError", message: '"cc": put -- before the program' });
  }
  assert.throws(() => parse(["a", "--jsn", "cc"]), /unknown option --jsn/);
  assert.throws(() => parse(["a", "b", "--", "cc"]).name(true), { message: '"b" is one word too many' });
  assert.deepEqual(parse(["a", "--", "cc", "-x"]).rest, ["cc", "-x"]);
});

test("the client of a procref run is found in its command line, and in no other", () => {
  const service = { name: "db", namespace: "" };
  const ours: readonly (readonly string[])[] = [
    ["procref", "run", "db", "--", "npm", "test"],
    ["deno", "run", "-A", "jsr:@procref/core/cli", "run", "--start", "postgres -- x", "db", "--", "npm", "test"],
    ["bun", "run", "main.ts", "run", "db", "--linger=5s", "--env", "A=run", "--", "npm", "test"],
    ["procref", "run", "--namespace", "", "db", "--", "npm", "test"],
  ];
  for (const words of ours) assert.deepEqual(clientOf(words, service), ["npm", "test"], words.join(" "));
  assert.deepEqual(clientOf(["procref", "run", "run", "--", "run", "x", "--", "y"], { ...service, name: "run" }), [
    "run",
    "x",
    "--",
    "y",
  ]);
  const others: readonly (readonly string[])[] = [
    ["deno", "run", "-A", "my_app.ts", "db", "--", "npm", "test"],
    ["my-app", "run", "other", "--", "npm", "test"],
    ["my-app", "run", "db", "more", "--", "npm", "test"],
    ["my-app", "run", "db", "--verbose", "--", "npm", "test"],
    ["procref", "run", "--namespace", "shop", "db", "--", "npm", "test"],
    ["procref", "run", "db", "--"],
    ["my-app", "--", "run", "db", "--", "npm", "test"],
    ["sleep", "300"],
    [],
  ];
  for (const words of others) assert.equal(clientOf(words, service), undefined, words.join(" "));
});

test("empty words at the end of a command line are not shown: they are what a title has left of it", () => {
  assert.deepEqual(shortened(["redis-server *:6379", "", "", ""]), ["redis-server *:6379"]);
  assert.deepEqual(shortened(["a", "", "b"]), ["a", "", "b"]);
  assert.deepEqual(shortened(["", ""]), []);
  assert.equal(shortened(undefined), undefined);
});

test("a table is as wide as it must be, and is cut where it may be", () => {
  const columns = [{ title: "NAME", least: 4 }, { title: "N", right: true }, { title: "COMMAND", least: 5 }];
  const rows = [["a", "1", "short"], ["a-long-name", "10", "a command that is long"]];
  assert.equal(
    formatTable(columns, rows),
    "NAME          N  COMMAND\na             1  short\na-long-name  10  a command that is long\n",
  );
  for (const width of [35, 30, 20, 15]) {
    const lines = formatTable(columns, rows, width).trimEnd().split("\n");
    assert.ok(lines.every((line) => displayWidth(line) <= width), `${width}: ${lines.join("|")}`);
    assert.ok(lines[2].includes("…"));
    assert.ok(lines[2].includes("10"), "a column that may not be cut is whole");
  }
  assert.doesNotThrow(() => formatTable(columns, rows, 1));
});

test("the width of a text is that on the screen", () => {
  const widths = { abc: 3, "é": 1, "e\u0301": 1, "数据": 4, "🚀": 2, "ｆ": 2, "": 0 };
  for (const [text, width] of Object.entries(widths)) assert.equal(displayWidth(text), width, text);
  const cut = formatTable([{ title: "N", least: 2 }], [["数据库服务"]], 6).split("\n")[1];
  assert.equal(cut, "数据…");
});

test("what is printed cannot steer the terminal", () => {
  assert.equal(printable("a\x1b[31mb\u202ec\x9bd\te\nf"), "a\\x1b[31mb\\x202ec\\x9bd e\\nf");
  assert.equal(commandText(["sh", "-c", "echo 'a b'", "\x1b"]), `sh -c 'echo '\\''a b'\\''' '\\x1b'`);
  const plain = { color: false } as Terminal;
  assert.equal(paint(plain, "red", "x"), "x");
  assert.equal(paint({ ...plain, color: true }, "red", "x"), "\x1b[31mx\x1b[0m");
});
