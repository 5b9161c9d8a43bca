/**
 * A service that runs in another way than `procref run` was told, in the words of the command line.
 *
 * @module
 */

import type { ErrorDetails } from "../errors.ts";
import type { ServiceStatus } from "../service/catalog.ts";
import { excerpts, type ReadinessDescription } from "../service/service_description.ts";
import { commandText, printable } from "./terminal.ts";
import { durationOption } from "./values.ts";

/** What the options of the library are called here, by which clients have to agree. */
const OPTIONS: { readonly [field: string]: string } = {
  command: "start",
  port: "port",
  ready: "ready",
  stopSignal: "stop-signal",
  lingerMs: "linger",
  cwd: "cwd",
};

/** What a mismatch is explained by. */
export interface Mismatch {
  /** What the error says. */
  readonly details: ErrorDetails;
  /** How the service is now. */
  readonly status: ServiceStatus;
  /** Whether an option was given. */
  readonly gave: (option: string) => boolean;
  /** Options that say where the service is, as one gives them to any command. */
  readonly where: readonly string[];
}

/**
 * Says why a service cannot be shared, and what to do.
 *
 * @param mismatch what is known
 */
export function explainMismatch({ details, status, gave, where }: Mismatch): string {
  const { field = "", running = "", wanted = "" } = details;
  const option = OPTIONS[field];
  const [way, remedy] = field === "command" && status.supervisor === undefined
    ? ["already, and its clients start and stop it by callbacks", ""]
    : field === "command" && running === "[]"
    ? ["already, and a module of a program starts and stops it", ""]
    : option === undefined
    ? [foreign(field, running), ""]
    : [differing(option, textOf(field, running), textOf(field, wanted), gave(option)), "give the same, "];
  const { name, references } = status;
  const stop = commandText(["procref", "stop", name, ...where]);
  const free = references === 0 ? `nobody holds it: ${stop}; or ` : "";
  return `Cannot share "${name}": it runs ${way}; ${free}${remedy}choose another NAME or --namespace, or leave out ` +
    "--start to join it as it is";
}

function differing(option: string, running: string, wanted: string, given: boolean): string {
  if (running === wanted) return `already with another --${option}`;
  const [one, other] = excerpts(printable(running), printable(wanted)).map((text) => text && commandText([text]));
  const yours = other === "" ? "none" : given ? other : `none, which is ${other}`;
  return `${one === "" ? `without --${option}` : `with --${option} ${one}`}, you gave ${yours}`;
}

/** Of an option that the command line does not have. */
function foreign(field: string, running: string): string {
  const value = parsed(running);
  const [text] = excerpts(printable(field === "env" && Array.isArray(value) ? value.join(", ") : running), "");
  const what = field === "env" ? "variables" : `"${field}"`;
  return `with ${what} of its own${text === "" ? "" : ` (${text})`}, which no option of this command gives`;
}

/** The value of an option as one types it; empty when it is not given. */
function textOf(field: string, json: string): string {
  const value = parsed(json);
  // It was cut, or is not there.
  if (value === undefined) return json;
  switch (field) {
    case "command":
      return commandText(value as string[]);
    case "lingerMs":
      return value === 0 ? "" : durationOption(value as number);
    case "ready":
      return readyText(value as ReadinessDescription);
    case "port":
      return portText(value as "auto" | { from: number; to: number });
    default:
      return String(value);
  }
}

function readyText(ready: ReadinessDescription): string {
  switch (ready.kind) {
    case "http":
      return `http:${ready.path}${ready.status === undefined ? "" : ` (${ready.status})`}`;
    case "exec":
      return `exec:${commandText(ready.command)}`;
    case "log":
      return `log:${ready.pattern}${ready.flags === "" ? "" : ` (${ready.flags})`}`;
    default:
      return ready.kind;
  }
}

function portText(port: "auto" | { readonly from: number; readonly to: number }): string {
  if (typeof port !== "object") return port;
  return port.from === port.to ? `${port.from}` : `${port.from} to ${port.to}`;
}

/** What a text of JSON says; undefined for one that was cut. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
