/**
 * Who holds a service: a hint that each client leaves for people who ask. The count is the kernel's and never depends
 * on hints; a hint is believed only while the process that it names is alive.
 *
 * Hints are files `holders/PID.json` in the service's directory. In scope `system`, where the directory is shared with
 * other users, there are none.
 *
 * @module
 */

import { lstatSync, mkdirSync, readdirSync, rmSync, type Stats } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { User } from "../kernel/object_name.ts";
import { commandOf } from "../process/command.ts";
import { identityOf, isAlive, type ProcessIdentity } from "../process/identity.ts";
import { replaceFile } from "../kernel/replaced_file.ts";
import { readTrustedFile } from "../kernel/trusted_file.ts";
import { HINT_FILE, holdersOf, isFolder, quietly } from "./hint_files.ts";

/** A process that holds a service, as it says itself. */
export interface Holder {
  /** Its PID. */
  readonly pid: number;
  /** Its command line. */
  readonly command: readonly string[];
  /** Since when it has held the service, as an ISO date and time. */
  readonly since: string;
}

/** The form on disk. */
interface HintJson extends Holder {
  readonly procref: 1;
  readonly start: string;
}

/** How often the hints of dead clients are removed while a service is held, in seconds. */
const PRUNE_SECONDS = 30;

/** How many objects of this process hold each service, by the path of the hint. */
const owners = new Map<string, Set<HolderHint>>();
let removesAtExit = false;

/** The hint of this process for one service. Nothing here throws: a hint that cannot be written is not missed. */
export class HolderHint {
  readonly #service: string;
  readonly #folder: string;
  readonly #path: string;
  #written = false;
  /** How many held the service when this was asked last. */
  #holders = 0;
  /** What the folder was like when it had no hint of a dead client. */
  #clean: string | undefined;

  /**
   * Makes a hint, and writes nothing yet.
   *
   * @param serviceDirectory the service's directory
   */
  constructor(serviceDirectory: string) {
    this.#service = serviceDirectory;
    this.#folder = holdersOf(serviceDirectory);
    this.#path = join(this.#folder, `${process.pid}.json`);
  }

  /** Says that this process holds the service, unless the file is there; the reference must be held. */
  write(): void {
    const others = owners.get(this.#path) ?? new Set();
    // Who released last has removed it, or a cleaner of temporary files has.
    if ((others.size === 0 || !isThere(this.#path)) && !this.#writeFile()) return;
    this.#written = true;
    owners.set(this.#path, others.add(this));
    if (!removesAtExit) process.on("exit", removeAll);
    removesAtExit = true;
  }

  /**
   * Removes the hints of dead clients, if it is this holder's turn. Each holder asks once a second; on the average one of
   * them all has its turn every half minute, so that no client pays for the number of the others. Where nobody came or
   * went since there was none to remove, the folder is not opened: that would wake a supervisor that watches over it.
   *
   * @param holders how many there are
   */
  pruneInTurn(holders: number): void {
    // Who comes changes the folder, and so does who leaves. Who is killed is missing among the holders.
    if (holders < this.#holders) this.#clean = undefined;
    this.#holders = holders;
    if (Math.random() * PRUNE_SECONDS * holders >= 1) return;
    quietly(() => {
      const folder = lstatSync(this.#folder);
      const state = stateOf(folder);
      if (state === this.#clean || !folder.isDirectory()) return;
      const removed = pruneHints(this.#service, folder.uid);
      this.#clean = removed === 0 ? state : undefined;
    });
  }

  /** Takes it back, unless another object of this process holds the service. */
  remove(): void {
    if (!this.#written) return;
    this.#written = false;
    const others = owners.get(this.#path)!;
    others.delete(this);
    if (others.size > 0) return;
    owners.delete(this.#path);
    quietly(() => rmSync(this.#path, { force: true }));
  }

  #writeFile(): boolean {
    return quietly(() => {
      const self = identityOf(process.pid)!;
      const hint: HintJson = {
        procref: 1,
        ...self,
        command: commandOf(process.pid) ?? process.argv,
        since: new Date().toISOString(),
      };
      const isFirst = !isFolder(this.#folder);
      if (isFirst) mkdirSync(this.#folder, { mode: 0o700 });
      replaceFile(this.#path, JSON.stringify(hint) + "\n");
      if (isFirst) this.#clean = stateOf(lstatSync(this.#folder));
    });
  }
}

/**
 * The processes that say that they hold a service and are alive, the one that came first in front.
 *
 * @param serviceDirectory the service's directory
 * @param uid the effective user; hints of others are not believed
 */
export function readHolders(serviceDirectory: string, uid: User): Holder[] {
  return hints(serviceDirectory, uid).flatMap(({ hint }) => {
    if (hint === undefined || !isAlive(hint)) return [];
    const { pid, command, since } = hint;
    return [{ pid, command, since }];
  }).sort((one, other) => one.since < other.since ? -1 : 1);
}

/**
 * Removes the hints of processes that have ended.
 *
 * @param dryRun only count
 * @returns how many there were
 */
export function pruneHints(serviceDirectory: string, uid: User, dryRun = false): number {
  const dead = hints(serviceDirectory, uid).filter(({ pid, hint }) => !isAlive(hint ?? pid));
  if (!dryRun) { for (const { path } of dead) quietly(() => rmSync(path, { force: true })); }
  return dead.length;
}

interface Found {
  readonly path: string;
  readonly pid: number;
  /** What the file says; undefined when it says nothing that can be used. */
  readonly hint: (Holder & ProcessIdentity) | undefined;
}

function hints(serviceDirectory: string, uid: User): Found[] {
  const folder = holdersOf(serviceDirectory);
  let names: string[] = [];
  quietly(() => names = isFolder(folder) ? readdirSync(folder) : []);
  return names.flatMap((name) => {
    const pid = Number(HINT_FILE.exec(name)?.[1]);
    if (!Number.isInteger(pid) || pid < 1 || pid >= 2 ** 31) return [];
    const path = join(folder, name);
    return [{ path, pid, hint: readHint(path, pid, uid) }];
  });
}

function readHint(path: string, named: number, uid: User): Found["hint"] {
  let hint: Found["hint"];
  quietly(() => {
    const { pid, start, command, since } = JSON.parse(
      readTrustedFile(path, { scope: "user", uid })?.text ?? "{}",
    ) as HintJson;
    const words = Array.isArray(command) && command.every((word) => typeof word === "string");
    if (pid === named && typeof start === "string" && words && typeof since === "string") {
      hint = { pid, start, command, since };
    }
  });
  return hint;
}

function isThere(path: string): boolean {
  return quietly(() => lstatSync(path));
}

/** What of a folder changes when a hint is made or removed. */
function stateOf({ ino, mtimeMs }: Stats): string {
  return `${ino} ${mtimeMs}`;
}

function removeAll(): void {
  for (const path of owners.keys()) quietly(() => rmSync(path, { force: true }));
}
