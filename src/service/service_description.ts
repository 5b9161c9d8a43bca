/**
 * What a supervisor is told of its service: everything filled in, and plain enough to be sent as JSON.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { type ErrorDetails, ProcrefError } from "../errors.ts";

/** How a service shows that it is ready, in a form for JSON. */
export type ReadinessDescription =
  | { readonly kind: "running" }
  | { readonly kind: "tcp" }
  | { readonly kind: "http"; readonly path: string; readonly status: number | undefined }
  | { readonly kind: "exec"; readonly command: readonly string[] }
  | { readonly kind: "log"; readonly pattern: string; readonly flags: string };

/** When and how often a service that died is started again. */
export interface RestartDescription {
  /** How often in a row; 0 means never. */
  readonly limit: number;
  /** How long to wait before the first time, in milliseconds; each further wait is twice as long. */
  readonly delayMs: number;
  /** The longest wait, in milliseconds. */
  readonly maxDelayMs: number;
  /** A service that ran as long as this, in milliseconds, has proved itself: the count begins anew. */
  readonly resetAfterMs: number;
}

/** A range of ports; both ends belong to it. */
export interface PortRange {
  /** The first one. */
  readonly from: number;
  /** The last one. */
  readonly to: number;
}

/** Everything that a supervisor needs to know of a service. */
export interface ServiceDescription {
  /** The program and its arguments; empty for a module. */
  readonly command: readonly string[];
  /** The module whose callbacks the supervisor runs, as a URL. */
  readonly module: string | undefined;
  /** The working directory. */
  readonly cwd: string;
  /** What the service's environment takes over from the client that starts it, as it is. */
  readonly inherited: Readonly<Record<string, string>>;
  /** What is added to it, with placeholders. */
  readonly env: Readonly<Record<string, string>>;
  /** The program that gives the service a parent-death signal, where there is one. */
  readonly setpriv: string | undefined;
  /** Where it listens. */
  readonly host: string;
  /** The port, "auto" for a free one, or undefined when it has none. */
  readonly port: "auto" | PortRange | undefined;
  readonly ready: ReadinessDescription;
  readonly readyIntervalMs: number;
  readonly startTimeoutMs: number;
  readonly stopSignal: StopSignal;
  readonly stopTimeoutMs: number;
  readonly lingerMs: number;
  readonly restart: RestartDescription;
  /** How large the log may grow, in bytes. */
  readonly logBytes: number;
  /** What each option is that clients have to agree on. */
  readonly configuration: Configuration;
}

/** By the option's name, what {@link agreed} makes of its value. */
export type Configuration = Readonly<Record<string, string>>;

/** The signals by which a service may be asked to end. */
export type StopSignal = "SIGTERM" | "SIGINT" | "SIGQUIT" | "SIGHUP";

/** All of them. */
export const STOP_SIGNALS: readonly StopSignal[] = ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP"];

/** Sixteen hexadecimal digits that tell one value from another without disclosing it. */
export function fingerprint(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(sorted(value)) ?? "").digest("hex").slice(0, 16);
}

/** How much of an option's value is kept for people, in characters. */
const LONGEST_VALUE = 1000;

/**
 * What is on record of an option that clients have to agree on: its fingerprint, and behind a blank its value for
 * people, as JSON, cut where it is long. Variables may be secret: of them there are the names alone.
 */
export function agreed(field: string, value: unknown): string {
  const shown = field === "env" ? Object.keys(value as Readonly<Record<string, string>>).sort() : value;
  return `${fingerprint(value)} ${(JSON.stringify(sorted(shown)) ?? "").slice(0, LONGEST_VALUE)}`;
}

/** The same value with the keys of every object in order. */
function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  return Object.fromEntries(
    Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1).map(([key, item]) => [key, sorted(item)]),
  );
}

/**
 * Checks that a service that runs is the one that was asked for.
 *
 * @param name the service's name
 * @throws ProcrefError `CONFIG_MISMATCH`, which names the first option that differs, and tells both values
 */
export function checkConfiguration(name: string, running: Configuration, wanted: Configuration): void {
  const fields = [...new Set([...Object.keys(wanted), ...Object.keys(running)])];
  const field = fields.find((field) => running[field] !== wanted[field]);
  if (field === undefined) return;
  const values = { running: valueOf(running[field]), wanted: valueOf(wanted[field]) };
  const [one, other] = excerpts(values.running, values.wanted).map((value) => value || "not given");
  const why = values.running === values.wanted ? "is another one" : `is ${one}, and here it is ${other}`;
  throw mismatch(name, field, `its "${field}" ${why}`, values);
}

/** The value behind the fingerprint. */
function valueOf(agreed: string = ""): string {
  const blank = agreed.indexOf(" ");
  return blank < 0 ? "" : agreed.slice(blank + 1);
}

/** How much of a value is shown before the place where it differs from another one, and behind it, in characters. */
const SHOWN = { before: 40, all: 160 } as const;

/** Two texts that differ, cut so that one sees where. */
export function excerpts(one: string, other: string): [one: string, other: string] {
  if (Math.max(one.length, other.length) <= SHOWN.all) return [one, other];
  let same = 0;
  while (same < one.length && one[same] === other[same]) same++;
  const start = same <= SHOWN.all / 2 ? 0 : same - SHOWN.before;
  const cut = (text: string): string => {
    const part = text.slice(start, start + SHOWN.all);
    return `${start > 0 ? "…" : ""}${part}${start + part.length < text.length ? "…" : ""}`;
  };
  return [cut(one), cut(other)];
}

/** The error of a service that runs in another way than was asked for. */
export function mismatch(
  name: string,
  field: string,
  why: string,
  values: Pick<ErrorDetails, "running" | "wanted"> = {},
): ProcrefError {
  return new ProcrefError(
    "CONFIG_MISMATCH",
    `Cannot share "${name}": it runs already, and ${why}; ask for the same, choose another name or namespace, or ` +
      `accept what runs with onMismatch: "join"`,
    { details: { name, field, ...values } },
  );
}
