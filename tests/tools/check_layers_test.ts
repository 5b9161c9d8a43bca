import assert from "node:assert/strict";
import { test } from "node:test";
import { violations } from "../../tools/check_layers.ts";
import { sourceText } from "../../tools/source_text.ts";

function check(path: string, source: string): string[] {
  return violations(new Map([[path, source]]));
}

/** Imports that the layers forbid: file, what it imports, who is named in the message. */
const FORBIDDEN = [
  ["src/errors.ts", "./waiting.ts", "errors imports src/waiting.ts"],
  ["src/errors.ts", "../ffi/mod.ts", "errors imports ffi/mod.ts"],
  ["src/waiting.ts", "./kernel/open.ts", "waiting imports src/kernel/open.ts"],
  ["ffi/libc.ts", "../src/waiting.ts", "ffi imports src/waiting.ts"],
  ["ffi/symbols/linux_libc.ts", "../../src/kernel/open.ts", "ffi imports src/kernel/open.ts"],
  ["src/kernel/open.ts", "../process/pid.ts", "kernel imports src/process/pid.ts"],
  ["src/kernel/open.ts", "../service/record.ts", "kernel imports src/service/record.ts"],
  ["src/process/stop.ts", "../kernel/open.ts", "process imports src/kernel/open.ts"],
  ["src/service/record.ts", "../testing/mod.ts", "service imports src/testing/mod.ts"],
  ["src/service/record.ts", "../supervisor/mod.ts", "service imports src/supervisor/mod.ts"],
  ["src/service/record.ts", "../../mod.ts", "service imports mod.ts"],
  ["src/semaphore/mod.ts", "../registry/mod.ts", "semaphore imports src/registry/mod.ts"],
  ["src/registry/mod.ts", "../cli/main.ts", "registry imports src/cli/main.ts"],
  ["src/group/mod.ts", "../lifecycle/mod.ts", "group imports src/lifecycle/mod.ts"],
  ["src/lifecycle/mod.ts", "../supervisor/mod.ts", "lifecycle imports src/supervisor/mod.ts"],
  ["src/supervisor/main.ts", "../cli/main.ts", "supervisor imports src/cli/main.ts"],
  ["src/testing/mod.ts", "../service/record.ts", "testing imports src/service/record.ts"],
  ["src/kernel/open.ts", "../../tests/harness/names.ts", "imports tests/harness/names.ts, which is no part"],
  ["src/attic/mod.ts", "../errors.ts", "belongs to attic, a room that tools/check_layers.ts does not know"],
] as const;

const ALLOWED = [
  ["ffi/deno.ts", "../src/errors.ts"],
  ["ffi/libc.ts", "./symbols/linux_libc.ts"],
  ["src/waiting.ts", "./errors.ts"],
  ["src/kernel/open.ts", "../../ffi/libc.ts"],
  ["src/process/stop.ts", "../waiting.ts"],
  ["src/service/shared_service.ts", "../process/process_watch.ts"],
  ["src/semaphore/mod.ts", "../kernel/open.ts"],
  ["src/supervisor/main.ts", "../service/record.ts"],
  ["src/cli/main.ts", "../supervisor/main.ts"],
  ["src/testing/mod.ts", "../kernel/ref_counter.ts"],
  ["src/kernel/open.ts", "node:fs"],
  ["mod.ts", "./src/service/builder.ts"],
] as const;

test("a layer may not import from a layer above it or beside it", () => {
  for (const [path, specifier, expected] of FORBIDDEN) {
    const [found, ...more] = check(path, `\nimport { x } from "${specifier}";\n`);
    assert.ok(found?.startsWith(`${path}:2: ${expected}`), `${path} imports ${specifier}: ${found}`);
    assert.deepEqual(more, []);
  }
});

test("a layer may import from the layers below it and from itself", () => {
  for (const [path, specifier] of ALLOWED) {
    assert.deepEqual(check(path, `import { x } from "${specifier}";\n`), []);
  }
});

test("every form of import counts", () => {
  const forms = [
    'import "../kernel/open.ts";',
    'import type { X } from "../kernel/open.ts";',
    'import {\n  x,\n} from "../kernel/open.ts";',
    'export * from "../kernel/open.ts";',
    "export { x } from '../kernel/open.ts';",
    'await import("../kernel/open.ts");',
    'type X = import("../kernel/open.ts").X;',
  ];
  for (const form of forms) assert.equal(check("src/process/stop.ts", form).length, 1, form);
  assert.deepEqual(check("src/process/stop.ts", 'Array.from("../kernel/open.ts");'), []);
});

