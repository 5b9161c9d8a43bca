/**
 * A client of the run: takes calls as lines of JSON, `{ id, call, ... }`, and answers each by a line. When its standard
 * input closes it ends.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { isProcrefError, process as processes, type ServiceHandle, SharedService } from "../../mod.ts";
import type { Call, Seen, ServiceConfiguration } from "./calls.ts";
import { environmentOf, neededVariables, serviceCommand, SLOWNESS } from "./platform.ts";

const TIMES = { startTimeoutMs: 800 * SLOWNESS, stopTimeoutMs: 300 * SLOWNESS, lockTimeoutMs: 25_000 } as const;
const RESTART = { limit: 3, delayMs: 5, maxDelayMs: 40, resetAfterMs: 300 } as const;
const SLOW_MS = 300;

let directory = "";
let service: SharedService | undefined;
let handle: ServiceHandle | undefined;

function open({ name, state, round, mode, ready, lingerMs, isMissing }: ServiceConfiguration): void {
  directory = round;
  // A supervisor inherits this: by it the run finds those that are not on record yet.
  process.env.TMPDIR = round;
  const settings = { directory: state, ...TIMES };
  if (mode === "callback") {
    service = new SharedService(name, { ...settings, onFirstAcquire: startInstance });
  } else {
    service = new SharedService(name, {
      ...settings,
      command: isMissing ? [`${round}/no-such-program`, round] : serviceCommand(round),
      cwd: "/",
      inheritEnv: false,
      env: { ...neededVariables(), CHAOS_ROUND: round },
      ready: ready === "log" ? { log: "^ready$" } : "running",
      lingerMs,
      restart: RESTART,
    });
  }
}

function spawnInstance(): ChildProcess {
  const [program, ...args] = serviceCommand(directory);
  const child = spawn(program, args, {
    cwd: "/",
    env: { ...neededVariables(), CHAOS_ROUND: directory, CHAOS_STARTER: String(process.pid) },
    detached: true,
    stdio: "ignore",
  });
  child.unref();
  return child;
}

/** The callback: returns once the instance is in the journal. */
async function startInstance(): Promise<{ pid: number }> {
  const child = spawnInstance();
  let ended = false;
  child.once("exit", () => ended = true);
  const begin = new RegExp(`^begin ${child.pid} .* (\\w+) \\w+$`, "m");
  for (;;) {
    const behaviour = begin.exec(readFileSync(`${directory}/journal`, "utf8"))?.[1];
    if (behaviour === "slow") await delay(SLOW_MS);
    if (behaviour === "exit" || ended) throw new Error("the instance ended");
    if (behaviour !== undefined) return { pid: child.pid! };
    await delay(2);
  }
}

/** What the holder of a handle sees of its service. */
function look(): Seen {
  const checkedAt = Date.now();
  const { info } = handle!;
  const { pid, identity } = info;
  const environment = pid === undefined ? "" : environmentOf(pid);
  // A process that is just ending has none any more, and may still look alive for a moment.
  const theirs = environment === "" || `\0${environment}`.includes(`\0CHAOS_ROUND=${directory}\0`);
  // Asked after its environment was read: what is alive now was so then.
  const alive = info.isAlive();
  return { pid, ticks: identity?.start.split(" ")[0], alive, theirs, lost: handle!.signal.aborted, checkedAt };
}

const CALLS: { readonly [call: string]: (argument: ServiceConfiguration) => unknown } = {
  open,
  async acquire(): Promise<Seen> {
    handle = await service!.acquire({ timeoutMs: 30_000 });
    return look();
  },
  async use(): Promise<Seen> {
    const seen = look();
    // Once more, and back: the short way, for the handle is held meanwhile.
    if (seen.alive) await service!.use(() => {}).catch(() => {});
    return seen;
  },
  async release(): Promise<void> {
    const held = handle;
    handle = undefined;
    await held?.release();
  },
  // What follows is done by no client that keeps to the rules: it proves that the run notices.
  breakOverlap: () => void spawnInstance(),
  breakStop: () => processes.kill(handle!.info.identity!),
  async breakHandle(): Promise<Seen> {
    handle = await service!.acquire();
    await processes.stop(handle.info.identity!, 0);
    return look();
  },
  breakRefusal: () => service!.acquire({ signal: AbortSignal.abort(new Error("no reason")) }),
};

function say(answer: unknown): void {
  writeSync(1, `${JSON.stringify(answer)}\n`);
}

const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
  const { id, call, argument } = JSON.parse(line) as Call;
  Promise.resolve().then(() => CALLS[call](argument!)).then(
    (value) => say({ id, value }),
    (error) => say({ id, error: { code: isProcrefError(error) ? error.code : "none", message: String(error) } }),
  );
});
input.on("close", () => process.exit(0));
say({ id: 0 });
