/**
 * The life of a program that serves: one instance at a time, an orderly end, a daemon that says when it serves, and a
 * configuration that may change meanwhile.
 *
 * | part | what it is for |
 * | --- | --- |
 * | {@link runMain} | the whole: signals, one instance, the main function, hooks, exit status |
 * | {@link ensureSingleInstance}, {@link status} | one instance, by a lock that the kernel gives back |
 * | {@link handleSignals}, {@link registerShutdownHook} | the orderly end |
 * | {@link serveGracefully} | a server that answers what it has begun |
 * | {@link daemonize} | the same program, detached, with a word when it serves |
 * | {@link loadConfig} | a JSON file, watched |
 *
 * @example A server with one instance
 * ```ts
 * import { runMain, serveGracefully, status } from "@procref/core/lifecycle";
 * import { createServer } from "node:http";
 * import assert from "node:assert/strict";
 *
 * await runMain(async (lifecycle) => {
 *   assert.ok(status("served.pid").running);
 *   const server = createServer((_, response) => response.end("hello")).listen(0, "127.0.0.1");
 *   const onServing = (): unknown => lifecycle.shutdown({ reason: "an example is short" });
 *   await serveGracefully(server, { onServing: () => void onServing() });
 * }, { instance: "served.pid", graceMs: 5000 });
 * ```
 *
 * @module
 */

import "../process/every_system.ts";

export { type ClosingServer, type FinishingServer, type GracefulServer, type StoppingServer } from "./servers.ts";
export { type ConfigOptions, loadConfig, WatchedConfig } from "./watched_config.ts";
export { type Daemon, daemonize, type DaemonOptions, type Launcher } from "./daemonize.ts";
export { ensureSingleInstance, Instance, type InstanceOptions } from "./instance.ts";
export { handleSignals, type SignalHandling, type SignalOptions } from "./handle_signals.ts";
export { type InstanceStatus, status } from "./status.ts";
export {
  Lifecycle,
  type LifecycleState,
  processLifecycle,
  registerShutdownHook,
  type ShutdownOptions,
  type ShutdownReport,
} from "./lifecycle.ts";
export { type Main, runMain, type RunMainOptions } from "./run_main.ts";
export { serveGracefully, type ServeOptions, type ServeReport, type ServerSource } from "./serve_gracefully.ts";
export type { HookOutcome, ShutdownHook, ShutdownHookContext, ShutdownHookOptions } from "./shutdown_hooks.ts";
