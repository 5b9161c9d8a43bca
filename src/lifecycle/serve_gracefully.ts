/**
 * Serving until the program ends, and ending in good order.
 *
 * | state | what happens | what leads on |
 * | --- | --- | --- |
 * | starting | the server is made, or begins to listen | it takes connections; it fails (`SERVICE_START`) |
 * | serving | | the shutdown reaches it, the given signal aborts, or it is closed by others (`"ended"`) |
 * | draining | no new connections; idle ones are closed; requests that run are answered | all answered (`"drained"`); the grace is over |
 * | forcing | what still runs is cut off | closed (`"forced"`) |
 *
 * The grace begins when the draining does, whatever has been aborted before. When the process is killed, the system
 * closes all connections.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";
import { type Lifecycle, processLifecycle } from "./lifecycle.ts";
import { type GracefulServer, type RunningServer, runningServer } from "./servers.ts";

/** How a server is kept and ended. */
export interface ServeOptions {
  /** Ends the server instead of a shutdown hook. */
  readonly signal?: AbortSignal;
  /** How long requests that run may still take, in milliseconds: 10,000 unless given. */
  readonly graceMs?: number;
  /** The life whose shutdown ends the server, without `signal`: that of this process unless given. */
  readonly lifecycle?: Lifecycle;
  /** What the shutdown hook is called: `"server"` unless given. */
  readonly name?: string;
  /** Is called once the server takes connections. What it throws ends the server. */
  readonly onServing?: () => unknown;
}

/** How serving ended. */
export interface ServeReport {
  /** All requests were answered, some were cut off, or the server was closed by others. */
  readonly outcome: "drained" | "forced" | "ended";
}

/** A server, or what starts one: its signal aborts when connections are to be cut off (pass it on to `Deno.serve`). */
export type ServerSource = GracefulServer | ((cut: AbortSignal) => GracefulServer | Promise<GracefulServer>);

const GRACE_MS = 10_000;
/** How long a server may take to close after its connections were cut off. */
const FORCE_MS = 1000;

/**
 * Serves until the program shuts down, or a signal aborts; then takes no new connections, lets the requests that run be
 * answered, and cuts off what is left after the grace. Idle connections that are kept alive hold nothing up.
 *
 * Without `signal` it registers a shutdown hook: what was registered before it (the database that requests need) is
 * closed after it, and the file of the instance goes last.
 *
 * @param source a server of `Deno.serve`, `Bun.serve` or `node:http`, or a function that starts one. Only connections of
 * a server of `Deno.serve` whose function has passed on its signal can be cut off before the process ends
 * @param options what ends it, and how long the requests may take
 * @returns resolves when the server has closed, and says how
 * @throws ProcrefError `SERVICE_START` when it cannot be started (its port is taken; `cause` says it); `SERVICE_LOST`
 * when it breaks down; `INVALID_ARGUMENT`; `CLOSED` when the shutdown is over; the reason of a signal that had aborted
 *
 * @example
 * ```ts
 * import { serveGracefully } from "@procref/core/lifecycle";
 * import { createServer } from "node:http";
 * import assert from "node:assert/strict";
 *
 * const stop = new AbortController();
 * const server = createServer((_, response) => response.end("hello")).listen(0, "127.0.0.1");
 * const served = serveGracefully(server, { signal: stop.signal, graceMs: 5000 });
 * stop.abort();
 * assert.deepEqual(await served, { outcome: "drained" });
 * ```
 */
export async function serveGracefully(source: ServerSource, options: ServeOptions = {}): Promise<ServeReport> {
  const { signal, graceMs = GRACE_MS, lifecycle = processLifecycle(), name = "server", onServing } = options;
  const drained = Promise.withResolvers<ServeReport>();
  drained.promise.catch(() => {});
  let server: RunningServer | undefined;
  const begin = Promise.withResolvers<void>();
  const drain = async (): Promise<ServeReport> => {
    begin.resolve();
    return await drained.promise;
  };
  const leave = signal === undefined
    ? lifecycle.registerShutdownHook(drain, { name, timeoutMs: graceMs + 2 * FORCE_MS })
    : listen(signal, () => begin.resolve());
  try {
    signal?.throwIfAborted();
    server = await start(source);
    await onServing?.();
    const ended = server.ended.then(() => "ended" as const, (cause) => Promise.reject(lost(cause)));
    const first = await Promise.race([ended, begin.promise]);
    const report = { outcome: first ?? await end(server, graceMs) };
    drained.resolve(report);
    return report;
  } catch (error) {
    // Nothing of it is left; the hook, if it runs already, has nothing to wait for.
    drained.resolve({ outcome: "ended" });
    if (server !== undefined) await end(server, 0).catch(() => {});
    throw error;
  } finally {
    leave();
  }
}

async function start(source: ServerSource): Promise<RunningServer> {
  try {
    const cut = new AbortController();
    const server = runningServer(typeof source === "function" ? await source(cut.signal) : source, cut);
    server.ended.catch(() => {});
    await server.serving;
    return server;
  } catch (cause) {
    if (cause instanceof ProcrefError) throw cause;
    throw new ProcrefError("SERVICE_START", `Cannot start the server: ${reasonOf(cause)}`, { cause });
  }
}

async function end(server: RunningServer, graceMs: number): Promise<"drained" | "forced"> {
  server.stop();
  if (await endsWithin(server, graceMs)) return "drained";
  server.force();
  await endsWithin(server, FORCE_MS);
  return "forced";
}

async function endsWithin({ ended }: RunningServer, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), ms);
  try {
    return await Promise.race([ended.then(() => true, () => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function listen(signal: AbortSignal, listener: () => void): () => void {
  signal.addEventListener("abort", listener, { once: true });
  return () => signal.removeEventListener("abort", listener);
}

function lost(cause: unknown): ProcrefError {
  return new ProcrefError("SERVICE_LOST", `Cannot go on serving: ${reasonOf(cause)}`, { cause });
}

/** With the system's word for it, which not every runtime puts into its message. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const { code } = cause as NodeJS.ErrnoException;
  return code === undefined || cause.message.includes(code) ? cause.message : `${cause.message} (${code})`;
}
