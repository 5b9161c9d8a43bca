/**
 * `procref run`
 *
 * @module
 */

import process from "node:process";
import { isProcrefError, ProcrefError } from "../../errors.ts";
import { mergedVariables } from "../../process/variables.ts";
import { Catalog, type CatalogEntry } from "../../service/catalog.ts";
import type { ServiceSettings } from "../../service/options.ts";
import type { ServiceHandle } from "../../service/service_handle.ts";
import { SharedService } from "../../service/shared_service.ts";
import { until } from "../../waiting.ts";
import { SignalRelay, statusOfSignal } from "../client_process.ts";
import { type Command, EXIT } from "../command.ts";
import { explainMismatch } from "../mismatch.ts";
import type { Arguments } from "../options.ts";
import { runNamedProgram } from "../named_program.ts";
import { withProgress } from "../progress.ts";
import { RUN_OPTIONS } from "../run_words.ts";
import { servicesLike } from "../similar_services.ts";
import type { ServiceInfo } from "../../service/service_info.ts";
import { startOptions } from "../start_options.ts";
import { printable, type Terminal } from "../terminal.ts";
import { UsageError } from "../usage_error.ts";
import { fillIn, variables } from "../values.ts";

/** The program of a service that is only joined: none can be there, so that nothing is started. */
const NO_PROGRAM = "/dev/null/not-running";
/** How long to wait for a service that others start or stop, before it is joined. */
const SETTLE_MS = 60_000;

/** Runs a client with a service. */
export const RUN: Command = {
  name: "run",
  usage: "NAME [--start 'CMD {port}'] [options] -- CLIENT [ARGS...]",
  summary: "run a client with a service: start the service or join it, and let it go when the client ends",
  details: "The command of --start is split into words as a shell does, and no shell runs. {port}, {host}, {name},\n" +
    "{namespace} and {dir} are replaced in it. Without --start, a service that runs is joined as it is.\n\n" +
    "{port} and {host} are also replaced in ARGS, if the service has a port: procref run db -- redis-cli -p {port} ping\n" +
    "The client gets PROCREF_NAME, PROCREF_HOST, PROCREF_PORT, PROCREF_PID and the variables of --env, in which the\n" +
    "same are replaced as in --start, and {pid}. When procref is killed by SIGKILL, the client runs on without the\n" +
    "service.\n\n" +
    "exit codes: that of the client, 128+n when signal n ended it; 125 when procref failed, 126 when the client is not\n" +
    "executable, 127 when it is not found; 2 for a wrong command line",
  options: RUN_OPTIONS,
  program: "the client's command",
  failed: EXIT.procrefFailed,
  async run(args: Arguments, terminal: Terminal): Promise<number> {
    const name = args.name(true);
    const client = args.rest ?? [];
    if (client.length === 0) throw new UsageError("the client's command is missing: end with -- CLIENT ARGS...");
    const pairs = variables("--env", args.list("env"));
    const catalog = new Catalog(args.where());
    const entry = catalog.entry(name, args.text("namespace"));
    const started = startOptions(args);
    if (started !== undefined && started.port === undefined) checkPortless(pairs, name);

    const aborted = new AbortController();
    using relay = new SignalRelay((signal) => aborted.abort(signal));
    let service: SharedService;
    let handle: ServiceHandle;
    try {
      handle = await withProgress(terminal, () => describeWait(entry), async () => {
        const { directory, scope } = catalog;
        const settings = { namespace: args.text("namespace"), directory, scope };
        const { signal } = aborted;
        service = started === undefined
          ? await joined(name, settings, catalog, entry, signal)
          : new SharedService(name, { ...settings, ...started });
        service.addEventListener("lost", (event) => warn(terminal, event.detail));
        return await service.acquire({ signal });
      });
    } catch (error) {
      if (aborted.signal.aborted) return statusOfSignal(aborted.signal.reason);
      throw explained(error, entry, args);
    }
    try {
      const facts = factsOf(handle, entry);
      warnOfAnotherPort(service!, facts.port, terminal);
      return await runNamedProgram(filledIn(client, facts), environment(facts, pairs), relay, terminal);
    } finally {
      // Whoever is in a hurry now may leave by the usual way of signals; the kernel gives the reference back.
      relay[Symbol.dispose]();
      await withProgress(terminal, () => `letting ${name} go`, () => handle.release())
        .catch((error) => warn(terminal, error));
    }
  },
};