test("only relative files and node: modules may be imported", () => {
  const specifiers = ["jsr:@std/path", "npm:execa", "https://example.com/a.ts", "http://example.com/a.ts", "execa"];
  for (const specifier of specifiers) {
    for (const path of ["mod.ts", "src/kernel/open.ts", "ffi/libc.ts"]) {
      const expected = `${path}:1: imports ${specifier}: only relative files and node: modules are allowed`;
      assert.deepEqual(check(path, `import "${specifier}";`), [expected]);
    }
  }
});

test("a runtime is named by its adapter and by the choice alone", () => {
  for (const path of ["mod.ts", "src/kernel/open.ts", "ffi/libc.ts", "ffi/bun.ts"]) {
    assert.match(check(path, "\n\nDeno.pid;")[0], new RegExp(`^${path}:3: names Deno,`));
  }
  for (const path of ["mod.ts", "src/kernel/open.ts", "ffi/libc.ts", "ffi/deno.ts"]) {
    assert.match(check(path, "Bun.version;")[0], new RegExp(`^${path}:1: names Bun,`));
    assert.match(check(path, 'load("bun:ffi");')[0], new RegExp(`^${path}:1: names a module of Bun,`));
  }
  for (const path of ["ffi/mod.ts", "ffi/deno.ts"]) assert.deepEqual(check(path, "Deno.pid;"), []);
  for (const path of ["ffi/mod.ts", "ffi/bun.ts"]) assert.deepEqual(check(path, 'Bun.version; load("bun:ffi");'), []);
});

test("a comment or a message may name a runtime", () => {
  const source =
    "// Deno\n/** Bun, bun:ffi\n */\nconst text = 'Deno' + \"Bun\" + `Deno ${text} Bun`;\nconst deno = /Bun/;\n";
  assert.deepEqual(check("src/kernel/open.ts", source), []);
});

test("the platform is asked for in the few files that may", () => {
  for (const path of ["mod.ts", "src/errors.ts", "src/kernel/sysv_set.ts", "src/service/record.ts", "ffi/errno.ts"]) {
    assert.match(check(path, "if (process.platform) {}")[0], /:1: names the platform,/);
    assert.match(check(path, "process . arch")[0], /:1: names the platform,/);
    assert.match(check(path, "const { pid, platform } = process;")[0], /:1: names the platform,/);
    assert.match(check(path, 'import { arch as here, EOL } from "node:os";')[0], /:1: names the platform,/);
  }
  for (const path of ["ffi/symbols/linux_libc.ts", "ffi/libc.ts", "src/kernel/open.ts", "src/process/identity.ts"]) {
    assert.deepEqual(check(path, "process.platform + process.arch"), []);
  }
});

test("nothing has a default export", () => {
  for (const path of ["mod.ts", "src/kernel/open.ts", "ffi/libc.ts"]) {
    assert.deepEqual(check(path, "export default 1;"), [`${path}:1: has a default export`]);
  }
});

test("a file has at most 400 lines", () => {
  assert.deepEqual(check("src/kernel/open.ts", "x;\n".repeat(400)), []);
  assert.deepEqual(check("src/kernel/open.ts", "x;\n".repeat(401)), [
    "src/kernel/open.ts:1: has 401 lines, at most 400 are allowed",
  ]);
});

test("files outside the library are not looked at, and findings come in the order of the lines", () => {
  assert.deepEqual(check("tests/x_test.ts", 'export default Deno; import "npm:execa";'), []);
  assert.deepEqual(
    check("src/errors.ts", 'export default 1;\nBun;\nimport "npm:execa";').map((found) => found.split(":")[1]),
    ["1", "2", "3"],
  );
});

test("sourceText() tells code from comments, strings, templates and regular expressions", () => {
  const cases = [
    ["a // b", "a     ", "a     "],
    ["a /* b\n */ c", "a     \n    c", "a     \n    c"],
    ['a "//" b', 'a "//" b', "a      b"],
    ["a 'it\\'s' b", "a 'it\\'s' b", "a         b"],
    ["`a ${b + `c ${d}`} e`", "`a ${b + `c ${d}`} e`", "`  ${b + `  ${d}`}  `"],
    ["`${{ a: 1 }.a}` + b", "`${{ a: 1 }.a}` + b", "`${{ a: 1 }.a}` + b"],
    ["a / b / c", "a / b / c", "a / b / c"],
    ['x = /[/"]/g; y', 'x = /[/"]/g; y', "x =        ; y"],
    ["return /a'/.test(b)", "return /a'/.test(b)", "return     .test(b)"],
  ];
  for (const [source, withStrings, codeOnly] of cases) {
    assert.deepEqual(sourceText(source), { withStrings, codeOnly }, source);
  }
});
