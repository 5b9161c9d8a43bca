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
import { type Arguments, NAMESPACE, WHERE } from "../options.ts";
import { runNamedProgram } from "../named_program.ts";
import { withProgress } from "../progress.ts";
import { servicesLike } from "../similar_services.ts";
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
    "The client gets PROCREF_NAME, PROCREF_HOST, PROCREF_PORT, PROCREF_PID and the variables of --env, in which\n" +
    "{name}, {host}, {port} and {pid} are replaced.\n\n" +
    "exit codes: that of the client, 128+n when signal n ended it; 125 when procref failed, 126 when the client is not\n" +
    "executable, 127 when it is not found; 2 for a wrong command line",
  options: {
    start: { value: "CMD", help: "the service's command" },
    port: { value: "auto|N", help: "its port; auto when CMD has {port}" },
    ready: { value: "HOW", help: "running, tcp, http:/path, exec:CMD or log:REGEX; tcp when it has a port" },
    linger: { value: "5s", help: "how long it is kept after its last client" },
    "start-timeout": { value: "30s", help: "how long it may take to be ready" },
    "stop-signal": { value: "NAME", help: "how it is asked to end: SIGTERM (unless given), SIGINT, SIGQUIT, SIGHUP" },
    "stop-timeout": { value: "10s", help: "how long it may take to end by itself; SIGKILL follows" },
    cwd: { value: "PATH", help: "its working directory" },
    env: { value: "K=V", multiple: true, help: "a variable of the client" },
    ...NAMESPACE,
    ...WHERE,
  },
  failed: EXIT.procrefFailed,
  async run(args: Arguments, terminal: Terminal): Promise<number> {
    const name = args.name(true);
    const client = args.rest ?? [];
    if (client.length === 0) throw new UsageError("the client's command is missing: end with -- CLIENT ARGS...");
    const pairs = variables("--env", args.list("env"));
    const catalog = new Catalog(args.where());
    const entry = catalog.entry(name, args.text("namespace"));
    const started = startOptions(args);

    const aborted = new AbortController();
    using relay = new SignalRelay((signal) => aborted.abort(signal));
    let handle: ServiceHandle;
    try {
      handle = await withProgress(terminal, () => describeWait(entry), async () => {
        const { directory, scope } = catalog;
        const settings = { namespace: args.text("namespace"), directory, scope };
        const { signal } = aborted;
        const service = started === undefined
          ? await joined(name, settings, catalog, entry, signal)
          : new SharedService(name, { ...settings, ...started });
        service.addEventListener("lost", (event) => warn(terminal, event.detail));
        return await service.acquire({ signal });
      });
    } catch (error) {
      if (aborted.signal.aborted) return statusOfSignal(aborted.signal.reason);
      throw explained(error, name);
    }
    try {
      return await runNamedProgram(client, environment(handle, name, pairs), relay, terminal);
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

/** The client's environment: ours, what is known of the service, and what the user adds. */
function environment(
  { host, port, pid }: ServiceHandle,
  name: string,
  pairs: Readonly<Record<string, string>>,
): Record<string, string> {
  const facts = { name, host, port, pid };
  const added = Object.entries(pairs).map(([key, value]) => [key, fillIn(value, facts)]);
  const known = {
    PROCREF_NAME: name,
    PROCREF_HOST: host,
    PROCREF_PORT: port?.toString(),
    PROCREF_PID: pid?.toString(),
  };
  return mergedVariables([process.env, known, Object.fromEntries(added)]);
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

/** What an option of the library is called here. */
function optionOf(field: string | undefined): string {
  const named = { command: "--start", lingerMs: "--linger", stopSignal: "--stop-signal" }[field ?? ""];
  return named ?? (field !== undefined && field in RUN.options ? `--${field}` : field ?? "configuration");
}

/** The same error in the words of the command line. */
function explained(error: unknown, name: string): unknown {
  if (!isProcrefError(error)) return error;
  const { code, details } = error;
  if (code === "CONFIG_MISMATCH") {
    const message =
      `Cannot share "${name}": it runs already with another ${optionOf(details.field)}; give the same, choose ` +
      `another NAME or --namespace, or leave out --start to join it as it is`;
    return new ProcrefError(code, message, { cause: error, details });
  }
  if (details.path === NO_PROGRAM) return notRunning(name, "it ended a moment ago");
  const log = details.log === undefined || details.log === "" ? "" : `\nthe last lines that it wrote:\n${details.log}`;
  return log === "" || error.message.includes(details.log!) ? error : new ProcrefError(code, error.message + log, {
    cause: error,
    details,
  });
}
