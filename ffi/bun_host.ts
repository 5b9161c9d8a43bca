/**
 * What Bun does by itself. Its `node:fs` takes 3 ms to load: on Linux a supervisor does without until its clients have
 * what they wait for. A first child of `node:child_process` takes 9, and one of its own less than one.
 *
 * @module
 */

import { type Child, type ChildStart, type Host, readAll } from "./host.ts";
import { type HostFiles, linuxFiles } from "./linux_files.ts";
import { node } from "./node.ts";
import { nodeFiles } from "./node_files.ts";
import type { NativeRuntime } from "./types.ts";

/** The part of Bun's global that is used, in our own words: no type package of a runtime is needed. */
export interface BunSystem {
  spawn(command: readonly string[], options: Record<string, unknown>): BunChild;
}

interface BunChild {
  readonly pid: number;
  readonly exited: Promise<number>;
  readonly exitCode: number | null;
  readonly signalCode: NodeJS.Signals | null;
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
}

const NODE_FILES: HostFiles = {
  files: nodeFiles,
  readInput: (into) => node.fs.readSync(0, into),
  writeOutput: (bytes) => node.fs.writeSync(1, bytes),
};

/** Bun as the host of this program. */
export function bunHost(bun: BunSystem, native: Pick<NativeRuntime, "open" | "readerOfInt32">): Host {
  const { platform, arch, pid } = node.process;
  return {
    platform,
    arch,
    pid,
    ...(platform === "linux" && linuxFiles(native, arch) || NODE_FILES),
    onSignal(name: NodeJS.Signals, listener: () => void): void {
      node.process.on(name, listener);
    },
    startLeader: (start) => startLeader(bun, start),
    exit: (status) => node.process.exit(status),
  };
}

function startLeader(bun: BunSystem, { command, cwd, env }: ChildStart): Child {
  const child = bun.spawn(command, {
    ...{ cwd, env, detached: true },
    ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  });
  return {
    pid: child.pid,
    ended: child.exited.then(() => ({ code: child.exitCode, signal: child.signalCode })),
    readOutput: (take) => readAll([child.stdout, child.stderr], take),
  };
}
