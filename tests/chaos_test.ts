/** A short chaos run, half of it in each runtime; `deno task chaos` makes long ones. */

import assert from "node:assert/strict";
import { test } from "node:test";
import process from "node:process";
import type { Fault } from "../tools/chaos/round.ts";
import { run } from "../tools/chaos/run.ts";

const seed = Number(process.env.PROCREF_CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));

test("whoever is killed at whatever moment, no rule of sharing is broken", { timeout: 100_000 }, async () => {
  console.log(`chaos: PROCREF_CHAOS_SEED=${seed}`);
  const said: string[] = [];
  const options = { seed, rounds: 30, abreast: 4, limitMs: 4000, say: (text: string) => void said.push(text) };
  const { violations, kills } = await run(options);
  assert.deepEqual(violations, [], `seed ${seed}\n${said.join("\n")}`);
  assert.ok(kills >= 20, `${kills} kills`);
});

const faults: readonly (readonly [fault: Fault, sign: RegExp])[] = [
  ["overlap", /began while another one ran/],
  ["dead-handle", /was given a handle without a live service/],
  ["stop-under-holder", /was stopped (under it|while .* held it)/],
  ["refusal", /was refused for no reason/],
  ["leave-behind", /left behind/],
];

test("a chaos run in which nobody is killed ends well", { timeout: 60_000 }, async () => {
  const { violations } = await run({ seed, rounds: 1, abreast: 1, fault: "none" });
  assert.deepEqual(violations, []);
});

for (const [fault, sign] of faults) {
  test(`the chaos run notices when a rule is broken: ${fault}`, { timeout: 60_000 }, async () => {
    const { violations } = await run({ seed, rounds: 1, abreast: 1, fault });
    assert.ok(violations.some((violation) => sign.test(violation)), violations.join("\n"));
  });
}
