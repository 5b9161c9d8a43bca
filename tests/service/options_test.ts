import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isProcrefError, SharedService, type SharedServiceOptions } from "../../mod.ts";
import { ServiceGroup } from "../../src/group/mod.ts";
import { spawn } from "../../src/process/mod.ts";
import { ServiceRegistry } from "../../src/registry/mod.ts";
import { FileSemaphore } from "../../src/semaphore/mod.ts";
import { OPTIONS, PARTS } from "../../src/service/option_names.ts";
import { withDirectory } from "../harness/names.ts";

type Given = Readonly<Record<string, unknown>>;

const command = ["sleep", "60"];
const onFirstAcquire = (): { pid: number } => ({ pid: 4711 });

function refuses(message: string, field: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isProcrefError(error, "INVALID_ARGUMENT"), String(error));
    assert.equal(error.message, message);
    assert.equal(error.details.field, field);
    return true;
  };
}

function describe(options: Given): SharedService {
  return new SharedService("x", options as unknown as SharedServiceOptions);
}

/** What is given, the option that is refused, and what the message says after it. */
const REFUSED: readonly (readonly [given: Given, field: string, why: string])[] = [
  [
    { command, readyTimeoutMs: 5 },
    "readyTimeoutMs",
    'of "x": there is none of that name; did you mean startTimeoutMs?',
  ],
  [{ comand: command, port: "auto" }, "comand", 'of "x": there is none of that name; did you mean command?'],
  [
    { onFirstAquire: onFirstAcquire },
    "onFirstAquire",
    'of "x": there is none of that name; did you mean onFirstAcquire?',
  ],
  [{ onFirstAcquire, zzz: 1 }, "zzz", 'of "x": there is none of that name'],
  [
    { command, restart: { limits: 3 } },
    "limits",
    'of the restart of "x": there is none of that name; did you mean limit?',
  ],
  [
    { command, log: { maxByte: 9999 } },
    "maxByte",
    'of the log of "x": there is none of that name; did you mean maxBytes?',
  ],
  [{ command, port: { from: 1, until: 2 } }, "until", 'of the port of "x": there is none of that name'],
  [
    { command, port: 1, ready: { http: "/", stauts: 200 } },
    "stauts",
    'of the ready of "x": there is none of that name; did you mean status?',
  ],
  [
    { command, onFirstAcquire },
    "onFirstAcquire",
    'of "x": it is one of a service of callbacks, and this is one of a command; leave one of them out',
  ],
  [
    { command, reaper: false },
    "reaper",
    'of "x": it is one of a service of callbacks, and this is one of a command; leave one of them out',
  ],
  [
    { onFirstAcquire, lingerMs: 5 },
    "lingerMs",
    'of "x": it is one of a service of a command, and this is one of callbacks; leave one of them out',
  ],
  [
    { module: "file:///m.ts", command },
    "command",
    'of "x": it is one of a service of a command, and this is one of a module; leave one of them out',
  ],
];

for (const [given, field, why] of REFUSED) {
  test(`an option that says nothing is refused: ${field} beside ${Object.keys(given).join(", ")}`, () => {
    assert.throws(() => describe(given), refuses(`Cannot use ${field} as an option ${why}`, field));
  });
}

test("a service of nothing is refused, and told of both ways", () => {
  for (const given of [{}, { namespace: "docs" }, { command: undefined }, { onLastRelease: () => {} }]) {
    const expected = 'Cannot describe "x": give a command, or onFirstAcquire';
    assert.throws(() => describe(given), refuses(expected, "command"));
  }
  for (const given of [undefined, null, "sleep 60"]) {
    assert.throws(() => describe(given as unknown as Given), {
      code: "INVALID_ARGUMENT",
      message: 'Cannot describe "x" without options: give a command, or onFirstAcquire',
    });
  }
  assert.throws(() => describe({ onFirstAcquire: 5 }), { message: "Cannot use 5 as onFirstAcquire: give a function" });
});

test("an option that is undefined is not given", () => {
  assert.equal(describe({ command, onFirstAcquire: undefined, zzz: undefined }).name, "x");
  assert.equal(describe({ command: undefined, onFirstAcquire }).name, "x");
});

test("other objects refuse options that they do not know", async () => {
  await withDirectory(async (directory) => {
    const none = "there is none of that name; did you mean";
    assert.throws(
      () => new FileSemaphore(join(directory, "s"), 1, { lockTimeout: 5 } as never),
      refuses(`Cannot use lockTimeout as an option of a semaphore: ${none} lockTimeoutMs?`, "lockTimeout"),
    );
    assert.throws(
      () => new ServiceRegistry("x", { capasity: 5 } as never),
      refuses(`Cannot use capasity as an option of a registry: ${none} capacity?`, "capasity"),
    );
    using registry = new ServiceRegistry("x", { directory });
    const group = { serviceName: "x", executable: "sleep" };
    assert.throws(
      () => new ServiceGroup(registry, { ...group, replica: 2 } as never),
      refuses(`Cannot use replica as an option of a group: ${none} replicas?`, "replica"),
    );
    assert.throws(
      () => new ServiceGroup(registry, { ...group, backoff: { delay: 2 } } as never),
      refuses(`Cannot use delay as an option of the backoff of a group: ${none} delayMs?`, "delay"),
    );
    await assert.rejects(
      spawn("x", "sleep", ["60"], { detach: true } as never),
      refuses(`Cannot use detach as an option of spawn("x"): ${none} detached?`, "detach"),
    );
  });
});

/** The options that a section of the page has rows for. */
function rowsOf(section: string): string[] {
  const page = readFileSync(new URL("../../docs/options.md", import.meta.url), "utf8");
  const text = page.split(/^## /m).find((each) => each.startsWith(`${section}\n`));
  return [...text!.matchAll(/^\| `([\w.]+)`/gm)].map(([, name]) => name);
}

test("the page about options has every option of every kind of service, and no other", () => {
  const every = rowsOf("Every service");
  const supervised = rowsOf("A command or a module");
  const command = [...every, ...supervised, ...rowsOf("A command")];
  const kinds = {
    command,
    module: [...every, ...supervised, ...rowsOf("A module")],
    callbacks: [...every, ...rowsOf("Callbacks")],
  };
  for (const [kind, rows] of Object.entries(kinds)) {
    const known = OPTIONS[kind as keyof typeof OPTIONS];
    assert.deepEqual(rows.filter((name) => !name.includes(".")).toSorted(), known.toSorted(), kind);
  }
  const parts = Object.entries(PARTS).flatMap(([part, names]) => names.map((name) => `${part}.${name}`));
  assert.deepEqual(command.filter((name) => name.includes(".")).toSorted(), parts.toSorted());
});
