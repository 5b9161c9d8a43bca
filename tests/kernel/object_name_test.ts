import assert from "node:assert/strict";
import { test } from "node:test";
import { isProcrefError } from "../../src/errors.ts";
import { type ObjectName, objectName, objectNameOfFile } from "../../src/kernel/object_name.ts";
import { currentUser, openKernelCounter, openRefCounter } from "../../src/kernel/open.ts";
import { uniqueName, withDirectory } from "../harness/names.ts";

const FAMILY = "\u{1F468}\u200D\u{1F469}\u200D\u{1F467}\u200D\u{1F466}";

const ALLOWED: { readonly [what: string]: string } = {
  "one byte": "x",
  "200 bytes": "x".repeat(200),
  "200 bytes of 2-byte letters": "ä".repeat(100),
  "an emoji": "\u{1F680}",
  "a family of joined emoji": FAMILY,
  "eight families, 200 bytes": FAMILY.repeat(8),
  "two dots": "..",
  "one dot": ".",
  "spaces within": "my service",
  "spaces at its ends": " x ",
  "a leading dash": "-rf",
  "what a shell would read": "$(id); `id` && * ? ~ | > '\"",
  "right-to-left letters": "שירות",
  "combining letters": "e\u0301",
  "what JSON would escape": '","x":"',
};

const REFUSED: { readonly [what: string]: readonly [name: unknown, problem: RegExp] } = {
  "no text": ["", /it is empty/],
  "a space alone": [" ", /it is empty/],
  "spaces of all kinds alone": [" \u00A0\u2003\u3000", /it is empty/],
  "201 bytes": ["x".repeat(201), /it is 201 bytes long/],
  "201 bytes in 101 letters": ["ä".repeat(100) + "x", /it is 201 bytes long/],
  "nine families, 225 bytes": [FAMILY.repeat(9), /it is 225 bytes long/],
  "a slash": ["a/b", /slash/],
  "a path upwards": ["../x", /slash/],
  "a backslash": ["a\\b", /slash/],
  "NUL": ["a\0b", /cannot be printed/],
  "a line break": ["a\nb", /cannot be printed/],
  "a tab": ["a\tb", /cannot be printed/],
  "an escape sequence": ["\x1b[31mred", /cannot be printed/],
  "DEL": ["a\x7f", /cannot be printed/],
  "a control of Latin-1": ["a\x85", /cannot be printed/],
  "a lone high surrogate": ["a\uD800", /cannot be printed/],
  "a lone low surrogate": ["\uDC00a", /cannot be printed/],
  "surrogates the wrong way round": ["\uDC00\uD800", /cannot be printed/],
  "a line separator": ["a\u2028b", /cannot be printed/],
  "a paragraph separator": ["a\u2029b", /cannot be printed/],
  "a bidirectional override": ["a\u202Eexe.txt", /cannot be printed/],
  "a bidirectional embedding": ["a\u202Ab", /cannot be printed/],
  "a bidirectional isolate": ["a\u2066b", /cannot be printed/],
  "a number": [5, /it is number, not text/],
  "null": [null, /it is null, not text/],
  "undefined": [undefined, /it is undefined, not text/],
  "a list": [["x"], /it is object, not text/],
};

function invalid(what: string, problem: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isProcrefError(error, "INVALID_NAME"), String(error));
    assert.match(error.message, new RegExp(`^Cannot use .* as a ${what}: `, "s"));
    assert.match(error.message, problem);
    assert.match(error.message, /use 1 to 200 bytes of printable text/);
    return true;
  };
}

for (const [what, name] of Object.entries(ALLOWED)) {
  test(`a name may be ${what}`, () => {
    const object = objectName(name, 1000);
    assert.equal(object.name, name);
    assert.equal(objectName("x", 1000, { namespace: name }).namespace, name);
    assertFileName(object);
  });
}

