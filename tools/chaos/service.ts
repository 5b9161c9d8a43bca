/**
 * One instance of the service of a round on Windows, as service.sh is one elsewhere. Arguments: the round's directory,
 * and `child` for one that an instance has started. A mutex of the round is its for as long as it runs.
 */

import { spawn } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { WINDOWS } from "../../ffi/symbols/kernel32.ts";
import { wideText, windows } from "../../ffi/windows.ts";
import { formatIdentity, identityOf, isAlive, ownIdentity, parseIdentity } from "../../src/process/identity.ts";
import { processSystem } from "../../src/process/platform.ts";

const LONG_MS = 120_000;

const [directory, kind] = process.argv.slice(2);
const path = (name: string): string => join(directory, name);
const self = ownIdentity();
if (kind === "child") {
  await delay(LONG_MS);
  process.exit(0);
}

const behaviour = readFileSync(path("behaviour"), "utf8").trim();
const { CreateMutexW, WaitForSingleObject } = windows();
const mutex = BigInt(CreateMutexW(null, 0, wideText(`Local\\chaos-${directory.replaceAll("\\", "-")}`)));
/** Whether it is ours now: also when its owner has died. */
const isOurs = (): boolean => WaitForSingleObject(mutex, 0) !== WINDOWS.WAIT_TIMEOUT;
const overlaps = !isOurs() || childrenOfOthers();
const parent = process.env.CHAOS_STARTER ?? process.ppid;
appendFileSync(
  path("journal"),
  `begin ${self.pid} ${self.start} ${parent} ${behaviour} ${overlaps ? "overlap" : "alone"}\n`,
);
if (overlaps) { while (!isOurs()) await delay(10); }

switch (behaviour) {
  case "slow":
    await delay(300);
    break;
  case "exit":
    console.log("told to fail");
    process.exit(3);
    break;
  case "crash":
    console.log("ready");
    await delay(100);
    process.exit(4);
    break;
  case "never":
    await delay(LONG_MS);
    break;
  case "stubborn":
    process.on("SIGINT", () => {});
    // Who starts a process by a callback asks it in this way.
    if (process.env.CHAOS_STARTER !== undefined) processSystem().onRequestToEnd(() => {});
    break;
  case "family":
    for (const detached of [true, false]) startChild(detached);
    break;
}
console.log("ready");
await delay(LONG_MS);

function startChild(detached: boolean): void {
  const words = [process.argv[1], directory, "child"];
  const child = spawn(process.execPath, words, { detached, stdio: "ignore" });
  child.unref();
  const identity = identityOf(child.pid!);
  if (identity !== undefined) appendFileSync(path("children"), `${formatIdentity(identity)}\n`);
}

/** Whether a child of an earlier instance runs. */
function childrenOfOthers(): boolean {
  try {
    const lines = readFileSync(path("children"), "utf8").split("\n").slice(0, -1);
    return lines.map(parseIdentity).some((child) => isAlive(child));
  } catch {
    return false;
  }
}