/** A service that runs, as it is: to acquire it starts nothing. */
async function joined(
  name: string,
  settings: ServiceSettings,
  catalog: Catalog,
  entry: CatalogEntry,
  signal: AbortSignal,
): Promise<SharedService> {
  let status = entry.look();
  const settled = (): boolean => {
    status = entry.look();
    return status.state !== "starting" && status.state !== "stopping";
  };
  await until(settled, { signal, timeoutMs: SETTLE_MS }, () => `join "${name}", because it is still ${status.state}`);
  if (status.state === "elsewhere") throw status.problem!;
  if (status.state !== "running" && status.references === 0) {
    const hint = servicesLike(catalog, entry.object).trimEnd();
    throw notRunning(name, `it is not running${hint === "" ? "" : `; ${hint}`}`);
  }
  if (status.supervisor !== undefined) {
    return new SharedService(name, { ...settings, command: [NO_PROGRAM], onMismatch: "join" });
  }
  return new SharedService(name, {
    ...settings,
    reaper: false,
    onFirstAcquire(): never {
      throw notRunning(name, "it ended a moment ago");
    },
  });
}

function notRunning(name: string, why: string): ProcrefError {
  return new ProcrefError("SERVICE_START", `Cannot join "${name}": ${why}; give --start to start it`);
}

/** What may be asked for between braces. */
interface Facts {
  readonly name: string;
  readonly namespace: string;
  readonly dir: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly pid: number | undefined;
  readonly [name: string]: string | number | undefined;
}

function factsOf({ host, port, pid }: ServiceHandle, { object, store }: CatalogEntry): Facts {
  return { name: object.name, namespace: object.namespace, dir: store.directory, host, port, pid };
}

/** The client's command; where a service has no port, braces belong to the client. */
function filledIn(client: readonly string[], { host, port }: Facts): readonly string[] {
  return port === undefined ? client : client.map((word) => fillIn(word, { host, port }, () => ""));
}

/** The client's environment: ours, what is known of the service, and what the user adds. */
function environment(facts: Facts, pairs: Readonly<Record<string, string>>): Record<string, string> {
  const { name, host, port, pid } = facts;
  const added = Object.entries(pairs).map(([key, value]) => [
    key,
    fillIn(value, facts, (fact) => {
      throw hasNone(key, fact, name, fact === "port" ? "; whoever starts it has to give --port auto or a number" : "");
    }),
  ]);
  const known = {
    PROCREF_NAME: name,
    PROCREF_HOST: host,
    PROCREF_PORT: port?.toString(),
    PROCREF_PID: pid?.toString(),
  };
  return mergedVariables([process.env, known, Object.fromEntries(added)]);
}

/**
 * Checks that nothing asks for the port of a service that will have none.
 *
 * @throws UsageError
 */
function checkPortless(pairs: Readonly<Record<string, string>>, name: string): void {
  const asking = Object.keys(pairs).find((key) => pairs[key].includes("{port}"));
  if (asking !== undefined) throw hasNone(asking, "port", name, "; give --port auto or a number");
}

function hasNone(variable: string, fact: string, name: string, remedy: string): UsageError {
  return new UsageError(`--env ${variable} asks for {${fact}}, and "${name}" has no ${fact}${remedy}`);
}

/** The client knows the port by its environment alone, and nobody can change that any more. */
function warnOfAnotherPort(service: SharedService, given: number | undefined, terminal: Terminal): void {
  const look = ({ detail: { port } }: CustomEvent<ServiceInfo>): void => {
    if (port === given || port === undefined || given === undefined) return;
    service.removeEventListener("restart", look);
    terminal.err(
      `procref: warning: ${printable(service.name)} was restarted on port ${port}; the client was given ${given}\n`,
    );
  };
  service.addEventListener("restart", look);
}

/** What an acquire waits for now. */
function describeWait({ object: { name }, look }: CatalogEntry): string {
  const { state, supervisor } = look();
  if (state === "stopping") return `waiting until ${name} has stopped`;
  // Its supervisor is in office: what is left is the service's own affair.
  return state === "starting" && supervisor !== undefined ? `waiting until ${name} is ready` : `starting ${name}`;
}

function warn(terminal: Terminal, error: Error): void {
  terminal.err(`procref: warning: ${printable(error.message)}\n`);
}

/** The same error in the words of the command line. */
function explained(error: unknown, entry: CatalogEntry, args: Arguments): unknown {
  if (!isProcrefError(error)) return error;
  const { code, details } = error;
  if (code === "CONFIG_MISMATCH") {
    const where = ["namespace", "scope", "directory"].flatMap((option) =>
      args.has(option) ? [`--${option}`, args.text(option)!] : []
    );
    const gave = (option: string): boolean => args.has(option);
    const message = explainMismatch({ details, status: entry.look(), gave, where });
    return new ProcrefError(code, message, { cause: error, details });
  }
  if (details.path === NO_PROGRAM) return notRunning(entry.object.name, "it ended a moment ago");
  const log = details.log === undefined || details.log === "" ? "" : `\nthe last lines that it wrote:\n${details.log}`;
  return log === "" || error.message.includes(details.log!) ? error : new ProcrefError(code, error.message + log, {
    cause: error,
    details,
  });
}
