/**
 * A client of a supervised service, told what to do by lines: `acquire` (says `acquired PID MS`), `release`, `pairs N`
 * (says `pair NS`, the median of slices), `bare` (says `bare MS`: what the service takes to run without us), `alone`
 * (says `alone MS`: what a supervisor's runtime takes to run a program of one line).
 * Arguments: the service's name. It ends at the end of its standard input.
 */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import process from "node:process";
import { nativeRuntime } from "../../ffi/mod.ts";
import type { Grants } from "../../ffi/types.ts";
import { type ServiceHandle, SharedService } from "../../mod.ts";
import { passedOn } from "../../src/service/start_supervisor.ts";
import { median } from "../statistics.ts";

/** It ends by itself, whatever becomes of the clients. */
const COMMAND = ["sleep", "300"];
const PAIRS_IN_SLICE = 100;
const ALONE = new URL("runtime_alone.ts", import.meta.url);
const NO_GRANTS: Grants = { files: [], run: [], net: [], native: true };

let service = make(process.argv[2]);
let handle: ServiceHandle | undefined;

function make(name: string): SharedService {
  const made = new SharedService(name, { command: COMMAND });
  made.addEventListener("warning", (event) => console.error((event as CustomEvent).detail.message));
  return made;
}

async function obey(word: string, argument: string): Promise<string> {
  switch (word) {
    case "name":
      service = make(argument);
      return "named";
    case "acquire": {
      const began = performance.now();
      handle = await service.acquire();
      return `acquired ${handle.pid} ${performance.now() - began}`;
    }
    case "release":
      await handle?.release();
      return "released";
    case "pairs":
      return `pair ${await timePairs(Number(argument))}`;
    case "bare":
      return `bare ${await bareStart()}`;
    case "alone":
      return `alone ${await runtimeAlone()}`;
    default:
      throw new Error(`unknown word ${word}`);
  }
}

/** Acquires and releases again and again beside the handle that is held; nanoseconds of one pair. */
async function timePairs(slices: number): Promise<number> {
  const times: number[] = [];
  for (let slice = 0; slice < slices; slice++) {
    const from = performance.now();
    for (let pair = 0; pair < PAIRS_IN_SLICE; pair++) await (await service.acquire()).release();
    times.push((performance.now() - from) * 1e6 / PAIRS_IN_SLICE);
  }
  return median(times);
}

/** What it takes to start the service's program as a detached child, in milliseconds. */
async function bareStart(): Promise<number> {
  const began = performance.now();
  const child = spawn(COMMAND[0], COMMAND.slice(1), { detached: true, stdio: "ignore" });
  await new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  const took = performance.now() - began;
  child.kill();
  await new Promise((resolve) => child.once("exit", resolve));
  return took;
}

/** What the runtime of a supervisor takes until it could say its first word, in milliseconds. */
async function runtimeAlone(): Promise<number> {
  const { command: [program, ...args], env } = nativeRuntime().moduleCommand(ALONE, NO_GRANTS);
  const began = performance.now();
  const child = spawn(program, args, {
    cwd: "/",
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...passedOn(), ...env },
  });
  // Its end may be heard of before its word.
  const ended = new Promise((resolve) => child.once("close", resolve));
  await new Promise((resolve) => child.stdout!.once("data", resolve));
  const took = performance.now() - began;
  await ended;
  return took;
}

const input = createInterface({ input: process.stdin });
input.on("close", () => process.exit(0));
console.log("ready");
for await (const line of input) {
  const [word, argument = ""] = line.split(" ");
  console.log(await obey(word, argument));
}