for (const [what, [name, problem]] of Object.entries(REFUSED)) {
  test(`a name may not be or hold ${what}`, async () => {
    assert.throws(() => objectName(name as string, 1000), invalid("name", problem));
    await assert.rejects(openRefCounter(name as string), invalid("name", problem));
    // The empty namespace is none, and undefined asks for the default.
    if (name === "" || name === undefined) return;
    assert.throws(() => objectName("x", 1000, { namespace: name as string }), invalid("namespace", problem));
  });
}

function assertFileName({ fileName, digest }: ObjectName): void {
  assert.match(fileName, /^[A-Za-z0-9_-]{1,40}\.[0-9a-f]{32}$/);
  assert.ok(fileName.length <= 73);
  assert.equal(fileName.slice(-32), Array.from(digest.slice(0, 16), (n) => n.toString(16).padStart(2, "0")).join(""));
  assert.equal(digest.length, 32);
}

test("whatever tells two objects apart gives them different digests and file names", () => {
  const objects = [
    objectName("x", 1000),
    objectName("x", 1001),
    objectName("y", 1000),
    objectName("X", 1000),
    objectName("x", 1000, { namespace: "n" }),
    objectName("n", 1000, { namespace: "x" }),
    objectName("x", 1000, { directory: "/n" }),
    objectName("x", 1000, { directory: "/n", namespace: "n" }),
    objectName("x", 1000, { scope: "system" }),
    objectName("x", 1000, { scope: "system", namespace: "n" }),
    objectName('","x', 1000),
    objectName("x", 1000, { namespace: '","' }),
    objectName("a_b", 1000),
    objectName("a b", 1000),
    objectName("\u00E9", 1000),
    objectName("e\u0301", 1000),
    objectName("x".repeat(199), 1000),
    objectName("x".repeat(200), 1000),
  ];
  assert.equal(new Set(objects.map(({ digest }) => digest.join())).size, objects.length);
  assert.equal(new Set(objects.map(({ fileName }) => fileName)).size, objects.length);
});

test("one name of one user is one object, and in scope system of all users", () => {
  assert.deepEqual(objectName("x", 1000), objectName("x", 1000, { scope: "user", namespace: "", directory: "" }));
  assert.deepEqual(objectName("x", 1000, { scope: "system" }), objectName("x", 1001, { scope: "system" }));
});

test("a scope that is none is an error that names those there are", async () => {
  for (const scope of ["global", "", null, 5]) {
    assert.throws(() => objectName("x", 1000, { scope: scope as "user" }), (error) => {
      assert.ok(isProcrefError(error, "INVALID_ARGUMENT"));
      assert.equal(error.message, `Cannot use ${scope} as a scope: use "user" or "system"`);
      return true;
    });
  }
  await assert.rejects(
    openRefCounter("x", { mechanism: "mutex" as "sysv" }),
    (error) =>
      isProcrefError(error, "INVALID_ARGUMENT") && error.message.includes('use "sysv", "slots", "handles" or "memory"'),
  );
});

test("a file name is enough to find the kernel object of a name", async () => {
  const name = uniqueName("a name with blanks");
  await withDirectory(async (directory) => {
    using counter = await openRefCounter(name, { namespace: "shop", directory });
    assert.ok(counter.tryAcquire());
    const { fileName } = objectName(name, currentUser(), { namespace: "shop", directory });
    const found = objectNameOfFile(fileName, "user")!;
    assert.equal(openKernelCounter(found).count(), 1);
    assert.equal(found.fileName, fileName);
  });
  const digits = "0123456789abcdef0123456789abcdef";
  for (
    const none of [
      "",
      digits,
      `a.${digits}0`,
      `a.${digits.slice(1)}`,
      `a/.${digits}`,
      `a.${digits.toUpperCase()}`,
      `.${digits}`,
    ]
  ) {
    assert.equal(objectNameOfFile(none, "user"), undefined, none);
  }
});
