/**
 * Servers of several makes, by what they can do: how one ends in good order, and by force. No runtime is named here; the
 * shapes are those of `Deno.serve`, `Bun.serve` and `node:http`.
 *
 * @module
 */

import type { EventEmitter } from "node:events";
import { ProcrefError } from "../errors.ts";

/** A server as `Deno.serve` gives it. */
export interface FinishingServer {
  /** Resolves when the server has closed. */
  readonly finished: Promise<unknown>;
  /** Takes no new connections, and closes when the requests that run are answered. */
  shutdown(): Promise<unknown>;
}

/** A server as `Bun.serve` gives it. */
export interface StoppingServer {
  /** Takes no new connections; resolves when the requests that run are answered, or are cut off. */
  stop(closeActiveConnections?: boolean): unknown;
}

/** A server of `node:http`, `node:https` or `node:net`. */
export interface ClosingServer extends Pick<EventEmitter, "once" | "off"> {
  /** Whether it listens. */
  readonly listening: boolean;
  /** Takes no new connections. */
  close(done?: (error?: Error) => void): unknown;
  /** Closes connections on which no request runs. */
  closeIdleConnections?(): void;
  /** Closes all connections. */
  closeAllConnections?(): void;
}

/** A server that can end in good order. */
export type GracefulServer = FinishingServer | StoppingServer | ClosingServer;

/** A server of whatever make. */
export interface RunningServer {
  /** Resolves once it takes connections; rejects when it cannot. */
  readonly serving: Promise<void>;
  /** Resolves when it has closed, rejects when it broke down. */
  readonly ended: Promise<void>;
  /** Takes no new connections, and closes when the requests that run are answered. */
  stop(): void;
  /** Cuts off what still runs. */
  force(): void;
}

/** How often idle connections are looked for while a server ends, in milliseconds: some runtimes do so only when told. */
const IDLE_MS = 25;

/**
 * What a server of any known make can do.
 *
 * @param cut is aborted to cut off the connections of a server that can be ended by its caller's signal alone
 * @throws ProcrefError `INVALID_ARGUMENT`
 */
export function runningServer(server: GracefulServer, cut: AbortController): RunningServer {
  const has = (method: string): boolean =>
    typeof (server as unknown as Record<string, unknown>)?.[method] === "function";
  if (has("shutdown") && "finished" in server) return finishing(server, cut);
  if (has("stop")) return stopping(server as StoppingServer);
  if (has("close") && has("once")) return closing(server as ClosingServer);
  throw new ProcrefError(
    "INVALID_ARGUMENT",
    "Cannot serve: give a server of Deno.serve, Bun.serve or node:http, or a function that starts one",
    { details: { field: "server" } },
  );
}

function finishing(server: FinishingServer, cut: AbortController): RunningServer {
  return {
    serving: Promise.resolve(),
    ended: server.finished.then(() => {}),
    stop: () => void server.shutdown(),
    force: () => cut.abort(),
  };
}

function stopping(server: StoppingServer): RunningServer {
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  const stop = (force: boolean): void =>
    void Promise.resolve().then(() => server.stop(force)).then(() => resolve(), reject);
  return { serving: Promise.resolve(), ended, stop: () => stop(false), force: () => stop(true) };
}

function closing(server: ClosingServer): RunningServer {
  const ended = new Promise<void>((resolve, reject) => {
    server.once("close", resolve);
    server.once("error", reject);
  });
  const serving = new Promise<void>((resolve, reject) => {
    if (server.listening) resolve();
    server.once("listening", resolve);
    server.once("error", reject);
  });
  return {
    serving,
    ended,
    stop(): void {
      server.close();
      const timer = setInterval(() => server.closeIdleConnections?.(), IDLE_MS);
      server.closeIdleConnections?.();
      server.once("close", () => clearInterval(timer));
    },
    force: () => server.closeAllConnections?.(),
  };
}
