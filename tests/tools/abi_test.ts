import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { faultOf } from "../../tools/abi/compile.ts";
import { DARWIN_TABLE } from "../../tools/abi/darwin.ts";
import { linuxTables } from "../../tools/abi/linux.ts";
import { type AbiTable, countAssertions, probe } from "../../tools/abi/probe.ts";
import { windowsTables } from "../../tools/abi/windows.ts";
import { withoutCompiler } from "../fixtures/c_compiler.ts";

const [RIGHT] = linuxTables(process.arch as "x64" | "arm64");
const { symbols, declarations, constants, layouts } = RIGHT as Required<AbiTable>;
const SEMOP = symbols.semop;

/** Tables with one fault each, and what the compiler or linker must say of it. */
const FAULTY: { readonly [what: string]: readonly [fault: Partial<AbiTable>, message: RegExp] } = {
  "a constant": [{ constants: { ...constants, GETVAL: 13 } }, /GETVAL is not 13/],
  "a constant that there is not": [{ constants: { SEMUMEX: 10 } }, /SEMUMEX.*undeclared/],
  "an error number": [{ constants: { EAGAIN: 35 } }, /EAGAIN is not 35/],
  "an offset": [
    { layouts: { ...layouts, sembuf: { size: 6, num: 0, op: 4, flags: 2 } } },
    /offsetof\(struct sembuf, sem_op\) is not 4/,
  ],
  "a size": [{ layouts: { pollfd: { size: 16 } } }, /sizeof\(struct pollfd\) is not 16/],
  "the width of a result": [
    { symbols: { ...symbols, semop: { ...SEMOP, result: "i64" } } },
    /the result of semop is int, not i64/,
  ],
  "the sign of a result": [{ symbols: { semop: { ...SEMOP, result: "u32" } } }, /the result of semop is int, not u32/],
  "the type of a parameter": [
    { symbols: { semop: { ...SEMOP, parameters: ["i32", "buffer", "i32"] } } },
    /parameter 3 of semop is size_t, not i32/,
  ],
  "a pointer for a number": [
    { symbols: { semop: { ...SEMOP, parameters: ["buffer", "buffer", "usize"] } } },
    /parameter 1 of semop is int, not buffer/,
  ],
  "a declaration of our own": [
    {
      symbols: { semop: { ...SEMOP, parameters: ["i32", "buffer", "u32"] } },
      declarations: { ...declarations, semop: "int semop(int, struct sembuf *, unsigned int)" },
    },
    /conflicting types for .semop/,
  ],
  "a function that no header has": [
    {
      symbols: { semmop: SEMOP },
      declarations: { semmop: "int semmop(int, struct sembuf *, size_t)" },
    },
    /.semmop. undeclared/,
  ],
  "a function that no library has": [
    { symbols: { semmop: SEMOP }, undeclared: ["semmop"] },
    /undefined reference to .semmop/,
  ],
};

for (const [what, [fault, message]] of Object.entries(FAULTY)) {
  test(`a wrong table is found out by a C compiler: ${what}`, { skip: withoutCompiler }, () => {
    assert.match(faultOf({ ...RIGHT, ...fault }, ["cc"]) ?? "nothing is wrong", message);
  });
}

test("a table that C cannot be asked about is an error, and not passed over", () => {
  const unknown: readonly (readonly [Partial<AbiTable>, RegExp])[] = [
    [{ symbols: { semmop: SEMOP } }, /function semmop/],
    [{ layouts: { sembuf: { other: 2 } } }, /sembuf\.other/],
    [{ layouts: { other: { size: 2 } } }, /struct other/],
    [{ symbols: { semop: { ...SEMOP, parameters: ["i32", "buffer"] } } }, /semop has 2 parameters, but C has/],
    [{ symbols: { close: { ...symbols.close, parameters: ["i32", "i32"] } } }, /close has 2 parameters/],
    [{ symbols: { open: { ...symbols.open, parameters: ["buffer"] } } }, /open has 1 parameters/],
  ];
  for (const [fault, message] of unknown) assert.throws(() => probe({ ...RIGHT, ...fault }), message);
});

test("no function of macOS may be called with arguments for its variadic end", () => {
  const { semctl } = symbols;
  const table = { ...DARWIN_TABLE, symbols: { semctl }, declarations: { semctl: "int semctl(int, int, int, ...)" } };
  assert.throws(() => probe(table), /semctl has 4 parameters, but C has int semctl\(int, int, int, \.\.\.\)/);
});

test("every table of functions is checked for a system", async () => {
  const folder = new URL("../../ffi/symbols/", import.meta.url);
  const windows = await windowsTables();
  const checked = [...linuxTables("x64"), DARWIN_TABLE, ...windows];
  for (const file of readdirSync(folder)) {
    const exported: Record<string, unknown> = await import(new URL(file, folder).href);
    const functions = Object.values(exported).flatMap((value) =>
      typeof value === "object" ? Object.entries(value!) : []
    )
      .filter(([, value]) => typeof value === "object" && value !== null && "parameters" in value).map(([name]) =>
        name
      );
    const known = checked.filter((table) => table.file === `ffi/symbols/${file}`)
      .flatMap((table) => Object.keys(table.symbols ?? {}));
    assert.deepEqual(new Set(functions), new Set(known), file);
  }
  for (const table of windows) assert.ok(countAssertions(probe(table)) > 5, table.file);
});

test("a program states every number of its table", () => {
  const numbers = Object.values(layouts as Record<string, object>).flatMap((fields) => Object.values(fields)).length +
    Object.keys(constants).length;
  const types = Object.values(symbols).map(({ parameters }) => 2 + parameters.length).reduce((sum, each) => sum + each);
  // One of semctl, one of fcntl and four of syscall have no type in C: they are behind its three dots.
  assert.equal(countAssertions(probe(RIGHT)), numbers + types - 6);
});
