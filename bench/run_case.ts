/** Times one case in this runtime. Arguments: the case, a name, slices, pairs; prints the slices as JSON. */

import process from "node:process";
import { PAIR_CASES } from "./pair_cases.ts";
import { timeSlices } from "./timing.ts";

const [wanted, name, slices, pairs] = process.argv.slice(2);
const found = PAIR_CASES.find((each) => each.name === wanted);
if (found === undefined) throw new Error(`there is no case ${wanted}`);
const prepared = await found.prepare(name);
try {
  const times = await timeSlices(prepared.run, { slices: Number(slices), pairs: Number(pairs) });
  console.log(JSON.stringify([...times].map(Math.round)));
} finally {
  await prepared.end();
}
