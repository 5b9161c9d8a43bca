/**
 * What is known of a service, for programs and for people.
 *
 * @module
 */

import { ageMsOf, commandOf } from "../process/command.ts";
import type { ServiceState, ServiceStatus } from "../service/catalog.ts";
import type { Holder } from "../service/holders.ts";
import { durationText } from "./durations.ts";
import { clientOf } from "./run_words.ts";
import { formatTable } from "./table.ts";
import { commandText, type Paint, paint, printable, type Terminal } from "./terminal.ts";

/** A service as `--json` prints it; docs/cli.md describes it. What is not known is null. */
export interface ServiceReport {
  /** Its name. */
  readonly name: string;
  /** Its namespace; empty for none. */
  readonly namespace: string;
  /** Who shares it. */
  readonly scope: string;
  /** How it is; `stopped` when there is nothing of it. */
  readonly state: ServiceState | "stopped";
  /** Its process. */
  readonly pid: number | null;
  /** The command line of its process. */
  readonly command: readonly string[] | null;
  /** How long its process has run. */
  readonly uptimeMs: number | null;
  /** Where it listens. */
  readonly host: string | null;
  /** Where it listens. */
  readonly port: number | null;
  /** What its starter passes on. */
  readonly metadata: Readonly<Record<string, string>>;
  /** How many references live processes hold. */
  readonly references: number;
  /** Who says that it holds the service. */
  readonly holders: readonly ReportedHolder[];
  /** Whether somebody is starting, stopping or cleaning it. */
  readonly locked: boolean;
  /** Whether a supervisor or reaper is in office. */
  readonly supervised: boolean;
  /** The supervisor's process; null for a service of callbacks. */
  readonly supervisor: number | null;
  /** The generation of its record. */
  readonly generation: number | null;
  /** Of a service that failed: why. */
  readonly failure: { readonly code: string; readonly message: string } | null;
  /** Its directory. */
  readonly directory: string;
  /** Why its record cannot be used. */
  readonly problem: { readonly code: string; readonly message: string } | null;
}

/** A process that holds a service, as `--json` prints it. */
export interface ReportedHolder extends Holder {
  /** The client that it runs, if it is `procref run`. */
  readonly client: readonly string[] | null;
}

/**
 * What is known of a service, in the form of `--json`.
 *
 * @param status what was found
 * @param exists whether there is anything of it; a service without a record is `stopped` otherwise
 */
export function reportOf(status: ServiceStatus, exists = true): ServiceReport {
  const { info, problem, state, failure } = status;
  const pid = info?.isAlive() ? info.pid : undefined;
  return {
    name: status.name,
    namespace: status.namespace,
    scope: status.scope,
    state: exists ? state : "stopped",
    pid: info?.pid ?? null,
    command: pid === undefined ? null : shortened(commandOf(pid)) ?? null,
    uptimeMs: pid === undefined ? null : ageMsOf(pid) ?? null,
    host: info?.host ?? null,
    port: info?.port ?? null,
    metadata: info?.metadata ?? {},
    references: status.references,
    holders: status.holders.map(({ pid, command, since }) => {
      const words = shortened(command)!;
      return { pid, command: words, since, client: clientOf(words, status) ?? null };
    }),
    locked: status.locked,
    supervised: status.seated,
    supervisor: status.supervisor?.pid ?? null,
    generation: status.generation ?? null,
    failure: failure === undefined ? null : { code: failure.code, message: failure.message },
    directory: status.directory,
    problem: problem === undefined ? null : { code: problem.code, message: problem.message },
  };
}

/** Without the empty words that a process has at the end that wrote a title over its command line. */
export function shortened(command: readonly string[] | undefined): readonly string[] | undefined {
  return command?.slice(0, command.findLastIndex((word) => word !== "") + 1);
}

const PAINTS: { readonly [S in ServiceReport["state"]]: Paint } = {
  running: "green",
  starting: "yellow",
  stopping: "yellow",
  failed: "red",
  dead: "red",
  stale: "dim",
  elsewhere: "dim",
  unknown: "red",
  stopped: "dim",
};

/** The state in its colour. */
export function paintState(terminal: Terminal, state: ServiceReport["state"], text: string = state): string {
  return paint(terminal, PAINTS[state], text);
}

/** Who holds a service, as a table, with those that left no hint as a number. */
export function describeHolders(terminal: Terminal, { holders, references }: ServiceReport): string {
  if (holders.length === 0) {
    return references === 0 ? "" : `${held(references)}, by processes that left no hint\n`;
  }
  const rows = holders.map(({ pid, command, since, client }) => {
    const age = Date.now() - Date.parse(since);
    return [
      String(pid),
      Number.isNaN(age) ? "" : durationText(Math.max(0, age)),
      printable(since),
      commandText(client ?? command),
    ];
  });
  return formatTable(
    [
      { title: "PID", right: true },
      { title: "FOR", right: true },
      { title: "SINCE" },
      { title: "COMMAND", least: 12 },
    ],
    rows,
    terminal.columns,
  );
}

/** How many references are held, in words. */
export function held(references: number): string {
  return references === 1 ? "1 reference is held" : `${references} references are held`;
}
