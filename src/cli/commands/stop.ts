/**
 * `procref stop`
 *
 * @module
 */

import { Catalog } from "../../service/catalog.ts";
import { stopService } from "../../service/stop_service.ts";
import { type Command, EXIT } from "../command.ts";
import { type Arguments, NAMESPACE, WHERE } from "../options.ts";
import { withProgress } from "../progress.ts";
import { describeHolders, held, reportOf } from "../service_report.ts";
import { servicesLike } from "../similar_services.ts";
import type { Terminal } from "../terminal.ts";

/** Stops a service. */
export const STOP: Command = {
  name: "stop",
  usage: "NAME [--force]",
  summary: "stop a service that nobody holds, or any by force",
  details:
    "A service that is held is left alone, and its holders are listed. With --force it is stopped under them.\n\n" +
    "exit codes: 0 stopped, 1 held or not to be stopped, 3 not running",
  options: {
    force: { help: "stop it even while it is held" },
    "stop-timeout": { value: "10s", help: "how long it may take to end by itself; SIGKILL follows" },
    ...NAMESPACE,
    ...WHERE,
  },
  async run(args: Arguments, terminal: Terminal): Promise<number> {
    const catalog = new Catalog(args.where());
    const entry = catalog.entry(args.name(), args.text("namespace"));
    const force = args.has("force");
    const stopTimeoutMs = args.durationMs("stop-timeout") ?? 10_000;
    const { name, namespace } = entry.object;
    const stopped = await withProgress(
      terminal,
      () => `stopping ${name}`,
      () => stopService(entry, { force, stopTimeoutMs, waitMs: 60_000 }),
    );
    switch (stopped.outcome) {
      case "stopped":
        terminal.out(`stopped ${name}${stopped.process === "killed" ? " by SIGKILL" : ""}\n`);
        return EXIT.ok;
      case "not-running":
        terminal.err(`procref: ${name} is not running\n${servicesLike(catalog, { name, namespace })}`);
        return EXIT.notRunning;
      case "held": {
        const report = reportOf(stopped.status);
        terminal.err(
          `procref: ${name} is not stopped, for ${held(report.references)}; --force stops it even so\n` +
            describeHolders(terminal, report),
        );
        return EXIT.failed;
      }
    }
  },
};
