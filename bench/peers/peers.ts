/** The peers: how each is prepared, and started as a process that takes orders by lines. */

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runProgram } from "../run_program.ts";
import { commandOf } from "../runtimes.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const BUILD = fileURLToPath(new URL("../build/peers/", import.meta.url));
const FETCH_MS = 300_000;
const CRATE = "procref 0.1.0";
const LOCKFILE = "proper-lockfile@4.1.2";

/** Something that does the same work as this library, or a part of it. */
export interface Peer {
  readonly name: string;
  /** What its two works are. */
  readonly about: string;
  /** The command of one process, for a name that nobody else uses, in a folder of the run. */
  command(name: string, folder: string): readonly string[];
  /** How often it does the pair in one measurement. */
  readonly pairs: number;
  /** How long at most until the next one has what a killed one had. */
  readonly patienceMs: number;
}

/** A peer that cannot be measured here, and why. */
export interface Skipped {
  readonly name: string;
  readonly why: string;
}

/** Builds and fetches what the peers need. */
export async function preparePeers(): Promise<
  { readonly peers: readonly Peer[]; readonly skipped: readonly Skipped[] }
> {
  mkdirSync(BUILD, { recursive: true });
  const peers: Peer[] = [...ours(), fsFile()];
  const skipped: Skipped[] = [];
  for (
    const [name, prepare] of Object.entries({
      "raw semop (C)": c,
      [CRATE]: rust,
      [LOCKFILE]: lockfile,
      "flock(1)": flock,
    })
  ) {
    try {
      peers.push(await prepare(name));
    } catch (error) {
      skipped.push({ name, why: (error as Error).message.split("\n")[0] });
    }
  }
  return { peers, skipped };
}

function ours(): Peer[] {
  const peer = (runtime: "deno" | "bun", mechanism: string, pairs: number): Peer => ({
    name: `procref, ${mechanism}, ${runtime === "deno" ? "Deno" : "Bun"}`,
    about: "tryAcquire and release; lock",
    command: (name, folder) => commandOf(runtime, "peers/ours_peer.ts", name, mechanism, folder),
    pairs,
    patienceMs: 10_000,
  });
  return [
    peer("deno", "sysv", 20_000),
    peer("bun", "sysv", 20_000),
    peer("deno", "slots", 2000),
    peer("bun", "slots", 2000),
  ];
}

function fsFile(): Peer {
  return {
    name: "Deno's FsFile",
    about: "lockSync and unlockSync; lock",
    command: (name, folder) => commandOf("deno", "peers/fs_file_peer.ts", join(folder, name)),
    pairs: 20_000,
    patienceMs: 10_000,
  };
}

async function c(name: string): Promise<Peer> {
  const program = `${BUILD}c_peer`;
  await runProgram(["cc", "-O2", "-Wall", "-Wextra", "-o", program, `${HERE}c_peer.c`], FETCH_MS);
  return {
    name,
    about: "semop with SEM_UNDO; waits in the kernel",
    command: (unique) => [program, String(keyOf(unique))],
    pairs: 100_000,
    patienceMs: 10_000,
  };
}

async function rust(name: string): Promise<Peer> {
  const target = `${BUILD}rust`;
  const manifest = `${HERE}rust/Cargo.toml`;
  await runProgram(
    ["cargo", "build", "--release", "--quiet", "--manifest-path", manifest, "--target-dir", target],
    FETCH_MS,
  );
  return {
    name,
    about: "acquire and release; try_lock each ms",
    command: (unique) => [`${target}/release/rust_peer`, nameWithKey(unique)],
    pairs: 100_000,
    patienceMs: 10_000,
  };
}

async function lockfile(name: string): Promise<Peer> {
  const folder = `${BUILD}npm`;
  if (!existsSync(`${folder}/node_modules/proper-lockfile`)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/package.json`, JSON.stringify({ private: true }));
    await runProgram(["npm", "install", "--silent", "--no-save", "--prefix", folder, LOCKFILE], FETCH_MS);
  }
  return {
    name: `${name}, Bun`,
    about: "lock and unlock; lock with retries each 5 ms",
    command: (unique, state) => commandOf("bun", "peers/proper_lockfile_peer.ts", join(state, unique), `${folder}/`),
    pairs: 300,
    patienceMs: 30_000,
  };
}

async function flock(name: string): Promise<Peer> {
  await runProgram(["flock", "--version"], FETCH_MS);
  const script = `echo ready
while read -r word count; do
  if [ "$word" = pairs ]; then
    from=$(date +%s%N); i=0
    while [ $i -lt "$count" ]; do flock "$0" true; i=$((i + 1)); done
    echo "pair $((($(date +%s%N) - from) / count))"
  else
    exec 9>"$0"; flock 9; echo locked
  fi
done`;
  return {
    name,
    about: "flock FILE true; flock of a descriptor",
    command: (unique, folder) => ["sh", "-c", script, join(folder, unique)],
    pairs: 100,
    patienceMs: 10_000,
  };
}

/**
 * A name that the crate takes: its key is made of the sum of the name's bytes, of which 8 bits count, and it fails for
 * half of them, whose key is negative.
 */
function nameWithKey(name: string): string {
  const sum = (text: string): number => new TextEncoder().encode(text).reduce((sum, byte) => sum + byte, 1) & 0xff;
  for (let more = name;; more += "a") if (sum(more) > 0 && sum(more) < 128) return more;
}

/** A key that only this run uses. */
export function keyOf(name: string): number {
  let key = 0;
  for (const unit of name) key = (Math.imul(key, 31) + unit.charCodeAt(0)) | 0;
  return (key & 0x7fff_ffff) || 1;
}
